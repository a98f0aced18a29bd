"""Check that a file can be written before a command computes what it writes into it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ei_toolkit.errors import UsageError


def check_output(file: Path, suffixes: Sequence[str] = ()) -> Path:
    """Return the file.

    Raises UsageError if it is a folder, its folder does not exist or cannot be written to, or its name does not end in
    one of `suffixes`; without them, every ending is right.
    """
    folder = file.parent
    if suffixes and file.suffix not in suffixes:
        hint = f"Name a file that ends in {' or '.join(suffixes)}."
        raise UsageError(f"cannot write {file}", why="the ending is not known", hint=hint)
    if file.is_dir():
        raise UsageError(f"cannot write {file}", why="it is a folder", hint="Name a file in it.")
    if not folder.is_dir():
        raise UsageError(f"cannot write {file}", why=f"there is no folder {folder}", hint=f"Make it: mkdir -p {folder}")
    if not os.access(folder, os.W_OK):
        why = f"{folder} may not be written to"
        raise UsageError(f"cannot write {file}", why=why, hint="Name a file in another folder.")
    return file
