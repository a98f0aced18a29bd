"""Choose threshold, smoothing and hold time from the scores of labelled recordings.

A detection begins where a label becomes recognised. It is a false accept if that is not the label of the recording.
A recording is a false reject if its label is never recognised in it. The recording is the unit of both intervals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, gammaincinv

from ei_toolkit.impulse.decision import UNCERTAIN_LABEL, Scores, labels_at_settings, smoothed

BACKGROUND = UNCERTAIN_LABEL
"""The label of a recording that has none of the model's labels: every detection in it is a false accept."""
SMOOTHINGS = (1, 2, 3, 4, 6, 8)
HOLD_WINDOWS = (0, 1, 2, 4, 8)
HIGHEST_PERCENT = 99  # of the thresholds that are tried, in steps of one percent
TAIL = 0.025  # of each side of an interval


@dataclass(frozen=True)
class Recording:
    """The scores (windows, labels) of one recording, as the board computes them at each hop."""

    name: str
    group: str
    label: int
    scores: Scores


@dataclass(frozen=True)
class Decisions:
    """The settings from which scores become a label; `hold` counts windows."""

    threshold: float
    smoothing: int
    hold: int


@dataclass(frozen=True)
class Aim:
    """What the settings must reach; None where nothing is stated. `recall` is a fraction."""

    false_per_hour: float | None = None
    recall: float | None = None


@dataclass(frozen=True)
class Rate:
    """A rate or share with its 95 % interval; NaN for a share of nothing."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class OperatingPoint:
    """What settings reach: false accepts, hours, and how many of the recordings with a label were recognised."""

    decisions: Decisions
    false_accepts: int
    hours: float
    recognised: int
    labelled: int

    @property
    def false_per_hour(self) -> float:
        """False accepts per hour of sound."""
        return self.false_accepts / self.hours

    @property
    def recall(self) -> float:
        """Share of the recordings in which their label is recognised; 1 where no recording has a label."""
        return self.recognised / self.labelled if self.labelled else 1.0

    def meets(self, aim: Aim) -> bool:
        """Whether both stated aims are reached."""
        return (aim.false_per_hour is None or self.false_per_hour <= aim.false_per_hour) and (
            aim.recall is None or self.recall >= aim.recall
        )


def operating_points(
    recordings: Sequence[Recording], hop_ms: int, hysteresis: float, settings: Sequence[Decisions]
) -> list[OperatingPoint]:
    """Return what each of the settings reaches on the recordings, in the order of the settings."""
    hours = sum(len(one.scores) for one in recordings) * hop_ms / 3_600_000
    labelled = sum(one.label != BACKGROUND for one in recordings)
    false, recognised = event_counts(recordings, hysteresis, settings)
    return [
        OperatingPoint(one, int(accepts), hours, int(found), labelled)
        for one, accepts, found in zip(settings, false.sum(axis=0), recognised.sum(axis=0), strict=True)
    ]


def event_counts(
    recordings: Sequence[Recording], hysteresis: float, settings: Sequence[Decisions]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return the false accepts, and whether the own label is recognised, both (recordings, settings).

    Each recording begins without a recognised label, as the sketch does when it starts.
    """
    false = np.zeros((len(recordings), len(settings)), np.int64)
    recognised = np.zeros((len(recordings), len(settings)), bool)
    for depth in {one.smoothing for one in settings}:
        places = [place for place, one in enumerate(settings) if one.smoothing == depth]
        thresholds = np.array([settings[place].threshold for place in places])
        holds = np.array([settings[place].hold for place in places])
        for row, one in enumerate(recordings):
            labels = labels_at_settings(smoothed(one.scores, depth), thresholds, hysteresis, holds)
            false[row, places] = (detections(labels) & (labels != one.label)).sum(axis=0)
            recognised[row, places] = (labels == one.label).any(axis=0) & (one.label != BACKGROUND)
    return false, recognised


def detections(labels: npt.NDArray[np.int16]) -> npt.NDArray[np.bool_]:
    """Return where a label becomes recognised, of successive labels (windows, settings)."""
    before = np.vstack([np.full((1, labels.shape[1]), UNCERTAIN_LABEL), labels[:-1]])
    found: npt.NDArray[np.bool_] = (labels != UNCERTAIN_LABEL) & (labels != before)
    return found


def settings_to_try(labels: int) -> list[Decisions]:
    """Return all settings that a calibration tries, for a number of labels."""
    lowest = -(-100 // labels)  # the best of n scores is at least 1/n
    return [
        Decisions(percent / 100, smoothing, hold)
        for smoothing in SMOOTHINGS
        for hold in HOLD_WINDOWS
        for percent in range(lowest, HIGHEST_PERCENT + 1)
    ]


def choose(points: Sequence[OperatingPoint], aim: Aim) -> OperatingPoint | None:
    """Return the best settings that meet the aim; None if none do.

    Without an aim for false accepts their rate is kept as low as possible, else the recall as high as possible. Of
    equal ones, those with the least smoothing and hold time are taken, in the middle of their thresholds.
    """
    found = [point for point in points if point.meets(aim)]
    if not found:
        return None

    def rank(point: OperatingPoint) -> tuple[float, float, int, int]:
        by_aim = (point.false_per_hour, -point.recall)
        first, second = by_aim if aim.false_per_hour is None else by_aim[::-1]
        return first, second, point.decisions.smoothing, point.decisions.hold

    best = min(map(rank, found))
    equal = sorted((point for point in found if rank(point) == best), key=lambda point: point.decisions.threshold)
    return equal[len(equal) // 2]


def trade_off(points: Sequence[OperatingPoint]) -> list[OperatingPoint]:
    """Return the points that no other exceeds in both recall and false accepts, by falling false accepts."""

    def order(point: OperatingPoint) -> tuple[float, float, int, int, float]:
        own = point.decisions
        return point.false_per_hour, -point.recall, own.smoothing, own.hold, own.threshold

    return list(_undominated(sorted(points, key=order)))[::-1]


def _undominated(by_false_accepts: Sequence[OperatingPoint]) -> Iterator[OperatingPoint]:
    best = -1.0
    for point in by_false_accepts:
        if point.recall > best:
            best = point.recall
            yield point


def share_interval(hits: int, count: int) -> Rate:
    """Return a share with its exact binomial interval (Clopper and Pearson, 1934)."""
    if count == 0:
        return Rate(float("nan"), 0.0, 1.0)
    low = float(betaincinv(hits, count - hits + 1, TAIL)) if hits else 0.0
    high = float(betaincinv(hits + 1, count - hits, 1 - TAIL)) if hits < count else 1.0
    return Rate(hits / count, low, high)


def hourly_interval(events: Sequence[int], hours: Sequence[float]) -> Rate:
    """Return the events per hour of recordings with their interval; `events` and `hours` have an entry for each.

    The exact interval of a Poisson rate (Garwood, 1936), with the events divided by their dispersion between the
    recordings where that exceeds 1 (McCullagh and Nelder, Generalized Linear Models, 1989, section 6.2.3): events of
    one recording are not independent.
    """
    count, total = np.asarray(events, float), np.asarray(hours, float)
    rate = count.sum() / total.sum()
    expected = rate * total
    dispersion = 1.0
    if rate and len(count) > 1:
        dispersion = max(1.0, float(((count - expected) ** 2 / expected).sum() / (len(count) - 1)))
    independent, length = float(count.sum() / dispersion), float(total.sum() / dispersion)
    low = float(gammaincinv(independent, TAIL)) / length if independent else 0.0
    return Rate(float(rate), low, float(gammaincinv(independent + 1, 1 - TAIL)) / length)
