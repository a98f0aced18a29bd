"""Results of the studio in Python: uploads, changes of the impulse, trainings, tests, builds and profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ei_toolkit.api.results import Result, shown
from ei_toolkit.client.impulse.apply import Change
from ei_toolkit.client.results import DeviceProfile, Evaluation
from ei_toolkit.client.train import TrainReport
from ei_toolkit.config.lockfile import Lock
from ei_toolkit.report import figures
from ei_toolkit.report.tables import Cell

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Upload(Result):
    """An upload. `done` of `windows` windows are in the studio; `foreign` samples there are not in the manifest."""

    windows: int
    done: int
    sent: int
    duplicates: int
    moved: int
    removed: int
    foreign: int
    requests: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the counts, and the time in seconds, as plain data."""
        return asdict(self)

    def records(self) -> list[dict[str, Cell]]:
        """Return one row with the counts."""
        return [asdict(self)]


@dataclass(frozen=True)
class ImpulseChanges(Result):
    """The values of the impulse that were changed in the studio; none if it was that of the project before."""

    changes: tuple[Change, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return each change with its key, the value before and the value now."""
        return {"changes": self.records()}

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each change: its key, the value before and the value now."""
        return [asdict(change) for change in self.changes]


@dataclass(frozen=True)
class ModelTest(Result):
    """The test of each variant of a model, int8 first, on the testing windows."""

    variants: tuple[Evaluation, ...]

    @property
    def int8(self) -> Evaluation:
        """The test of the int8 model, or of the float32 model where there is no other."""
        return self.variants[0]

    def to_dict(self) -> dict[str, Any]:
        """Return the test of each variant by its name; accuracies are fractions from 0 to 1."""
        return {one.variant: one.data() for one in self.variants}

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each variant: its accuracies from 0 to 1 and the number of windows."""
        return _accuracy_rows("test", self.variants)

    def figure(self) -> Figure:
        """Return the confusion matrix of `int8`: rows are actual labels, columns predicted ones."""
        return shown(figures.confusion_matrix(self.int8.confusion, self.int8.labels))


@dataclass(frozen=True)
class Training(Result):
    """A training: validation, test and profile of each variant (int8 and float32), and the values of each epoch.

    `history` has the values by the names of Keras: `loss`, `accuracy`, `val_loss`, `val_accuracy`. `warnings` state
    what limits the meaning of the accuracies. `seconds` is the time of all jobs.
    """

    report: TrainReport
    seconds: float
    warnings: tuple[str, ...]

    @property
    def validation(self) -> tuple[Evaluation, ...]:
        """The accuracy of each variant on the validation windows."""
        return self.report.training.validation

    @property
    def test(self) -> ModelTest:
        """The accuracy of each variant on the testing windows."""
        return ModelTest(self.report.test)

    @property
    def profiles(self) -> tuple[DeviceProfile, ...]:
        """The estimated latency in milliseconds, RAM and flash in bytes of each variant on the board."""
        return self.report.training.main_profiles

    @property
    def history(self) -> Mapping[str, tuple[float, ...]]:
        """The values of each epoch, by the names of Keras."""
        return self.report.training.history

    def to_dict(self) -> dict[str, Any]:
        """Return the results as plain data, as `eitk train --json` prints them."""
        return self.report.data() | {"seconds": self.seconds, "warnings": list(self.warnings)}

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each set of windows and variant: accuracies from 0 to 1 and the number of windows."""
        return [*_accuracy_rows("validation", self.validation), *_accuracy_rows("test", self.report.test)]

    def figure(self) -> Figure:
        """Return the learning curves: loss and accuracy of training and validation by epoch."""
        return shown(figures.learning_curves(self.history))


def _accuracy_rows(name: str, evaluations: tuple[Evaluation, ...]) -> list[dict[str, Cell]]:
    return [
        {
            "windows of": name, "variant": one.variant, "top_1_accuracy": one.top_1_accuracy,
            "thresholded_accuracy": one.thresholded_accuracy, "majority": one.majority, "windows": one.windows,
        }
        for one in evaluations
    ]  # fmt: skip


@dataclass(frozen=True)
class Build(Result):
    """A library that was built, downloaded and pinned in eitk.lock. The hashes are SHA-256 in hex."""

    library: Path
    model: Path
    lock: Lock

    def to_dict(self) -> dict[str, Any]:
        """Return the contents of eitk.lock; its paths are relative to the folder of the project."""
        return asdict(self.lock)

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each value of eitk.lock."""
        return [{"name": name, "value": value} for name, value in asdict(self.lock).items()]


@dataclass(frozen=True)
class DeviceProfiles(Result):
    """The estimates of the studio for a trained model: one for each device and variant."""

    profiles: tuple[DeviceProfile, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the estimates; latencies are in milliseconds, memory is in bytes."""
        return {"profiles": [asdict(profile) for profile in self.profiles]}

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each device, variant and engine: latency in milliseconds, RAM and flash in bytes."""
        return [
            {
                "device": profile.name, "variant": profile.variant, "engine": engine.engine,
                "latency_ms": profile.latency_ms, "ram_bytes": engine.ram, "flash_bytes": engine.rom,
            }
            for profile in self.profiles
            for engine in profile.engines
        ]  # fmt: skip
