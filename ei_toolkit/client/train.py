"""Train, test, profile and build a project in the studio, and record its training provenance."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ei_toolkit.client.deployments import BuildSpec, declared_parameters, download, pin
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
from ei_toolkit.client.responses import Response, parse_response
from ei_toolkit.client.results import (
    DeviceProfile,
    Evaluation,
    TrainingResult,
    tested_variants,
    training_result,
)
from ei_toolkit.client.samples import REQUIRED_CATEGORIES, Sample, count_samples
from ei_toolkit.client.upload.ledger import slug
from ei_toolkit.client.upload.plan import misplaced, removable
from ei_toolkit.config import ProjectPaths
from ei_toolkit.config.lockfile import Lock
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.dataset.provenance import TrainingProvenance, read_provenance, write_provenance
from ei_toolkit.errors import ApiError, ConfigurationError, DataError, MissingStepError
from ei_toolkit.impulse.trained_model import VARIANTS, ModelVariant

SHOWN = 20  # ids in a hint
BUILD_TRIES = 3  # builds of others that may be in progress before the requested build starts
PROFILE_POLL_INTERVAL_S = 2.0
PROFILE_POLLS = 60
NOT_TRAINED = re.compile(r"\bnot .*trained|\btrain .*first|\bno trained", re.IGNORECASE)


class _StartedBuild(Response, frozen=True):
    deployment_version: int


def provenance_file(studio: Studio, paths: ProjectPaths, impulse: int) -> Path:
    """Return the file with the training provenance of an impulse's model; a build copies it."""
    return paths.provenance / f"{slug(studio.transport.endpoint.name)}.{studio.project}.{impulse}.json"


def record_expected_provenance(file: Path, provenance: TrainingProvenance) -> None:
    """Add to the provenance before a training: until it succeeds, a build may contain the old model or the new one."""
    write_provenance(file, (read_provenance(file) or provenance) | provenance)


def provenance_of_samples(manifest: Manifest, samples: Sequence[Sample]) -> TrainingProvenance:
    """Return the clips and artists of the training samples, from the manifest or else from their metadata.

    Raises DataError where a sample is in another split than its clip in the manifest.
    """
    _check_splits(manifest, misplaced(manifest, samples))
    windows = {Path(window.file).stem: window for window in manifest.windows}
    origins = [_origin(sample, windows) for sample in samples if sample.category in ("training", "validation")]
    return TrainingProvenance(
        frozenset(clip for clip, _ in origins if clip), frozenset(group for _, group in origins if group)
    )


def _origin(sample: Sample, windows: Mapping[str, Window]) -> tuple[str, str]:
    """Hash of a sample's clip, and its group; empty where they are not known."""
    if window := windows.get(sample.name):
        return window.clip_sha256, window.group
    metadata = dict(sample.metadata)
    return metadata.get("clip_sha256", ""), metadata.get("artist", "")


def _check_splits(manifest: Manifest, wrong: Sequence[Sample]) -> None:
    if not wrong:
        return
    names = {Path(window.file).stem for window in manifest.windows}
    uploaded = {sample.id for sample in removable(manifest, wrong)}
    others = [str(sample.id) for sample in wrong if sample.name not in names and sample.id not in uploaded]
    more = " ..." if len(others) > SHOWN else ""
    delete = f", then eitk samples delete {' '.join(others[:SHOWN])}{more}" if others else ""
    raise DataError(
        f"{len(wrong)} samples in the studio are in another split than their clips in the manifest",
        why=f"a clip would be trained on and tested; the first is sample {wrong[0].id} in {wrong[0].category}",
        hint=f"eitk upload{delete}",
    )


class Follow(Protocol):
    """Shows a job until it ends. Raises JobFailed."""

    def __call__(self, started: Started, title: str, epochs: int | None = None) -> Job:
        """`epochs` is the number of epochs of a training."""


@dataclass(frozen=True)
class TrainReport:
    """The results of a training."""

    impulse: int
    training: TrainingResult
    test: tuple[Evaluation, ...]

    def data(self) -> dict[str, Any]:
        """Return it for --json and for the run log; each part by variant."""
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


def ready_impulse(studio: Studio, wanted: ImpulseState | None, name: str, apply: str = "eitk impulse apply") -> Current:
    """Return the project's impulse, if it equals `wanted` and there are samples to train on.

    `apply` states how `wanted` is applied to the studio, for the error where it differs.

    Raises ConfigurationError where it differs, MissingStepError where there is none, or a category has no samples.
    """
    current = require_impulse(studio, name)
    if wanted is not None and (changes := diff(current.state, wanted)):
        first, differ = changes[0], "1 value differs" if len(changes) == 1 else f"{len(changes)} values differ"
        raise ConfigurationError(
            f"the studio's impulse is not that of eitk.toml: {differ}",
            why=f"{first.key} is {first.there or 'not set'} there, {first.wanted or 'not set'} here",
            hint=f"{apply} (or eitk impulse pull)",
        )
    for category in REQUIRED_CATEGORIES:
        if not count_samples(studio, category):
            raise MissingStepError(f"the project has no samples for {category}", hint="eitk upload")
    return current


def train(studio: Studio, current: Current, follow: Follow, *, features: bool) -> TrainReport:
    """Generate features (if `features`), train and test. Raises JobFailed where a job does not succeed."""
    if features:
        for index, dsp_id in enumerate(current.dsp_ids):
            follow(start_features(studio, dsp_id), f"features: {current.state.dsp[index].name}")
    learn = current.state.learn
    follow(start_training(studio, current.learn_id, learn), "training", learn.epochs)
    test = run_test(studio, current, follow)
    return TrainReport(current.impulse_id, training_result(studio, current.learn_id), test)


def run_test(studio: Studio, current: Current, follow: Follow) -> tuple[Evaluation, ...]:
    """Test every trained variant and return only these: the studio may keep older results of others."""
    variants: tuple[ModelVariant, ...] = VARIANTS if current.state.learn.profile_int8 else ("float32",)
    follow(start_test(studio, current.impulse_id, variants), "test")
    found = tested_variants(studio, current.impulse_id)
    return tuple(evaluation for evaluation in found if evaluation.variant in variants)


def build(
    studio: Studio, impulse_id: int, spec: BuildSpec, paths: ProjectPaths, follow: Follow, *,
    parameters: Mapping[str, str] | None = None, pinned: bool = True,
) -> Lock:  # fmt: skip
    """Build a deployment and download exactly that version. With `pinned`, eitk.lock names it from then on.

    Of the `parameters`, those that the target declares are sent.
    Where another build is in progress, it is waited for and the requested build is started then.
    Raises JobFailed where the build fails; eitk.lock then stays as it is.
    """
    declared = declared_parameters(studio, spec.target, parameters) if parameters else {}
    for _ in range(BUILD_TRIES):
        started = start_build(studio, impulse_id, spec.target, spec.engine, spec.model_type, declared)
        follow(started, "build")
        if not started.attached:
            version = parse_response(started.response, _StartedBuild, "the started build").deployment_version
            store = pin if pinned else download
            return store(studio, version, spec, paths, provenance_file(studio, paths, impulse_id))
    raise DataError(
        f"{BUILD_TRIES} other builds were in progress one after the other",
        hint="Wait until eitk jobs list shows no build, then run eitk build again.",
    )


def require_trained(studio: Studio, learn_id: int) -> TrainingResult:
    """Return the result of the last training of a learn block. Raises MissingStepError where it was never trained."""
    try:
        return training_result(studio, learn_id)
    except ApiError as error:
        if not NOT_TRAINED.search(error.what):
            raise
        raise MissingStepError(error.what, why=error.why, hint=error.hint or "Train it: eitk train") from error


def profiles(studio: Studio, learn_id: int, follow: Follow, *, again: bool) -> tuple[DeviceProfile, ...]:
    """Return the profiles of a trained learn block; estimate them again if `again`, or if there are none.

    Raises MissingStepError where the model was not trained, ApiError where the studio returns no profile in time.
    """
    found = require_trained(studio, learn_id)
    if again or not (found.profiles or found.is_profiling):
        start_profile(studio, learn_id)
    for _ in range(PROFILE_POLLS):
        if job := profiling_job(studio, learn_id):
            follow(Started(job, {}), "profile")
        found = training_result(studio, learn_id)
        if found.profiles and not found.is_profiling:
            return found.profiles
        time.sleep(PROFILE_POLL_INTERVAL_S)
    raise ApiError("the studio returns no profile of this model", hint="eitk jobs list --all")
