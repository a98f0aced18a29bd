"""The extractors of summary features and the names of their columns, in their order.

`summary-57` has the columns of `features_30_sec.csv`, which is published with GTZAN: mean and variance over time of
chroma, RMS, spectral centroid, bandwidth, roll-off, zero-crossing rate, harmonic and percussive signal and MFCC 1-20,
and the tempo. `summary-207` has means over time of more features, in particular of each chroma and each mel band.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

MEL_BANDS = 128
MEL_RANGES = ((0, 40), (40, 80), (80, MEL_BANDS))
"""Ranges of mel bands whose mean power is a feature of its own, each as (first band, band behind the last)."""


def _numbered(prefix: str, count: int) -> tuple[str, ...]:
    return tuple(f"{prefix}{number}" for number in range(1, count + 1))


def _mean_and_variance(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{name}_{statistic}" for name in names for statistic in ("mean", "var"))


OVER_TIME = (
    "chroma_stft", "rms", "spectral_centroid", "spectral_bandwidth", "rolloff", "zero_crossing_rate", "harmony",
    "perceptr",
)  # fmt: skip
"""What `summary-57` has the mean and the variance of, apart from MFCC; the last two are the separated signals."""

EXTRACTORS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "summary-57": (*_mean_and_variance(OVER_TIME), "tempo", *_mean_and_variance(_numbered("mfcc", 20))),
    "summary-207": (
        "rms", "zero_crossing_rate", "spectral_centroid", "spectral_bandwidth", "rolloff",
        *_numbered("spectral_contrast", 7),
        "spectral_flatness", "harmonic_power", "percussive_power", "spectral_centroid_skewness", "harmonic_rms",
        "silence_ratio",
        *_numbered("mfcc", 13), *_numbered("mfcc_delta_", 13), *_numbered("mfcc_delta2_", 13),
        *_numbered("chroma", 12),
        "tempo",
        *_numbered("tonnetz", 6),
        *_numbered("mel", MEL_BANDS),
        *(f"mel_{first + 1}_to_{end}" for first, end in MEL_RANGES),
    ),
})  # fmt: skip
"""The columns of each extractor."""


def extractor_of(columns: Sequence[str]) -> str:
    """Return the extractor that has all of these columns and no others, in any order; "" if none has."""
    return next((name for name, own in EXTRACTORS.items() if set(own) == set(columns)), "")


def uncorrelated(correlation: npt.NDArray[np.floating[Any]], limit: float) -> list[int]:
    """Return the columns of which none has an absolute correlation above the limit with an earlier one that is kept.

    `correlation` is (columns, columns).
    """
    kept: list[int] = []
    for column in range(len(correlation)):
        if not kept or np.abs(correlation[column, kept]).max() <= limit:
            kept.append(column)
    return kept
