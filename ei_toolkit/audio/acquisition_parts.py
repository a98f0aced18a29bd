"""A data acquisition file in parts: what surrounds its values, and the rows of values a batch at a time.

Python needs 10 to 100 times the size of a file for its values as lists, so that a file over `LARGEST_AT_ONCE` bytes is
never parsed as a whole. The files are untrusted.
"""

from __future__ import annotations

import io
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import cbor2
import msgspec

from ei_toolkit.config.untrusted_json import NestedTooDeeply, read_json

LARGEST_AT_ONCE = 2**20  # bytes of a file, and of the text of a batch of rows
LARGEST_ROW = 4 * LARGEST_AT_ONCE
ROWS_AT_ONCE = 65_536  # of a CBOR file
MOST_CBOR_LEVELS = 32
EMPTY = re.compile(rb"\[\s*\]")
NESTED = re.compile(rb"\s*\[")
END_OF_ROW = re.compile(rb"\]\s*,")
COMMA = re.compile(rb",")
MAP, TAG, ARRAY = 5, 6, 4  # major types of CBOR
BREAK = b"\xff"


@dataclass(frozen=True)
class Parts:
    """The document without its values, and a function that reads the rows of values a batch at a time.

    The function raises ValueError for rows that cannot be read. Where `values` is no list of a large file, it is in the
    document, and there is no function.
    """

    document: Any
    rows: Callable[[], Iterator[list[Any]]] | None = None


def json_parts(data: bytes) -> Parts:
    """Split a JSON file, which may begin with a byte order mark. Raises ValueError for invalid JSON."""
    if len(data) <= LARGEST_AT_ONCE:
        return Parts(read_json(data))
    try:
        return _json_parts(_utf8(data))
    except RecursionError as error:
        raise NestedTooDeeply from error


def cbor_parts(data: bytes) -> Parts:
    """Split a CBOR file (RFC 8949). Raises ValueError for invalid or too deeply nested data."""
    if len(data) <= LARGEST_AT_ONCE:
        return Parts(read_cbor(data))
    items, places = _Items(data), list[tuple[int, int | None]]()
    try:
        document = _cbor_map(
            items, {"payload": lambda: _cbor_map(items, {"values": lambda: _pass_rows(items, places)})}
        )
    except cbor2.CBORDecodeError as error:
        raise ValueError(str(error)) from error
    return Parts(document, (lambda: _cbor_batches(data, *places[-1])) if places else None)


def read_cbor(data: bytes) -> Any:
    """Return the first CBOR data item (RFC 8949). Raises ValueError for invalid or too deeply nested data.

    Semantic tags are skipped and their content is returned. The file format needs none, and the decoders of cbor2 for
    shared references would let a short file describe cyclic or very large data.
    """
    try:
        return _decoder(io.BytesIO(data)).decode()
    except cbor2.CBORDecodeError as error:
        raise ValueError(str(error)) from error


class _Document(msgspec.Struct):
    payload: msgspec.Raw = msgspec.Raw()
    protected: msgspec.Raw = msgspec.Raw()
    signature: msgspec.Raw = msgspec.Raw()


class _Payload(msgspec.Struct):
    interval_ms: msgspec.Raw = msgspec.Raw()
    sensors: msgspec.Raw = msgspec.Raw()
    device_name: msgspec.Raw = msgspec.Raw()
    device_type: msgspec.Raw = msgspec.Raw()
    values: msgspec.Raw = msgspec.Raw()


def _utf8(data: bytes) -> bytes | memoryview:
    encoding = json.detect_encoding(data)
    if encoding == "utf-8":
        return data
    return memoryview(data)[3:] if encoding == "utf-8-sig" else data.decode(encoding).encode()


def _json_parts(data: bytes | memoryview) -> Parts:
    outer = _members(data, _Document)
    if outer is None:
        return Parts([])  # as for every other value that is no object
    document = {name: _member(name, raw) for name, raw in outer.items() if name != "payload"}
    payload = _members(outer["payload"], _Payload) if "payload" in outer else {}
    if not payload:
        return Parts(document | {name: _member(name, raw) for name, raw in outer.items() if name == "payload"})
    values = bytes(payload["values"][:2]) if "values" in payload else b""
    if not values.startswith(b"[") or EMPTY.fullmatch(payload["values"]):
        return Parts({**document, "payload": {name: _member(name, raw) for name, raw in payload.items()}})
    content = payload.pop("values")[1:-1]
    members = {name: _member(name, raw) for name, raw in payload.items()}
    return Parts({**document, "payload": {**members, "values": None}}, lambda: _json_batches(content))


def _members(data: bytes | memoryview, kind: type[_Document | _Payload]) -> dict[str, memoryview] | None:
    """Return the texts of the members of an object that have a name in `kind`; None for another value."""
    try:
        found = msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError:
        return None
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error
    raws = {name: memoryview(getattr(found, name)) for name in kind.__struct_fields__}
    return {name: raw for name, raw in raws.items() if len(raw)}


def _member(name: str, raw: memoryview) -> Any:
    if len(raw) > LARGEST_AT_ONCE:
        raise ValueError(f"{name} has more than {LARGEST_AT_ONCE} bytes")
    return read_json(bytes(raw))


def _json_batches(content: memoryview) -> Iterator[list[Any]]:
    """Yield the rows between the brackets of `values`, cut at ends of rows."""
    end_of_row, kept = (END_OF_ROW, 1) if NESTED.match(content) else (COMMA, 0)
    at = 0
    while at < len(content):
        found = end_of_row.search(content, at + LARGEST_AT_ONCE, at + LARGEST_AT_ONCE + LARGEST_ROW)
        if found is None and len(content) - at > LARGEST_AT_ONCE + LARGEST_ROW:
            raise ValueError(f"a row of values has more than {LARGEST_ROW} bytes")
        end, following = (found.start() + kept, found.end()) if found else (len(content), len(content))
        try:
            rows: list[Any] = json.loads(b"[" + bytes(content[at:end]) + b"]")
        except (ValueError, RecursionError) as error:
            raise ValueError("values is no table of numbers") from error
        yield rows
        at = following


def _decoder(file: io.BytesIO) -> cbor2.CBORDecoder:
    """Return a decoder that reads no further than the item that it decodes."""
    skip_tags: defaultdict[int, Any] = defaultdict(lambda: lambda content, immutable: content)
    return cbor2.CBORDecoder(file, read_size=1, max_depth=MOST_CBOR_LEVELS, semantic_decoders=skip_tags)


class _Items:
    """The items of CBOR data, one after the other.

    The decoder has `LARGEST_AT_ONCE` bytes at a time and an item may have no more, so that it takes little memory. The
    process cannot continue if cbor2 finds none.
    """

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = memoryview(data)
        self._open(at)

    @property
    def at(self) -> int:
        """Where the next item begins."""
        return self._start + self._file.tell()

    def decode(self, *, immutable: bool = False) -> Any:
        """Return the next item. Raises CBORDecodeError, and ValueError for one that is too large."""
        at = self.at
        try:
            return self._decoder.decode(immutable=immutable)
        except cbor2.CBORDecodeEOF:
            if at + LARGEST_AT_ONCE >= len(self._data) and at == self._start:
                raise
            if at == self._start:
                raise ValueError(f"an item has more than {LARGEST_AT_ONCE} bytes") from None
        self._open(at)
        return self.decode(immutable=immutable)

    def head(self) -> tuple[int, int | None]:
        """Read the head of an item behind its tags: its major type and its argument, None for an indefinite length."""
        while True:
            first = self.read(1)
            if not first:
                raise ValueError("it ends too early")
            major, info = first[0] >> 5, first[0] & 31
            argument = None if info > 27 else info if info < 24 else int.from_bytes(self.read(1 << (info - 24)))
            if major != TAG:
                return major, argument

    def read(self, count: int) -> bytes:
        """Return the next bytes; fewer at the end."""
        found = self._file.read(count)
        if len(found) < count:
            self._open(self.at - len(found))
            found = self._file.read(count)
        return found

    def go_back(self, at: int) -> None:
        """Continue at an earlier place."""
        self._open(at)

    def rest(self, count: int | None) -> Iterator[None]:
        """Yield before each item of an array or a map, which the caller reads; read the break of an indefinite one."""
        if count is not None:
            for _ in range(count):
                yield
            return
        while (first := self.read(1)) != BREAK:
            self.go_back(self.at - len(first))
            yield

    def _open(self, at: int) -> None:
        self._start = at
        self._file = io.BytesIO(self._data[at : at + LARGEST_AT_ONCE])
        self._decoder = _decoder(self._file)


def _cbor_map(items: _Items, special: Mapping[str, Callable[[], Any]]) -> Any:
    """Read a map, whose members of some names are read by functions. Another item is returned as it is."""
    start = items.at
    major, count = items.head()
    if major != MAP:
        items.go_back(start)
        return items.decode()
    members: dict[Any, Any] = {}
    for _ in items.rest(count):
        name = items.decode(immutable=True)
        read = special.get(name) if isinstance(name, str) else None
        members[name] = read() if read else items.decode()
    return members


def _pass_rows(items: _Items, places: list[tuple[int, int | None]]) -> Any:
    """Note where the items of an array begin and how many there are, and pass over them. Return None for an array.

    Another item, and an empty array, is returned as it is.
    """
    start = items.at
    major, count = items.head()
    first = items.at
    if major != ARRAY or count == 0 or items.read(1) == BREAK:
        items.go_back(start)
        return items.decode()
    items.go_back(first)
    places.append((first, count))
    for index, _ in enumerate(items.rest(count)):
        if items.decode() == []:
            raise ValueError(f"values[{index}] has 0 numbers")
    return None


def _cbor_batches(data: bytes, start: int, count: int | None) -> Iterator[list[Any]]:
    items, batch = _Items(data, start), list[Any]()
    for _ in items.rest(count):
        batch.append(items.decode())
        if len(batch) == ROWS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
