"""Training provenance: the clips and artists that a model was trained on.

It is kept beside the model, because a later `eitk slice` may put the same clips into other splits.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.untrusted_json import read_json
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.errors import DataError

PROVENANCE_NAME = "provenance.json"  # in the folder of a build


@dataclass(frozen=True)
class TrainingProvenance:
    """SHA-256 of the clips, and artist groups, that a model was trained on."""

    clips: frozenset[str]
    groups: frozenset[str] = frozenset()

    @classmethod
    def of_manifest(cls, manifest: Manifest) -> TrainingProvenance:
        """Return the provenance of a model that was trained on a manifest: validation chooses weights, so it counts."""
        training = [window for window in manifest.windows if window.split != "testing"]
        return cls(frozenset(w.clip_sha256 for w in training), frozenset(w.group for w in training if w.group))

    def __or__(self, other: TrainingProvenance) -> TrainingProvenance:
        return TrainingProvenance(self.clips | other.clips, self.groups | other.groups)

    def has(self, clip: str, group: str, *, by_group: bool) -> bool:
        """Whether the model was trained on a clip or, with `by_group`, on any clip of its artist group."""
        return clip in self.clips or (by_group and group in self.groups)


def write_provenance(file: Path, provenance: TrainingProvenance) -> None:
    """Write a provenance file in one step."""
    write_text(file, json.dumps({"clips": sorted(provenance.clips), "groups": sorted(provenance.groups)}) + "\n")


def read_provenance(file: Path) -> TrainingProvenance | None:
    """Read what `write_provenance` wrote; None if there is no file. Raises DataError if it is damaged."""
    try:
        stored = read_json(file.read_text(encoding="utf-8"))
        return TrainingProvenance(frozenset(stored["clips"]), frozenset(stored["groups"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{file} is damaged", why=str(error), hint="eitk train --eon") from None
