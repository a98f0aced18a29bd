"""Each spectral function against the function of librosa that defines it, on sounds of several kinds."""

from __future__ import annotations

from typing import Any

import librosa
import numpy as np
import pytest

from ei_toolkit.audio.summary import spectra
from ei_toolkit.audio.summary.analysis import Analysis
from ei_toolkit.audio.summary.constant_q import constant_q, constant_q_chroma, tonal_centroids
from ei_toolkit.audio.summary.spectra import RATE

SECONDS = 4


def drums(random: Any, time_s: Any) -> Any:
    """Bursts of noise 100 times a minute over a quiet tone."""
    return random.normal(size=len(time_s)) * np.exp(-30 * (time_s % 0.6)) * 0.3 + 0.05 * np.sin(1400 * time_s)


def glide(_random: Any, time_s: Any) -> Any:
    """A tone of three partials that rises from 200 Hz, between the semitones."""
    return sum(np.sin(2 * np.pi * k * (200 * time_s + 30 * time_s**2)) / k for k in (1, 2, 3)) / 3


def half_silent(random: Any, time_s: Any) -> Any:
    """Two seconds of noise, and then nothing."""
    return np.where(time_s < 2, 0.1 * random.normal(size=len(time_s)), 0)


@pytest.fixture(params=[drums, glide, half_silent], ids=lambda sound: sound.__name__)
def samples(request: pytest.FixtureRequest) -> Any:
    sound = request.param(np.random.default_rng(7), np.arange(SECONDS * RATE + 123) / RATE)
    return np.clip(sound, -1, 1).astype(np.float32)


def close(found: Any, expected: Any, tolerance: float = 1e-5) -> None:
    """Compare with a tolerance relative to the largest value: both are computed with 32 bits."""
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())


def test_the_transform_and_its_inverse(samples: Any) -> None:
    for mode in ("constant", "reflect"):
        close(spectra.short_time_transform(samples, mode), librosa.stft(samples, pad_mode=mode))
    close(spectra.signal_of(spectra.short_time_transform(samples, "constant"), len(samples)), samples)


def test_mel_bands_their_decibels_and_mfcc(samples: Any) -> None:
    np.testing.assert_array_equal(spectra.mel_bank(128), librosa.filters.mel(sr=RATE, n_fft=2048))
    one = Analysis(samples)
    close(one.mel, librosa.feature.melspectrogram(y=samples))
    np.testing.assert_array_equal(one.mel_db, librosa.power_to_db(one.mel))
    close(spectra.mfcc(one.mel_db, 20), librosa.feature.mfcc(S=one.mel_db, n_mfcc=20))


def test_the_shape_of_the_spectrum(samples: Any) -> None:
    one, feature = Analysis(samples), librosa.feature
    close(one.centroid, feature.spectral_centroid(S=one.magnitude))
    close(one.bandwidth, feature.spectral_bandwidth(S=one.magnitude))
    np.testing.assert_array_equal(one.rolloff, feature.spectral_rolloff(S=one.magnitude))


def test_flatness_and_contrast(samples: Any) -> None:
    one, feature = Analysis(samples), librosa.feature
    np.testing.assert_array_equal(spectra.flatness(one.power), feature.spectral_flatness(S=one.magnitude))
    close(spectra.contrast(one.magnitude), feature.spectral_contrast(S=one.magnitude))


def test_differences(samples: Any) -> None:
    coefficients = spectra.mfcc(Analysis(samples).mel_db, 13)
    for order in (1, 2):
        close(spectra.differences(coefficients, order), librosa.feature.delta(coefficients, order=order), 1e-12)


def test_the_constant_q_transform_its_chroma_and_tonal_centroids(samples: Any) -> None:
    expected = np.abs(librosa.cqt(samples, n_bins=252, bins_per_octave=36, tuning=None))
    close(constant_q(samples), expected)
    audible = expected.max(axis=0) > 1e-6 * expected.max()  # elsewhere, shares of pitch classes are rounding errors
    chroma = librosa.feature.chroma_cqt(C=expected, bins_per_octave=36)
    close(constant_q_chroma(samples)[:, audible], chroma[:, audible], 1e-4)
    close(tonal_centroids(samples)[:, audible], librosa.feature.tonnetz(chroma=chroma)[:, audible], 1e-4)


def test_frames_of_the_signal(samples: Any) -> None:
    one = Analysis(samples)
    close(one.rms, librosa.feature.rms(y=samples))
    np.testing.assert_array_equal(one.zero_crossing_rate, librosa.feature.zero_crossing_rate(samples))


def test_tuning_and_chroma(samples: Any) -> None:
    one = Analysis(samples)
    expected = librosa.estimate_tuning(S=one.power, sr=RATE)
    assert spectra.tuning(one.power) == pytest.approx(expected, abs=1e-9)
    close(spectra.chroma_bank(expected), librosa.filters.chroma(sr=RATE, n_fft=2048, tuning=expected), 1e-6)
    close(one.chroma, librosa.feature.chroma_stft(S=one.power, sr=RATE))


def test_tempo(samples: Any) -> None:
    one = Analysis(samples)
    onsets = librosa.onset.onset_strength(S=one.mel_db, sr=RATE, aggregate=np.median)
    expected = librosa.feature.tempo(onset_envelope=onsets, sr=RATE)[0] if onsets.any() else 0
    assert one.tempo == pytest.approx(expected, rel=1e-12)


def test_no_onset_has_no_tempo() -> None:
    assert spectra.tempo(np.zeros((128, 100), np.float32)) == 0


def test_harmonic_and_percussive_sound(samples: Any) -> None:
    one = Analysis(samples)
    harmonic, percussive = librosa.effects.hpss(samples)
    close(one.harmonic, harmonic)
    close(one.percussive, percussive)
