"""What a model has heard in training, kept beside it: the manifest of today may be another one by now."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.errors import DataError

PROVENANCE_NAME = "heard.json"  # in the folder of a build


@dataclass(frozen=True)
class TrainingProvenance:
    """SHA-256 of the clips, and artist groups, that a model was trained on."""

    clips: frozenset[str]
    groups: frozenset[str] = frozenset()

    @classmethod
    def of_manifest(cls, manifest: Manifest) -> TrainingProvenance:
        """The training side of a manifest."""
        training = [window for window in manifest.windows if window.split == "training"]
        return cls(frozenset(w.clip_sha256 for w in training), frozenset(w.group for w in training if w.group))

    def __or__(self, other: TrainingProvenance) -> TrainingProvenance:
        return TrainingProvenance(self.clips | other.clips, self.groups | other.groups)

    def has(self, clip: str, group: str, *, by_group: bool) -> bool:
        """Whether a clip, or with `by_group` another one of its artist, was heard."""
        return clip in self.clips or (by_group and group in self.groups)


def write_provenance(file: Path, heard: TrainingProvenance) -> None:
    """Write in one step."""
    write_text(file, json.dumps({"clips": sorted(heard.clips), "groups": sorted(heard.groups)}) + "\n")


def read_provenance(file: Path) -> TrainingProvenance | None:
    """What `write_provenance` wrote; None where there is no file. Raises DataError for a damaged one."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        return TrainingProvenance(frozenset(kept["clips"]), frozenset(kept["groups"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{file} is damaged", why=str(error), hint="eitk train --eon") from None
