"""Names and labels of arriving files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

from ei_toolkit.studio.http.errors import ApiError, Malformed
from ei_toolkit.studio.parameters import RequestParameters, read_json

LABEL_IN_NAME = re.compile(r"^[a-zA-Z0-9\s\-_]+")
LONGEST_NAME = 255


@dataclass(frozen=True)
class Label:
    """What a request says about the label of its files."""

    text: str
    kind: Literal["label", "unlabeled"]


def header_text(value: str) -> str:
    """The text of a header: the CLI percent-encodes UTF-8, the SDK sends Latin-1, others raw UTF-8."""
    raw = value.encode("latin-1", "replace")
    candidates = (unquote_to_bytes(raw), raw) if "%" in value else (raw,)
    for candidate in candidates:
        try:
            return candidate.decode("utf-8")
        except UnicodeDecodeError:
            continue
    return value


def label_of(headers: Mapping[str, str], filename: str) -> Label:
    """`x-no-label`, else `x-label`, else the file name up to its first dot."""
    if headers.get("x-no-label", "") not in ("", "0", "false"):
        return Label("", "unlabeled")
    if "x-label" in headers:
        return Label(header_text(headers["x-label"]).strip(), "label")
    found = LABEL_IN_NAME.match(filename)
    return Label(found[0].strip(), "label") if found else Label("", "unlabeled")


def safe_filename(name: str) -> str:
    """The last part of a client's file name; it is only ever shown, never used as a path."""
    last = PurePosixPath(name.replace("\\", "/")).name
    shown = "".join(character for character in last if character.isprintable())[:LONGEST_NAME]
    return shown or "sample"


def metadata_of(headers: Mapping[str, str]) -> dict[str, str]:
    """The `x-metadata` header: a JSON object of strings."""
    text = headers.get("x-metadata")
    if not text:
        return {}
    try:
        values = read_json(header_text(text))
    except ValueError as error:
        raise Malformed("x-metadata is not JSON") from error
    if not isinstance(values, dict):
        raise Malformed("x-metadata is not a JSON object")
    return {str(key): value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def structured_labels(side_car: bytes) -> dict[str, list[dict[str, Any]]]:
    """A `structured_labels.labels` part: labelled stretches by file name. Raises Malformed."""
    try:
        document = RequestParameters.parse(side_car)
        if not document.has("structuredLabels"):
            raise Malformed("structuredLabels is missing")
        files = RequestParameters(document.mapping("structuredLabels"))
        return {safe_filename(name): read_stretches(files, name) for name in files.values}
    except Malformed as error:
        raise Malformed(f"structured_labels.labels cannot be read: {error}") from error


def read_stretches(fields: RequestParameters, name: str) -> list[dict[str, Any]]:
    """Labelled stretches by index, `endIndex` inclusive. Raises Malformed."""
    return [
        {"startIndex": item.integer("startIndex"), "endIndex": item.integer("endIndex"), "label": item.text("label")}
        for item in fields.objects(name)
    ]


def check_stretches(stretches: Sequence[Mapping[str, Any]], values_count: int) -> None:
    """Raises ApiError where a stretch is not within a sample of that many values."""
    if not all(0 <= stretch["startIndex"] <= stretch["endIndex"] < values_count for stretch in stretches):
        raise ApiError("A structured label lies outside the sample")
