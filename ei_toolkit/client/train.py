"""Which clips a training hears: asked of the server, for its samples are what a model is made of."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ei_toolkit.client.answer import Answer
from ei_toolkit.client.deployments import BuildSpec, pin
from ei_toolkit.client.impulse.apply import diff
from ei_toolkit.client.impulse.current import Current, require_impulse
from ei_toolkit.client.impulse.state import ImpulseState
from ei_toolkit.client.jobs.job import (
    Job,
    Started,
    profiling_job,
    start_build,
    start_features,
    start_profile,
    start_test,
    start_training,
)
from ei_toolkit.client.project import Studio
from ei_toolkit.client.results import (
    DeviceProfile,
    Evaluation,
    TrainingResult,
    tested_variants,
    training_result,
)
from ei_toolkit.client.samples import CATEGORIES, Sample, count_samples
from ei_toolkit.client.upload.ledger import slug
from ei_toolkit.client.upload.plan import misplaced, removable
from ei_toolkit.config import ProjectPaths
from ei_toolkit.config.lockfile import Lock
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.dataset.provenance import TrainingProvenance, read_provenance, write_provenance
from ei_toolkit.errors import ApiError, ConfigurationError, DataError
from ei_toolkit.impulse.trained_model import VARIANTS, ModelVariant

SHOWN = 20  # ids in a hint


def provenance_file(studio: Studio, paths: ProjectPaths, impulse: int) -> Path:
    """Return the file with the training provenance of an impulse's model; a build copies it."""
    return paths.provenance / f"{slug(studio.transport.endpoint.name)}.{studio.project}.{impulse}.json"


def record_expected_provenance(file: Path, provenance: TrainingProvenance) -> None:
    """Add to the provenance before a training: until it succeeds, a build may contain the old model or the new one."""
    write_provenance(file, (read_provenance(file) or provenance) | provenance)


def provenance_of_samples(manifest: Manifest, samples: Sequence[Sample]) -> TrainingProvenance:
    """The clips and artists of the training samples, by the manifest or else by their metadata.

    Raises DataError where a sample is on the other side of the split than its clip in the manifest.
    """
    _check_sides(manifest, misplaced(manifest, samples))
    windows = {Path(window.file).stem: window for window in manifest.windows}
    origins = [_origin(sample, windows) for sample in samples if sample.category == "training"]
    return TrainingProvenance(
        frozenset(clip for clip, _ in origins if clip), frozenset(group for _, group in origins if group)
    )


def _origin(sample: Sample, windows: Mapping[str, Window]) -> tuple[str, str]:
    """Hash of a sample's clip, and its group; empty where nothing tells."""
    if window := windows.get(sample.name):
        return window.clip_sha256, window.group
    metadata = dict(sample.metadata)
    return metadata.get("clip_sha256", ""), metadata.get("artist", "")


def _check_sides(manifest: Manifest, wrong: Sequence[Sample]) -> None:
    if not wrong:
        return
    names = {Path(window.file).stem for window in manifest.windows}
    ours = removable(manifest, wrong)
    others = [str(sample.id) for sample in wrong if sample.name not in names and sample not in ours]
    more = " ..." if len(others) > SHOWN else ""
    delete = f", then eitk samples delete {' '.join(others[:SHOWN])}{more}" if others else ""
    raise DataError(
        f"{len(wrong)} samples on the server are on the other side of the split than their clips in the manifest",
        why=f"a clip would be trained on and tested; the first is sample {wrong[0].id} in {wrong[0].category}",
        hint=f"eitk upload{delete}",
    )


BUILD_TRIES = 3  # builds of others that may be in the way before ours starts


class Follow(Protocol):
    """Shows a job until it ends. Raises JobFailed."""

    def __call__(self, started: Started, title: str, epochs: int | None = None) -> Job:
        """`epochs` is how many a training has."""


@dataclass(frozen=True)
class TrainReport:
    """What a training gave."""

    impulse: int
    training: TrainingResult
    test: tuple[Evaluation, ...]

    def data(self) -> dict[str, Any]:
        """For --json and for the record of runs; each part by variant."""
        main = [profile for profile in self.training.main_profiles if profile.engines]
        return {
            "impulse": self.impulse,
            "validation": {evaluation.variant: evaluation.data() for evaluation in self.training.validation},
            "test": {evaluation.variant: evaluation.data() for evaluation in self.test},
            "hardware": {profile.variant: _hardware(profile) for profile in main},
            "history": {name: list(values) for name, values in self.training.history.items()},
        }


def _hardware(profile: DeviceProfile) -> dict[str, Any]:
    engine = profile.engines[0]
    return {
        "device": profile.device,
        "engine": engine.engine,
        "latency_ms": profile.latency_ms,
        "ram_bytes": engine.ram,
        "flash_bytes": engine.rom,
    }


def ready_impulse(studio: Studio, wanted: ImpulseState | None, name: str) -> Current:
    """The project's impulse, if it is the wanted one and there is something to train on.

    Raises ConfigurationError where it differs, DataError where a category has no samples.
    """
    current = require_impulse(studio, name)
    if wanted is not None and (changes := diff(current.state, wanted)):
        first = changes[0]
        raise ConfigurationError(
            f"the studio's impulse is not that of eitk.toml: {len(changes)} values differ",
            why=f"{first.key} is {first.there or 'not set'} there, {first.wanted or 'not set'} here",
            hint="eitk impulse apply (or eitk impulse pull)",
        )
    for category in CATEGORIES:
        if not count_samples(studio, category):
            raise DataError(f"the project has no samples for {category}", hint="eitk upload")
    return current


def train(studio: Studio, current: Current, follow: Follow, *, features: bool) -> TrainReport:
    """Features (unless told not to), training, test. Raises JobFailed where a job does not succeed."""
    if features:
        for index, dsp_id in enumerate(current.dsp_ids):
            follow(start_features(studio, dsp_id), f"features: {current.state.dsp[index].name}")
    learn = current.state.learn
    follow(start_training(studio, current.learn_id, learn), "training", learn.epochs)
    test = run_test(studio, current, follow)
    return TrainReport(current.impulse_id, training_result(studio, current.learn_id), test)


def run_test(studio: Studio, current: Current, follow: Follow) -> tuple[Evaluation, ...]:
    """Try every trained variant on the test set; returns these alone, for the studio may keep others of before."""
    variants: tuple[ModelVariant, ...] = VARIANTS if current.state.learn.profile_int8 else ("float32",)
    follow(start_test(studio, current.impulse_id, variants), "test")
    found = tested_variants(studio, current.impulse_id)
    return tuple(evaluation for evaluation in found if evaluation.variant in variants)


def build(studio: Studio, impulse_id: int, wanted: BuildSpec, paths: ProjectPaths, follow: Follow) -> Lock:
    """Build a library, download exactly that version, pin it.

    A build of somebody else in the way is waited for, and ours started then: its version is not ours.
    Raises JobFailed where the build fails; eitk.lock then stays as it is.
    """
    for _ in range(BUILD_TRIES):
        started = start_build(studio, impulse_id, wanted.target, wanted.engine, wanted.model_type)
        follow(started, "build")
        if not started.attached:
            version = Answer(started.answer, "the started build").integer("deploymentVersion")
            return pin(studio, version, wanted, paths, provenance_file(studio, paths, impulse_id))
    raise DataError("other builds kept the studio busy", hint="eitk jobs list, then eitk build again")


LOOK_S = 2.0
LOOKS = 60
NOT_TRAINED = re.compile(r"\bnot .*trained|\btrain .*first|\bno trained", re.IGNORECASE)


def require_trained(studio: Studio, learn_id: int) -> TrainingResult:
    """What the last training of a learn block gave. Raises ApiError, with what to do, where it was never trained."""
    try:
        return training_result(studio, learn_id)
    except ApiError as error:
        if NOT_TRAINED.search(error.what) and not error.hint:
            error.hint = "Train it: eitk train"
        raise


def profiles(studio: Studio, learn_id: int, follow: Follow, *, again: bool) -> tuple[DeviceProfile, ...]:
    """Profiles of a trained learn block; made anew if asked for, or if there are none.

    Raises ApiError where the model was not trained or the studio gives no profile.
    """
    found = require_trained(studio, learn_id)
    if again or not (found.profiles or found.is_profiling):
        start_profile(studio, learn_id)
    for _ in range(LOOKS):
        if job := profiling_job(studio, learn_id):
            follow(Started(job, {}), "profile")
        found = training_result(studio, learn_id)
        if found.profiles and not found.is_profiling:
            return found.profiles
        time.sleep(LOOK_S)
    raise ApiError("the studio gives no profile of this model", hint="eitk jobs list --all")
