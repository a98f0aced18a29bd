"""Train, test and build the impulse of a project, with its training provenance and the run log.

The commands and the Python API call these functions with their own ways to follow a job.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ei_toolkit.board.early_checks import model_warnings
from ei_toolkit.client.byom import deploy_model
from ei_toolkit.client.deployments import BuildSpec
from ei_toolkit.client.impulse.current import Current
from ei_toolkit.client.impulse.state import ImpulseState, check_impulse, wanted_impulse
from ei_toolkit.client.project import Studio
from ei_toolkit.client.results import NANO
from ei_toolkit.client.train import (
    Follow,
    TrainReport,
    provenance_file,
    provenance_of_samples,
    ready_impulse,
    record_expected_provenance,
)
from ei_toolkit.client.train import build as run_build
from ei_toolkit.client.train import train as run_training
from ei_toolkit.client.upload.ledger import Ledger, ledger_path
from ei_toolkit.client.upload.plan import (
    Difference,
    annotate,
    difference,
    removable,
    remove_misplaced,
    server_samples,
    visible_samples,
)
from ei_toolkit.client.upload.run import Options, Report
from ei_toolkit.client.upload.run import upload as run_upload
from ei_toolkit.config import Config
from ei_toolkit.config.boards import board_spec
from ei_toolkit.config.lockfile import Lock
from ei_toolkit.config.settings import PROGRAM_TARGETS, TARGET_ALIASES
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.dataset.plan import rows_of_windows
from ei_toolkit.dataset.provenance import TrainingProvenance, write_provenance
from ei_toolkit.dataset.window_store import WindowReader
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.evaluation.plausibility import majority_warning, validation_warning
from ei_toolkit.evaluation.run_log import record_run
from ei_toolkit.impulse.metrics import TOP_1


@dataclass(frozen=True)
class UploadPlan:
    """What an upload of a manifest would do. `misplaced` counts samples whose clips are in another split now."""

    studio: Studio
    file: Path
    windows: Manifest
    difference: Difference
    misplaced: int
    is_visible: bool
    """Whether the key may read samples. If it may not, the studio reports duplicates."""

    @property
    def foreign(self) -> int:
        """The number of samples that are in the studio and not in the manifest, without the misplaced ones."""
        return len(self.difference.foreign) - self.misplaced


def plan_upload(studio: Studio, file: Path, windows: Manifest) -> UploadPlan:
    """Compare the manifest of a file with the samples of the studio."""
    there = visible_samples(studio)
    plan, misplaced = difference(windows, there or []), removable(windows, there or [])
    return UploadPlan(studio, file, windows, plan, len(misplaced), there is not None)


def upload_windows(
    plan: UploadPlan, reader: WindowReader, options: Options, progress: Callable[[float, str], None]
) -> tuple[Report, int]:
    """Upload what the studio lacks; return the report, and the number of samples that are not in the manifest."""
    studio = plan.studio
    with Ledger(ledger_path(plan.file, studio.transport.endpoint.name, studio.project)) as ledger:
        done = run_upload(studio, plan.difference, reader, ledger, options, progress)
        if plan.is_visible:
            annotate(studio, plan.windows, ledger)
        if plan.misplaced:  # compared again, because the upload may have moved some of them
            done.removed = remove_misplaced(studio, plan.windows)
    return done, max(len(plan.difference.foreign) - done.removed, 0)


def checked_impulse(config: Config) -> ImpulseState:
    """Return the impulse of the settings. Raises ConfigurationError for one that contradicts itself or is too large."""
    wanted = wanted_impulse(config.settings, config.paths.root)
    check_impulse(wanted, board_spec(config.settings.board.name).ram_bytes)
    return wanted


@dataclass(frozen=True)
class PreparedTraining:
    """An impulse that can be trained, and the clips that its model will be trained on."""

    studio: Studio
    config: Config
    current: Current
    provenance: TrainingProvenance

    @property
    def record(self) -> Path:
        """The file with the training provenance of the impulse."""
        return provenance_file(self.studio, self.config.paths, self.current.impulse_id)

    def expect(self) -> None:
        """Record the provenance before the training starts, because a build may then contain the old or new model."""
        record_expected_provenance(self.record, self.provenance)


def prepare_training(studio: Studio, config: Config) -> PreparedTraining:
    """Check that the studio has the impulse of the settings, and samples whose splits are those of the manifest.

    Raises ConfigurationError where the impulse differs, MissingStepError where there is none or no samples, DataError
    where a training clip is a testing clip, too.
    """
    settings, file = config.settings, config.paths.manifest
    wanted = wanted_impulse(settings, config.paths.root) if settings.impulse.dsp else None
    apply = "eitk impulse apply" + (", with the same -o" if config.options else "")
    current = ready_impulse(studio, wanted, settings.impulse.name, apply)
    manifest = Manifest.read(file) if file.is_file() else Manifest(())  # samples may be from elsewhere
    return PreparedTraining(studio, config, current, provenance_of_samples(manifest, server_samples(studio)))


def run_prepared(prepared: PreparedTraining, follow: Follow, *, features: bool) -> TrainReport:
    """Generate features (if `features`), train and test, and record the training provenance. Raises JobFailed."""
    prepared.expect()
    report = run_training(prepared.studio, prepared.current, follow, features=features)
    if features:  # otherwise the model was trained on the samples of older features
        write_provenance(prepared.record, prepared.provenance)
    return report


def training_warnings(config: Config, report: TrainReport) -> list[str]:
    """Return what limits the meaning of the accuracies, and the use on the board, of the first variant (int8 first)."""
    file = config.paths.manifest
    rows = rows_of_windows(Manifest.read(file).windows) if file.is_file() else []
    found = []
    for test in report.test[:1]:
        found.append(majority_warning(TOP_1, test.top_1_accuracy, test.windows_by_label))
        found += [validation_warning(v.top_1_accuracy, test.top_1_accuracy, rows) for v in report.training.validation
                  if v.variant == test.variant]  # fmt: skip
    for profile in report.training.main_profiles[:1]:
        if NANO in profile.device and profile.engines:
            engine = profile.engines[0]
            found += model_warnings(
                config.settings, latency_ms=profile.latency_ms, ram_bytes=engine.ram, flash_bytes=engine.rom
            )
    return [warning for warning in found if warning]


def build_spec(config: Config, target: str | None = None) -> BuildSpec:
    """Return the target, engine and model type of the settings, or another target."""
    settings = config.settings.build
    wanted = target or settings.target
    return BuildSpec(TARGET_ALIASES.get(wanted, wanted), settings.engine, settings.model_type)


def level_parameters(config: Config, spec: BuildSpec) -> dict[str, str]:
    """Return the level of the windows of the training, to which a program brings its own; empty for a library."""
    settings = config.settings.slice
    if spec.target not in PROGRAM_TARGETS or settings.level == "none":
        return {}
    return {
        "level": settings.level, "targetDbfs": str(settings.target_dbfs), "maxGainDb": str(settings.max_gain_db),
    }  # fmt: skip


def is_pinned(config: Config, spec: BuildSpec) -> bool:
    """Return whether eitk.lock names a build of `spec`: a build for another target than [build] is only stored."""
    return spec == build_spec(config)


def build_and_record(config: Config, studio: Studio, impulse: int, follow: Follow, target: str | None = None) -> Lock:
    """Build and download a deployment, and record the run; return the contents of eitk.lock. Raises JobFailed.

    A build for the target in [build] is pinned in eitk.lock.
    """
    started = time.monotonic()
    spec = build_spec(config, target)
    lock = run_build(
        studio,
        impulse,
        spec,
        config.paths,
        follow,
        parameters=level_parameters(config, spec),
        pinned=is_pinned(config, spec),
    )
    record_run(config, "build", {**asdict(lock), "seconds": time.monotonic() - started})
    return lock


def build_own_model(
    config: Config, studio: Studio, model: Path, labels: Sequence[str], target: str | None, timeout_s: float | None
) -> Lock:
    """Build a model from elsewhere with the official SDK; return the contents of eitk.lock.

    Raises ConfigurationError without labels, DataError for a file that is no model, ApiError where the studio fails.
    """
    if not labels:
        raise ConfigurationError(
            "the labels of the model are not known", hint="Set [project] labels in the order of the model's outputs."
        )
    spec = build_spec(config, target)
    pinned = is_pinned(config, spec)
    return deploy_model(studio, model, labels, spec, config.paths, timeout_s, pinned=pinned)
