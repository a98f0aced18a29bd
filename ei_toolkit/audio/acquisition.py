"""Data acquisition files: recordings of sensors in Edge Impulse's JSON or CBOR format. The files are untrusted."""

from __future__ import annotations

import hmac
import math
import re
import reprlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.audio.acquisition_parts import Parts, cbor_parts, json_parts
from ei_toolkit.errors import DataError

SHORTEST_INTERVAL_MS = 1e-6
LONGEST_MS = 100 * 366 * 24 * 3_600_000.0
LARGEST_FLOAT32 = float(np.finfo(np.float32).max)
MOST_NAMED = 8  # sensors in a message
FULL_SCALE = 32768  # of samples of 16 bits
SIGNATURE = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True)
class AcquisitionInfo:
    """One recording without its values, of which there are `count` for each sensor; `sensors` holds (name, units).

    `signature_valid`: the file is signed with the key that it was checked with.
    """

    interval_ms: float
    sensors: tuple[tuple[str, str], ...]
    count: int
    device_name: str | None
    device_type: str | None
    signature_valid: bool


@dataclass(frozen=True)
class Acquisition(AcquisitionInfo):
    """One recording. `values` has the shape (n, sensors)."""

    values: npt.NDArray[np.float32]


MOST_FILE_BYTES = 256 * 2**20
LEAST_RATE = 1_000  # Hz; a sensor with a lower rate records no sound


def sound_of(path: Path) -> tuple[int, npt.NDArray[np.float32]]:
    """Return the sample rate in Hz and the samples, shape (n, 1) in −1…1, of a recording of one sensor.

    Values beyond −1…1 are samples of 16 bits, as the microphones of boards give them. Raises DataError, with a reason
    that begins with the file's name, for a file that is not in the format, has several sensors, or is no sound.
    """
    if path.stat().st_size > MOST_FILE_BYTES:
        raise DataError(f"{path.name}: larger than {MOST_FILE_BYTES // 2**20} MiB", hint="Store it as WAV.")
    try:
        found = read_acquisition(path.read_bytes(), path.suffix.lower().removeprefix("."))
    except DataError as error:
        raise DataError(f"{path.name}: {error.what[0].lower()}{error.what[1:]}") from None
    rate = 1000 / found.interval_ms
    if len(found.sensors) > 1 or rate < LEAST_RATE:
        names = ", ".join(name for name, _ in found.sensors[:MOST_NAMED])
        raise DataError(f"{path.name}: no sound: {names} at {rate:g} Hz")
    largest = float(np.abs(found.values).max())
    return round(rate), found.values / np.float32(FULL_SCALE) if largest > 1 else found.values


def read_acquisition(data: bytes, form: str, hmac_key: str = "") -> Acquisition:
    """Read the content of a file; `form` is json or cbor, `hmac_key` the key that its signature is checked with.

    Raises DataError with the reason for a file that is not in the format.
    """
    tables = bytearray()
    info = _read(data, form, hmac_key, tables)
    values = np.frombuffer(tables, np.float32).reshape(-1, len(info.sensors))
    return Acquisition(**vars(info), values=values)


def inspect_acquisition(data: bytes, form: str, hmac_key: str = "") -> AcquisitionInfo:
    """Check the whole content of a file as `read_acquisition` does, and keep no values."""
    return _read(data, form, hmac_key, None)


def _read(data: bytes, form: str, hmac_key: str, kept: bytearray | None) -> AcquisitionInfo:
    """Read a file; the values are appended to `kept`."""
    count = 0
    try:
        parts = _parts(data, form)
        document = parts.document
        payload = _member(document, "payload", dict, "an object")
        sensors = _sensors(_member(payload, "sensors", list, "a list"))
        interval = _interval(payload)
        batches = parts.rows() if parts.rows else iter([_member(payload, "values", list, "a list")])
        for table in _tables(batches, [name for name, _ in sensors]):
            count += len(table)
            if kept is not None:
                kept += table.tobytes()
    except ValueError as error:
        raise DataError(f"The file is not in the data acquisition format ({form}): {error}") from error
    if interval < SHORTEST_INTERVAL_MS or interval * count > LONGEST_MS:
        raise DataError(
            f"The interval of the data acquisition file, {interval:g} ms, is out of range for {count} values"
        )
    signed = bool(hmac_key) and _is_signed(data, document, hmac_key)
    name, kind = _text(payload.get("device_name")), _text(payload.get("device_type"))
    return AcquisitionInfo(interval, sensors, count, name, kind, signed)


def _parts(data: bytes, form: str) -> Parts:
    """The parts of a file, whose document is an object. Raises ValueError."""
    try:
        parts = json_parts(data) if form == "json" else cbor_parts(data)
    except ValueError as error:
        raise ValueError(f"it is no valid {form.upper()}: {error}") from error
    if not isinstance(parts.document, dict):
        raise ValueError(f"it is {_kind(parts.document)}, not an object")
    return parts


def _member(outer: dict[str, Any], name: str, kind: type, expected: str) -> Any:
    if outer.get(name) is None:
        raise ValueError(f"{name} is missing" if name not in outer else f"{name} is null")
    if not isinstance(outer[name], kind):
        raise ValueError(f"{name} is {_kind(outer[name])}, not {expected}")
    if kind is list and not outer[name]:
        raise ValueError(f"{name} is empty")
    return outer[name]


def _sensors(sensors: list[Any]) -> tuple[tuple[str, str], ...]:
    for index, sensor in enumerate(sensors):
        if not isinstance(sensor, dict) or sensor.get("name") is None:
            raise ValueError(f"sensors[{index}] has no name")
    return tuple((str(sensor["name"]), str(sensor.get("units", ""))) for sensor in sensors)


def _interval(payload: dict[str, Any]) -> float:
    value: Any = payload.get("interval_ms")
    if value is None:
        raise ValueError("interval_ms is null" if "interval_ms" in payload else "interval_ms is missing")
    try:
        interval = float(value)
    except (TypeError, ValueError, OverflowError):
        interval = 0.0
    if not 0 < interval < math.inf:
        raise ValueError(f"interval_ms must be a number above 0, but is {reprlib.repr(value)}")
    return interval


def _tables(batches: Iterator[list[Any]], sensors: Sequence[str]) -> Iterator[npt.NDArray[np.float32]]:
    first = 0
    for rows in batches:
        yield _table(rows, sensors, first)
        first += len(rows)


def _table(values: list[Any], sensors: Sequence[str], first: int) -> npt.NDArray[np.float32]:
    """Rows of values, from index `first` on, as (n, sensors). Raises ValueError with the first value that is wrong."""
    if isinstance(values[0], str) and values[0].startswith("Ref-Binary"):
        raise DataError("Binary payloads (Ref-Binary) are not supported")
    try:
        with np.errstate(over="ignore"):  # a number that float32 cannot hold becomes infinite and is reported below
            table = np.asarray(values, np.float32)
    except (ValueError, TypeError, OverflowError):
        table = np.empty(0, np.float32)
    table = table.reshape(-1, 1) if table.ndim == 1 and len(sensors) == 1 else table
    if table.ndim != 2 or table.shape[1] != len(sensors) or not len(table) or not np.isfinite(table).all():
        raise ValueError(_first_fault(values, sensors, first))
    return table


def _first_fault(values: list[Any], sensors: Sequence[str], first: int) -> str:
    """What is wrong with values that do not form a table of one finite number for each sensor."""
    names = f"{len(sensors)} sensors ({', '.join(sensors[:MOST_NAMED])})" if len(sensors) > 1 else "one sensor"
    lengths = {len(row) if isinstance(row, list) else 0 for row in values}
    if len(lengths) == 1 and (length := lengths.pop()) not in (len(sensors), 0):
        return f"every row of values has {length} numbers, and there {'are' if len(sensors) > 1 else 'is'} {names}"
    for index, row in enumerate(values, first):
        if not isinstance(row, list) and len(sensors) > 1:
            return f"values[{index}] is {_kind(row)}, not a list of one number for each of {names}"
        numbers = row if isinstance(row, list) else [row]
        if len(numbers) != len(sensors):
            verb = "are" if len(sensors) > 1 else "is"
            return f"values[{index}] has {len(numbers)} numbers, and there {verb} {names}"
        for name, number in zip(sensors, numbers, strict=True):
            if fault := _fault(number):
                return f"values[{index}] of the sensor {name} is {fault}"
    return "values is no table of numbers"


def _fault(number: Any) -> str:
    """What is wrong with one value; empty for a number that float32 can hold."""
    if number is None:
        return "null, not a number"
    try:
        value = float(number)
    except OverflowError:
        value = math.inf
    except (TypeError, ValueError):
        return f"{_kind(number)}, not a number"
    if math.isnan(value):
        return "not a number (NaN)"
    return f"{reprlib.repr(number)}, which is too large" if abs(value) > LARGEST_FLOAT32 else ""


def _is_signed(data: bytes, document: dict[str, Any], hmac_key: str) -> bool:
    """Whether the signature is the HMAC-SHA256 of the file with 64 zeros in place of the signature."""
    protected, signature = document.get("protected"), document.get("signature")
    if not isinstance(protected, dict) or protected.get("alg") != "HS256":
        return False
    if not isinstance(signature, str) or not SIGNATURE.fullmatch(signature):
        return False
    before, own, rest = data.find(signature.encode()), len(signature), memoryview(data)
    if before < 0:  # it was written with escapes
        return False
    expected = hmac.new(hmac_key.encode(), rest[:before], "sha256")
    expected.update(b"0" * own)
    expected.update(rest[before + own :])
    return hmac.compare_digest(expected.hexdigest(), signature.lower())


def _kind(value: Any) -> str:
    """The kind of a JSON value, as a noun."""
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}
    return "null" if value is None else names.get(type(value), f"a {type(value).__name__}")


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
