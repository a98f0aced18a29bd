"""The summary features by one call of librosa after another, as notebooks compute them, to compare with.

`summary-57` has the present defaults of librosa here, which treat the ends of a signal in another way than the librosa
before 0.8 of the published table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import librosa
import numpy as np
from librosa.effects import hpss
from librosa.onset import onset_strength
from scipy.stats import skew

from ei_toolkit.audio.summary.columns import MEL_RANGES
from ei_toolkit.audio.summary.features import SILENT_RMS, Samples, Values


def plain_57(samples: Samples) -> Values:
    """Return the values of the columns of `summary-57`."""
    from librosa.beat import beat_track  # numba compiles it at its first import, which takes half a minute

    feature = librosa.feature
    over_time = [
        feature.chroma_stft(y=samples), feature.rms(y=samples), feature.spectral_centroid(y=samples),
        feature.spectral_bandwidth(y=samples), feature.spectral_rolloff(y=samples),
        feature.zero_crossing_rate(samples), *hpss(samples),
    ]  # fmt: skip
    tempo = np.atleast_1d(beat_track(y=samples)[0])[0]
    statistics = [statistic(one) for one in (*over_time, *feature.mfcc(y=samples)) for statistic in (np.mean, np.var)]
    return np.insert(np.asarray(statistics, np.float64), 2 * len(over_time), tempo)


def plain_207(samples: Samples) -> Values:
    """Return the values of the columns of `summary-207`."""
    feature = librosa.feature
    harmonic, percussive = hpss(samples)
    rms, centroid = feature.rms(y=samples), feature.spectral_centroid(y=samples)
    mel, mfcc = feature.melspectrogram(y=samples).mean(axis=1), feature.mfcc(y=samples, n_mfcc=13)
    cepstral = (mfcc, feature.delta(mfcc), feature.delta(mfcc, order=2), feature.chroma_stft(y=samples))
    tempo = feature.tempo(onset_envelope=onset_strength(y=samples, aggregate=np.median))
    return np.concatenate(
        [
            [rms.mean(), feature.zero_crossing_rate(samples).mean(), centroid.mean()],
            [feature.spectral_bandwidth(y=samples).mean(), feature.spectral_rolloff(y=samples).mean()],
            feature.spectral_contrast(y=samples).mean(axis=1),
            [feature.spectral_flatness(y=samples).mean(), np.mean(harmonic**2), np.mean(percussive**2)],
            [skew(centroid[0]), feature.rms(y=harmonic).mean(), np.sum(rms < SILENT_RMS) / len(samples)],
            *(one.mean(axis=1) for one in cepstral), tempo, feature.tonnetz(y=harmonic).mean(axis=1),
            mel, [mel[start:end].mean() for start, end in MEL_RANGES],
        ],
        dtype=np.float64,
    )  # fmt: skip


PLAIN: Mapping[str, Callable[[Samples], Values]] = MappingProxyType({"summary-57": plain_57, "summary-207": plain_207})
"""The extractors, as COMPUTE has them."""
