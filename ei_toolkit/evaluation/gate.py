"""The rules of the gate, and the difference of two models on the same clips with an interval by artist.

Results of clips by one artist are correlated, so whole artists are drawn within each label (cluster bootstrap; Efron
and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13), and each draw evaluates both models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.config import GateSettings
from ei_toolkit.errors import DataError

DRAWS = 10_000
INTERVAL = (2.5, 97.5)  # percentiles


@dataclass(frozen=True)
class Track:
    """The result of a model on one held-out clip; `right` is the share of its windows that are correct."""

    clip: str
    artist: str
    label: str
    right: float


@dataclass(frozen=True)
class Difference:
    """Mean of challenger minus champion over tracks (fractions) and its 95 % interval."""

    champion: float
    challenger: float
    low: float
    high: float
    tracks: int
    artists: int

    @property
    def mean(self) -> float:
        """Challenger minus champion."""
        return self.challenger - self.champion


def paired_difference(champion: Sequence[Track], challenger: Sequence[Track], seed: int = 7) -> Difference:
    """Compare two models clip by clip. Raises DataError if they were not tested on the same clips."""
    before, after = {t.clip: t for t in champion}, {t.clip: t for t in challenger}
    if not after or before.keys() != after.keys():
        raise DataError("the two models were not tested on the same clips", hint="eitk slice, then eitk gate")
    change = {clip: after[clip].right - before[clip].right for clip in after}
    low, high = np.percentile(_draw_means(list(after.values()), change, seed), INTERVAL)
    return Difference(
        champion=_mean(champion),
        challenger=_mean(challenger),
        low=float(low),
        high=float(high),
        tracks=len(after),
        artists=len({track.artist for track in challenger}),
    )


def _draw_means(tracks: Sequence[Track], change: Mapping[str, float], seed: int) -> npt.NDArray[np.float64]:
    """Return the mean change in each of DRAWS draws of artists, with replacement and within each label."""
    random = np.random.default_rng(seed)
    total, count = np.zeros(DRAWS), np.zeros(DRAWS)
    for label in sorted({track.label for track in tracks}):
        own = [track for track in tracks if track.label == label]
        artists = sorted({track.artist for track in own})
        sums = np.array([sum(change[t.clip] for t in own if t.artist == artist) for artist in artists])
        sizes = np.array([sum(t.artist == artist for t in own) for artist in artists])
        drawn = random.integers(len(artists), size=(DRAWS, len(artists)))
        total += sums[drawn].sum(axis=1)
        count += sizes[drawn].sum(axis=1)
    means: npt.NDArray[np.float64] = total / count
    return means


def _mean(tracks: Sequence[Track]) -> float:
    return sum(track.right for track in tracks) / len(tracks)


@dataclass(frozen=True)
class Cost:
    """Memory and time that a model needs on the board; `how` is the method of the measurement."""

    ram_bytes: int
    flash_bytes: int
    latency_ms: float
    how: str


@dataclass(frozen=True)
class Trial:
    """Result of one model on the held-out clips; accuracies are fractions.

    `thresholded_accuracy` is the share of windows in which the actual label has the highest score and that score
    reaches the board's threshold, as a mean over clips.
    """

    thresholded_accuracy: float
    track_accuracy: float
    confusion: tuple[tuple[int, ...], ...]
    cost: Cost


@dataclass(frozen=True)
class Evidence:
    """Everything that determines the verdict. `champion` and `difference` are None for the first challenger.

    `majority` is the share of the most frequent label, `worst` the condition with the lowest window accuracy under it,
    `clips` and `artists` their numbers in the test.
    """

    challenger: Trial
    champion: Trial | None
    difference: Difference | None
    majority: float
    threshold: float
    clips: int
    artists: int
    worst: tuple[str, float]


@dataclass(frozen=True)
class Verdict:
    """Whether the challenger passed, every reason against it, and a text that explains the result."""

    passed: bool
    reasons: tuple[str, ...]
    text: str
    figures: Mapping[str, Any] = field(default_factory=dict)


def judge(evidence: Evidence, limits: GateSettings) -> Verdict:
    """Return the verdict; the same evidence always gives the same one."""
    reasons = tuple(_unmet_limits(evidence, limits))
    lead = "The challenger passes." if not reasons else "The challenger does not pass: " + "; ".join(reasons) + "."
    return Verdict(not reasons, reasons, " ".join([lead, *_sentences(evidence, limits)]))


def _unmet_limits(evidence: Evidence, limits: GateSettings) -> Iterator[str]:
    cost = evidence.challenger.cost
    if evidence.difference and evidence.difference.high < -limits.max_drop / 100:
        allowed = f"more than the {limits.max_drop:g} points allowed" if limits.max_drop else "worse"
        yield f"even the upper end of the interval, {_points(evidence.difference.high)}, is {allowed}"
    if evidence.challenger.thresholded_accuracy <= evidence.majority:
        yield f"always predicting the most frequent label is correct for {_percent(evidence.majority)} of the windows"
    if cost.ram_bytes > limits.max_ram_kb * 1000:
        yield f"it needs {cost.ram_bytes / 1000:.1f} kB of RAM, {limits.max_ram_kb:g} are allowed"
    if cost.flash_bytes > limits.max_flash_kb * 1000:
        yield f"it needs {cost.flash_bytes / 1000:.1f} kB of flash, {limits.max_flash_kb:g} are allowed"
    if cost.latency_ms > limits.max_latency_ms:
        yield f"an inference takes {cost.latency_ms:.0f} ms, {limits.max_latency_ms:g} are allowed"
    name, accuracy = evidence.worst
    if accuracy * 100 < limits.min_robust_accuracy:
        required = f"{limits.min_robust_accuracy:g} % are required"
        yield f"under {name} only {_percent(accuracy)} of the windows are correct, {required}"


def _sentences(evidence: Evidence, limits: GateSettings) -> Iterator[str]:
    own, cost = evidence.challenger, evidence.challenger.cost
    yield (
        f"On {evidence.clips} held-out clips by {evidence.artists} artists {_percent(own.thresholded_accuracy)} of the"
        f" windows are correct with a score of at least {evidence.threshold:g}, and {_percent(own.track_accuracy)} of"
        " the clips are correct."
    )
    if evidence.difference and evidence.champion:
        d = evidence.difference
        yield (
            f"The champion: {_percent(d.champion)} and {_percent(evidence.champion.track_accuracy)}."
            f" The difference, clip by clip, is {_points(d.mean)} (95 % interval by artist {_points(d.low)} to"
            f" {_points(d.high)})."
        )
    else:
        yield "There is no champion yet."
    yield (
        f"It needs {cost.ram_bytes / 1000:.1f} of {limits.max_ram_kb:g} kB of RAM, {cost.flash_bytes / 1000:.1f} of"
        f" {limits.max_flash_kb:g} kB of flash and {cost.latency_ms:.0f} of {limits.max_latency_ms:g} ms ({cost.how})."
    )
    yield f"The worst condition is {evidence.worst[0]}: {_percent(evidence.worst[1])} of the windows are correct."


def _percent(fraction: float) -> str:
    return f"{fraction * 100:.1f} %"


def _points(fraction: float) -> str:
    return f"{fraction * 100:+.1f} points"
