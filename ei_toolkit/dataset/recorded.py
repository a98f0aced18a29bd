"""A folder of recordings in the layout of an Edge Impulse export: one folder a label, and `info.labels`.

A recording is complete or absent: its file appears in one step, and it belongs to the data set when `info.labels` lists
it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.config.atomic_write import write_bytes, write_text
from ei_toolkit.config.untrusted_json import read_json
from ei_toolkit.dataset.cutting import safe_stem
from ei_toolkit.dataset.hash_split import split_by_hash
from ei_toolkit.dataset.listing import INFO_LABELS
from ei_toolkit.errors import DataError

RESERVED = ("artist", "clip", "clip_sha256")  # metadata that an upload gives by itself
MOST_LENGTH = 200  # of a value of the metadata


@dataclass(frozen=True)
class RecordedFile:
    """One recording. `name` is its path below the folder.

    `category` is a split, or `split` for one that is chosen by the hash of its group or, without a group, of its
    content: four of five are for training.
    """

    name: str
    label: str
    category: str
    metadata: Mapping[str, str] = field(default_factory=dict)

    def entry(self, content: bytes) -> dict[str, Any]:
        """The recording in info.labels; `content` is that of its file."""
        group = self.metadata.get("group", "").encode()
        chosen = split_by_hash(hashlib.sha256(group or content).hexdigest())
        return {
            "path": self.name,
            "category": chosen if self.category == "split" else self.category,
            "label": {"type": "label", "label": self.label},
            "metadata": dict(self.metadata),
        }


class RecordingsFolder:
    """The recordings of a folder, by name. Raises DataError for an info.labels that is not one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries = {str(entry["path"]): entry for entry in _entries(path / INFO_LABELS)}

    @property
    def names(self) -> list[str]:
        """The names of the recordings whose files exist."""
        return [name for name in self._entries if (self.path / name).is_file()]

    def metadata_of(self, name: str) -> dict[str, str]:
        """Return the metadata of a recording; empty for one that is not listed or whose file is missing."""
        entry = self._entries.get(name)
        return _metadata(entry.get("metadata")) if entry and (self.path / name).is_file() else {}

    @property
    def categories(self) -> set[str]:
        """The splits of the recordings."""
        return {str(entry.get("category", "")) for entry in self._entries.values()}

    def add(self, file: RecordedFile, samples: NDArray[np.int16], rate: int) -> Path:
        """Write a recording, in place of one with the same name, and list it."""
        target = self.path / file.name
        content = wav_bytes(samples, rate)
        write_bytes(target, content)
        self._entries[file.name] = file.entry(content)
        text = json.dumps({"version": 1, "files": list(self._entries.values())}, indent=1, ensure_ascii=False)
        write_text(self.path / INFO_LABELS, text + "\n")
        return target

    def free_name(self, label: str, stem: str) -> str:
        """Return a name below the folder of the label that no recording has."""
        folder, number = safe_stem(label), 1
        while (name := f"{folder}/{safe_stem(stem)}-{number:03d}.wav") in self._entries or (self.path / name).exists():
            number += 1
        return name


def metadata_of_files(folder: Path) -> dict[str, dict[str, str]]:
    """Return the metadata in info.labels by the name of the file; nothing where it is not in the form."""
    try:
        entries = _entries(folder / INFO_LABELS)
    except DataError:
        return {}  # whoever reads the layout reports it
    return {str(entry["path"]): _metadata(entry.get("metadata")) for entry in entries}


def _metadata(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    pairs = ((str(key), str(own)) for key, own in value.items() if isinstance(own, str | int | float))
    return {key: own[:MOST_LENGTH] for key, own in pairs if key not in RESERVED}


def _entries(file: Path) -> list[dict[str, Any]]:
    if not file.is_file():
        return []
    try:
        files = read_json(file.read_bytes())["files"]
        return [entry for entry in files if isinstance(entry, dict) and isinstance(entry.get("path"), str)]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{file} is not a list of recordings", why=str(error)[:200], hint="Record into another folder."
        ) from None
