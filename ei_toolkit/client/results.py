"""Results of training and testing as typed objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ei_toolkit.client.answer import Answer
from ei_toolkit.client.project import Studio
from ei_toolkit.errors import ApiError, CredentialError, NetworkError
from ei_toolkit.impulse.metrics import class_scores
from ei_toolkit.impulse.trained_model import VARIANTS, ModelVariant

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

    variant: ModelVariant
    labels: tuple[str, ...]
    columns: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    accuracy: float
    loss: float | None
    auc: float | None

    @property
    def scores(self) -> tuple[ClassScore, ...]:
        """Precision, recall and F1 of each label, from the confusion matrix."""
        if not self.labels:
            return ()
        found = class_scores(np.array(self.confusion))
        return tuple(
            ClassScore(label, float(precision), float(recall), float(f1), int(support))
            for label, precision, recall, f1, support in zip(self.labels, *found, strict=True)
        )

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

    variant: ModelVariant
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


UNCERTAIN = "uncertain"
AUC_NAMES = ("area under roc curve", "roc auc", "auc")


def training_result(studio: Studio, learn_id: int) -> TrainingResult:
    """What the last training of a learn block gave. Raises ApiError where it was never trained."""
    path = studio.path("training", "keras", learn_id, "metadata")
    return read_training(Answer(studio.transport.get(path, excludeLabels=True), "the trained model"))


def read_training(answer: Answer) -> TrainingResult:
    """A `KerasModelMetadataResponse`."""
    labels = answer.texts("classNames")
    known = [m for m in answer.objects("modelValidationMetrics") if m.text("type") in VARIANTS]
    metrics = sorted(known, key=lambda m: VARIANTS.index("int8" if m.text("type") == "int8" else "float32"))
    return TrainingResult(
        labels,
        tuple(_validation(m, labels) for m in metrics),
        tuple(profile for m in metrics for profile in _profiles(m)),
        any(m.has("profilingJobId") and not m.flag("profilingJobFailed", False) for m in metrics),
        _history(answer.objects("tensorboardGraphs", [])),
    )


def tested(studio: Studio, variant: ModelVariant, impulse_id: int | None = None) -> Evaluation:
    """How a variant did in the last test. Raises ApiError where there was none."""
    path = studio.path("classify", "all", "result")
    answer = Answer(studio.transport.get(path, variant=variant, impulseId=impulse_id), "the test result")
    return read_test(answer, variant)


def tested_variants(studio: Studio, impulse_id: int | None = None) -> tuple[Evaluation, ...]:
    """Test results of every variant that has one."""
    found = []
    for variant in VARIANTS:
        try:
            found.append(tested(studio, variant, impulse_id))
        except (NetworkError, CredentialError):
            raise
        except ApiError:
            continue  # this variant was not tested
    return tuple(found)


def read_test(answer: Answer, variant: ModelVariant) -> Evaluation:
    """A `ClassifyJobResponse`. Windows under the threshold are `uncertain` and count as wrong."""
    accuracy = answer.object("accuracy")
    matrix = accuracy.object("confusionMatrixValues")
    columns = tuple(accuracy.texts("allLabels"))
    labels = tuple(label for label in columns if label != UNCERTAIN)
    rows = [Answer(matrix.data.get(label) or {}, f"{matrix.what}.{label}") for label in labels]
    confusion = tuple(tuple(round(row.number(column, 0.0)) for column in columns) for row in rows)
    total = sum(map(sum, confusion))
    right = sum(confusion[index][columns.index(label)] for index, label in enumerate(labels))
    blocks = answer.objects("additionalMetricsByLearnBlock", [])
    extra = _additional([metric for block in blocks for metric in block.objects("additionalMetrics", [])])
    score = accuracy.number("accuracyScore", right / total if total else 0.0)
    return Evaluation(variant, labels, columns, confusion, score, extra.get("loss"), _auc(extra))


def _validation(metrics: Answer, labels: tuple[str, ...]) -> Evaluation:
    rows = metrics.data.get("confusionMatrix")
    if not isinstance(rows, list) or any(not isinstance(row, list) or len(row) != len(labels) for row in rows):
        raise ApiError("the studio's answer is not understood: a confusion matrix does not fit the labels")
    confusion = tuple(tuple(round(float(value)) for value in row) for row in rows)
    extra = _additional(metrics.objects("additionalMetrics", []))
    variant: ModelVariant = "int8" if metrics.text("type") == "int8" else "float32"
    return Evaluation(
        variant, labels, labels, confusion, metrics.number("accuracy"), metrics.number("loss"), _auc(extra)
    )


def _profiles(metrics: Answer) -> list[DeviceProfile]:
    variant: ModelVariant = "int8" if metrics.text("type") == "int8" else "float32"
    return [_profile(device, variant) for device in metrics.objects("onDevicePerformance", [])]


def _profile(device: Answer, variant: ModelVariant) -> DeviceProfile:
    engines = tuple(
        EngineProfile(
            name,
            device.object(key).integer("ramRequired", 0),
            device.object(key).integer("romRequired", 0),
            device.object(key).integer("arenaSize", 0),
        )
        for key, name in (("eon", "eon"), ("eon_ram_optimized", "eon, ram optimised"), ("tflite", "tflite"))
        if device.has(key)
    )
    measured = device.flag("hasPerformance", device.has("latency"))
    return DeviceProfile(
        variant,
        device.text("mcu"),
        device.text("name", device.text("mcu")),
        device.flag("isDefault", False),
        device.number("latency", 0.0) if measured else None,
        engines,
        device.text("profilingError", ""),
    )


def _history(graphs: Sequence[Answer]) -> dict[str, tuple[float, ...]]:
    """Curves of loss and accuracy by epoch, `val_` before those of validation."""
    curves: dict[str, tuple[float, ...]] = {}
    for graph in graphs:
        name = graph.text("title", "").lower()
        for line in graph.objects("data", []):
            prefix = "val_" if line.text("title", "").lower().startswith("val") else ""
            values = line.data.get("values") or ()
            curves[prefix + name] = tuple(float(value) for value in values if isinstance(value, (int, float)))
    return curves


def _additional(metrics: Sequence[Answer]) -> dict[str, float]:
    return {m.text("name").lower(): m.number("fullPrecisionValue") for m in metrics if m.has("fullPrecisionValue")}


def _auc(extra: Mapping[str, float]) -> float | None:
    return next((extra[name] for name in AUC_NAMES if name in extra), None)
