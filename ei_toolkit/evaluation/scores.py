"""Compute the figures of an evaluation from the predictions for held-out windows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.evaluation.clips import CLEAN
from ei_toolkit.evaluation.run import FLOAT, ClipPredictions, Run
from ei_toolkit.impulse.metrics import calibration_error, confusion, label_scores, majority_share, right

DRAWS = 2000
TOGETHER = 3  # windows whose mean a board may use for one prediction


@dataclass(frozen=True)
class Scores:
    """Held-out windows in the order of time within each clip: clip, artist, actual label and probabilities.

    Windows that are `apart` places from each other do not overlap. `threshold` is the board's.
    """

    labels: Sequence[str]
    clips: npt.NDArray[np.str_]
    groups: npt.NDArray[np.str_]
    actual: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.floating[Any]]
    apart: int = 1
    threshold: float = 0.6

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Return for each window whether the actual label has the highest probability."""
        return right(self.actual, self.probabilities)


@dataclass(frozen=True)
class TrackScore:
    """One clip; its predicted label has the highest mean probability over its windows."""

    clip: str
    artist: str
    label: str
    predicted: str
    probabilities: tuple[float, ...]
    windows: int
    windows_right: int


def accuracies(scores: Scores) -> dict[str, float]:
    """Return top-1 accuracy of windows, accuracy at the threshold, and accuracy of clips, 0 to 1."""
    return {
        "window_accuracy": float(scores.right.mean()),
        "thresholded_accuracy": float(right(scores.actual, scores.probabilities, scores.threshold).mean()),
        "track_accuracy": float(np.mean([track.predicted == track.label for track in track_scores(scores)])),
    }


def summarise(scores: Scores, seed: int = 0) -> dict[str, Any]:
    """Return the figures of clean windows.

    Accuracies, the 95 % interval of the track accuracy by bootstrap over artists, accuracy of the mean of three
    windows, calibration, confusion matrix, precision, recall and F1 of each label, and the artist with the lowest
    accuracy.
    """
    actual, predicted = scores.actual, scores.probabilities.argmax(axis=1)
    matrix = confusion(actual, predicted, len(scores.labels))
    by_label = label_scores(matrix, scores.labels)
    return {
        **accuracies(scores),
        "interval": list(track_interval(track_scores(scores), seed)),
        "three_window_accuracy": _together(scores),
        "top_2_accuracy": _among_best(scores, 2),
        "ece": calibration_error(actual, scores.probabilities),
        "confusion_matrix": matrix.tolist(),
        "recall": {label: row["recall"] for label, row in by_label.items()},
        "by_label": by_label,
        "windows_by_label": dict(zip(scores.labels, matrix.sum(axis=1).tolist(), strict=True)),
        "majority": majority_share(matrix.sum(axis=1).tolist()),
        "worst_artist": _worst_artist(scores),
        "windows": len(actual),
        "tracks": len(set(scores.clips)),
        "artists": len(set(scores.groups)),
    }


def track_scores(scores: Scores) -> list[TrackScore]:
    """Return an entry for each clip, in the order of first appearance."""
    names, first, place = np.unique(scores.clips, return_index=True, return_inverse=True)
    return [_track(scores, np.flatnonzero(place == number)) for number in np.argsort(first)[: len(names)]]


def track_interval(tracks: Sequence[TrackScore], seed: int) -> tuple[float, float]:
    """Return the 95 % interval of the track accuracy, drawing whole artists with replacement."""
    return grouped_interval([track.artist for track in tracks], [t.predicted == t.label for t in tracks], seed)


def grouped_interval(groups: Sequence[str], correct: Sequence[bool], seed: int) -> tuple[float, float]:
    """Return the 95 % interval of the share of correct clips, drawing whole groups with replacement."""
    names, place = np.unique(groups, return_inverse=True)
    hits, size = np.bincount(place, correct), np.bincount(place)
    drawn = np.random.default_rng(seed).integers(len(names), size=(DRAWS, len(names)))
    shares = hits[drawn].sum(axis=1) / size[drawn].sum(axis=1)
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(low), float(high)


def _track(scores: Scores, rows: npt.NDArray[np.intp]) -> TrackScore:
    mean = scores.probabilities[rows].mean(axis=0)
    return TrackScore(
        clip=str(scores.clips[rows[0]]),
        artist=str(scores.groups[rows[0]]),
        label=scores.labels[int(scores.actual[rows[0]])],
        predicted=scores.labels[int(mean.argmax())],
        probabilities=tuple(float(p) for p in mean),
        windows=len(rows),
        windows_right=int(scores.right[rows].sum()),
    )


def _together(scores: Scores) -> float:
    """Return the accuracy of the mean over three consecutive windows of a clip without overlap."""
    correct = []
    for clip in dict.fromkeys(scores.clips):
        rows = np.flatnonzero(scores.clips == clip)
        for start in range(len(rows) - scores.apart * (TOGETHER - 1)):
            near = rows[start :: scores.apart][:TOGETHER]
            correct.append(scores.probabilities[near].mean(axis=0).argmax() == scores.actual[rows[0]])
    return float(np.mean(correct)) if correct else float(scores.right.mean())


def _among_best(scores: Scores, count: int) -> float:
    """Return the share of windows whose label is among the `count` most probable; meaningful from three labels on."""
    best = np.argsort(-scores.probabilities, axis=1, kind="stable")[:, :count]
    return float((best == scores.actual[:, None]).any(axis=1).mean())


def _worst_artist(scores: Scores) -> dict[str, Any]:
    artists, place = np.unique(scores.groups, return_inverse=True)
    share = np.bincount(place, scores.right) / np.bincount(place)
    worst = int(share.argmin())
    return {"artist": str(artists[worst]), "window_accuracy": float(share[worst])}


BASELINES = ("majority", "level", "logistic")


def outcome(run: Run, protocol: str) -> dict[str, Any]:
    """Return accuracies (0 to 1) under `clean`, `float32` and `conditions`, of the baselines as well, and every track.

    Every figure is the mean over the seeds; `clean.interval`, confusion and the tracks are those of the first seed.
    """
    plan = run.plan
    by_seed = [[one for one in run.predictions if one.seed == seed] for seed in range(plan.seeds)]
    first = summarise(_scores(run, by_seed[0], CLEAN))
    clean = {**first, **_mean(summarise(_scores(run, predictions, CLEAN)) for predictions in by_seed)}
    exact = _accuracy(run, by_seed, FLOAT) if FLOAT in run.predictions[0].probabilities else None
    return {
        "recipe": plan.recipe.name,
        "protocol": protocol,
        "seeds": plan.seeds,
        "folds": len({fold.number for fold in run.folds}),
        "is_quick": plan.only_first,
        "labels": list(plan.labels),
        "variant": "int8",
        "threshold": plan.recipe.settings.board.threshold,
        "clean": clean,
        "float32": exact,
        "int8_drop": exact["window_accuracy"] - clean["window_accuracy"] if exact else None,
        "conditions": {name: _accuracy(run, by_seed, name) for name in plan.conditions},
        "baselines": {name: _baseline(run, by_seed, name) for name in BASELINES},
        "models": [_model(fold.trained) | {"seed": fold.seed, "fold": fold.number} for fold in run.folds],
        "tracks": [vars(track) for track in track_scores(_scores(run, by_seed[0], CLEAN))],
    }


def _scores(run: Run, predictions: Sequence[ClipPredictions], key: str) -> Scores:
    clips = run.plan.clips
    ordered = sorted(predictions, key=lambda one: one.clip)
    cut = run.plan.recipe.settings.slice
    rows = [(one.clip, len(one.windows)) for one in ordered]
    number = np.concatenate([np.full(n, clip) for clip, n in rows])
    within = np.concatenate([one.windows for one in ordered])
    order = np.lexsort((within, number))  # with --protocol segment, several models share a clip
    probabilities = np.concatenate([one.probabilities[key] for one in ordered])
    return Scores(
        labels=run.plan.labels,
        clips=np.array([known.clip.name for known in clips])[number[order]],
        groups=np.array([known.group for known in clips])[number[order]],
        actual=np.array([run.plan.labels.index(known.clip.label) for known in clips])[number[order]],
        probabilities=probabilities[order],
        apart=-(-cut.window_ms // cut.hop_ms),
        threshold=run.plan.recipe.settings.board.threshold,
    )


def _accuracy(run: Run, by_seed: Sequence[Sequence[ClipPredictions]], key: str) -> dict[str, float]:
    return _mean(accuracies(_scores(run, predictions, key)) for predictions in by_seed)


def _baseline(run: Run, by_seed: Sequence[Sequence[ClipPredictions]], name: str) -> dict[str, Any]:
    """Return the clean accuracies of a baseline, and the same under each condition."""
    under = {condition: _accuracy(run, by_seed, f"{name} {condition}") for condition in run.plan.conditions}
    return {**_accuracy(run, by_seed, f"{name} {CLEAN}"), "conditions": under}


def _mean(rows: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return the mean over the rows of each value that is a fraction."""
    table = list(rows)
    return {key: float(np.mean([row[key] for row in table])) for key, v in table[0].items() if isinstance(v, float)}


def _model(trained: Any) -> dict[str, Any]:
    return {"parameters": trained.parameters, "seconds": trained.seconds, "warnings": list(trained.warnings)}
