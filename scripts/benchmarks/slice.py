"""Slicing into windows laid end to end: against the plain ways (librosa.load and pydub, one process), as programs.

There are two plain ways, and notebooks use both: load and resample a clip with librosa, then slice it with pydub; or
let pydub open the clip for every slice, and librosa load and resample each slice.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _noise import write_noise

CLIPS, SECONDS, RATE = 136, 30, 22_050
HEAD = """
import sys
from pathlib import Path
import librosa
import numpy as np
import soundfile
from pydub import AudioSegment
clips, out = Path(sys.argv[1]), Path(sys.argv[2])
"""
ONCE = """
for path in sorted(clips.glob("*/*.wav")):
    samples, rate = librosa.load(path, sr=16000, mono=True)
    data = np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16).tobytes()
    segment = AudioSegment(data, frame_rate=16000, sample_width=2, channels=1)
    for start in range(0, len(segment) - 3000 + 1, 3000):
        segment[start : start + 3000].export(out / f"{path.stem}.{start}.wav", format="wav").close()
"""
EACH = """
for path in sorted(clips.glob("*/*.wav")):
    for start in range(0, 30000, 3000):
        name = str(out / f"{path.stem}.{start}.wav")
        AudioSegment.from_wav(path)[start : start + 3000].export(name, format="wav").close()
        samples, rate = librosa.load(name, sr=16000)
        soundfile.write(name, samples, rate, "PCM_16")
"""
CONFIG = '[dataset]\nroot = "{root}"\nsplit = "track"\n[slice]\nhop_ms = 3000\n'


def seconds_of(command: list[str], folder: Path) -> float:
    """Wall time of a program."""
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start


def with_jobs(jobs: int, clips: Path, folder: Path) -> tuple[float, str]:
    """Time of `eitk slice --jobs N` and a hash of every file it wrote but its own state."""
    folder.mkdir()
    (folder / "eitk.toml").write_text(CONFIG.format(root=clips))
    eitk = "import sys; from ei_toolkit.cli.app import main; main()"
    taken = seconds_of([sys.executable, "-c", eitk, "slice", "--jobs", str(jobs)], folder)
    files = sorted(path for path in (folder / ".eitk" / "windows").iterdir() if path.name != "slice.json")
    written = hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in files))
    return taken, written.hexdigest()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="?", type=Path, help="CLIPS/<label>/*.wav; default: 136 clips of noise")
    parser.add_argument("--repeat", type=int, default=3, help="the best of so many runs counts")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        clips = args.clips or write_noise(Path(temporary) / "clips", CLIPS, SECONDS, RATE)
        result = measure(clips.resolve(), Path(temporary), args.repeat)
    if args.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{key:24} {value}" for key, value in result.items()))


def measure(clips: Path, folder: Path, repeat: int) -> dict[str, float | bool]:
    """Seconds of both plain ways and of eitk with 1, 2 and 3 processes; whether these wrote the same bytes."""
    once, each = (plainly(HEAD + way, clips, folder, repeat) for way in (ONCE, EACH))
    times: dict[int, float] = {}
    hashes = set()
    for jobs in (1, 2, 3):
        runs = [with_jobs(jobs, clips, folder / f"eitk{jobs}.{number}") for number in range(repeat)]
        times[jobs] = min(taken for taken, _ in runs)
        hashes |= {written for _, written in runs}
    return {
        "plain_load_each_clip_s": round(once, 2),
        "plain_load_each_slice_s": round(each, 2),
        **{f"eitk_{jobs}_jobs_s": round(taken, 2) for jobs, taken in times.items()},
        "faster_than_each_clip": round(once / times[2], 1),
        "faster_than_each_slice": round(each / times[2], 1),
        "same_bytes": len(hashes) == 1,
    }


def plainly(program: str, clips: Path, folder: Path, repeat: int) -> float:
    """Wall time of a plain program."""
    out = folder / "plain"
    out.mkdir(exist_ok=True)
    return min(seconds_of([sys.executable, "-W", "ignore", "-c", program, str(clips), str(out)], folder)
               for _ in range(repeat))  # fmt: skip


if __name__ == "__main__":
    main()
