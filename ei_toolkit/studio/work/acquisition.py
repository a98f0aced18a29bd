"""Edge Impulse's data acquisition format, JSON or CBOR: sensors, interval, values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.studio.refusal import Refusal
from ei_toolkit.studio.wire import read_json
from ei_toolkit.studio.work.cbor import decode

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
        raise Refusal("The file is not in the data acquisition format") from error
    if not sensors or interval <= 0 or not np.isfinite(interval) or not len(values):
        raise Refusal("The acquisition file needs sensors, an interval above 0, and values")
    if interval < SHORTEST_INTERVAL_MS or interval * len(values) > LONGEST_MS:
        raise Refusal("The acquisition file's interval is too short, or too long for that many values")
    return Acquisition(interval, sensors, values, _text(payload.get("device_name")), _text(payload.get("device_type")))


def _table(values: Sequence[Any], sensors: int) -> npt.NDArray[np.float32]:
    if any(isinstance(value, str) for value in values[:1]):
        raise Refusal("Binary payloads (Ref-Binary) are not implemented by the local studio")
    table = np.asarray(values, np.float32)
    table = table.reshape(-1, 1) if table.ndim == 1 and sensors == 1 else table
    if table.ndim != 2 or table.shape[1] != sensors or not np.isfinite(table).all():
        raise ValueError("values do not match the sensors")
    return table


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
