"""A multipart body that is never in one piece: copying it together takes longer than sending it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence

from urllib3.fields import RequestField


class Multipart:
    """WAV files, by name and content, as the body of a request: its length is known, and it can be sent again."""

    def __init__(self, files: Sequence[tuple[str, bytes]]) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._parts = [(_head(boundary, name), content) for name, content in files]
        self._end = f"--{boundary}--\r\n".encode()

    def __len__(self) -> int:
        """Number of bytes."""
        return sum(len(head) + len(content) + 2 for head, content in self._parts) + len(self._end)

    def __iter__(self) -> Iterator[bytes]:
        """The body, one file at a time."""
        for head, content in self._parts:
            yield b"".join((head, content, b"\r\n"))
        yield self._end


def _head(boundary: str, name: str) -> bytes:
    part = RequestField("data", b"", filename=name)
    part.make_multipart(content_type="audio/wav")
    return f"--{boundary}\r\n{part.render_headers()}".encode()
