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
from _noise import write_noise

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.audio.summary.columns import EXTRACTORS
from ei_toolkit.audio.summary.features import summary_features
from ei_toolkit.audio.summary.spectra import RATE
from ei_toolkit.features.plain_librosa import PLAIN


def with_librosa(path: Path, extractor: str) -> Any:
    """The loop body of a notebook: read the clip, then one call of librosa for each feature."""
    y, _rate = librosa.load(path)
    return PLAIN[extractor](y)


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
            runs = [(seconds_of(partial(with_librosa, extractor=extractor), paths, args.jobs),
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
