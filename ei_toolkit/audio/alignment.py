"""Align a recording with the sound that was played: delay, and drift of the two clocks.

The delay of each segment is the peak of the generalised cross-correlation with phase transform (Knapp and Carter, IEEE
Trans. ASSP 24, 1976), which a room and a loudspeaker change less than the plain correlation. A line through the delays
gives the offset and the drift.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]
Values = NDArray[np.float64]

MAX_DRIFT_PPM = 400.0  # two crystals of 100 ppm each, and a margin
BAND_HZ = (200.0, 6000.0)  # that small loudspeakers play
PHASE_WEIGHT = 0.85  # 1 is the full phase transform, 0 plain correlation
COARSE_S = 5.0  # of a part that is found in the whole recording; 400 ppm move its end by 2 ms
COARSE_PARTS = 3
SEGMENT_S = 1.0
LEAST_SEGMENTS = 6
MATCH = 0.6  # share of the segments; of another sound 4 of 6 agree by chance once in 500 times
SEARCH_MS = 20.0  # around the coarse delay, on both sides
REFINED_SEARCH_MS = 3.0
AGREEMENT_MS = 1.0  # within which the delay of a segment confirms the line
EXACT_DRIFT_PPM = 2.0  # below it a whole number of samples is cut out unchanged
EXACT_OFFSET = 0.05  # samples
TAPS = 64  # of the interpolation
KAISER_BETA = 8.0
PHASES = 1024  # between two samples, of the tabulated weights


@dataclass(frozen=True)
class Alignment:
    """Sample i of the original is at `offset` + i * (1 + `drift_ppm` / 1e6) of the recording.

    `agreement` is the share of the segments whose own delay confirms that; below `MATCH` it is another sound.
    """

    offset: float
    drift_ppm: float
    agreement: float
    segments: int

    @property
    def is_match(self) -> bool:
        """Whether the recording contains the original."""
        return self.agreement >= MATCH

    @property
    def ratio(self) -> float:
        """Samples of the recording for one of the original."""
        return 1 + self.drift_ppm * 1e-6

    @property
    def is_exact(self) -> bool:
        """Whether the recording has no drift and a delay of a whole number of samples."""
        return abs(self.drift_ppm) < EXACT_DRIFT_PPM and abs(self.offset - round(self.offset)) < EXACT_OFFSET


def align(original: Samples, recorded: Samples, rate: int) -> Alignment:
    """Find the original, shape (n,), in a recording that is longer and has the same rate."""
    x, r = original.astype(np.float64), recorded.astype(np.float64)
    found = _align_segments(x, r, _coarse_delay(x, r, rate), SEARCH_MS, rate)
    if not found.is_match or found.is_exact:
        return found
    # Without the drift inside of the segments their peaks are sharper.
    margin = rate // 10
    positions: Values = found.offset + np.arange(-margin, len(x) + margin, dtype=np.float64) * found.ratio
    aligned = interpolate(r, positions)
    rest = _align_segments(x, aligned, margin, REFINED_SEARCH_MS, rate)
    offset = found.offset + (rest.offset - margin) * found.ratio
    return Alignment(offset, (found.ratio * rest.ratio - 1) * 1e6, found.agreement, found.segments)


def _align_segments(x: Values, r: Values, coarse: int, search_ms: float, rate: int) -> Alignment:
    """Find each segment of the original near the coarse delay."""
    length = int(min(SEGMENT_S * rate, len(x) // LEAST_SEGMENTS))
    starts = np.arange(0, len(x) - length + 1, length)
    loud = _loud_segments(x, starts, length)
    search = int(search_ms * rate / 1000)
    delays = np.array([_delay(x[s : s + length], r, s + coarse, search, rate) for s in starts[loud]])
    centres: Values = (starts[loud] + length / 2).astype(np.float64)
    offset, slope, agreement = _fit(centres, delays + coarse, rate)
    return Alignment(offset, slope * 1e6, agreement, len(delays))


def cut_aligned(recorded: Samples, alignment: Alignment, count: int) -> Samples:
    """Return `count` samples of the recording that lie at those of the original, interpolated where it is needed.

    A recording without drift, and with a delay of a whole number of samples, is cut out unchanged.
    """
    start = round(alignment.offset)
    if alignment.is_exact and 0 <= start <= len(recorded) - count:
        return recorded[start : start + count].copy()
    positions: Values = alignment.offset + np.arange(count, dtype=np.float64) * alignment.ratio
    values = interpolate(recorded.astype(np.float64), positions)
    return np.clip(np.rint(values), -32768, 32767).astype(np.int16)


def interpolate(values: Values, positions: Values) -> Values:
    """Return `values`, shape (n,), at positions between them: a sinc of TAPS samples in a Kaiser window.

    Beyond the ends the values are 0.
    """
    half, kernels = TAPS // 2, _kernels()
    padded = np.concatenate([np.zeros(TAPS), values, np.zeros(TAPS)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, TAPS)
    result = np.empty(len(positions))
    for first in range(0, len(positions), 65536):
        part = np.clip(positions[first : first + 65536], -half, len(values) + half - 1.0)
        whole = np.floor(part)
        phase = (part - whole) * PHASES
        lower = phase.astype(np.int64)
        weight = (phase - lower)[:, None]
        kernel = kernels[lower] * (1 - weight) + kernels[lower + 1] * weight
        result[first : first + 65536] = np.einsum("ij,ij->i", windows[whole.astype(np.int64) + half + 1], kernel)
    return result


@cache
def _kernels() -> Values:
    """The weights of the samples around a position, for PHASES + 1 positions between two samples."""
    taps = np.arange(1 - TAPS // 2, TAPS // 2 + 1)
    distance = np.arange(PHASES + 1)[:, None] / PHASES - taps
    inside = np.sqrt(np.clip(1 - (2 * distance / TAPS) ** 2, 0, None))
    kernels: Values = np.sinc(distance) * np.i0(KAISER_BETA * inside) / np.i0(KAISER_BETA)
    return np.asarray(kernels / kernels.sum(axis=1, keepdims=True))


def _loud_segments(x: Values, starts: NDArray[np.int64], length: int) -> NDArray[np.bool_]:
    """Segments that are not silent in comparison with the loudest ones."""
    power = np.array([np.var(x[s : s + length]) for s in starts])
    return np.asarray(power >= max(power.max(initial=0.0) * 1e-4, 1e-9))


def _coarse_delay(x: Values, r: Values, rate: int) -> int:
    """The delay of the original in the recording, from the part of it with the clearest peak."""
    length = int(min(COARSE_S * rate, len(x)))
    starts = np.unique(np.linspace(0, len(x) - length, COARSE_PARTS).astype(int))
    found = []
    for start in starts:
        correlation = _correlation(x[start : start + length], r, rate)[: max(1, len(r) - length + 1)]
        lowest, highest = max(0, start - rate // 10), start + max(1, len(r) - len(x)) + rate // 10
        within = np.abs(correlation[lowest:highest])
        if len(within):
            peak = int(np.argmax(within))
            found.append((within[peak] / (within.mean() + 1e-12), peak + lowest - start))
    return max(found)[1] if found else 0


def _delay(segment: Values, r: Values, expected: int, search: int, rate: int) -> float:
    """By how much a segment is later than expected, in samples with a fraction; NaN outside of the recording."""
    first, last = expected - search, expected + search + len(segment)
    if first < 0 or last > len(r):
        pad = np.zeros(search * 2 + len(segment))
        lower, upper = max(0, first), min(len(r), last)
        if upper - lower < len(segment) // 2:
            return float("nan")
        pad[lower - first : upper - first] = r[lower:upper]
        part = pad
    else:
        part = r[first:last]
    # The ends of two cut out tones would match each other, at the limits of the search.
    tapered = segment * _taper(len(segment), len(segment) // 8), part * _taper(len(part), search)
    correlation = np.abs(_correlation(*tapered, rate)[: 2 * search + 1])
    return _peak(correlation) - search if correlation.any() else float("nan")


@cache
def _taper(length: int, ramp: int) -> Values:
    """A window that is 1, and rises from 0 and falls to 0 within `ramp` samples as a Hann window does."""
    taper = np.ones(length)
    taper[:ramp] = np.hanning(2 * ramp + 1)[:ramp]
    taper[length - ramp :] = taper[:ramp][::-1]
    return taper


def _peak(values: Values) -> float:
    """The position of the maximum, between the samples by a parabola."""
    at = int(np.argmax(values))
    if not 0 < at < len(values) - 1:
        return float(at)
    left, middle, right = values[at - 1 : at + 2]
    curvature = left - 2 * middle + right
    return at + (0.5 * (left - right) / curvature if curvature else 0.0)


def _correlation(x: Values, r: Values, rate: int) -> Values:
    """Correlation of `x` with `r` at the delays 0, 1, … samples, with weighted phases in BAND_HZ."""
    n = 1 << (len(x) + len(r)).bit_length()
    cross = np.fft.rfft(r, n) * np.conj(np.fft.rfft(x, n))
    hz = np.fft.rfftfreq(n, 1 / rate)
    cross[(hz < BAND_HZ[0]) | (hz > BAND_HZ[1])] = 0
    magnitude = np.abs(cross)
    cross /= np.maximum(magnitude, magnitude.max(initial=0.0) * 1e-9 + 1e-30) ** PHASE_WEIGHT
    return np.fft.irfft(cross, n)[: len(r)]


def _fit(centres: Values, delays: Values, rate: int) -> tuple[float, float, float]:
    """Offset, slope and share of the segments that agree, of the line that most delays agree with."""
    valid = np.isfinite(delays)
    tolerance = AGREEMENT_MS * rate / 1000
    if valid.sum() < 2:
        return (float(delays[valid][0]) if valid.any() else 0.0), 0.0, 0.0
    t, d = centres[valid], delays[valid]
    slopes = np.append(((d[:, None] - d) / (t[:, None] - t + np.eye(len(t)))).ravel(), 0.0)
    slopes = np.unique(slopes[np.abs(slopes) <= MAX_DRIFT_PPM * 1e-6])
    best = np.zeros(len(d), bool)
    for slope in slopes[:: max(1, len(slopes) // 400)]:
        residual = d - slope * t
        agree = np.abs(residual - _densest(residual, tolerance)) <= tolerance
        if agree.sum() > best.sum():
            best = agree
    if best.sum() < 2:
        return float(np.median(d)), 0.0, 0.0
    slope, offset = np.polyfit(t[best], d[best], 1)
    if abs(slope) > MAX_DRIFT_PPM * 1e-6 or best.sum() < LEAST_SEGMENTS // 2:
        slope, offset = 0.0, float(np.median(d[best]))
    return float(offset), float(slope), float(best.sum() / len(delays))


def _densest(values: Values, tolerance: float) -> float:
    """The centre of the interval of 2 * tolerance that contains the most values."""
    ordered = np.sort(values)
    counts = np.searchsorted(ordered, ordered + 2 * tolerance, "right") - np.arange(len(ordered))
    first = int(np.argmax(counts))
    return float(ordered[first : first + counts[first]].mean())
