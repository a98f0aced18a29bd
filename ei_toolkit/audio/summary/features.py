"""Compute the summary features of a signal, in the order of the columns of their extractor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from ei_toolkit.audio.clip_level import full_scale
from ei_toolkit.audio.summary import spectra
from ei_toolkit.audio.summary.analysis import Analysis
from ei_toolkit.audio.summary.columns import MEL_RANGES
from ei_toolkit.audio.summary.constant_q import tonal_centroids
from ei_toolkit.audio.summary.spectra import RATE
from ei_toolkit.errors import DataError

Samples = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]
SHORTEST_S = 1.0  # the separation of harmonic sound and the constant-Q transform need about as much
SILENT_RMS = 0.01  # frames below it count as silent; 1 is full scale


def summary_features(
    samples: npt.NDArray[np.int16], extractor: str, compute: Callable[[Samples], Values] | None = None
) -> Values:
    """Return the features (columns,) of an int16 signal of shape (n,) at RATE Hz; `compute` replaces COMPUTE.

    Raises DataError for a signal that is shorter than SHORTEST_S or silent: its features would not be numbers.
    """
    if len(samples) < SHORTEST_S * RATE:
        raise DataError(f"shorter than {SHORTEST_S:g} s, which the features need at least")
    if not samples.any():
        raise DataError("silent")
    values = (compute or COMPUTE[extractor])(np.divide(samples, 32768, dtype=np.float32))
    if not np.isfinite(values).all():
        raise DataError("some features are not numbers, because the signal does not change")
    return values


def window_features(window: npt.ArrayLike, frequency: float, extractor: str, normalise: bool = False) -> Values:
    """Return the features (columns,) of a window of raw values, those of int16 audio, at `frequency` Hz.

    With `normalise`, the peak of the window is set to full scale before. Raises DataError as `summary_features` does.
    """
    samples = np.asarray(window, np.float64)
    if samples.ndim != 1 or not np.isfinite(samples).all():
        raise DataError("a window must be a list of numbers, the values of one axis")
    if frequency != RATE:
        import soxr  # only where the rate is another one

        samples = soxr.resample(samples, frequency, RATE, quality="HQ")
    whole = np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
    return summary_features(full_scale(whole) if normalise else whole, extractor)


def summary_57(samples: Samples) -> Values:
    """Return the values of the columns of `summary-57`.

    The published table was computed with a librosa before 0.8; so are these values.
    """
    analysis = Analysis(samples, legacy=True)
    over_time = (
        analysis.chroma, analysis.rms, analysis.centroid, analysis.bandwidth, analysis.rolloff,
        analysis.zero_crossing_rate, analysis.harmonic, analysis.percussive,
    )  # fmt: skip
    cepstral = spectra.mfcc(analysis.mel_db, 20)
    statistics = [
        statistic(one, dtype=np.float64) for one in (*over_time, *cepstral) for statistic in (np.mean, np.var)
    ]
    return np.insert(statistics, 2 * len(over_time), analysis.tempo)


def summary_207(samples: Samples) -> Values:
    """Return the values of the columns of `summary-207`, with all of librosa's present defaults."""
    analysis = Analysis(samples)
    first = (analysis.rms, analysis.zero_crossing_rate, analysis.centroid, analysis.bandwidth, analysis.rolloff)
    single = (
        float(spectra.flatness(analysis.power).mean()),
        float(np.square(analysis.harmonic).mean()),
        float(np.square(analysis.percussive).mean()),
        skewness(analysis.centroid[0]),
        float(spectra.root_mean_square(analysis.harmonic, analysis.pad_mode).mean()),
        np.count_nonzero(analysis.rms < SILENT_RMS) / len(analysis.samples),
    )
    cepstral = spectra.mfcc(analysis.mel_db, 13)
    over_time = (
        spectra.contrast(analysis.magnitude),
        cepstral,
        spectra.differences(cepstral, 1),
        spectra.differences(cepstral, 2),
        analysis.chroma,
        tonal_centroids(analysis.harmonic),
        analysis.mel,
    )
    contrast, *coefficients, chroma, tonnetz, mel = (one.mean(axis=1) for one in over_time)
    return np.concatenate(
        [
            [np.mean(one) for one in first], contrast, single, *coefficients, chroma, [analysis.tempo], tonnetz, mel,
            [mel[start:end].mean() for start, end in MEL_RANGES],
        ],
        dtype=np.float64,
    )  # fmt: skip


def skewness(values: Values) -> float:
    """Return the mean cube of the deviations from the mean, in standard deviations; 0 for values that are all equal."""
    deviations = values - values.mean()
    spread = float(deviations.std())
    return float((deviations**3).mean() / spread**3) if spread > 0 else 0.0


COMPUTE: Mapping[str, Callable[[Samples], Values]] = MappingProxyType(
    {"summary-57": summary_57, "summary-207": summary_207}
)
