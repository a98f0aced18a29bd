"""The hook of pre-commit that checks every changed eitk.toml: `python -m ei_toolkit.cli.pre_commit FILE...`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ei_toolkit.api.settings_check import check_files, setting_faults
from ei_toolkit.config import load_config
from ei_toolkit.errors import EitkError


def main(files: Sequence[str]) -> int:
    """Print the faults of each file on stderr; return 1 if there is one. The clips are not read."""
    found = [fault for file in files if (fault := fault_of(Path(file)))]
    for fault in found:
        sys.stderr.write(f"{fault}\n")
    return bool(found)


def fault_of(file: Path) -> str:
    """Return what is wrong with an eitk.toml; "" if nothing is. Environment variables do not count."""
    try:
        check_files(load_config(file.resolve().parent, {}, check=setting_faults))
    except EitkError as error:
        return f"{error.what}\n{error.hint}".rstrip()
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
