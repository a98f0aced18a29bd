"""The spectra of one clip that several features share, each computed once, with librosa's default settings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.ndimage import median_filter

from ei_toolkit.features import spectra
from ei_toolkit.features.columns import MEL_BANDS
from ei_toolkit.features.spectra import HOP, Floats

MEDIAN_FRAMES = 31  # length of librosa's median filters that separate harmonic from percussive sound


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

    It is `scipy.ndimage.median_filter` of shape (1, MEDIAN_FRAMES) with mode "reflect". SciPy's filter of one
    dimension is about ten times faster than its filter of two, so the mirrored rows are filtered as one long row.
    """
    edge = MEDIAN_FRAMES // 2
    rows = np.pad(values, ((0, 0), (edge, edge)), mode="symmetric")
    filtered: Floats = median_filter(rows.ravel(), size=MEDIAN_FRAMES, mode="nearest").reshape(rows.shape)
    return filtered[:, edge:-edge]
