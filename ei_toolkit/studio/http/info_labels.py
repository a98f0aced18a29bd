"""`info.labels`: name, category, label and metadata of each file, in Edge Impulse's exports and beside uploaded files.

The format: https://docs.edgeimpulse.com/tools/specifications/data-annotation/ei-labels
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal

from pydantic import field_validator

from ei_toolkit.dataset.listing import INFO_LABELS
from ei_toolkit.studio.http.errors import ApiError, Malformed
from ei_toolkit.studio.http.sample_labels import Label, LabelledRange, metadata_texts, safe_filename
from ei_toolkit.studio.http.schema import RequestModel, parse
from ei_toolkit.studio.http.text import read_request_json
from ei_toolkit.studio.store.samples import UploadCategory

VERSION = 1


@dataclass(frozen=True)
class Description:
    """What `info.labels` has about one file; None for what it leaves to the request.

    `path` has `/` between its parts. `ranges` are the labels of a multi-label sample.
    """

    path: str
    name: str | None = None
    category: UploadCategory | None = None
    label: Label | None = None
    ranges: Sequence[LabelledRange] | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def filename(self) -> str:
        """Return the file name of the sample: its own name, else that of the path, with the suffix of the path."""
        path = PurePosixPath(self.path)
        if self.name is None:
            return safe_filename(path.name)
        return safe_filename(self.name if self.name.lower().endswith(path.suffix.lower()) else self.name + path.suffix)


class EntryLabel(RequestModel):
    """The label of a file: one text, none, or one for each range of values."""

    type: Literal["label", "unlabeled", "multi-label"] = "label"
    label: str | None = None
    labels: list[LabelledRange] = []


class Entry(RequestModel):
    """One entry of `files`. The label of some programs is plain text."""

    path: str
    name: str | None = None
    category: UploadCategory | None = None
    label: EntryLabel | None = None
    metadata: dict[str, Any] = {}
    bounding_boxes: list[Any] = []

    @field_validator("label", mode="before")
    @classmethod
    def _label_of_text(cls, value: Any) -> Any:
        return {"type": "label", "label": value} if isinstance(value, str | int | float) else value


def read_entries(content: bytes) -> list[Any]:
    """Return the entries of a file, which are not checked yet. Raises Malformed with what is wrong with the file."""
    try:
        document = read_request_json(content, INFO_LABELS)
    except ValueError as error:
        raise Malformed(f"{INFO_LABELS} is no valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise Malformed(f"{INFO_LABELS} is not a JSON object")
    if document.get("version", VERSION) != VERSION:
        raise Malformed(f"{INFO_LABELS} has version {document['version']!r}; version {VERSION} is supported")
    if not isinstance(document.get("files"), list):
        raise Malformed(f"{INFO_LABELS} has no list of files")
    files: list[Any] = document["files"]
    return files


def describe(entry: Any) -> Description:
    """Return the description of a file. Raises ApiError with what is wrong with its entry."""
    if not isinstance(entry, dict):
        raise ApiError(f"its entry in {INFO_LABELS} is not an object")
    try:
        found = parse(Entry, entry)
    except ApiError as error:
        raise ApiError(f"its entry in {INFO_LABELS} is not valid: {error}") from error
    if found.bounding_boxes:
        raise ApiError(f"{INFO_LABELS} has bounding boxes for it, which the local studio does not support")
    path = found.path.replace("\\", "/")
    metadata = metadata_texts(found.metadata)
    if found.label is None:
        return Description(path, found.name, found.category, metadata=metadata)
    return Description(path, found.name, found.category, *_labels(found.label), metadata)


def _labels(label: EntryLabel) -> tuple[Label | None, Sequence[LabelledRange] | None]:
    if label.type == "unlabeled":
        return Label("", "unlabeled"), None
    if label.type == "multi-label":
        if not label.labels:
            raise ApiError(f"its entry in {INFO_LABELS} is of the type multi-label and has no labels")
        return None, label.labels
    if label.label is None:
        raise ApiError(f"its entry in {INFO_LABELS} has no text as label")
    return Label(label.label.strip(), "label"), None


class Descriptions:
    """The entries of an `info.labels` beside uploaded files, by the last part of their paths.

    Uploaded files have no folder in their names. Several of one name are described in the order of the entries.
    """

    def __init__(self, entries: Sequence[Any]) -> None:
        self._entries: dict[str, deque[Any]] = {}
        for entry in entries:
            if isinstance(entry, dict) and isinstance(entry.get("path"), str):
                self._entries.setdefault(safe_filename(entry["path"]), deque()).append(entry)

    def take(self, filename: str) -> Description | None:
        """Return the description of the next file of that name; None if there is none.

        Raises ApiError for an entry that is not valid.
        """
        waiting = self._entries.get(filename)
        if not waiting:
            return None
        return describe(waiting.popleft() if len(waiting) > 1 else waiting[0])
