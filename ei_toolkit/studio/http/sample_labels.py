"""File names, labels and metadata of uploaded files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

from ei_toolkit.studio.http.errors import ApiError, Malformed
from ei_toolkit.studio.http.schema import Integer, Line, RequestModel, parse_body
from ei_toolkit.studio.http.text import read_request_json

LABEL_IN_NAME = re.compile(r"^[a-zA-Z0-9\s\-_]+")
LONGEST_NAME = 255
STRUCTURED_LABELS = "structured_labels.labels"
BOUNDING_BOXES = "bounding_boxes.labels"


@dataclass(frozen=True)
class Label:
    """The label that a request gives to its files."""

    text: str
    kind: Literal["label", "unlabeled"]


def header_text(value: str) -> str:
    """Return the text of a header: the CLI percent-encodes UTF-8, the SDK sends Latin-1, other clients raw UTF-8."""
    raw = value.encode("latin-1", "replace")
    candidates = (unquote_to_bytes(raw), raw) if "%" in value else (raw,)
    for candidate in candidates:
        try:
            return candidate.decode("utf-8")
        except UnicodeDecodeError:
            continue
    return value


def label_of(headers: Mapping[str, str], filename: str) -> Label:
    """Return the label of `x-no-label`, else of `x-label`, else the file name up to its first dot."""
    if headers.get("x-no-label", "") not in ("", "0", "false"):
        return Label("", "unlabeled")
    if "x-label" in headers:
        return Label(header_text(headers["x-label"]).strip(), "label")
    found = LABEL_IN_NAME.match(filename)
    return Label(found[0].strip(), "label") if found else Label("", "unlabeled")


def safe_filename(name: str) -> str:
    """Return the last part of a client's file name; it is only displayed, never used as a path."""
    last = PurePosixPath(name.replace("\\", "/")).name
    shown = "".join(character for character in last if character.isprintable())[:LONGEST_NAME]
    return shown or "sample"


def metadata_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the `x-metadata` header: a JSON object of strings. Raises Malformed."""
    text = headers.get("x-metadata")
    if not text:
        return {}
    try:
        values = read_request_json(header_text(text), "x-metadata")
    except ValueError as error:
        raise Malformed(f"The header x-metadata must be JSON, but is {text[:60]!r}") from error
    if not isinstance(values, dict):
        raise Malformed(f"The header x-metadata must be a JSON object, but is {text[:60]!r}")
    return metadata_texts(values)


def metadata_texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Return metadata with texts as values: other values are stored as JSON."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


class LabelledRange(RequestModel):
    """A labelled range of a sample by index; `endIndex` is inclusive."""

    start_index: Integer
    end_index: Integer
    label: Line


class LabelledRanges(RequestModel):
    """A `SetSampleStructuredLabelsRequest`."""

    structured_labels: list[LabelledRange] = []


class LabelsFile(RequestModel):
    """A `structured_labels.labels` file: labelled ranges by file name."""

    structured_labels: dict[str, list[LabelledRange] | None]


def ranges_by_file(content: bytes) -> dict[str, list[LabelledRange]]:
    """Return the labelled ranges of a `structured_labels.labels` file by file name. Raises Malformed."""
    try:
        files = parse_body(LabelsFile, content).structured_labels
    except ApiError as error:
        raise Malformed(f"{STRUCTURED_LABELS} cannot be read: {error}") from error
    return {safe_filename(name): ranges or [] for name, ranges in files.items()}


class BoxesFile(RequestModel):
    """A `bounding_boxes.labels` file: boxes by file name, which the official uploader sends empty for sound."""

    bounding_boxes: dict[str, list[Any] | None]


def boxed_files(content: bytes) -> set[str]:
    """Return the files for which a `bounding_boxes.labels` file has bounding boxes. Raises Malformed."""
    try:
        files = parse_body(BoxesFile, content).bounding_boxes
    except ApiError as error:
        raise Malformed(f"{BOUNDING_BOXES} cannot be read: {error}") from error
    return {safe_filename(name) for name, boxes in files.items() if boxes}


def check_ranges(ranges: Sequence[LabelledRange], values_count: int) -> None:
    """Raise ApiError for a range that is not within a sample of that many values."""
    for found in ranges:
        if not 0 <= found.start_index <= found.end_index < values_count:
            raise ApiError(
                f"The structured label {found.label!r} from index {found.start_index} to {found.end_index} is outside"
                f" the sample, which has {values_count} values"
            )


def stored_ranges(ranges: Sequence[LabelledRange]) -> list[dict[str, Any]]:
    """Return labelled ranges as they are stored and returned by the API."""
    return [found.sent() for found in ranges]


def joined_labels(ranges: Sequence[LabelledRange]) -> str:
    """Return the different labels of ranges as one text."""
    return ", ".join(dict.fromkeys(found.label for found in ranges))
