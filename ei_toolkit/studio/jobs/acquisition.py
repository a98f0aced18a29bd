"""A reader of CBOR (RFC 8949): what data acquisition files use, bounded against hostile input."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.parameters import read_json

DEEPEST = 32
SIMPLE = {20: False, 21: True, 22: None, 23: None}


def decode(data: bytes) -> Any:
    """The value in `data`. Raises ValueError for anything malformed."""
    return _Reader(data).value(0)


_BREAK = object()


@dataclass
class _Reader:
    data: bytes
    at: int = 0

    def value(self, depth: int) -> Any:
        """The next data item."""
        if depth > DEEPEST:
            raise ValueError("CBOR is nested too deeply")
        head = self._take(1)[0]
        major, info = head >> 5, head & 31
        if major == 7:
            return self._simple(info)
        return self._sized(major, info, depth)

    def _sized(self, major: int, info: int, depth: int) -> Any:
        length = None if info == 31 else self._argument(info)
        if major in (0, 1):
            return self._known(length) if major == 0 else -1 - self._known(length)
        if major in (2, 3):
            return self._string(major, length, depth)
        if major == 4:
            return list(self._items(length, depth))
        if major == 5:
            keys_and_values = list(self._items(None if length is None else 2 * length, depth))
            return dict(zip(keys_and_values[::2], keys_and_values[1::2], strict=True))
        return self.value(depth + 1)  # a tag says what the next item means; acquisition files need no tag

    def _string(self, major: int, length: int | None, depth: int) -> Any:
        if length is None:
            parts = list(self._items(None, depth))
            return b"".join(parts) if major == 2 else "".join(parts)
        raw = self._take(length)
        return raw if major == 2 else raw.decode("utf-8")

    def _items(self, length: int | None, depth: int) -> Iterator[Any]:
        if length is not None and length > len(self.data):
            raise ValueError("CBOR promises more than it holds")
        count = 0
        while length is None or count < length:
            item = self.value(depth + 1)
            if item is _BREAK:
                if length is not None:
                    raise ValueError("CBOR breaks off")
                return
            yield item
            count += 1

    def _simple(self, info: int) -> Any:
        if info in SIMPLE:
            return SIMPLE[info]
        if info == 31:
            return _BREAK
        sizes = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}
        if info not in sizes:
            raise ValueError("CBOR holds a value of an unknown kind")
        form, size = sizes[info]
        return struct.unpack(form, self._take(size))[0]

    def _argument(self, info: int) -> int:
        if info < 24:
            return info
        if info > 27:
            raise ValueError("CBOR holds a length of an unknown form")
        return int.from_bytes(self._take(1 << (info - 24)), "big")

    def _known(self, length: int | None) -> int:
        if length is None:
            raise ValueError("CBOR holds a number without a value")
        return length

    def _take(self, size: int) -> bytes:
        if self.at + size > len(self.data):
            raise ValueError("CBOR ends too early")
        taken = self.data[self.at : self.at + size]
        self.at += size
        return taken


SHORTEST_INTERVAL_MS = 1e-6
LONGEST_MS = 100 * 366 * 24 * 3_600_000.0


@dataclass(frozen=True)
class Acquisition:
    """One recording; `values` is (n, sensors)."""

    interval_ms: float
    sensors: tuple[tuple[str, str], ...]
    values: npt.NDArray[np.float32]
    device_name: str | None
    device_type: str | None


def read_acquisition(data: bytes, form: str) -> Acquisition:
    """Read the bytes of a file; refuses what is not in the format."""
    try:
        payload = (read_json(data) if form == "json" else decode(data))["payload"]
        sensors = tuple((str(sensor["name"]), str(sensor.get("units", ""))) for sensor in payload["sensors"])
        interval = float(payload["interval_ms"])
        values = _table(payload["values"], len(sensors))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ApiError("The file is not in the data acquisition format") from error
    if not sensors or interval <= 0 or not np.isfinite(interval) or not len(values):
        raise ApiError("The acquisition file needs sensors, an interval above 0, and values")
    if interval < SHORTEST_INTERVAL_MS or interval * len(values) > LONGEST_MS:
        raise ApiError("The acquisition file's interval is too short, or too long for that many values")
    return Acquisition(interval, sensors, values, _text(payload.get("device_name")), _text(payload.get("device_type")))


def _table(values: Sequence[Any], sensors: int) -> npt.NDArray[np.float32]:
    if any(isinstance(value, str) for value in values[:1]):
        raise ApiError("Binary payloads (Ref-Binary) are not implemented by the local studio")
    table = np.asarray(values, np.float32)
    table = table.reshape(-1, 1) if table.ndim == 1 and sensors == 1 else table
    if table.ndim != 2 or table.shape[1] != sensors or not np.isfinite(table).all():
        raise ValueError("values do not match the sensors")
    return table


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
