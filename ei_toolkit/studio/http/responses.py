"""JSON responses. Each has `success`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from ei_toolkit.config.json_text import json_text


def answer(fields: Mapping[str, Any] | None = None) -> Response:
    """Return the response of a request that succeeded."""
    return json_response({"success": True, **(fields or {})})


def failure(message: str, status: int = 200) -> Response:
    """Return the response of a request that failed."""
    return json_response({"success": False, "error": message}, status)


def json_response(document: Mapping[str, Any], status: int = 200) -> Response:
    """Return a JSON response; numbers that JSON cannot represent (NaN, infinity) become null."""
    text = json_text(document, compact=True)
    return Response(text.encode("utf-8", "replace"), status, media_type="application/json")
