"""The published project's tables 1 to 4 in their own layout, with this project's results added.

Source: README of the public repository alpd11/Edge_Music_Genre_Classifier (its latency, RAM and flash are estimates of
the vendor's profiler at 64 MHz; its split is random by file, so most test files share an artist with training).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ei_toolkit.config.units import kib
from ei_toolkit.impulse.metrics import TOP_1, thresholded_name
from ei_toolkit.impulse.trained_model import VARIANTS
from ei_toolkit.report.confusion import labels_of_counts
from ei_toolkit.report.project_summary import ProjectSummary
from ei_toolkit.report.tables import Cell, Table, percent, row_shares

METRICS = ("accuracy", "precision", "recall", "f1", "auc", "loss")
SPLIT = {"rock": (80, 20), "classical": (80, 20)}
PUBLISHED_LABELS = frozenset(SPLIT)
EVALUATION = {
    ("validation", "int8"): (0.9722, 0.9726, 0.9722, 0.9722, 0.9722, 0.0802),
    ("validation", "float32"): (0.9733, 0.9735, 0.9733, 0.9733, 0.9733, 0.0779),
    ("test", "int8"): (0.9391, 0.9429, 0.9391, 0.9389, 0.9390, 0.1631),
    ("test", "float32"): (0.9395, 0.9431, 0.9395, 0.9394, 0.9395, 0.1581),
}
CONFUSION = {("classical", "classical"): 0.957, ("classical", "rock"): 0.043,
             ("rock", "classical"): 0.013, ("rock", "rock"): 0.987}  # fmt: skip
HARDWARE = {
    "latency": ("205 ms", "3139 ms"),
    "RAM": ("45.6 KiB", "158.6 KiB"),
    "flash": ("44.5 KiB", "69.3 KiB"),
    thresholded_name(None): ("93.36 %", "93.59 %"),
}


@dataclass(frozen=True)
class OwnResults:
    """This project's results in the form of the published tables; a missing value is shown as a dash.

    `clips`: label -> (train, test). `metrics`: (set, model type) -> {accuracy, precision, recall, f1, auc, loss}.
    `confusion`: rows and columns in the order of `labels`, counts. `hardware`: row -> (int8, float32) as shown.
    """

    labels: tuple[str, ...]
    clips: Mapping[str, tuple[int, int]]
    metrics: Mapping[tuple[str, str], Mapping[str, float | None]]
    confusion: Sequence[Sequence[int]]
    hardware: Mapping[str, tuple[str, str]]


def like_published(ours: OwnResults) -> tuple[Table, ...]:
    """Return tables 1 to 4."""
    return (_split(ours), _evaluation(ours), _confusion(ours), _hardware(ours))


def _split(ours: OwnResults) -> Table:
    rows = [
        (label, *_with_total(SPLIT.get(label)), *_with_total(ours.clips.get(label)))
        for label in sorted({*SPLIT, *ours.clips}, reverse=True)
    ]
    whole, own = (_with_total(_sums(clips)) for clips in (SPLIT, ours.clips))
    head = ("genre", "train", "test", "total", "train (ours)", "test (ours)", "total (ours)")
    return Table("Table 1. Clips for training and testing", head, (*rows, ("total", *whole, *own)))


def _sums(clips: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    return sum(train for train, _ in clips.values()), sum(test for _, test in clips.values())


def _with_total(parts: tuple[int, int] | None) -> tuple[Cell, Cell, Cell]:
    return (*parts, sum(parts)) if parts else (None, None, None)


def _evaluation(ours: OwnResults) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for (part, kind), published in EVALUATION.items():
        own = ours.metrics.get((part, kind), {})
        rows.append((part, kind, "published", *published))
        rows.append((part, kind, "ours", *(own.get(name) for name in METRICS)))
    head = ("set", "model", "", "accuracy", "precision", "recall", "F1-score", "ROC AUC", "loss")
    return Table(f"Table 2. Validation ({TOP_1}) and test ({thresholded_name(None)})", head, tuple(rows))


def _confusion(ours: OwnResults) -> Table:
    rows: list[tuple[Cell, ...]] = []
    shares = row_shares(ours.confusion)
    for i, actual in enumerate(ours.labels):
        published = tuple(percent(CONFUSION.get((actual, predicted))) for predicted in ours.labels)
        own = tuple(map(percent, shares[i])) if shares else (None,) * len(ours.labels)
        rows.append((actual, *published, *own))
    head = (
        "actual \\ predicted",
        *(f"{label} (published)" for label in ours.labels),
        *(f"{label} (ours)" for label in ours.labels),
    )
    return Table("Table 3. Confusion matrix, validation, int8", head, tuple(rows))


def _hardware(ours: OwnResults) -> Table:
    rows = [(name, *figures, *ours.hardware.get(name, (None, None))) for name, figures in HARDWARE.items()]
    head = ("", "int8", "float32", "int8 (ours)", "float32 (ours)")
    return Table("Table 4. On the board, at 64 MHz", head, tuple(rows))


def own_results(summary: ProjectSummary) -> OwnResults:
    """Return clips by label, metrics of validation and test, the confusion matrix and the cost on the board."""
    train = summary.latest("train")
    metrics: dict[tuple[str, str], dict[str, Any]] = {
        (part, variant): {name: found[name] for name in METRICS if isinstance(found.get(name), (int, float))}
        for part in ("validation", "test")
        for variant in VARIANTS
        if (found := train.get(part, {}).get(variant))
    }
    validation = train.get("validation", {}).get("int8", {})
    counts = validation.get("confusion_matrix", [])
    return OwnResults(
        labels=labels_of_counts(counts, validation.get("labels"), summary.labels) if counts else summary.labels,
        clips={
            label: (_clips(summary, label, "training"), _clips(summary, label, "testing")) for label in summary.labels
        },
        metrics=metrics,
        confusion=counts,
        hardware=_own_hardware(summary, train),
    )


def _clips(summary: ProjectSummary, label: str, split: str) -> int:
    return len({window.clip for window in summary.windows if window.label == label and window.split == split})


def _own_hardware(summary: ProjectSummary, train: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    own = [train.get("hardware", {}).get(variant, {}) for variant in VARIANTS]
    if summary.profile is not None:
        own[0] = asdict(summary.profile)
    rows = {
        "latency": [_shown(one.get("latency_ms"), "{:.0f} ms", 1) for one in own],
        "RAM": [_size(one.get("ram_bytes")) for one in own],
        "flash": [_size(one.get("flash_bytes")) for one in own],
        thresholded_name(None): [
            _shown(train.get("test", {}).get(variant, {}).get("accuracy"), "{:.2f} %", 100) for variant in VARIANTS
        ],
    }
    return {name: (int8, float32) for name, (int8, float32) in rows.items()}


def _size(value: float | None) -> str:
    return "–" if value is None else kib(value)


def _shown(value: float | None, form: str, factor: float) -> str:
    return "–" if value is None else form.format(value * factor)
