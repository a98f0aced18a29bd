"""The way from samples to a pinned library: features, training, test, build. Each step is one job, followed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from ei_toolkit.api.answer import Answer
from ei_toolkit.api.deploy.pin import Wanted, pin
from ei_toolkit.api.heard import heard_file
from ei_toolkit.api.impulse.current import Current, require_impulse
from ei_toolkit.api.impulse.diff import diff
from ei_toolkit.api.impulse.state import ImpulseState
from ei_toolkit.api.jobs.job import Job, Started
from ei_toolkit.api.jobs.kinds import start_build, start_features, start_test, start_training
from ei_toolkit.api.project import Studio
from ei_toolkit.api.read_results import tested_variants, training_result
from ei_toolkit.api.results import (
    VARIANTS,
    DeviceProfile,
    Evaluation,
    TrainingResult,
    Variant,
)
from ei_toolkit.api.samples import CATEGORIES, count_samples
from ei_toolkit.config import ProjectPaths
from ei_toolkit.config.lockfile import Lock
from ei_toolkit.errors import ConfigurationError, DataError

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
    variants: tuple[Variant, ...] = VARIANTS if current.state.learn.profile_int8 else ("float32",)
    follow(start_test(studio, current.impulse_id, variants), "test")
    found = tested_variants(studio, current.impulse_id)
    return tuple(evaluation for evaluation in found if evaluation.variant in variants)


def build(studio: Studio, impulse_id: int, wanted: Wanted, paths: ProjectPaths, follow: Follow) -> Lock:
    """Build a library, download exactly that version, pin it.

    A build of somebody else in the way is waited for, and ours started then: its version is not ours.
    Raises JobFailed where the build fails; eitk.lock then stays as it is.
    """
    for _ in range(BUILD_TRIES):
        started = start_build(studio, impulse_id, wanted.target, wanted.engine, wanted.model_type)
        follow(started, "build")
        if not started.attached:
            version = Answer(started.answer, "the started build").integer("deploymentVersion")
            return pin(studio, version, wanted, paths, heard_file(studio, paths, impulse_id))
    raise DataError("other builds kept the studio busy", hint="eitk jobs list, then eitk build again")
