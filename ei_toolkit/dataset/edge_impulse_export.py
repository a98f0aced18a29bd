"""Edge Impulse exports: `info.labels` gives the label, category and metadata of each file. It is not trusted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import PurePosixPath
from typing import Any

from ei_toolkit.config.untrusted_json import read_json
from ei_toolkit.dataset.folder_names import split_of
from ei_toolkit.dataset.listing import INFO_LABELS, ORIGINAL, ORIGINAL_SHA256, Listing
from ei_toolkit.dataset.metadata_tables import GROUP_COLUMNS, Described, Metadata
from ei_toolkit.errors import DataError

MOST_FILES = 1_000_000


def read_export(listing: Listing) -> Metadata | None:
    """Return what the files named `info.labels` state; None if there is none.

    Raises DataError for one that is not a list of files in JSON.
    """
    files = [name for name in sorted(listing.metadata) if PurePosixPath(name).name == INFO_LABELS]
    sounds: dict[str, Described] = {}
    unmatched: list[str] = []
    for file in files:
        folder = file.removesuffix(INFO_LABELS).rstrip("/")
        entries = _entries(file, listing.metadata[file])
        originals = {sha256 for entry in entries if (sha256 := _sha256_of_original(entry)) and not _is_recording(entry)}
        for entry in entries:
            path = entry.get("path")
            if name := listing.index.find(path, folder) if isinstance(path, str) else None:
                sounds[name] = _described(entry, originals)
            else:
                unmatched.append(str(path)[:200])
    if not files:
        return None
    columns = {"label": "label", "split": "category"}
    if any(described.group for described in sounds.values()):
        columns["group"] = "metadata"
    return Metadata(" and ".join(files), sounds, columns, tuple(unmatched))


def _entries(file: str, content: bytes) -> list[Mapping[str, Any]]:
    try:
        files = read_json(content)["files"]
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(file, str(error)[:200]) from None
    if not isinstance(files, list) or len(files) > MOST_FILES:
        raise _damaged(file, "files is not a list of at most a million files")
    return [entry if isinstance(entry, dict) else {} for entry in files]


def _damaged(file: str, why: str) -> DataError:
    return DataError(
        f"{file} is not the description of an Edge Impulse export", why=why,
        hint="Export the data again, or do not use it: --labels-from folder or --labels-from name.",
    )  # fmt: skip


def _metadata(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = entry.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _sha256_of_original(entry: Mapping[str, Any]) -> str:
    value = _metadata(entry).get(ORIGINAL_SHA256)
    return value if isinstance(value, str) else ""


def _is_recording(entry: Mapping[str, Any]) -> bool:
    """Whether a file is a recording of a clip; the clip beside it has the hash only."""
    return ORIGINAL in _metadata(entry)


def _described(entry: Mapping[str, Any], originals: Collection[str]) -> Described:
    label, reason = _label(entry.get("label"))
    category = str(entry.get("category", ""))
    split = split_of(category)
    if not split and category not in ("", "split"):
        reason = reason or f"the category {category[:40]!r} is none of training, validation and testing"
    is_rerecorded = _is_recording(entry) and _sha256_of_original(entry) in originals
    return Described(label, split, _group(_metadata(entry)), reason=reason, is_rerecorded=is_rerecorded)


def _label(value: Any) -> tuple[str, str]:
    """Return the label, or why there is none. Ranges of one label are that label."""
    if isinstance(value, str):
        return value.strip(), "" if value.strip() else "no label"
    if not isinstance(value, dict):
        return "", "no label"
    if value.get("type") == "multi-label" and isinstance(value.get("labels"), list):
        ranges = {str(one.get("label", "")) for one in value["labels"] if isinstance(one, dict)}
        return (next(iter(ranges)), "") if len(ranges) == 1 else ("", "several labels in one file")
    label = value.get("label")
    return (label.strip(), "") if isinstance(label, str) and label.strip() else ("", "no label")


def _group(metadata: Mapping[str, Any]) -> str:
    by_key = {str(key).casefold(): value for key, value in metadata.items()}
    return next((str(by_key[key]) for key in GROUP_COLUMNS if isinstance(by_key.get(key), (str, int))), "")
