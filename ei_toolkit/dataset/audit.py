"""Leaks that make accuracy too high: artists and recordings in both splits, known faults, loudness."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean, pstdev

import numpy as np

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.audio.fingerprint import RATE, Landmarks, find_matches, landmarks
from ei_toolkit.compute import map_items
from ei_toolkit.config.settings import Reading
from ei_toolkit.dataset.cutting import Task
from ei_toolkit.dataset.plan import Plan, Row, rows_of_plan
from ei_toolkit.errors import DataError

Progress = Callable[[float, str], None]
SILENCE_DBFS = -96.0


@dataclass(frozen=True)
class SameRecording:
    """Two clips of one recording; `offset` in seconds, None if they are different parts of it.

    It `leaks` if the two are in different splits.
    """

    first: str
    second: str
    offset: float | None
    leaks: bool


@dataclass(frozen=True)
class Loudness:
    """Mean level and spread of a label's clips, in dB relative to full scale."""

    label: str
    mean_dbfs: float
    spread_db: float


@dataclass(frozen=True)
class Audit:
    """Results of an audit. Shares are of test clips; `loudness_accuracy` is that of the nearest mean level."""

    rows: tuple[Row, ...]
    shared_artists: tuple[str, ...]
    test_clips_of_shared_artists: float
    clips_without_artist: int
    same_recordings: tuple[SameRecording, ...]
    faults: tuple[tuple[str, str], ...]
    loudness: tuple[Loudness, ...]
    loudness_accuracy: float
    majority_accuracy: float
    unreadable: tuple[str, ...]

    @property
    def leaks(self) -> bool:
        """Whether test clips or their artists are in the training split."""
        return bool(self.shared_artists) or any(pair.leaks for pair in self.same_recordings)


@dataclass(frozen=True)
class ClipMeasurement:
    """Measurements of one clip; no landmarks if it cannot be read."""

    landmarks: Landmarks | None
    dbfs: float


def audit(plan: Plan, reading: Reading, jobs: int, progress: Progress) -> Audit:
    """Decode every clip of a plan and find what leaks from training into testing."""
    measured: dict[str, ClipMeasurement] = {}
    paths = [task.known.clip.path for task in plan.tasks]
    measurements = map_items(partial(measure_clip, reading=reading), paths, jobs)
    for done, (task, one) in enumerate(zip(plan.tasks, measurements, strict=True), start=1):
        measured[task.known.clip.name] = one
        progress(done, task.known.clip.name)
    readable = [task for task in plan.tasks if measured[task.known.clip.name].landmarks]
    levels = {name: one.dbfs for name, one in measured.items()}
    shared = _shared_artists(plan.tasks)
    testing = [task for task in plan.tasks if task.split == "testing"]
    return Audit(
        rows=tuple(rows_of_plan(plan)),
        shared_artists=shared,
        test_clips_of_shared_artists=sum(t.known.group in shared for t in testing) / max(len(testing), 1),
        clips_without_artist=sum(_has_no_artist(task) for task in plan.tasks),
        same_recordings=_same_recordings(plan.tasks, {n: h.landmarks for n, h in measured.items() if h.landmarks}),
        faults=tuple(
            (t.known.clip.name, t.known.track.fault) for t in plan.tasks if t.known.track and t.known.track.fault
        ),
        loudness=_loudness(readable, levels),
        loudness_accuracy=_accuracy_of_level(readable, levels),
        majority_accuracy=_accuracy_of_majority(readable),
        unreadable=tuple(t.known.clip.name for t in plan.tasks if not measured[t.known.clip.name].landmarks),
    )


def measure_clip(path: Path, reading: Reading) -> ClipMeasurement:
    """Landmarks and level of one clip; runs in a worker."""
    try:
        samples = read_clip(path, RATE, reading=reading)
    except DataError:
        return ClipMeasurement(None, SILENCE_DBFS)
    rms = float(np.std(samples.astype(np.float32))) / 32768
    return ClipMeasurement(landmarks(samples), 20 * float(np.log10(rms)) if rms > 0 else SILENCE_DBFS)


def _has_no_artist(task: Task) -> bool:
    """Whether the artist is not known; the clip is then a group of its own."""
    own = task.known.clip.name.rsplit(".", 1)[0]
    return task.known.group == own or bool(task.known.track and task.known.group == task.known.track.track)


def _shared_artists(tasks: Sequence[Task]) -> tuple[str, ...]:
    splits: dict[str, set[str]] = defaultdict(set)
    for task in tasks:
        splits[task.known.group].add(task.split)
    return tuple(sorted(group for group, of_group in splits.items() if len(of_group) > 1))


def _same_recordings(tasks: Sequence[Task], landmarks: dict[str, Landmarks]) -> tuple[SameRecording, ...]:
    """Pairs that match by their sound, and pairs that the index lists although these excerpts differ."""
    split = {task.known.clip.name: task.split for task in tasks}
    pairs: dict[tuple[str, str], float | None] = {
        (match.first, match.second): match.offset for match in find_matches(landmarks)
    }
    by_track = {task.known.track.track: task.known.clip.name for task in tasks if task.known.track}
    for task in tasks:
        for part in task.known.track.fault.split("; ") if task.known.track else ():
            other = by_track.get(part.removeprefix("same recording as "))
            if other:
                first, second = sorted((task.known.clip.name, other))
                pairs.setdefault((first, second), None)
    return tuple(SameRecording(a, b, at, split[a] != split[b]) for (a, b), at in sorted(pairs.items()))


def _loudness(tasks: Sequence[Task], levels: dict[str, float]) -> tuple[Loudness, ...]:
    of_label = _levels_by_label(tasks, levels)
    return tuple(Loudness(label, fmean(dbfs), pstdev(dbfs)) for label, dbfs in sorted(of_label.items()))


def _levels_by_label(tasks: Sequence[Task], levels: dict[str, float]) -> dict[str, list[float]]:
    of_label: dict[str, list[float]] = defaultdict(list)
    for task in tasks:
        of_label[task.known.clip.label].append(levels[task.known.clip.name])
    return of_label


def _accuracy_of_level(tasks: Sequence[Task], levels: dict[str, float]) -> float:
    """Part of the test clips whose label is the one with the nearest mean level in training."""
    of_label = _levels_by_label([task for task in tasks if task.split == "training"], levels)
    means = {label: fmean(dbfs) for label, dbfs in of_label.items()}
    return _accuracy(tasks, lambda task: min(means, key=lambda label: abs(means[label] - levels[task.known.clip.name])))


def _accuracy_of_majority(tasks: Sequence[Task]) -> float:
    counts: dict[str, int] = defaultdict(int)
    for task in tasks:
        counts[task.known.clip.label] += task.split == "training"
    return _accuracy(tasks, lambda _task: max(sorted(counts), key=lambda label: counts[label]))


def _accuracy(tasks: Sequence[Task], guess: Callable[[Task], str]) -> float:
    testing = [task for task in tasks if task.split == "testing"]
    return sum(guess(task) == task.known.clip.label for task in testing) / max(len(testing), 1)
