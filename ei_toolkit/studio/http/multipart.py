"""Multipart bodies, streamed to disk. The content type of a part is ignored, since clients send wrong ones."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from ei_toolkit.config.units import mib
from ei_toolkit.dataset.manifest import LARGEST_FILE_BYTES
from ei_toolkit.studio.http.errors import Malformed, TooLarge
from ei_toolkit.studio.http.sample_labels import safe_filename
from ei_toolkit.studio.store.packs import Pack, PackEntry

PIECE = 1 << 20  # bytes to hash and write in a thread at once: starting it takes as long as 100 kB
BOUNDARY = re.compile(rb'boundary="?([^";,\s]{1,200})"?', re.IGNORECASE)


@dataclass(frozen=True)
class Bounds:
    """How much one request may have; sizes in bytes."""

    file_size: int = LARGEST_FILE_BYTES
    files: int = 1000


@dataclass
class Part:
    """One part on disk. `error` is the reason why its bytes were not stored."""

    name: str
    filename: str
    content: PackEntry
    error: str = ""


@dataclass
class _Reception:
    """State of a body that is being read; the parser calls its methods."""

    pack: Pack
    bounds: Bounds
    parts: list[Part] = field(default_factory=list)
    complete: bool = False
    _field: bytes = b""
    _value: bytes = b""
    _disposition: bytes = b""

    def callbacks(self) -> dict[str, Callable[..., None]]:
        return {
            "on_part_begin": self._begin,
            "on_header_begin": self._header_begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._open,
            "on_part_data": self._data,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._disposition = b""
        if len(self.parts) >= self.bounds.files:
            raise TooLarge(f"The request has more than the {self.bounds.files} files that are accepted")

    def _header_begin(self) -> None:
        self._field = self._value = b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value

    def _open(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name", b"").decode("utf-8", "replace")
        filename = safe_filename(options.get(b"filename", b"").decode("utf-8", "replace"))
        self.parts.append(Part(name, filename, self.pack.begin()))

    def _data(self, data: bytes, start: int, end: int) -> None:
        part = self.parts[-1]
        if part.content.size + end - start > self.bounds.file_size:
            part.error = f"The file has more than the {mib(self.bounds.file_size)} that are accepted"
        if not part.error:
            part.content.write(memoryview(data)[start:end])

    def _end(self) -> None:
        self.complete = True


Work = Callable[[Callable[[bytes], object], bytes], Awaitable[object]]
"""Runs a function with a piece of a body in a thread."""


async def receive(
    content_type: str, body: AsyncIterator[bytes], pack: Pack, bounds: Bounds, work: Work = run_in_threadpool
) -> list[Part]:
    """Read a body into parts of a pack. Raises Malformed and TooLarge."""
    found = BOUNDARY.search(content_type.encode("latin-1", "replace"))
    if not found or "multipart/form-data" not in content_type.lower():
        raise Malformed(f"The content type must be multipart/form-data with a boundary, but is {content_type[:60]!r}")
    reception = _Reception(pack, bounds)
    try:
        parser = MultipartParser(found[1], reception.callbacks())  # type: ignore[arg-type]  # a TypedDict of the same names
        async for piece in gathered(body, PIECE):
            await work(parser.write, piece)
    except MultipartParseError as error:
        raise Malformed(f"The multipart body cannot be read: {error}") from error
    if not reception.complete:
        raise Malformed("The multipart body is incomplete: it ends before its last boundary")
    return reception.parts


async def gathered(body: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """Yield the same bytes in pieces of at least `size`; the last may be smaller."""
    waiting, held = list[bytes](), 0
    async for chunk in body:
        waiting.append(chunk)
        held += len(chunk)
        if held >= size:
            yield b"".join(waiting)
            waiting, held = [], 0
    yield b"".join(waiting)
