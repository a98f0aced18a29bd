"""Texture features of a log-mel spectrum: statistics over time of bands, of cepstral coefficients and of modulations.

They are computed of spectra (frames, 128 bands) between 0 and 1 with a frame every 77.5 ms, and come in blocks, so that
a classifier can give each block the same weight, however many features it has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ei_toolkit.audio.summary.columns import MEL_BANDS
from ei_toolkit.errors import DataError
from ei_toolkit.features.log_mel import averaged_bands, cosine_transform

Floats = npt.NDArray[np.float64]
COEFFICIENTS = 20
MODULATION_FRAMES, MODULATION_HOP = 128, 43  # of a window whose modulations are analysed
MODULATION_BANDS = 12  # of modulation frequencies, evenly spaced on a logarithmic scale
MODULATION_FLOOR = 1e-3
MEDIAN_FRAMES = 9  # of the median filters that separate steady from short sounds, or bands
SPARSE = 4  # of the 128 bands of the separation, one in four is used
DEVIATION_FLOOR = 1e-6  # of a coefficient that does not change


def texture(values: npt.NDArray[np.float32]) -> dict[str, Floats]:
    """Return the blocks of features, each one-dimensional, of a spectrum (frames, 128 bands).

    It needs at least 128 frames, which are 10 s.
    """
    spectrum = values.astype(np.float64)
    return {
        "bands": _bands(averaged_bands(values, 64).astype(np.float64)),
        "cepstrum": _cepstrum(spectrum @ cosine_transform(spectrum.shape[1], COEFFICIENTS)),
        "correlation": _correlation(spectrum @ cosine_transform(spectrum.shape[1], COEFFICIENTS)),
        "modulation": _modulation(averaged_bands(values, 16).astype(np.float64)),
        "separation": _separation(spectrum),
    }


def texture_rows(spectra: Sequence[npt.NDArray[np.float32]]) -> dict[str, Floats]:
    """Return the blocks (rows, features) of several spectra. Raises DataError for those of another shape."""
    if wrong := [one.shape for one in spectra if one.shape[0] < MODULATION_FRAMES or one.shape[1] != MEL_BANDS]:
        frames, bands = wrong[0]
        raise DataError(
            f"spectra of {frames} frames and {bands} bands have no texture features",
            hint=f"Give spectra of {MODULATION_FRAMES} frames or more and {MEL_BANDS} bands.",
        )
    found = [texture(values) for values in spectra]
    return {name: np.stack([one[name] for one in found]) for name in found[0]}


def joined(blocks: Mapping[str, Floats]) -> tuple[Floats, tuple[int, ...]]:
    """Return all blocks side by side (rows, features), and the number of features of each."""
    return np.hstack(list(blocks.values())), tuple(block.shape[1] for block in blocks.values())


def _bands(levels: Floats) -> Floats:
    """Mean, deviation, deviation of the differences and 90th percentile of each band."""
    changes = np.diff(levels, axis=0).std(axis=0)
    return np.concatenate([levels.mean(axis=0), levels.std(axis=0), changes, np.percentile(levels, 90, axis=0)])


def _cepstrum(coefficients: Floats) -> Floats:
    """Mean, deviation, deviation of the differences and skewness of each cepstral coefficient."""
    changes = np.diff(coefficients, axis=0).std(axis=0)
    mean, deviation = coefficients.mean(axis=0), coefficients.std(axis=0)
    skewness = ((coefficients - mean) ** 3).mean(axis=0) / np.maximum(deviation, DEVIATION_FLOOR) ** 3
    return np.concatenate([mean, deviation, changes, skewness])


def _correlation(coefficients: Floats) -> Floats:
    """Correlations between all cepstral coefficients and their differences."""
    covariance = np.cov(np.hstack([coefficients[1:], np.diff(coefficients, axis=0)]).T)
    deviation = np.sqrt(np.diag(covariance)) + DEVIATION_FLOOR
    correlation: Floats = (covariance / np.outer(deviation, deviation))[np.triu_indices(len(covariance), 1)]
    return correlation


def _modulation(levels: Floats) -> Floats:
    """Logarithm of the mean amplitude of modulations, in bands of modulation frequency, of each band of frequency."""
    window = np.hanning(MODULATION_FRAMES)[:, None]
    parts = [
        levels[start : start + MODULATION_FRAMES]
        for start in range(0, len(levels) - MODULATION_FRAMES + 1, MODULATION_HOP)
    ]
    spectra = np.mean([np.abs(np.fft.rfft((part - part.mean(axis=0)) * window, axis=0))[1:] for part in parts], axis=0)
    edges = np.unique(np.round(np.geomspace(1, len(spectra), MODULATION_BANDS + 1)).astype(int))
    bands = [spectra[low - 1 : max(high - 1, low)].mean(axis=0) for low, high in pairwise(edges)]
    return np.log(np.stack(bands).ravel() + MODULATION_FLOOR)


def _separation(spectrum: Floats) -> Floats:
    """Deviation and mean excess over the spectrum smoothed over time, and over the one smoothed over frequency."""
    from scipy.ndimage import median_filter  # only here: its import takes a third of a second

    own = spectrum[:, ::SPARSE]
    half = MEDIAN_FRAMES // 2
    padded = np.pad(spectrum, ((0, 0), (half, half)), mode="symmetric")
    around = np.lib.stride_tricks.sliding_window_view(padded, MEDIAN_FRAMES, axis=1)[:, ::SPARSE]
    sparse = [own - median_filter(own, (MEDIAN_FRAMES, 1)), own - np.median(around, axis=2)]
    deviations = [one.std(axis=0) for one in sparse]
    return np.concatenate([*deviations, *(np.maximum(one, 0).mean(axis=0) for one in sparse)])
