"""Which characters the texts of a request may have.

A control character has no meaning in a name, a label or a filter, and it does harm: SQLite ends a LIKE pattern at NUL,
so that a filter with one would match every sample. `check_line` is called for every parameter of a query string and of
a path where its key is checked (`http/request.py`), and for every label of an upload; `schema.Line` is the type of such
a text in a JSON body. Other texts in JSON, such as scripts and descriptions, may have line ends but no NUL.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ei_toolkit.config.untrusted_json import read_json
from ei_toolkit.studio.http.errors import Malformed

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
LINE_RULE = "must not contain control characters"


def check_line(name: str, text: str) -> None:
    """Raise Malformed, with the name of the parameter, for a text with a control character."""
    if CONTROL.search(text):
        raise Malformed(f"{name} {LINE_RULE}, but is {text[:60]!r}")


def read_request_json(data: str | bytes, name: str = "") -> Any:
    """Return the value of JSON text of a client; `name` is that of the parameter, empty for a body.

    Raises ValueError for invalid JSON, Malformed for a text with NUL.
    """
    text = data if isinstance(data, str) else data.decode(json.detect_encoding(data))
    value = read_json(text)
    if "\\u0000" in text:  # the only form that NUL has in JSON
        _refuse_nul(value, name)
    return value


def _refuse_nul(value: Any, name: str) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _refuse_nul(key, f"a name in {name or 'the JSON object'}")
            _refuse_nul(item, f"{name}.{key}".removeprefix("."))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _refuse_nul(item, f"{name}[{index}]")
    elif isinstance(value, str) and "\0" in value:
        raise Malformed(f"{name or 'the text'} must not contain NUL, but is {value[:60]!r}")
