"""What libraries in C and C++ print on the standard error of the process, past `sys.stderr`."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

STDERR = 2
_lock = threading.RLock()  # the file descriptor belongs to the whole process


@contextmanager
def captured_stderr(printed: bytearray) -> Iterator[None]:
    """Append to `printed` what is printed during the block, by any thread; if stderr is closed, there is nothing."""
    with _lock, tempfile.TemporaryFile() as sink:
        try:
            kept = os.dup(STDERR)
        except OSError:  # closed: nothing can be printed
            yield
            return
        os.dup2(sink.fileno(), STDERR)
        try:
            yield
        finally:
            os.dup2(kept, STDERR)
            os.close(kept)
            sink.seek(0)
            printed += sink.read()


def print_native(text: bytes) -> None:
    """Print bytes that were captured on the standard error of the process."""
    if text:
        os.write(STDERR, text)
