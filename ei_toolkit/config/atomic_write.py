"""Write a file whole or not at all."""

from __future__ import annotations

from pathlib import Path

from ei_toolkit.errors import UsageError


def write_text(file: Path, text: str) -> None:
    """Write `text` to `file` as UTF-8, as `write_bytes` does."""
    write_bytes(file, text.encode())


def write_bytes(file: Path, data: bytes) -> None:
    """Write `data` to `file` through a partial file, so that no reader ever sees half of it.

    Raises UsageError where `file` is a folder.
    """
    if file.is_dir():
        raise UsageError(f"{file} is a folder", hint="Name a file to write.")
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(file.name + ".part")
    try:
        partial.write_bytes(data)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
