"""The program `eitk`, and `python -m ei_toolkit`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the program; a Ctrl-C while it is still starting ends it without a word."""
    try:
        from ei_toolkit.cli.app import main as run
    except KeyboardInterrupt:  # most of the start is spent on this import
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
