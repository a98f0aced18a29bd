"""Which clips the pinned model was trained on."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from ei_toolkit.config import Config, ProjectPaths, Settings
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.load import parse_table
from ei_toolkit.config.lockfile import Lock, read_lock
from ei_toolkit.config.settings import plain
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.dataset.provenance import PROVENANCE_NAME, TrainingProvenance, read_provenance
from ei_toolkit.errors import DataError, EitkError
from ei_toolkit.evaluation.run_log import Run, data_hash, list_runs


def trained_on(config: Config, manifest: Manifest, lock: Lock) -> TrainingProvenance | None:
    """What is kept beside the model; for older builds the present training clips, if it was trained on them.

    None where nothing tells. Raises DataError where the runs tell of other windows than the present ones.
    """
    if kept := read_provenance(lock.model_path(config.paths.root).parent / PROVENANCE_NAME):
        return kept
    made_from = _data_of(list_runs(config.paths), lock)
    if made_from is None:
        return None
    if made_from != data_hash(config.paths):
        raise DataError(
            "the pinned model was trained on other windows than the present ones",
            why="which clips it has heard was not kept with it",
            hint="eitk upload, then eitk train --eon",
        )
    return TrainingProvenance.of_manifest(manifest)


def _data_of(runs: Sequence[Run], lock: Lock) -> str | None:
    """Hash of the manifest that the pinned model was trained with: of the training that built it, or the one before."""
    built = [run for run in runs if run.kind == "build" and run.metrics.get("model_sha256") == lock.model_sha256]
    trained = [run for run in runs if run.kind == "train"]
    own = [run for run in trained if _built_sha256(run) == lock.model_sha256]
    before = [run for run in trained if built and run.id < built[-1].id]
    return (own or before)[-1].data_hash if own or before else None


def _built_sha256(run: Run) -> str:
    """The model of `eitk train --eon`; empty for a training without a build."""
    return str((run.metrics.get("deployment") or {}).get("model_sha256", ""))


CHAMPION_NAME = "champion.json"


@dataclass(frozen=True)
class Candidate:
    """One model. `labels` in the order of its outputs; `heard` are the clips that it was trained on."""

    model: bytes
    labels: tuple[str, ...]
    settings: Settings
    heard: TrainingProvenance

    @property
    def sha256(self) -> str:
        """Hash of the model, as `eitk.lock` and the board name it."""
        return sha256(self.model).hexdigest()


def champion_file(paths: ProjectPaths) -> Path:
    """Where the champion is kept: beside eitk.toml, for it cannot be made again."""
    return paths.root / CHAMPION_NAME


def challenger(config: Config, manifest: Manifest) -> Candidate:
    """The model of the last `eitk build`.

    Raises DataError where there is none, or not the one in `eitk.lock`, or it is not known what it has heard.
    """
    lock = read_lock(config.paths.lock)
    if lock is None:
        raise DataError("there is no challenger: nothing was built here yet", hint="eitk train --eon")
    model = lock.model_path(config.paths.root).read_bytes()
    if sha256(model).hexdigest() != lock.model_sha256:
        raise DataError(f"{lock.model} is not the model that eitk.lock names", hint="eitk build")
    heard = trained_on(config, manifest, lock)
    if heard is None:
        raise DataError("nothing tells which clips the pinned model was trained on", hint="eitk train --eon")
    return Candidate(model, manifest.labels, config.settings, heard)


def read_champion(file: Path) -> Candidate | None:
    """The champion, or None before the first. Raises DataError for a file that was damaged."""
    if not file.is_file():
        return None
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        model = base64.b64decode(kept["model"], validate=True)
        if sha256(model).hexdigest() != kept["model_sha256"]:
            raise ValueError("the model's hash is another")
        settings = parse_table(Settings, kept["settings"], "settings")
        # older files have no groups
        heard = TrainingProvenance(frozenset(kept["trained_on"]), frozenset(kept.get("trained_groups", ())))
        return Candidate(model, tuple(kept["labels"]), settings, heard)
    except (OSError, ValueError, KeyError, TypeError, binascii.Error, EitkError) as error:
        raise DataError(
            f"{file} is damaged", why=str(error), hint="Take it from a backup, or move it away to start anew."
        ) from None


def write_champion(file: Path, candidate: Candidate, figures: Mapping[str, Any]) -> None:
    """Promote: one file, written in one step, with all that a later trial needs; `figures` is for people."""
    kept = {
        "promoted": datetime.now(UTC).isoformat(timespec="seconds"),
        "model_sha256": candidate.sha256,
        "labels": candidate.labels,
        **figures,
        "settings": plain(candidate.settings),
        "trained_on": sorted(candidate.heard.clips),
        "trained_groups": sorted(candidate.heard.groups),
        "model": base64.b64encode(candidate.model).decode(),
    }
    write_text(file, json.dumps(kept, indent=1) + "\n")
