"""Check that a file can be written before a command computes what it writes into it."""

from __future__ import annotations

import os
from pathlib import Path

from ei_toolkit.errors import UsageError


def check_output(file: Path) -> Path:
    """Return the file. Raises UsageError if it is a folder, or its folder does not exist or cannot be written to."""
    folder = file.parent
    if file.is_dir():
        raise UsageError(f"cannot write {file}", why="it is a folder", hint="Name a file in it.")
    if not folder.is_dir():
        raise UsageError(f"cannot write {file}", why=f"there is no folder {folder}", hint=f"Make it: mkdir -p {folder}")
    if not os.access(folder, os.W_OK):
        why = f"{folder} may not be written to"
        raise UsageError(f"cannot write {file}", why=why, hint="Name a file in another folder.")
    return file
