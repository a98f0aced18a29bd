"""The spectra of one clip that several features share, each computed once, with librosa's default settings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Literal

import numpy as np
import numpy.typing as npt

from ei_toolkit.audio.summary import spectra
from ei_toolkit.audio.summary.columns import MEL_BANDS
from ei_toolkit.audio.summary.spectra import HOP, Floats

MEDIAN_FRAMES = 31  # length of librosa's median filters that separate harmonic from percussive sound
MEDIAN_VALUES = 20_000  # that are filtered at once, with their sorted windows: as many as a cache has


@dataclass(frozen=True)
class Analysis:
    """The shared spectra of a signal of shape (n,) at RATE Hz, float32 from -1 to 1.

    With `legacy` the ends of the signal are treated as librosa did before 0.8: the signal is mirrored there, not
    padded with zeros, and the separated signals are zero behind the middle of the last frame.
    """

    samples: npt.NDArray[np.float32]
    legacy: bool = False

    @property
    def pad_mode(self) -> Literal["constant", "reflect"]:
        """What stands before the first and after the last sample, as a `pad_mode` of librosa."""
        return "reflect" if self.legacy else "constant"

    @cached_property
    def transform(self) -> npt.NDArray[np.complex64]:
        """Short-time Fourier transform, shape (1025, frames)."""
        return spectra.short_time_transform(self.samples, self.pad_mode)

    @cached_property
    def magnitude(self) -> Floats:
        """Magnitude of the transform."""
        return np.abs(self.transform)

    @cached_property
    def power(self) -> Floats:
        """Square of the magnitude."""
        return np.square(self.magnitude)

    @cached_property
    def mel(self) -> Floats:
        """Power in MEL_BANDS mel bands, shape (MEL_BANDS, frames)."""
        return spectra.mel_bank(MEL_BANDS) @ self.power

    @cached_property
    def mel_db(self) -> Floats:
        """Mel power in dB."""
        return spectra.decibels(self.mel)

    @cached_property
    def chroma(self) -> Floats:
        """Chromagram, shape (12, frames)."""
        return spectra.chroma(self.power)

    @cached_property
    def tempo(self) -> float:
        """Beats per minute, as `librosa.beat.beat_track` estimates them; 0 where there are no onsets."""
        return spectra.tempo(self.mel_db)

    @cached_property
    def centroid(self) -> Floats:
        """Spectral centroid of each frame in Hz, shape (1, frames)."""
        return self._moments[0]

    @cached_property
    def bandwidth(self) -> Floats:
        """Spectral bandwidth of each frame in Hz, shape (1, frames)."""
        return self._moments[1]

    @cached_property
    def rolloff(self) -> Floats:
        """Frequency below which 85 % of the magnitude of each frame are, in Hz, shape (1, frames)."""
        return spectra.rolloff(self.magnitude)

    @cached_property
    def rms(self) -> Floats:
        """Root mean square of each frame of the signal, shape (1, frames)."""
        return spectra.root_mean_square(self.samples, self.pad_mode)

    @cached_property
    def zero_crossing_rate(self) -> Floats:
        """Share of zero crossings of each frame of the signal, shape (1, frames)."""
        return spectra.zero_crossing_rate(self.samples)

    @cached_property
    def harmonic(self) -> Floats:
        """Harmonic part of the signal, shape (n,), as `librosa.effects.hpss` separates it."""
        along_time = running_median(self.magnitude)
        along_frequency = running_median(self.magnitude.T).T
        return self._cut(spectra.signal_of(self.transform * soft_mask(along_time, along_frequency), len(self.samples)))

    @cached_property
    def percussive(self) -> Floats:
        """Percussive part of the signal, shape (n,): the rest, because the two masks add up to 1."""
        return self._cut(self.samples - self.harmonic)

    @cached_property
    def _moments(self) -> tuple[Floats, Floats]:
        return spectra.moments(self.magnitude)

    def _cut(self, signal: Floats) -> Floats:
        if self.legacy:
            signal[HOP * (self.magnitude.shape[1] - 1) :] = 0
        return signal


def soft_mask(wanted: Floats, other: Floats) -> Floats:
    """Return the share of `wanted` in the sum of the squares of both, and 1/2 where both are zero."""
    larger = np.maximum(wanted, other)
    silent = larger < np.finfo(larger.dtype).tiny
    larger[silent] = 1
    share = np.square(wanted / larger)
    rest = np.square(other / larger)
    share[silent] = rest[silent] = 1
    share /= share + rest
    return share


def running_median(values: Floats) -> Floats:
    """Return the running median of each row over MEDIAN_FRAMES, with the rows mirrored at their ends.

    All windows of 16 values are sorted at once by merging those of 8, and so on (Batcher, 1968). A window of 31 is two
    of 16 that share the value in the middle: of their 16th and 17th smallest values, one is the median.
    """
    edge = MEDIAN_FRAMES // 2
    rows = np.pad(values, ((0, 0), (edge, edge)), mode="symmetric")
    parts = np.array_split(rows, -(-rows.size // MEDIAN_VALUES))
    return np.concatenate([_medians(part, edge) for part in parts])


def _medians(rows: Floats, edge: int) -> Floats:
    ordered = [rows]
    while (length := len(ordered)) <= edge:
        ordered = _merged([one[:, :-length] for one in ordered], [one[:, length:] for one in ordered])
    pairs = [(low[:, :-edge], high[:, edge:]) for low, high in zip(ordered, reversed(ordered), strict=True)]
    below = reduce(np.maximum, (np.minimum(*pair) for pair in pairs))
    above = reduce(np.minimum, (np.maximum(*pair) for pair in pairs))
    return np.where(rows[:, edge:-edge] <= below, above, below)


def _merged(low: list[Floats], high: list[Floats]) -> list[Floats]:
    """Return the values of two sorted sequences of equally many arrays, sorted element by element."""
    if len(low) == 1:
        return [np.minimum(low[0], high[0]), np.maximum(low[0], high[0])]
    even, odd = _merged(low[::2], high[::2]), _merged(low[1::2], high[1::2])
    inner = [compare(*pair) for pair in zip(odd, even[1:], strict=False) for compare in (np.minimum, np.maximum)]
    return [even[0], *inner, odd[-1]]
