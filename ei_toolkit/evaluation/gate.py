"""The rules of the gate, and the difference of two models on the same clips with an interval by artist.

Results of clips by one artist are correlated, so whole artists are drawn within each label (cluster bootstrap; Efron
and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13), and each draw evaluates both models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from ei_toolkit.config import GateSettings
from ei_toolkit.config.units import KIB, classification_time, kib, percent
from ei_toolkit.errors import DataError
from ei_toolkit.impulse.metrics import CLIP_ACCURACY, MAJORITY, TOP_1, interval_text, thresholded_name, unscored

DRAWS = 10_000
INTERVAL = (2.5, 97.5)  # percentiles


@dataclass(frozen=True)
class Track:
    """The result of a model on one held-out clip; `right` is the share of its `windows` that are correct."""

    clip: str
    artist: str
    label: str
    right: float
    windows: int = 1


@dataclass(frozen=True)
class Difference:
    """Share of correct windows (0 to 1) of both models on the same tracks, and the 95 % interval of the difference."""

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
    pairs = [(before[clip], track) for clip, track in after.items()]
    old, new = _draw_accuracies(pairs, seed)
    low, high = np.percentile(new - old, INTERVAL)
    return Difference(
        champion=share_of_windows(champion),
        challenger=share_of_windows(challenger),
        low=float(low),
        high=float(high),
        tracks=len(after),
        artists=len({track.artist for track in challenger}),
    )


def share_of_windows(tracks: Sequence[Track]) -> float:
    """Return the share of all windows that are correct."""
    return sum(track.right * track.windows for track in tracks) / sum(track.windows for track in tracks)


def accuracy_interval(tracks: Sequence[Track], seed: int = 7) -> tuple[float, float]:
    """Return the 95 % interval of the share of all windows that are correct."""
    (drawn,) = _draw_accuracies([(track,) for track in tracks], seed)
    low, high = np.percentile(drawn, INTERVAL)
    return float(low), float(high)


def _draw_accuracies(results: Sequence[tuple[Track, ...]], seed: int) -> npt.NDArray[np.float64]:
    """Return the share of correct windows of each model in DRAWS draws of artists, (models, DRAWS).

    `results` has a tuple for each clip: its result with each model. Artists are drawn with replacement within each
    label, and each draw evaluates all models.
    """
    random, models = np.random.default_rng(seed), len(results[0])
    totals = np.zeros((2, models, DRAWS))  # correct windows, all windows
    for label in sorted({clip[-1].label for clip in results}):
        own = [clip for clip in results if clip[-1].label == label]
        artists = sorted({clip[-1].artist for clip in own})
        counts = np.zeros((2, models, len(artists)))
        for clip in own:
            place = artists.index(clip[-1].artist)
            counts[0, :, place] += [track.right * track.windows for track in clip]
            counts[1, :, place] += [track.windows for track in clip]
        drawn = random.integers(len(artists), size=(DRAWS, len(artists)))
        totals += counts[:, :, drawn].sum(axis=3)
    shares: npt.NDArray[np.float64] = totals[0] / totals[1]
    return shares


@dataclass(frozen=True)
class Cost:
    """Memory and time that a model needs on the board; `how` is the method of the measurement.

    `latency_ms` is the time of the network and `features_ms` that of the features, both for the board's clock;
    the latter is None where it cannot be estimated.
    """

    ram_bytes: int
    flash_bytes: int
    latency_ms: float
    how: str
    features_ms: float | None = None

    @property
    def total_ms(self) -> float:
        """Time of one classification: features and network."""
        return (self.features_ms or 0.0) + self.latency_ms


@dataclass(frozen=True)
class Trial:
    """Result of one model on the held-out clips; accuracies are fractions.

    `thresholded_accuracy` is the share of windows in which the actual label has the highest score and that score
    reaches the board's threshold; `top_1_accuracy` is the same without a threshold. The last column of `confusion`
    counts uncertain windows.
    """

    thresholded_accuracy: float
    top_1_accuracy: float
    track_accuracy: float
    confusion: tuple[tuple[int, ...], ...]
    cost: Cost


@dataclass(frozen=True)
class Evidence:
    """Everything that determines the verdict. `champion` and `difference` are None for the first challenger.

    `majority` is the share of the most frequent label among the windows, `worst` the condition with the lowest top-1
    accuracy under it, `clips` and `artists` their numbers in the test, `interval` the 95 % interval of the challenger's
    thresholded accuracy. `is_champion` states that the challenger is the
    champion itself. `unknown_labels` counts testing clips by labels that the models do not have.
    """

    challenger: Trial
    champion: Trial | None
    difference: Difference | None
    majority: float
    threshold: float
    clips: int
    artists: int
    worst: tuple[str, float]
    interval: tuple[float, float]
    is_champion: bool = False
    unknown_labels: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One requirement of the gate, and the reason why the challenger does not meet it; empty if it does."""

    name: str
    reason: str = ""


@dataclass(frozen=True)
class Verdict:
    """Whether the challenger passed, every requirement that was checked, and a text that explains the result."""

    checks: tuple[Check, ...]
    text: str

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return every reason against the challenger."""
        return tuple(check.reason for check in self.checks if check.reason)

    @property
    def passed(self) -> bool:
        """Return whether the challenger meets all requirements."""
        return not self.reasons


def judge(evidence: Evidence, limits: GateSettings) -> Verdict:
    """Return the verdict; the same evidence always gives the same one."""
    verdict = Verdict(tuple(_checks(evidence, limits)), "")
    found = "; ".join(verdict.reasons)
    lead = f"The challenger does not pass: {found}." if found else "The challenger passes."
    return replace(verdict, text=" ".join([lead, *_sentences(evidence, limits)]))


def _checks(evidence: Evidence, limits: GateSettings) -> Iterator[Check]:
    """Yield each requirement; the first challenger is not compared with a champion."""
    cost = evidence.challenger.cost
    if evidence.difference:
        is_worse = evidence.difference.high < -limits.max_drop / 100
        allowed = f"more than the {limits.max_drop:g} points allowed" if limits.max_drop else "worse"
        reason = f"even the upper end of the interval, {_points(evidence.difference.high)}, is {allowed}"
        yield Check("difference to the champion", reason if is_worse else "")
    name = thresholded_name(evidence.threshold)
    reason = (
        f"its {name} is not above the {MAJORITY}:"
        f" always predicting the most frequent label is correct for {percent(evidence.majority)} of the windows"
    )
    is_above = evidence.challenger.thresholded_accuracy > evidence.majority
    yield Check(f"{name} above the {MAJORITY}", "" if is_above else reason)
    for memory, size, limit in (
        ("RAM", cost.ram_bytes, limits.max_ram_kb * KIB), ("flash", cost.flash_bytes, limits.max_flash_kb * KIB)
    ):  # fmt: skip
        reason = f"it needs {kib(size)} of {memory}, {kib(limit)} are allowed"
        yield Check(memory, reason if size > limit else "")
    time = classification_time(cost.features_ms, cost.latency_ms)
    reason = f"a classification takes {time}, {limits.max_latency_ms:g} ms are allowed"
    yield Check("time of a classification", reason if cost.total_ms > limits.max_latency_ms else "")
    condition, accuracy = evidence.worst
    required = f"{limits.min_robust_accuracy:g} % are required"
    reason = f"under {condition} the {TOP_1} is only {percent(accuracy)}, {required}"
    yield Check("worst condition", reason if accuracy * 100 < limits.min_robust_accuracy else "")


def _sentences(evidence: Evidence, limits: GateSettings) -> Iterator[str]:
    own, cost, name = evidence.challenger, evidence.challenger.cost, thresholded_name(evidence.threshold)
    interval = interval_text(evidence.interval, evidence.clips, evidence.artists)
    yield (
        f"On {evidence.clips} held-out clips of {evidence.artists} groups:"
        f" {name} {percent(own.thresholded_accuracy)} ({interval}), {TOP_1} {percent(own.top_1_accuracy)},"
        f" {CLIP_ACCURACY} {percent(own.track_accuracy)}; {MAJORITY} {percent(evidence.majority)}."
    )
    if evidence.unknown_labels:
        yield f"{unscored(evidence.unknown_labels, 'clip')}."
    if evidence.is_champion:
        yield "It is identical to the champion, so there is nothing to promote."
    elif evidence.difference and evidence.champion:
        d = evidence.difference
        yield (
            f"The champion: {name} {percent(d.champion)},"
            f" {CLIP_ACCURACY} {percent(evidence.champion.track_accuracy)}."
            f" The difference of the {name} is {_points(d.mean)} (95 % interval by group {_points(d.low)} to"
            f" {_points(d.high)})."
        )
    else:
        yield "There is no champion yet."
    yield (
        f"It needs {kib(cost.ram_bytes)} of {kib(limits.max_ram_kb * KIB)} of RAM, {kib(cost.flash_bytes)} of"
        f" {kib(limits.max_flash_kb * KIB)} of flash and {classification_time(cost.features_ms, cost.latency_ms)} of"
        f" {limits.max_latency_ms:g} ms (estimated for 64 MHz; network: {cost.how})."
    )
    yield f"The worst condition is {evidence.worst[0]}: {TOP_1} {percent(evidence.worst[1])}."


def _points(fraction: float) -> str:
    return f"{fraction * 100:+.1f} points"
