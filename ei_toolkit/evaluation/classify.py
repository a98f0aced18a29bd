"""Classify files of any length with a trained model: scores over time, and one genre for the whole file."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ei_toolkit.audio.decode import describe, read_blocks
from ei_toolkit.audio.window import cut_blocks, samples_in
from ei_toolkit.config import Settings
from ei_toolkit.config.settings import BoardSettings, Reading
from ei_toolkit.dataset.cutting import SILENT_STEPS, set_level
from ei_toolkit.dataset.index import load_index
from ei_toolkit.dataset.provenance import TrainingProvenance
from ei_toolkit.errors import DataError
from ei_toolkit.features.model import FeatureModel
from ei_toolkit.impulse.decision import UNCERTAIN_LABEL, smoothed, stable_labels
from ei_toolkit.impulse.features import check_feature_count, impulse_features
from ei_toolkit.impulse.interpreter import Interpreter

BATCH = 32  # windows whose features are in memory at once
MOST_WINDOWS = 1200  # of a network in one file: longer ones have a larger hop
MOST_EXCERPTS = 8  # of a model of summary features in one file; each takes about half a second
EXCERPT_MS = 30_000  # of a longer file, for a model of whole clips: the length of GTZAN's clips

Scores = npt.NDArray[np.float32]
Samples = npt.NDArray[np.int16]


class Scorer(Protocol):
    """A model with the windows that it takes."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of the scores."""

    @property
    def rate(self) -> int:
        """Sample rate in Hz."""

    @property
    def window_ms(self) -> int:
        """Length of a window."""

    @property
    def hop_ms(self) -> int:
        """Smallest distance between the starts of two windows."""

    @property
    def most_windows(self) -> int:
        """Number of windows of a long file, whose windows are further apart."""

    @property
    def takes_whole_clips(self) -> bool:
        """Whether a file that is no longer than a window is classified as a whole."""

    @property
    def pads_short_files(self) -> bool:
        """Whether a file that is shorter than a window gets zeros at its end."""

    def scores(self, windows: Sequence[Samples]) -> Scores:
        """Return scores (windows, labels)."""


@dataclass(frozen=True)
class NetworkScorer:
    """A .tflite model, int8 or float32, behind the processing blocks of a project."""

    settings: Settings
    labels: tuple[str, ...]
    model: Interpreter
    most_windows: int = MOST_WINDOWS
    takes_whole_clips: bool = False

    def __post_init__(self) -> None:
        if self.model.output_size != len(self.labels):
            raise DataError(
                f"the model has {self.model.output_size} outputs, and the labels are:"
                f" {', '.join(self.labels) or 'unknown'}",
                hint="Name the labels in the order of the outputs: --labels blues,rock",
            )
        check_feature_count(self.settings, self.model.input_size)

    @property
    def rate(self) -> int:
        """Sample rate in Hz."""
        return self.settings.slice.sample_rate

    @property
    def window_ms(self) -> int:
        """Length of a window."""
        return self.settings.slice.window_ms

    @property
    def pads_short_files(self) -> bool:
        """As the clips of the project."""
        return self.settings.slice.short == "pad"

    @property
    def hop_ms(self) -> int:
        """The board's."""
        return self.settings.board.hop_ms

    def scores(self, windows: Sequence[Samples]) -> Scores:
        """Return scores (windows, labels)."""
        levelled = np.stack([set_level(window, self.settings.slice) for window in windows])
        return self.model.predict(impulse_features(levelled, self.settings))


@dataclass(frozen=True)
class SummaryScorer:
    """A model of summary features. A model of whole clips classifies excerpts of EXCERPT_MS of a longer file."""

    model: FeatureModel
    rate: int
    compute: Callable[[Samples], npt.NDArray[np.float64]]
    most_windows: int = MOST_EXCERPTS
    pads_short_files: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in the order of the scores."""
        return self.model.labels

    @property
    def window_ms(self) -> int:
        """Length of a window."""
        return self.model.features.window_ms or EXCERPT_MS

    @property
    def hop_ms(self) -> int:
        """No overlap."""
        return self.window_ms

    @property
    def takes_whole_clips(self) -> bool:
        """Whether the model was trained on whole clips."""
        return not self.model.features.window_ms

    def scores(self, windows: Sequence[Samples]) -> Scores:
        """Return scores (windows, labels)."""
        return self.model.predict(np.stack([self.compute(window) for window in windows])).astype(np.float32)


@dataclass(frozen=True)
class Timeline:
    """Smoothed scores (windows, labels) of one file, the first milliseconds of its windows and their stable labels."""

    starts_ms: tuple[int, ...]
    scores: Scores
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Classified:
    """A file with its genre, "" for none of the labels, the second genre, and what the model was trained on of it.

    `score` and `second_score` are means over all windows. `trained_on` is a sentence, "" where nothing is known.
    """

    file: str
    seconds: float
    genre: str
    best: str
    score: float
    second: str
    second_score: float
    trained_on: str
    timeline: Timeline


def classify_file(
    path: Path, scorer: Scorer, board: BoardSettings, reading: Reading, provenance: TrainingProvenance | None
) -> Classified:
    """Classify one file. Raises DataError where it cannot be read, is shorter than a window, or is silent."""
    seconds = describe(path).seconds
    windows = _windows(path, seconds, scorer, reading)
    starts: list[int] = []
    parts: list[Scores] = []
    while batch := list(islice(windows, BATCH)):
        starts.extend(start for start, _ in batch)
        parts.append(scorer.scores([window for _, window in batch]))
    if not parts:
        raise DataError("silent")
    means = smoothed(np.concatenate(parts), board.smoothing)
    shares = np.concatenate(parts).mean(axis=0)
    order = np.argsort(-shares, kind="stable")
    best, second = (scorer.labels[int(place)] for place in order[:2])
    stable = stable_labels(means, board.threshold, board.hysteresis, board.hold_windows)
    return Classified(
        file=str(path),
        seconds=seconds,
        genre=best if shares[order[0]] >= board.threshold else "",
        best=best,
        score=float(shares[order[0]]),
        second=second,
        second_score=float(shares[order[1]]),
        trained_on=trained_on(path, provenance) if provenance else "",
        timeline=Timeline(
            tuple(start * 1000 // scorer.rate for start in starts),
            means,
            tuple("" if place == UNCERTAIN_LABEL else scorer.labels[place] for place in stable),
        ),
    )


def _windows(path: Path, seconds: float, scorer: Scorer, reading: Reading) -> Iterator[tuple[int, Samples]]:
    """Yield the windows of a file that are not silent, with their first samples, block by block.

    A file that is shorter than an excerpt of a model of whole clips is one window.
    """
    blocks = read_blocks(path, scorer.rate, reading=reading)
    if scorer.takes_whole_clips and seconds * 1000 < scorer.window_ms + 1000:
        yield from _audible([(0, np.concatenate(list(blocks)))])
        return
    length = samples_in(scorer.window_ms, scorer.rate)
    if scorer.pads_short_files and seconds * 1000 < scorer.window_ms:
        samples = np.concatenate(list(blocks))
        yield from _audible([(0, np.pad(samples, (0, max(0, length - len(samples)))))])
        return
    hop_ms = max(scorer.hop_ms, math.ceil((seconds * 1000 - scorer.window_ms) / scorer.most_windows))
    found = False
    for start, window in cut_blocks(blocks, length, samples_in(hop_ms, scorer.rate)):
        found = True
        yield from _audible([(start, window)])
    if not found:
        raise DataError(f"{seconds:.1f} s are shorter than a window of {scorer.window_ms / 1000:g} s")


def _audible(windows: Sequence[tuple[int, Samples]]) -> Iterator[tuple[int, Samples]]:
    for start, window in windows:
        if len(window) and int(window.max()) - int(window.min()) > SILENT_STEPS:
            yield start, window


def trained_on(path: Path, provenance: TrainingProvenance) -> str:
    """Return whether the model was trained on this file, or on its artist as far as GTZAN's index knows it."""
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    track = load_index().find(path.name, path.parent.name, sha256) or load_index().tracks.get(path.stem)
    if sha256 in provenance.clips:
        return "the model was trained on this clip" + (f" of {track.group}" if track else "")
    if track and track.group in provenance.groups:
        return f"the model was trained on the artist {track.group}"
    return ""


def timeline_data(one: Classified, labels: Sequence[str]) -> dict[str, Any]:
    """Return a classified file as plain data, for --json."""
    rows = zip(one.timeline.starts_ms, one.timeline.labels, one.timeline.scores.tolist(), strict=True)
    return {
        "file": one.file, "seconds": one.seconds, "genre": one.genre or None, "best": one.best, "score": one.score,
        "second": one.second, "second_score": one.second_score, "trained_on": one.trained_on,
        "timeline": [
            {"start_ms": start, "label": label or None, "scores": dict(zip(labels, scores, strict=True))}
            for start, label, scores in rows
        ],
    }  # fmt: skip
