"""JSON responses. Each has `success`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response


def answer(fields: Mapping[str, Any] | None = None) -> Response:
    """Return the response of a request that succeeded."""
    return json_response({"success": True, **(fields or {})})


def failure(message: str, status: int = 200) -> Response:
    """Return the response of a request that failed."""
    return json_response({"success": False, "error": message}, status)


def json_response(document: Mapping[str, Any], status: int = 200) -> Response:
    """Return a JSON response; numbers that JSON cannot represent (NaN, infinity) become null."""
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        text = json.dumps(_finite(document), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(text.encode("utf-8", "replace"), status, media_type="application/json")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
