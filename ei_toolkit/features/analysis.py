"""The spectra of one clip that several features share, each computed once, with librosa's default settings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import librosa
import numpy as np
import numpy.typing as npt
from librosa.onset import onset_strength
from scipy.ndimage import median_filter

from ei_toolkit.features.columns import MEL_BANDS

RATE = 22_050
"""Sample rate of all summary features, librosa's default, in Hz."""
HOP = 512  # samples between two frames of librosa
MEDIAN_FRAMES = 31  # length of librosa's median filters that separate harmonic from percussive sound


Floats = npt.NDArray[np.floating[Any]]


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
        return np.asarray(librosa.stft(self.samples, pad_mode=self.pad_mode))

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
        return np.asarray(librosa.feature.melspectrogram(S=self.power, sr=RATE, n_mels=MEL_BANDS))

    @cached_property
    def mel_db(self) -> Floats:
        """Mel power in dB."""
        return np.asarray(librosa.power_to_db(self.mel))

    @cached_property
    def chroma(self) -> Floats:
        """Chromagram, shape (12, frames)."""
        return np.asarray(librosa.feature.chroma_stft(S=self.power, sr=RATE))

    @cached_property
    def tempo(self) -> float:
        """Beats per minute, as `librosa.beat.beat_track` estimates them; 0 where there are no onsets."""
        onsets = onset_strength(S=self.mel_db, sr=RATE, aggregate=np.median)
        return float(librosa.feature.tempo(onset_envelope=onsets, sr=RATE)[0]) if onsets.any() else 0.0

    @cached_property
    def centroid(self) -> Floats:
        """Spectral centroid of each frame in Hz, shape (1, frames)."""
        return np.asarray(librosa.feature.spectral_centroid(S=self.magnitude, sr=RATE))

    @cached_property
    def bandwidth(self) -> Floats:
        """Spectral bandwidth of each frame in Hz, shape (1, frames)."""
        return np.asarray(librosa.feature.spectral_bandwidth(S=self.magnitude, sr=RATE, centroid=self.centroid))

    @cached_property
    def rolloff(self) -> Floats:
        """Frequency below which 85 % of the magnitude of each frame are, in Hz, shape (1, frames)."""
        return np.asarray(librosa.feature.spectral_rolloff(S=self.magnitude, sr=RATE))

    @cached_property
    def rms(self) -> Floats:
        """Root mean square of each frame of the signal, shape (1, frames)."""
        return np.asarray(librosa.feature.rms(y=self.samples, pad_mode=self.pad_mode))

    @cached_property
    def zero_crossing_rate(self) -> Floats:
        """Share of zero crossings of each frame of the signal, shape (1, frames)."""
        return np.asarray(librosa.feature.zero_crossing_rate(self.samples))

    @cached_property
    def harmonic(self) -> Floats:
        """Harmonic part of the signal, shape (n,)."""
        return self._part(*self._medians)

    @cached_property
    def percussive(self) -> Floats:
        """Percussive part of the signal, shape (n,)."""
        along_time, along_frequency = self._medians
        return self._part(along_frequency, along_time)

    @cached_property
    def _medians(self) -> tuple[Floats, Floats]:
        """The magnitude after a median filter along time, and along frequency."""
        return running_median(self.magnitude), np.ascontiguousarray(running_median(self.magnitude.T).T)

    @cached_property
    def _phase(self) -> npt.NDArray[np.complex64]:
        return np.asarray(librosa.magphase(self.transform)[1])

    def _part(self, wanted: Floats, other: Floats) -> Floats:
        """Return the signal of `librosa.effects.hpss` from the two median-filtered spectra."""
        mask = librosa.util.softmask(wanted, other, power=2.0, split_zeros=True)
        signal = np.asarray(librosa.istft((self.magnitude * mask) * self._phase, length=len(self.samples)))
        if self.legacy:
            signal[HOP * (self.magnitude.shape[1] - 1) :] = 0
        return signal


def running_median(values: Floats) -> Floats:
    """Return the running median of each row over MEDIAN_FRAMES, with the rows mirrored at their ends.

    It is `scipy.ndimage.median_filter` of shape (1, MEDIAN_FRAMES) with mode "reflect". SciPy's filter of one
    dimension is about ten times faster than its filter of two, so the mirrored rows are filtered as one long row.
    """
    edge = MEDIAN_FRAMES // 2
    rows = np.pad(values, ((0, 0), (edge, edge)), mode="symmetric")
    filtered: Floats = median_filter(rows.ravel(), size=MEDIAN_FRAMES, mode="nearest").reshape(rows.shape)
    return filtered[:, edge:-edge]
