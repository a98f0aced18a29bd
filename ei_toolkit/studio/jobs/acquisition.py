"""Data acquisition files: recordings of sensors in Edge Impulse's JSON or CBOR format. The files are untrusted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cbor2
import numpy as np
import numpy.typing as npt

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.wire_format import read_json

MOST_CBOR_LEVELS = 32
SHORTEST_INTERVAL_MS = 1e-6
LONGEST_MS = 100 * 366 * 24 * 3_600_000.0


@dataclass(frozen=True)
class Acquisition:
    """One recording. `values` has the shape (n, sensors); `sensors` holds (name, units)."""

    interval_ms: float
    sensors: tuple[tuple[str, str], ...]
    values: npt.NDArray[np.float32]
    device_name: str | None
    device_type: str | None


def read_cbor(data: bytes) -> Any:
    """Return the first CBOR data item (RFC 8949). Raises ValueError for invalid or too deeply nested data.

    Semantic tags are skipped and their content is returned. The file format needs none, and the decoders of cbor2 for
    shared references would let a short file describe cyclic or very large data.
    """
    skip_tags: defaultdict[int, Any] = defaultdict(lambda: lambda content, immutable: content)
    try:
        return cbor2.loads(data, max_depth=MOST_CBOR_LEVELS, semantic_decoders=skip_tags)
    except cbor2.CBORDecodeError as error:
        raise ValueError(str(error)) from error


def read_acquisition(data: bytes, form: str) -> Acquisition:
    """Read the content of a file; `form` is json or cbor. Raises ApiError for what is not in the format."""
    try:
        payload = (read_json(data) if form == "json" else read_cbor(data))["payload"]
        sensors = tuple((str(sensor["name"]), str(sensor.get("units", ""))) for sensor in payload["sensors"])
        interval = float(payload["interval_ms"])
        values = _table(payload["values"], len(sensors))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ApiError(f"The file is not in the data acquisition format ({form})") from error
    if not sensors or interval <= 0 or not np.isfinite(interval) or not len(values):
        raise ApiError("The data acquisition file needs sensors, an interval above 0, and values")
    if interval < SHORTEST_INTERVAL_MS or interval * len(values) > LONGEST_MS:
        raise ApiError(
            f"The interval of the data acquisition file, {interval:g} ms, is out of range for {len(values)} values"
        )
    return Acquisition(interval, sensors, values, _text(payload.get("device_name")), _text(payload.get("device_type")))


def _table(values: Sequence[Any], sensors: int) -> npt.NDArray[np.float32]:
    if any(isinstance(value, str) for value in values[:1]):
        raise ApiError("Binary payloads (Ref-Binary) are not implemented by the local studio")
    with np.errstate(over="ignore"):  # a number that float32 cannot hold becomes infinite and is rejected below
        table = np.asarray(values, np.float32)
    table = table.reshape(-1, 1) if table.ndim == 1 and sensors == 1 else table
    if table.ndim != 2 or table.shape[1] != sensors or not np.isfinite(table).all():
        raise ValueError("values do not match the sensors")
    return table


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
