"""Write JSON that every reader accepts: numbers that JSON cannot represent (NaN, infinity) become null."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def json_text(data: Any, *, indent: int | None = None, compact: bool = False) -> str:
    """Return data as JSON, on one line without `indent`; `compact` leaves out the spaces."""
    separators = (",", ":") if compact else None
    try:
        return json.dumps(data, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators)
    except ValueError:  # rare, and looking at every value takes longer than writing them
        return json.dumps(_finite(data), ensure_ascii=False, allow_nan=False, indent=indent, separators=separators)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
