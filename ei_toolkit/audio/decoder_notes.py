"""What libmpg123 prints on stderr: kept from the user's terminal, and read, because it reports damaged frames."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from ei_toolkit.config.native_stderr import captured_stderr, print_native

NOTE = re.compile(rb"^\n?(\[src/libmpg123/|Warning: |Note: |Illegal Audio-MPEG).*\n?", re.MULTILINE)
ERROR = re.compile(rb"^\[src/libmpg123/.*\] error: (.*)$", re.MULTILINE)

Result = TypeVar("Result")


def with_notes(call: Callable[[], Result], errors: list[str]) -> Result:
    """Call a decoder and add the errors that it prints to `errors`; what others print meanwhile is printed after it."""
    printed = bytearray()
    try:
        with captured_stderr(printed):
            return call()
    finally:
        _sort(bytes(printed), errors)


def _sort(printed: bytes, errors: list[str]) -> None:
    errors += [found.decode("utf-8", "replace").strip() for found in ERROR.findall(printed)]
    print_native(NOTE.sub(b"", printed))
