"""Summary features of clips of 30 s: eitk against a loop of plain librosa calls, with equally many processes."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import librosa
import numpy as np
from _noise import write_noise
from librosa.beat import beat_track
from librosa.effects import hpss
from librosa.onset import onset_strength
from scipy.stats import skew

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.features.columns import EXTRACTORS
from ei_toolkit.features.spectra import RATE
from ei_toolkit.features.summary import summary_features


def plain_57(path: Path) -> Any:
    """The loop body of a notebook: one call of librosa for each feature."""
    y, rate = librosa.load(path)
    feature = librosa.feature
    found = [
        feature.chroma_stft(y=y, sr=rate), feature.rms(y=y), feature.spectral_centroid(y=y, sr=rate),
        feature.spectral_bandwidth(y=y, sr=rate), feature.spectral_rolloff(y=y, sr=rate),
        feature.zero_crossing_rate(y), *hpss(y), *feature.mfcc(y=y, sr=rate),
    ]  # fmt: skip
    tempo, _ = beat_track(y=y, sr=rate)
    return [statistic(one) for one in found for statistic in (np.mean, np.var)] + [float(np.atleast_1d(tempo)[0])]


def plain_207(path: Path) -> Any:
    """The same for the 207 features."""
    y, rate = librosa.load(path)
    feature = librosa.feature
    harmonic, percussive = hpss(y)
    centroid, rms = feature.spectral_centroid(y=y, sr=rate), feature.rms(y=y)
    mfcc, mel = feature.mfcc(y=y, sr=rate, n_mfcc=13), feature.melspectrogram(y=y, sr=rate)
    tempo = feature.tempo(onset_envelope=onset_strength(y=y, sr=rate, aggregate=np.median), sr=rate)
    found = [
        rms, feature.zero_crossing_rate(y), centroid, feature.spectral_bandwidth(y=y, sr=rate),
        feature.spectral_rolloff(y=y, sr=rate), *feature.spectral_contrast(y=y, sr=rate),
        feature.spectral_flatness(y=y), harmonic**2, percussive**2, feature.rms(y=harmonic), *mfcc,
        *feature.delta(mfcc), *feature.delta(mfcc, order=2), *feature.chroma_stft(y=y, sr=rate),
        *feature.tonnetz(y=harmonic, sr=rate), *mel, mel[:40], mel[40:80], mel[80:],
    ]  # fmt: skip
    return [np.mean(one) for one in found] + [skew(centroid[0]), np.sum(rms < 0.01) / len(y), tempo[0]]


PLAIN: dict[str, Callable[[Path], Any]] = {"summary-57": plain_57, "summary-207": plain_207}


def with_eitk(path: Path, extractor: str) -> Any:
    """Compute the features of one clip as `eitk features` does, without keeping them."""
    return summary_features(read_clip(path, RATE), extractor)


def seconds_of(compute: Callable[[Path], Any], paths: list[Path], jobs: int) -> float:
    """Wall time for all paths, without the imports and the compilation of librosa's functions."""
    with ProcessPoolExecutor(jobs) as pool:
        list(pool.map(compute, paths[:1] * jobs))
        start = time.perf_counter()
        list(pool.map(compute, paths))
        return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="?", type=Path, help="folder of WAV files; default: 16 clips of noise")
    parser.add_argument("--count", type=int, default=16, help="number of clips")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=2, help="the best of so many runs counts")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        clips = args.clips or write_noise(Path(temporary) / "clips", args.count, 30, RATE)
        found = sorted(clips.resolve().rglob("*.wav"))
        paths = found[:: max(1, len(found) // args.count)][: args.count]
        result: dict[str, float] = {"clips": len(paths), "jobs": args.jobs}
        for extractor in EXTRACTORS:
            runs = [(seconds_of(PLAIN[extractor], paths, args.jobs),
                     seconds_of(partial(with_eitk, extractor=extractor), paths, args.jobs))
                    for _ in range(args.repeat)]  # fmt: skip
            plain, own = (min(times) for times in zip(*runs, strict=True))
            result |= {
                f"{extractor}_plain_s": round(plain, 2), f"{extractor}_eitk_s": round(own, 2),
                f"{extractor}_times_faster": round(plain / own, 2),
            }  # fmt: skip
    print(json.dumps(result) if args.json else "\n".join(f"{key:26} {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
