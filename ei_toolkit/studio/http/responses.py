"""JSON responses, each with `success`, and responses with a stored file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from starlette.responses import Response, StreamingResponse

from ei_toolkit.config.json_text import json_text
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.store.blobs import rest_of


def answer(fields: Mapping[str, Any] | None = None) -> Response:
    """Return the response of a request that succeeded."""
    return json_response({"success": True, **(fields or {})})


def failure(message: str, status: int = 200) -> Response:
    """Return the response of a request that failed."""
    return json_response({"success": False, "error": message}, status)


def stored_file(path: Path, media_type: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response with a stored file. It is opened at once, so that it may be deleted while it is sent.

    Raises ApiError if the file does not exist any more.
    """
    try:
        file = path.open("rb", buffering=0)
    except FileNotFoundError as error:
        raise ApiError("The file was deleted in the meantime: read which files there are, then try again") from error
    size = os.fstat(file.fileno()).st_size
    fields = {**(headers or {}), "Content-Length": str(size)}
    return StreamingResponse(rest_of(file), media_type=media_type, headers=fields)


def json_response(document: Mapping[str, Any], status: int = 200) -> Response:
    """Return a JSON response; numbers that JSON cannot represent (NaN, infinity) become null."""
    try:
        content = msgspec.json.encode(document)  # about ten times as fast as json
    except (TypeError, ValueError):  # numbers of NumPy, or text with surrogates
        content = json_text(document, compact=True).encode("utf-8", "replace")
    return Response(content, status, media_type="application/json")
