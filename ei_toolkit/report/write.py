"""Write a text file whole or not at all."""

from __future__ import annotations

from pathlib import Path


def write_text(file: Path, text: str) -> None:
    """Write `text` to `file` through a partial file, so that no reader ever sees half of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(file.name + ".part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)
