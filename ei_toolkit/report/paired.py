"""Two models on the same clips: the difference, with an interval by artist.

Clips of one artist rise and fall together, so whole artists are drawn (cluster bootstrap; Efron and Tibshirani, An
Introduction to the Bootstrap, 1993, chapters 8 and 13), within each label, and both models are looked at on every draw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ei_toolkit.errors import DataError

DRAWS = 10_000
INTERVAL = (2.5, 97.5)  # percentiles


@dataclass(frozen=True)
class Track:
    """One held-out clip: whose it is, what it is, and how well a model did on it (`right`, from 0 to 1)."""

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
    """Compare two models track by track. Raises DataError where they were not tried on the same clips."""
    before, after = {t.clip: t for t in champion}, {t.clip: t for t in challenger}
    if not after or before.keys() != after.keys():
        raise DataError("the two models were not tried on the same clips", hint="eitk slice, then eitk gate")
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
    """Mean change of each of DRAWS draws of artists with replacement, within each label."""
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
