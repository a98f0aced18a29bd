"""The program `eitk`, and `python -m ei_toolkit`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the program. Ctrl-C during the imports ends it without a traceback."""
    try:
        from ei_toolkit.cli.app import main as run
    except KeyboardInterrupt:  # the imports take most of the start-up time
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
