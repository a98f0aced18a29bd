"""Responses of a studio as typed structs: every response is validated before it is used, and holds no API key.

The structs of the API name only the fields that eitk reads; others are ignored. They are written with msgspec, which
imports in an eighth of the time of pydantic.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from ei_toolkit.config.untrusted_json import read_json
from ei_toolkit.errors import ApiError

MASK = "ei_***"
KEY_PATTERN = re.compile(r"\bei_[0-9A-Za-z]{16,}")  # any API key, not only the one of this endpoint
TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
LONGEST_EXCERPT = 80


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """Base of the structs: `total_count` is `totalCount` in JSON, a field with a default may be missing or null."""


R = TypeVar("R")


def redact(text: str, key: str = "") -> str:
    """Return `text` with `key`, and everything else that looks like an API key, replaced by a mask."""
    if key:
        text = text.replace(key, MASK)
    return KEY_PATTERN.sub(MASK, text)


def error_text(body: str) -> str:
    """Return the `error` text of a JSON object; "" where there is none."""
    try:
        data = read_json(body)
    except ValueError:
        return ""
    return str(data.get("error") or "") if isinstance(data, dict) else ""


def foreign_body(text: str) -> str:
    """Say what the body of a response is that no studio sends; "" for a JSON object, also a cut off one, and for none.

    A proxy, a load balancer or the sign-in page of a network answers with HTML or plain text in place of the studio.
    """
    body = text.strip().removeprefix("\ufeff")
    if not body or body.startswith("{"):
        return ""
    if body.startswith("<"):
        title = TITLE.search(body)
        name = " ".join(title[1].split())[:LONGEST_EXCERPT] if title else ""
        return f"an HTML page with the title {json.dumps(name, ensure_ascii=False)}" if name else "an HTML page"
    return f"the text {json.dumps(' '.join(body.split())[:LONGEST_EXCERPT], ensure_ascii=False)}"


def parse_response(data: Any, model: type[R], path: str) -> R:
    """Return the JSON value `data`, which is the response for `path`, as an instance of `model`.

    Raises ApiError, naming the path and the field, where a field is missing or of another type.
    """
    try:
        return msgspec.convert(_normalized(data), model)
    except msgspec.ValidationError as error:
        raise not_valid(path, error) from None


def not_valid(path: str, error: Exception) -> ApiError:
    """Return the error for a response that no studio sends."""
    return ApiError(f"the response for {path} is not valid", why=str(error))


def _normalized(data: Any) -> Any:
    """Leave out null, which studios send where a field has no value, and make 3.0 an integer, as JavaScript does."""
    if isinstance(data, Mapping):
        return {key: _normalized(value) for key, value in data.items() if value is not None}
    if isinstance(data, list):
        return [_normalized(item) for item in data]
    return int(data) if isinstance(data, float) and data.is_integer() else data
