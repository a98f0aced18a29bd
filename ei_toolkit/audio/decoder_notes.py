"""What libmpg123 prints on stderr: kept from the user's terminal, and read, because it reports damaged frames."""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections.abc import Callable
from typing import TypeVar

STDERR = 2
NOTE = re.compile(rb"^\n?(\[src/libmpg123/|Warning: |Note: |Illegal Audio-MPEG).*\n?", re.MULTILINE)
ERROR = re.compile(rb"^\[src/libmpg123/.*\] error: (.*)$", re.MULTILINE)

Result = TypeVar("Result")
_lock = threading.RLock()  # the file descriptor belongs to the whole process


def with_notes(call: Callable[[], Result], errors: list[str]) -> Result:
    """Call a decoder and add the errors that it prints to `errors`; what others print meanwhile is printed after it."""
    with _lock, tempfile.TemporaryFile() as sink:
        try:
            kept = os.dup(STDERR)
        except OSError:  # closed: nothing can be printed
            return call()
        os.dup2(sink.fileno(), STDERR)
        try:
            return call()
        finally:
            os.dup2(kept, STDERR)
            os.close(kept)
            sink.seek(0)
            _sort(sink.read(), errors)


def _sort(printed: bytes, errors: list[str]) -> None:
    errors += [found.decode("utf-8", "replace").strip() for found in ERROR.findall(printed)]
    if rest := NOTE.sub(b"", printed):
        os.write(STDERR, rest)
