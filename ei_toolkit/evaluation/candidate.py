"""A model that the gate tests, with the clips it was trained on, and the last built model as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from ei_toolkit.config import Config, Settings
from ei_toolkit.config.lockfile import Lock, read_lock
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.dataset.provenance import PROVENANCE_NAME, TrainingProvenance, read_provenance
from ei_toolkit.errors import DataError, MissingStepError
from ei_toolkit.evaluation.run_log import Run, data_hash, list_runs
from ei_toolkit.impulse.trained_model import label_order


def trained_on(config: Config, manifest: Manifest, lock: Lock) -> TrainingProvenance | None:
    """Return the training provenance of the pinned model.

    It is read from the file beside the model. A build without that file counts as trained on the training clips of
    the manifest, if a run states that it was trained on these windows. None if no run states it. Raises DataError if
    a run states other windows.
    """
    if recorded := read_provenance(lock.model_path(config.paths.root).parent / PROVENANCE_NAME):
        return recorded
    manifest_sha256 = _data_hash_of_training(list_runs(config.paths), lock)
    if manifest_sha256 is None:
        return None
    if manifest_sha256 != data_hash(config.paths):
        raise DataError(
            "the pinned model was trained on other windows than the present ones",
            why=f"there is no {PROVENANCE_NAME} beside {lock.model}, which would name its training clips",
            hint="eitk upload, then eitk train --eon",
        )
    return TrainingProvenance.of_manifest(manifest)


def _data_hash_of_training(runs: Sequence[Run], lock: Lock) -> str | None:
    """Return the manifest hash of the training that built the pinned model, else of the last one before its build."""
    built = [run for run in runs if run.kind == "build" and run.metrics.get("model_sha256") == lock.model_sha256]
    trained = [run for run in runs if run.kind == "train"]
    own = [run for run in trained if _built_sha256(run) == lock.model_sha256]
    before = [run for run in trained if built and run.id < built[-1].id]
    return (own or before)[-1].data_hash if own or before else None


def _built_sha256(run: Run) -> str:
    """Return the hash of the model that `eitk train --eon` built; empty for a training without a build."""
    return str((run.metrics.get("deployment") or {}).get("model_sha256", ""))


def labels_of_model(manifest: Manifest, provenance: TrainingProvenance) -> tuple[str, ...]:
    """Return the labels of a model's outputs, in their order: those of its training clips.

    The manifest may have further labels, which were added after the training. Where none of the training clips is in
    the manifest any more, the labels of the manifest are assumed.
    """
    own = {window.label for window in manifest.windows if window.clip_sha256 in provenance.clips}
    return tuple(label_order(own)) or manifest.labels


@dataclass(frozen=True)
class Candidate:
    """A model that the gate tests. `labels` are in the order of its outputs; `provenance` names its training clips."""

    model: bytes
    labels: tuple[str, ...]
    settings: Settings
    provenance: TrainingProvenance

    @property
    def sha256(self) -> str:
        """SHA-256 of the model, as in `eitk.lock` and in the predictions of a board."""
        return sha256(self.model).hexdigest()


def challenger(config: Config, manifest: Manifest) -> Candidate:
    """Return the model of the last `eitk build`.

    Raises MissingStepError if there is none, DataError if it is not the model in `eitk.lock`, or if its training clips
    are not known.
    """
    lock = read_lock(config.paths.lock)
    if lock is None:
        raise MissingStepError(
            "there is no challenger, because no model was built in this project", hint="eitk train --eon"
        )
    model = lock.model_path(config.paths.root).read_bytes()
    if sha256(model).hexdigest() != lock.model_sha256:
        raise DataError(f"{lock.model} is not the model that eitk.lock names", hint="eitk build")
    provenance = trained_on(config, manifest, lock)
    if provenance is None:
        raise DataError(
            f"the training clips of {lock.model} are not known",
            why="no run of this project trained it, and the gate tests a model only on clips it was not trained on",
            hint=f"eitk train --eon. For a model of your own (eitk build --model) write {PROVENANCE_NAME} beside it: "
            '{"clips": [SHA-256 of its training clips], "groups": [their artists]}',
        )
    return Candidate(model, labels_of_model(manifest, provenance), config.settings, provenance)
