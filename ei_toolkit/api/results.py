"""Results of training and testing as typed objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Variant = Literal["int8", "float32"]
VARIANTS: tuple[Variant, ...] = ("int8", "float32")
NANO = "nano-33-ble"  # part of the device's id


@dataclass(frozen=True)
class ClassScore:
    """How well one label is recognised; fractions of windows."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Evaluation:
    """One model variant on one set of windows.

    `confusion[i][j]` counts windows of `labels[i]` called `columns[j]`; `columns` are the labels, and `uncertain`
    where a threshold applies. `loss` and `auc` are None where the studio does not say.
    """

    variant: Variant
    labels: tuple[str, ...]
    columns: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    accuracy: float
    loss: float | None
    auc: float | None

    @property
    def scores(self) -> tuple[ClassScore, ...]:
        """Precision, recall and F1 of each label, from the confusion matrix."""
        return tuple(self._score(index) for index in range(len(self.labels)))

    def average(self, name: Literal["precision", "recall", "f1"]) -> float:
        """A score averaged over labels, each weighted by its windows."""
        total = sum(score.support for score in self.scores)
        return sum(getattr(score, name) * score.support for score in self.scores) / total if total else 0.0

    @property
    def windows(self) -> int:
        """Number of windows."""
        return sum(map(sum, self.confusion))

    def data(self) -> dict[str, Any]:
        """For --json and for the record of runs."""
        return {
            "accuracy": self.accuracy,
            "loss": self.loss,
            "auc": self.auc,
            "precision": self.average("precision"),
            "recall": self.average("recall"),
            "f1": self.average("f1"),
            "windows": self.windows,
            "labels": list(self.labels),
            "columns": list(self.columns),
            "confusion_matrix": [list(row) for row in self.confusion],
            "report": {s.label: {"precision": s.precision, "recall": s.recall, "f1-score": s.f1, "support": s.support}
                       for s in self.scores},
        }  # fmt: skip

    def _score(self, index: int) -> ClassScore:
        right = self.confusion[index][index]
        support = sum(self.confusion[index])
        called = sum(row[index] for row in self.confusion)
        precision = right / called if called else 0.0
        recall = right / support if support else 0.0
        f1 = 2 * precision * recall / (precision + recall) if right else 0.0
        return ClassScore(self.labels[index], precision, recall, f1, support)


@dataclass(frozen=True)
class EngineProfile:
    """What a model needs on a device with one engine; bytes."""

    engine: str
    ram: int
    rom: int
    arena: int


@dataclass(frozen=True)
class DeviceProfile:
    """Estimate for one device. `latency_ms` is None where it was not measured."""

    variant: Variant
    device: str
    name: str
    is_default: bool
    latency_ms: float | None
    engines: tuple[EngineProfile, ...]
    error: str = ""


@dataclass(frozen=True)
class TrainingResult:
    """Validation and profile of a trained learn block."""

    labels: tuple[str, ...]
    validation: tuple[Evaluation, ...]
    profiles: tuple[DeviceProfile, ...]
    is_profiling: bool
    history: Mapping[str, tuple[float, ...]]

    @property
    def main_profiles(self) -> tuple[DeviceProfile, ...]:
        """Those of the one device that matters: the Nano 33 BLE Sense, else the studio's default."""
        for wanted in (lambda p: NANO in p.device, lambda p: p.is_default):
            if found := tuple(filter(wanted, self.profiles)):
                return found
        return self.profiles
