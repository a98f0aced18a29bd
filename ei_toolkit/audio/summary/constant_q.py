"""The constant-Q transform and the tonal centroids of librosa, in NumPy, with librosa's default parameters.

A filter is a windowed tone whose length is a fixed number of periods. The filters of one octave are applied to the
signal, then the signal is halved in rate for the next lower octave, where the same filters have half the frequency.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from ei_toolkit.audio.summary.spectra import CHROMA, HOP, RATE, Floats, hann, short_time_transform, tuning

BINS_PER_OCTAVE = 36
OCTAVES = 7
LOWEST_HZ = 440 * 2 ** (-45 / 12)  # C1
LEAST_SHARE = 0.01  # of the magnitude of a filter: its smallest bins, which sum to it, count as zero
Complexes = npt.NDArray[np.complex128]


def tonal_centroids(samples: npt.NDArray[np.float32]) -> Floats:
    """Return the tonal centroids (6, frames) of a signal: fifths, minor and major thirds, as `librosa.feature.tonnetz`.

    They are angles on three circles of the pitch classes, weighted with the share of each (Harte et al., 2006).
    """
    classes = constant_q_chroma(samples)
    sums = classes.sum(axis=0)
    shares = classes / np.where(sums < np.finfo(classes.dtype).tiny, 1, sums)
    turns = np.multiply.outer([7 / 6, 7 / 6, 3 / 2, 3 / 2, 2 / 3, 2 / 3], np.arange(CHROMA))
    turns -= np.array([0.5, 0] * 3)[:, None]  # sine and cosine
    radii = np.array([1, 1, 1, 1, 0.5, 0.5])[:, None]
    return np.asarray(radii * np.cos(np.pi * turns) @ shares)


def constant_q_chroma(samples: npt.NDArray[np.float32]) -> Floats:
    """Return the magnitude of each pitch class, divided by that of the strongest of its frame, (CHROMA, frames)."""
    magnitudes = constant_q(samples)
    per_class = BINS_PER_OCTAVE // CHROMA
    # the middle one of the bins of a class has the frequency of its semitone
    around = np.roll(magnitudes, per_class // 2, axis=0).reshape(OCTAVES, CHROMA, per_class, -1)
    classes = around.sum(axis=(0, 2))
    strongest = classes.max(axis=0)
    return np.asarray(classes / np.where(strongest < np.finfo(classes.dtype).tiny, 1, strongest))


def constant_q(samples: npt.NDArray[np.float32]) -> Floats:
    """Return the magnitude of the transform, (OCTAVES * BINS_PER_OCTAVE, frames), from LOWEST_HZ in its own tuning."""
    import soxr  # only here: other features need no conversion of the rate

    tuned = tuning(np.abs(short_time_transform(samples, "constant")), BINS_PER_OCTAVE)
    filters = octave_filters(tuned)
    octaves: list[Floats] = []
    for octave in range(OCTAVES):
        octaves.insert(0, _responses(samples, filters, HOP >> octave))
        half = -(-len(samples) // 2)
        halved = soxr.resample(samples, 2, 1, "HQ")[:half]
        samples = np.pad(halved, (0, half - len(halved))) * np.float32(np.sqrt(2))
    frames = min(one.shape[1] for one in octaves)
    return np.concatenate([one[:, :frames] for one in octaves])


@cache
def octave_filters(tuned: float) -> npt.NDArray[np.float32]:
    """Return the filters (2 * BINS_PER_OCTAVE, samples) of the highest octave: real parts, then imaginary parts.

    `tuned` is the tuning in bins.
    """
    steps = np.arange(BINS_PER_OCTAVE) + BINS_PER_OCTAVE * (OCTAVES - 1) + tuned
    hertz = LOWEST_HZ * 2 ** (steps / BINS_PER_OCTAVE)
    ratio = 2 ** (2 / BINS_PER_OCTAVE)
    lengths = (ratio + 1) / (ratio - 1) * RATE / hertz
    size = int(2 ** np.ceil(np.log2(lengths.max())))
    tones = np.zeros((BINS_PER_OCTAVE, size), np.complex128)
    for row, (length, pitch) in enumerate(zip(lengths, hertz, strict=True)):
        times = np.arange(-length // 2, length // 2)
        start = (size - len(times)) // 2
        tone = hann(len(times)) * np.exp(2j * np.pi * pitch / RATE * times)
        tones[row, start : start + len(times)] = tone / np.abs(tone).sum()
    spectra = np.fft.fft(tones * np.sqrt(lengths)[:, None] / size)[:, : size // 2 + 1]
    filters = np.fft.fft(_without_small(spectra), size)  # these multiply samples, not bins
    return np.concatenate([filters.real, filters.imag]).astype(np.float32)


def _without_small(spectra: Complexes) -> Complexes:
    """Set the smallest bins of each row to zero, whose magnitudes sum to less than LEAST_SHARE of the row's."""
    magnitudes = np.abs(spectra)
    ordered = np.sort(magnitudes, axis=1)
    below = np.cumsum(ordered / magnitudes.sum(axis=1, keepdims=True), axis=1) < LEAST_SHARE
    least = np.take_along_axis(ordered, np.argmin(below, axis=1)[:, None], axis=1)
    return np.where(magnitudes >= least, spectra, 0)


def _responses(samples: npt.NDArray[np.float32], filters: npt.NDArray[np.float32], hop: int) -> Floats:
    """Return the magnitudes (BINS_PER_OCTAVE, frames) of the responses of filters to frames that are `hop` apart."""
    size = filters.shape[1]
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, size // 2), size)[::hop]
    responses = filters @ np.ascontiguousarray(frames).T
    real, imaginary = np.split(responses, 2)
    return np.asarray(np.hypot(real, imaginary))
