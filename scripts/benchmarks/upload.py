"""Uploading to the local studio: against the official SDK's upload_samples, and the memory that many windows take."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.config import ProjectPaths
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.studio import lifecycle as launch
from ei_toolkit.studio import lifecycle as running

RATE, MILLISECONDS, PER_CLIP = 16_000, 3_000, 19  # a clip of 30 s gives 19 windows with a hop of 1.5 s
UPLOAD = """
import json, sys, time
from pathlib import Path
from ei_toolkit.client.endpoint import Endpoint
from ei_toolkit.client.project import open_studio
from ei_toolkit.client.transport import Transport
from ei_toolkit.client.upload.plan import annotate
from ei_toolkit.client.upload.ledger import Ledger, ledger_path
from ei_toolkit.client.upload.plan import difference, server_samples
from ei_toolkit.client.upload.run import Options, upload
from ei_toolkit.dataset.manifest import Manifest

def peak_mb():  # of this program only; ru_maxrss would include the program that started it
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024

api, ingestion, file = sys.argv[1], sys.argv[2], Path(sys.argv[3])
start = time.perf_counter()
windows = Manifest.read(file)
studio = open_studio(Transport(Endpoint(api, ingestion, sys.stdin.read(), 0, "local")))
with Ledger(ledger_path(file, "local", studio.project)) as ledger:
    plan = difference(windows, server_samples(studio))
    report = upload(studio, plan, WindowReader(file.parent), ledger, Options(), lambda done, note: None)
    annotate(studio, windows, ledger)
seconds = time.perf_counter() - start
print(json.dumps({"seconds": seconds, "sent": report.sent, "requests": report.requests,
                  "failures": len(report.failures), "peak_mb": peak_mb()}))
"""


def make_windows(folder: Path, count: int) -> Path:
    """A manifest of `count` windows of noise, no two alike; what is in them does not change the time."""
    rng = np.random.default_rng(0)
    samples = (3000 * rng.standard_normal(RATE * MILLISECONDS // 1000)).astype(np.int16)
    folder.mkdir(parents=True)
    windows = []
    for number in range(count):
        samples[:4] = np.frombuffer(np.int64(number).tobytes(), np.int16)
        content = wav_bytes(samples, RATE)
        digest = hashlib.sha256(content).hexdigest()
        clip, start = f"clip{number // PER_CLIP:05d}", number % PER_CLIP * 1500
        name = f"{clip}.{start}.{digest[:12]}.wav"
        (folder / name).write_bytes(content)
        label = "rock" if number // PER_CLIP % 2 else "classical"
        group = f"artist{number // PER_CLIP % 40}"
        windows.append(Window(name, digest, f"{label}/{clip}.wav", "0" * 64, group, start, label, "training"))
    Manifest(tuple(windows)).write(folder / "manifest.csv")
    return folder / "manifest.csv"


@contextlib.contextmanager
def fresh_studio(beside: Path) -> Iterator[launch.LocalStudio]:
    """A studio with nothing in it. Its files stay to the end: ext4 is slow where many were just deleted."""
    paths = ProjectPaths(Path(tempfile.mkdtemp(dir=beside)))
    try:
        studio = launch.ensure(paths, "bench")
        os.sync()  # what the run before has left to be written is not this one's
        yield studio
    finally:
        running.stop(paths.studio)


def with_eitk(manifest: Path) -> dict[str, float]:
    """Upload with eitk, in a process of its own: reading, asking, sending, writing down."""
    with fresh_studio(manifest.parent.parent) as studio:
        for ledger in manifest.parent.glob("uploads.*"):
            ledger.unlink()
        command = [sys.executable, "-c", UPLOAD, studio.api_url, studio.ingestion_url, str(manifest)]
        done = subprocess.run(command, input=studio.key, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def with_sdk(manifest: Path) -> float:
    """Seconds that the official SDK takes for the same files, already in memory; its import is not counted."""
    with fresh_studio(manifest.parent.parent) as studio:
        os.environ.update(EI_API_KEY=studio.key, EI_API_ENDPOINT=studio.api_url, NO_PROXY="127.0.0.1")
        import edgeimpulse as ei
        from edgeimpulse.experimental.data import Sample, upload_samples

        ei.API_KEY, ei.API_ENDPOINT, ei.INGESTION_ENDPOINT = studio.key, studio.api_url, studio.ingestion_url
        samples = [_sdk_sample(Sample, manifest.parent, window) for window in Manifest.read(manifest).windows]
        start = time.perf_counter()
        answer = upload_samples(samples)
        seconds = time.perf_counter() - start
        if len(answer.successes) != len(samples):
            raise SystemExit(f"the SDK uploaded {len(answer.successes)} of {len(samples)} files")
    return seconds


def _sdk_sample(kind: Any, folder: Path, window: Window) -> Any:
    metadata = {"clip": window.clip, "artist": window.group}
    content = io.BytesIO((folder / window.file).read_bytes())
    return kind(content, window.file, window.split, window.label, metadata=metadata)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=300, help="files in the race against the SDK")
    parser.add_argument("--windows", type=int, default=10_000, help="windows in the memory test; 0 leaves it out")
    parser.add_argument("--repeat", type=int, default=7, help="the best of so many runs counts, taken in turns")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder), args.files, args.windows, args.repeat)
    if args.json:
        print(json.dumps(result))
    else:
        print("\n".join(f"{key:28} {value:.3g}" for key, value in result.items()))


def measure(folder: Path, files: int, windows: int, repeat: int) -> dict[str, float]:
    """All numbers."""
    race = make_windows(folder / "race", files)
    pairs = [(with_eitk(race), with_sdk(race)) for _ in range(repeat)]
    eitk, sdk = min(ours["seconds"] for ours, _ in pairs), min(theirs for _, theirs in pairs)
    result = {"files": files, "eitk_seconds": eitk, "sdk_seconds": sdk, "ratio_to_sdk": eitk / sdk}
    if windows:
        many = with_eitk(make_windows(folder / "many", windows))
        few_mb = max(ours["peak_mb"] for ours, _ in pairs)
        result |= {
            "windows": windows,
            "windows_seconds": many["seconds"],
            "windows_per_second": windows / many["seconds"],
            "windows_peak_mb": many["peak_mb"],
            "peak_mb_with_few_files": few_mb,
            "failures": many["failures"],
        }
    return result


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    main()
