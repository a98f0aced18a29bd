"""The spectral functions of librosa that summary features need, in NumPy, with librosa's default parameters.

librosa is the definition, and the tests compare each function with it. The import of librosa takes 1.7 s of processor
time, because it loads Numba and scipy.signal; the features of a clip take less than a quarter of it.

Spectra have the shape (bins, frames), as librosa's. `frames` of a signal start HOP samples apart.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Floats = npt.NDArray[np.floating[Any]]
Float64s = npt.NDArray[np.float64]

RATE = 22_050
"""Sample rate of all summary features, librosa's default, in Hz."""
HOP = 512  # samples between two frames
FRAME = 2048  # samples in a frame, which is also the length of the FFT
CHROMA = 12
FIT_HZ = (150.0, 4000.0)  # pitches that the tuning is estimated from
TUNING_STEPS = 100  # of a bin
DYNAMIC_RANGE_DB = 80.0
LEAST_POWER = 1e-10  # -100 dB
SHARE_OF_ROLLOFF = 0.85
LOWEST_CONTRAST_HZ = 200.0  # the lowest band of the contrast ends there; six more have an octave each
CONTRAST_BANDS = 7
SHARE_OF_EXTREMES = 0.02  # of the bins of a band: the weakest and the strongest, between which the contrast is
DIFFERENCE_FRAMES = 9  # of the parabola whose slope or curvature is a difference
CROSSING_THRESHOLD = 1e-10  # smaller samples count as zero
TEMPO_FRAMES = 344  # 8 s: the window of the autocorrelation
TEMPO_FFT = 720  # at least 2 * TEMPO_FRAMES - 1, so that the autocorrelation does not wrap
START_BPM, MAX_BPM = 120.0, 320.0  # the mean of the prior, in octaves with a deviation of 1, and its upper end


@cache
def hann(length: int) -> Float64s:
    """Return a periodic Hann window, with the roundings of `scipy.signal.get_window`."""
    window: Float64s = 0.5 + 0.5 * np.cos(np.linspace(-np.pi, np.pi, length + 1))[:-1]
    return window


@cache
def bin_hertz() -> Float64s:
    """Return the frequency of each bin."""
    return np.asarray(np.fft.rfftfreq(FRAME, 1 / RATE), np.float64)


def framed(samples: Floats, mode: Literal["constant", "reflect", "edge"]) -> Floats:
    """Return frames (frames, FRAME) whose middles are HOP apart; beyond the ends is what `numpy.pad` has by `mode`."""
    padded = np.pad(samples, FRAME // 2, mode=mode)
    return np.asarray(sliding_window_view(padded, FRAME)[::HOP])


def short_time_transform(samples: Floats, mode: Literal["constant", "reflect"]) -> npt.NDArray[np.complex64]:
    """Return the transform, complex64 for float32 samples."""
    return np.asarray(np.fft.rfft(framed(samples, mode) * hann(FRAME).astype(samples.dtype)).T)


def signal_of(transform: npt.NDArray[np.complex64], length: int) -> Floats:
    """Return the signal whose transform is nearest: the overlapping frames, divided by the sum of squared windows."""
    frames = np.fft.irfft(transform.T, FRAME)
    frames *= hann(FRAME).astype(frames.dtype)
    parts = FRAME // HOP
    total = np.zeros((len(frames) + parts - 1, HOP), frames.dtype)
    weights = np.zeros_like(total)
    squared = np.square(hann(FRAME)).reshape(parts, HOP)
    for part in range(parts):
        total[part : part + len(frames)] += frames[:, part * HOP : (part + 1) * HOP]
        weights[part : part + len(frames)] += squared[part]
    start = FRAME // 2
    total, weights = total.ravel()[start : start + length], weights.ravel()[start : start + length]
    return np.divide(total, weights, out=total, where=weights > np.finfo(weights.dtype).tiny)


@cache
def mel_bank(bands: int) -> npt.NDArray[np.float32]:
    """Return triangles (bands, bins) on Slaney's mel scale, each with the same area in hertz."""
    mels = np.linspace(0, _slaney_mel(RATE / 2), bands + 2)
    corners = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * np.log(6.4) / 27))
    widths = np.diff(corners)
    distances = corners[:, None] - bin_hertz()
    rising, falling = -distances[:-2] / widths[:-1, None], distances[2:] / widths[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    return (triangles * (2 / (corners[2:] - corners[:-2]))[:, None]).astype(np.float32)


def _slaney_mel(hertz: float) -> float:
    """Slaney's mel scale (Auditory Toolbox, 1998): linear up to 1 kHz, 15 mels, and then logarithmic."""
    return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * float(np.log(hertz / 1000) / np.log(6.4))


def decibels(power: Floats) -> Floats:
    """Return 10 log10 of the power, at least LEAST_POWER, and at most DYNAMIC_RANGE_DB below the maximum."""
    level: Floats = 10 * np.log10(np.maximum(power, LEAST_POWER))
    return np.asarray(np.maximum(level, level.max() - DYNAMIC_RANGE_DB))


@cache
def cosine_transform(coefficients: int, bands: int) -> Float64s:
    """Return the orthonormal discrete cosine transform of type 2 as a matrix (coefficients, bands)."""
    rows = np.cos(np.pi * np.arange(coefficients)[:, None] * (np.arange(bands) + 0.5) / bands) * np.sqrt(2 / bands)
    rows[0] /= np.sqrt(2)
    return np.asarray(rows, np.float64)


def mfcc(mel_db: Floats, coefficients: int) -> Float64s:
    """Return the cepstral coefficients (coefficients, frames) of mel bands in dB."""
    return np.asarray(cosine_transform(coefficients, len(mel_db)) @ mel_db)


def root_mean_square(samples: Floats, mode: Literal["constant", "reflect"]) -> Floats:
    """Return the root mean square of each frame of a signal, shape (1, frames)."""
    frames = framed(samples, mode)
    return np.asarray(np.sqrt(np.einsum("fs,fs->f", frames, frames) / FRAME))[None]


def zero_crossing_rate(samples: Floats) -> Float64s:
    """Return the number of sign changes in each frame, divided by FRAME, shape (1, frames)."""
    padded = np.pad(samples, FRAME // 2, mode="edge")
    negative = padded < -CROSSING_THRESHOLD
    until = np.concatenate([[0, 0], np.cumsum(negative[1:] != negative[:-1])])  # changes before each sample
    starts = np.arange(0, len(padded) - FRAME + 1, HOP)
    return np.asarray((until[starts + FRAME] - until[starts + 1])[None] / FRAME)


def moments(magnitude: Floats) -> tuple[Float64s, Float64s]:
    """Return the centroid of each frame in Hz and the deviation around it (the bandwidth), each of shape (1, frames).

    Both are 0 for a frame without energy.
    """
    hertz = bin_hertz()
    total, first = np.asarray(np.stack([np.ones_like(hertz), hertz]).astype(magnitude.dtype) @ magnitude, np.float64)
    total[total == 0] = 1
    centroid = first / total
    spread = [np.square(hertz - middle) @ frame for middle, frame in zip(centroid, magnitude.T, strict=True)]
    return centroid[None], np.sqrt(spread / total)[None]


def rolloff(magnitude: Floats) -> Float64s:
    """Return the lowest frequency in Hz with SHARE_OF_ROLLOFF of the magnitude at or below it, shape (1, frames)."""
    sums = np.cumsum(magnitude, axis=0)
    return np.asarray(bin_hertz()[np.argmax(sums >= SHARE_OF_ROLLOFF * sums[-1], axis=0)][None])


def flatness(power: Floats) -> Floats:
    """Return the geometric mean of the power of each frame, divided by the arithmetic mean, shape (1, frames)."""
    least = np.maximum(power, np.float32(LEAST_POWER))
    return np.asarray(np.exp(np.log(least).mean(axis=0)) / least.mean(axis=0))[None]


def contrast(magnitude: Floats) -> Floats:
    """Return the difference in dB of the strongest and the weakest bins of each band, (CONTRAST_BANDS, frames)."""
    edges = np.searchsorted(bin_hertz(), LOWEST_CONTRAST_HZ * 2.0 ** np.arange(CONTRAST_BANDS - 1)) - 1
    valleys, peaks = [], []
    for first, end in pairwise([0, *edges.tolist(), len(magnitude)]):
        # the share is that of the bins up to the edge of the band, and the last of them belongs to the next band
        count = max(1, round(SHARE_OF_EXTREMES * (end - first + (end < len(magnitude)))))
        ordered = np.partition(magnitude[first:end].T, (count - 1, end - first - count), axis=1)
        valleys.append(ordered[:, :count].mean(axis=1))
        peaks.append(ordered[:, -count:].mean(axis=1))
    return decibels(np.stack(peaks)) - decibels(np.stack(valleys))


def differences(values: Floats, order: Literal[1, 2]) -> Float64s:
    """Return the slope (order 1) or curvature (2) over time of values (rows, frames), in the middle of nine frames.

    Near the ends, it is that of the first or last nine frames.
    """
    times = np.arange(DIFFERENCE_FRAMES) - DIFFERENCE_FRAMES // 2
    weights = np.linalg.pinv(np.vander(times, order + 1))[0] * order
    inside = sliding_window_view(values.astype(np.float64), DIFFERENCE_FRAMES, axis=1) @ weights
    edge = DIFFERENCE_FRAMES // 2
    return np.pad(inside, ((0, 0), (edge, edge)), mode="edge")


def tuning(spectrum: Floats, bins_per_octave: int = CHROMA) -> float:
    """Return how far the pitches of a spectrum are from A = 440 Hz, in bins from -0.5 to 0.5; a bin is a semitone.

    A peak of the spectrum is a pitch if it is above a tenth of the strongest bin of its frame. Its frequency is that of
    the parabola through three bins. The stronger half of all pitches counts.
    """
    first, last = (int(np.searchsorted(bin_hertz(), hertz)) for hertz in FIT_HZ)
    near = spectrum[first - 1 : last + 1]
    before, at, after = near[:-2], near[1:-1], near[2:]
    audible = at > 0.1 * spectrum.max(axis=0)
    # adjacent bins that are not audible count as zero, and are lower than an audible bin in any case
    bins, frames = np.nonzero(audible & (at > before) & (at >= after))
    left, peak, right = (part[bins, frames] for part in (before, at, after))
    curvature, slope = left + right - 2 * peak, (right - left) / 2
    outside = np.abs(slope) >= np.abs(curvature)
    shift = np.where(outside, 0, -slope / np.where(outside, 1, curvature))
    hertz = (bins + first + shift) * RATE / FRAME
    strength = peak + 0.5 * slope * shift
    if not len(hertz):
        return 0.0
    chosen = hertz[strength >= np.median(strength)]
    residual = np.mod(bins_per_octave * np.log2(chosen / (440 / 16)), 1)
    residual[residual >= 0.5] -= 1
    counts, edges = np.histogram(residual, np.linspace(-0.5, 0.5, TUNING_STEPS + 1))
    return float(edges[np.argmax(counts)])


def chroma_bank(tuned: float) -> npt.NDArray[np.float32]:
    """Return the weights (CHROMA, bins) of the bins in each pitch class, from C, for a tuning in semitones.

    They are Gaussian around each semitone, and around the fifth octave with a deviation of two octaves (Ellis, 2007).
    """
    hertz = np.arange(1, FRAME) * RATE / FRAME
    semitones = CHROMA * np.log2(hertz / (440 * 2 ** (tuned / CHROMA) / 16))
    semitones = np.concatenate([[semitones[0] - 1.5 * CHROMA], semitones])[: FRAME // 2 + 2]
    widths = np.maximum(np.diff(semitones), 1)
    semitones = semitones[:-1]
    distance = semitones - np.arange(CHROMA)[:, None]
    distance = np.remainder(distance + CHROMA / 2 + 10 * CHROMA, CHROMA) - CHROMA / 2
    weights = np.exp(-0.5 * np.square(2 * distance / widths))
    weights /= np.sqrt(np.square(weights).sum(axis=0))
    weights *= np.exp(-0.5 * np.square((semitones / CHROMA - 5) / 2))
    return np.asarray(np.roll(weights, -3, axis=0), np.float32)


def chroma(power: Floats) -> Floats:
    """Return the power of each pitch class, divided by that of the strongest of its frame, shape (CHROMA, frames)."""
    classes = chroma_bank(tuning(power)) @ power
    strongest = classes.max(axis=0)
    return np.asarray(classes / np.where(strongest < np.finfo(classes.dtype).tiny, 1, strongest))


def tempo(mel_db: Floats) -> float:
    """Return the tempo in beats per minute, 0 where there are no onsets.

    The strength of an onset is the median increase of the mel bands. Of the lags of its autocorrelation in windows of
    TEMPO_FRAMES, averaged over all windows, the highest with a prior around START_BPM is the beat.
    """
    delay = 1 + FRAME // (2 * HOP)
    rises = np.median(np.maximum(0, np.diff(mel_db, axis=1)), axis=0)
    onsets = np.pad(rises, (delay, 0))[: mel_db.shape[1]]
    if not onsets.any():
        return 0.0
    padded = np.pad(onsets, TEMPO_FRAMES // 2, mode="linear_ramp", end_values=0)
    windows = sliding_window_view(padded, TEMPO_FRAMES)[: len(onsets)] * hann(TEMPO_FRAMES)
    energy = np.square(windows).sum(axis=1)
    weights = 1 / np.where(energy < np.finfo(energy.dtype).tiny, 1, energy)
    spectra = np.square(np.abs(np.fft.rfft(windows, TEMPO_FFT)))
    strength = np.fft.irfft(weights @ spectra, TEMPO_FFT)[:TEMPO_FRAMES] / len(onsets)
    with np.errstate(divide="ignore"):
        beats = 60 * RATE / HOP / np.arange(TEMPO_FRAMES)
    prior = np.full(TEMPO_FRAMES, -np.inf)
    allowed = beats < MAX_BPM
    prior[allowed] = -0.5 * np.square(np.log2(beats[allowed]) - np.log2(START_BPM))
    return float(beats[np.argmax(np.log1p(1e6 * strength) + prior)])
