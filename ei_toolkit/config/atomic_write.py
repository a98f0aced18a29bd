"""Write a file or a folder whole or not at all: readers see the old content or the new one, never a part of it."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ei_toolkit.errors import UsageError
from ei_toolkit.system import O_BINARY


def write_text(file: Path, text: str) -> None:
    """Write `text` to `file` as UTF-8, as `write_bytes` does."""
    write_bytes(file, text.encode())


def write_bytes(file: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Write `data` to `file` in one step; `mode` is limited by the umask. Missing parent folders are created.

    Raises UsageError where `file` is a folder.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with replace_file(file) as partial:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | O_BINARY, mode)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)


@contextmanager
def replace_file(file: Path) -> Iterator[Path]:
    """Give the path of a partial file, which becomes `file` at the end of the block.

    An error in the block leaves the old file as it was and removes the partial one. The name of the partial file ends
    in `.part` and contains the ids of the process and of the thread, so two that write the same file do not share it.
    Raises UsageError where `file` is a folder.
    """
    if file.is_dir():
        raise UsageError(f"{file} is a folder", hint="Name a file to write.")
    partial = _partial(file)
    partial.unlink(missing_ok=True)
    try:
        yield partial
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def replace_folder(folder: Path) -> Iterator[Path]:
    """Give an empty partial folder, which becomes `folder` at the end of the block; an older `folder` is removed.

    An error in the block leaves the old folder as it was and removes the partial one.
    """
    partial = _partial(folder)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        shutil.rmtree(folder, ignore_errors=True)
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _partial(target: Path) -> Path:
    return target.with_name(f"{target.name}.{os.getpid()}.{threading.get_native_id()}.part")
