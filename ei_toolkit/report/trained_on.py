"""Which clips the pinned model was trained on."""

from __future__ import annotations

from collections.abc import Sequence

from ei_toolkit.config import Config
from ei_toolkit.config.lockfile import Lock
from ei_toolkit.dataset.heard import HEARD_NAME, Heard, read_heard
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.errors import DataError
from ei_toolkit.report.runs import Run, data_hash, list_runs


def trained_on(config: Config, manifest: Manifest, lock: Lock) -> Heard | None:
    """What is kept beside the model; for older builds the present training clips, if it was trained on them.

    None where nothing tells. Raises DataError where the runs tell of other windows than the present ones.
    """
    if kept := read_heard(lock.model_path(config.paths.root).parent / HEARD_NAME):
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
    return Heard.of_manifest(manifest)


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
