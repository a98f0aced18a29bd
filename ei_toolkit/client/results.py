"""Results of training, testing and profiling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
import numpy as np

from ei_toolkit.client.project import Studio
from ei_toolkit.client.responses import Response
from ei_toolkit.config.settings import UNCERTAIN
from ei_toolkit.errors import ApiError, CredentialError, NetworkError
from ei_toolkit.impulse.metrics import class_scores, diagonal_share, majority_share
from ei_toolkit.impulse.trained_model import VARIANTS, ModelVariant

NANO = "nano-33-ble"  # part of the device's id


@dataclass(frozen=True)
class ClassScore:
    """Scores of one label as fractions; `support` is its number of windows."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Evaluation:
    """One model variant on one set of windows.

    `confusion[i][j]` counts windows with the actual label `labels[i]` that are predicted as `columns[j]`; `columns`
    are the labels, and `uncertain` where a threshold applies. All figures are about these windows. `unknown` counts
    windows by labels that the model does not have; they are not scored. A figure is None where the studio does not
    state it; a validation has no threshold, so its `thresholded_accuracy` is None.
    """

    variant: ModelVariant
    labels: tuple[str, ...]
    columns: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    thresholded_accuracy: float | None
    top_1_accuracy: float | None
    loss: float | None
    auc: float | None
    threshold: float | None = None
    unknown: Mapping[str, int] = field(default_factory=dict)

    @property
    def scores(self) -> tuple[ClassScore, ...]:
        """Return precision, recall and F1 of each label, from the confusion matrix."""
        if not self.labels:
            return ()
        found = class_scores(np.array(self.confusion))
        return tuple(
            ClassScore(label, float(precision), float(recall), float(f1), int(support))
            for label, precision, recall, f1, support in zip(self.labels, *found, strict=True)
        )

    def average(self, name: Literal["precision", "recall", "f1"]) -> float:
        """Return a score averaged over the labels, each weighted by its number of windows."""
        total = sum(score.support for score in self.scores)
        return sum(getattr(score, name) * score.support for score in self.scores) / total if total else 0.0

    @property
    def windows(self) -> int:
        """Return the number of windows that are scored."""
        return sum(map(sum, self.confusion))

    @property
    def windows_by_label(self) -> dict[str, int]:
        """Return the number of scored windows of each label."""
        return {label: sum(row) for label, row in zip(self.labels, self.confusion, strict=True)}

    @property
    def majority(self) -> float:
        """Return the majority baseline: the accuracy of a model that always predicts the most frequent label."""
        return majority_share(self.windows_by_label.values())

    @property
    def accuracy(self) -> float:
        """Return the accuracy that the studio displays: at the threshold in a test, else top-1."""
        known = (self.thresholded_accuracy, self.top_1_accuracy)
        return next((value for value in known if value is not None), 0.0)

    def data(self) -> dict[str, Any]:
        """Return it for --json and for the run log."""
        return {
            "accuracy": self.accuracy,
            "thresholded_accuracy": self.thresholded_accuracy,
            "threshold": self.threshold,
            "top_1_accuracy": self.top_1_accuracy,
            "majority": self.majority,
            "unknown_labels": dict(self.unknown),
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
        """Return the profiles of one device: the Nano 33 BLE Sense, else the studio's default device, else all."""
        for is_chosen in (lambda p: NANO in p.device, lambda p: p.is_default):
            if found := tuple(filter(is_chosen, self.profiles)):
                return found
        return self.profiles


MAX_WINDOWS = 2**32  # in one cell of a confusion matrix
AUC_NAMES = ("area under roc curve", "roc auc", "auc")
ENGINE_NAMES = {"eon": "eon", "eon_ram_optimized": "eon, ram optimised", "tflite": "tflite"}


class _Metric(Response, frozen=True):
    name: str = ""
    full_precision_value: float | None = None


class _Memory(Response, frozen=True):
    ram_required: float = 0
    rom_required: float = 0
    arena_size: float = 0


class _Device(Response, frozen=True):
    mcu: str
    name: str = ""
    is_default: bool = False
    has_performance: bool | None = None
    latency: float | None = None
    profiling_error: str = ""
    eon: _Memory | None = None
    eon_ram_optimized: _Memory | None = msgspec.field(default=None, name="eon_ram_optimized")
    tflite: _Memory | None = None


class _ModelMetrics(Response, frozen=True):
    type: str
    accuracy: float
    loss: float
    confusion_matrix: tuple[tuple[float, ...], ...] = ()
    additional_metrics: tuple[_Metric, ...] = ()
    on_device_performance: tuple[_Device, ...] = ()
    profiling_job_id: int | None = None
    profiling_job_failed: bool = False


class _Curve(Response, frozen=True):
    title: str = ""
    values: tuple[Any, ...] = ()


class _Graph(Response, frozen=True):
    title: str = ""
    data: tuple[_Curve, ...] = ()


class ModelMetadata(Response, frozen=True):
    """`KerasModelMetadataResponse`, as far as eitk reads it."""

    class_names: tuple[str, ...]
    model_validation_metrics: tuple[_ModelMetrics, ...]
    tensorboard_graphs: tuple[_Graph, ...] = ()


class _Accuracy(Response, frozen=True):
    all_labels: tuple[str, ...]
    confusion_matrix_values: Mapping[str, Mapping[str, float]]


class _Expected(Response, frozen=True):
    start_index: int
    end_index: int
    label: str


class _Classification(Response, frozen=True):
    result: tuple[Any, ...] = ()
    expected_labels: tuple[_Expected, ...] = ()
    minimum_confidence_rating: float | None = None


class _ClassifiedSample(Response, frozen=True):
    classifications: tuple[_Classification, ...] = ()


class _BlockMetrics(Response, frozen=True):
    additional_metrics: tuple[_Metric, ...] = ()


class ClassifyMetadata(Response, frozen=True):
    """`ClassifyJobResponse`, as far as eitk reads it."""

    accuracy: _Accuracy
    result: tuple[_ClassifiedSample, ...] = ()
    additional_metrics_by_learn_block: tuple[_BlockMetrics, ...] = ()


def model_metadata(studio: Studio, learn_id: int) -> ModelMetadata:
    """Return the metadata of a trained learn block. Raises ApiError where it was never trained."""
    return studio.transport.read(
        studio.path("training", "keras", learn_id, "metadata"), ModelMetadata, excludeLabels=True
    )


def training_result(studio: Studio, learn_id: int) -> TrainingResult:
    """Return the result of the last training of a learn block. Raises ApiError where it was never trained."""
    return read_training(model_metadata(studio, learn_id))


def read_training(metadata: ModelMetadata) -> TrainingResult:
    """Return the result in the metadata of a model, int8 before float32; other variants are left out.

    Raises ApiError where a confusion matrix does not have one row and one column for each label.
    """
    labels = metadata.class_names
    metrics = [(variant, m) for variant in VARIANTS for m in metadata.model_validation_metrics if m.type == variant]
    return TrainingResult(
        labels,
        tuple(_validation(variant, m, labels) for variant, m in metrics),
        tuple(_profile(variant, device) for variant, m in metrics for device in m.on_device_performance),
        any(m.profiling_job_id is not None and not m.profiling_job_failed for _, m in metrics),
        _history(metadata.tensorboard_graphs),
    )


def result_of_test(studio: Studio, variant: ModelVariant, impulse_id: int | None = None) -> Evaluation:
    """Return the result of the last test of a variant. Raises ApiError where there was none."""
    path = studio.path("classify", "all", "result")
    return read_test(studio.transport.read(path, ClassifyMetadata, variant=variant, impulseId=impulse_id), variant)


def tested_variants(studio: Studio, impulse_id: int | None = None) -> tuple[Evaluation, ...]:
    """Return the test results of every variant that has one."""
    found = []
    for variant in VARIANTS:
        try:
            found.append(result_of_test(studio, variant, impulse_id))
        except (NetworkError, CredentialError):
            raise
        except ApiError as error:
            if error.status is None:
                raise  # the studio has a result, and it is not valid
            continue  # this variant was not tested
    return tuple(found)


def read_test(response: ClassifyMetadata, variant: ModelVariant) -> Evaluation:
    """Return the evaluation of a test. Windows below the threshold are `uncertain` and count as wrong.

    The accuracies are computed here from the confusion matrix and the scores of the windows, so that a studio that
    also scores windows with unknown labels gives the same figures.
    """
    columns = response.accuracy.all_labels
    labels = tuple(label for label in columns if label != UNCERTAIN)
    matrix = response.accuracy.confusion_matrix_values
    confusion = tuple(tuple(_count(matrix.get(label, {}).get(column, 0.0)) for column in columns) for label in labels)
    windows = list(_classified_windows(response.result))
    known = [_best(scores, labels) == label for label, scores in windows if label in labels]
    is_complete = bool(known) and len(known) == sum(map(sum, confusion))  # scores of deleted samples are left out
    unknown = Counter(label for label, _ in windows if label not in labels)
    if not windows:
        unknown.update({label: round(sum(row.values())) for label, row in matrix.items() if label not in labels})
    blocks = response.additional_metrics_by_learn_block
    extra = _values(metric for block in blocks for metric in block.additional_metrics)
    return Evaluation(
        variant,
        labels,
        columns,
        confusion,
        thresholded_accuracy=diagonal_share(confusion),
        top_1_accuracy=sum(known) / len(known) if is_complete else None,
        loss=extra.get("loss"),
        auc=_auc(extra),
        threshold=_threshold(response.result),
        unknown=unknown,
    )


def _classified_windows(samples: Iterable[_ClassifiedSample]) -> Iterator[tuple[str, Mapping[str, float]]]:
    """Yield the actual label and the scores of each window, as the first learn block gives them."""
    for sample in samples:
        for block in sample.classifications[:1]:
            for expected in block.expected_labels:
                for scores in block.result[expected.start_index : expected.end_index + 1]:
                    if isinstance(scores, Mapping):
                        yield expected.label, scores


def _best(scores: Mapping[str, float], labels: Sequence[str]) -> str:
    return max(labels, key=lambda label: scores.get(label, 0.0))


def _threshold(samples: Iterable[_ClassifiedSample]) -> float | None:
    blocks = (block for sample in samples for block in sample.classifications[:1])
    return next((block.minimum_confidence_rating for block in blocks), None)


def _validation(variant: ModelVariant, metrics: _ModelMetrics, labels: tuple[str, ...]) -> Evaluation:
    rows = metrics.confusion_matrix
    if len(rows) != len(labels) or any(len(row) != len(labels) for row in rows):
        raise ApiError(
            f"the confusion matrix of the {variant} model is not valid", why=f"it does not fit {len(labels)} labels"
        )
    confusion = tuple(tuple(map(_count, row)) for row in rows)
    auc = _auc(_values(metrics.additional_metrics))
    return Evaluation(variant, labels, labels, confusion, None, metrics.accuracy, metrics.loss, auc)


def _count(value: float) -> int:
    """Return a number of windows. Raises ApiError for a value that cannot be one."""
    if not 0 <= value <= MAX_WINDOWS:
        raise ApiError("a confusion matrix of the studio is not valid", why=f"{value:g} is not a number of windows")
    return round(value)


def _profile(variant: ModelVariant, device: _Device) -> DeviceProfile:
    engines = tuple(
        EngineProfile(name, int(memory.ram_required), int(memory.rom_required), int(memory.arena_size))
        for key, name in ENGINE_NAMES.items()
        if (memory := getattr(device, key)) is not None
    )
    is_measured = device.latency is not None if device.has_performance is None else device.has_performance
    return DeviceProfile(
        variant,
        device.mcu,
        device.name or device.mcu,
        device.is_default,
        (device.latency or 0.0) if is_measured else None,
        engines,
        device.profiling_error,
    )


def _history(graphs: Sequence[_Graph]) -> dict[str, tuple[float, ...]]:
    """Curves of loss and accuracy by epoch; the names of those of the validation split start with `val_`."""
    curves: dict[str, tuple[float, ...]] = {}
    for graph in graphs:
        for curve in graph.data:
            prefix = "val_" if curve.title.lower().startswith("val") else ""
            numbers = (float(value) for value in curve.values if isinstance(value, (int, float)))
            curves[prefix + graph.title.lower()] = tuple(numbers)
    return curves


def _values(metrics: Iterable[_Metric]) -> dict[str, float]:
    return {m.name.lower(): m.full_precision_value for m in metrics if m.full_precision_value is not None}


def _auc(values: Mapping[str, float]) -> float | None:
    return next((values[name] for name in AUC_NAMES if name in values), None)
