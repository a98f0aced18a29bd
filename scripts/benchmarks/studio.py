"""The local studio under load: many clients uploading at once, and lists of 100,000 samples."""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import requests

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.config import ProjectPaths
from ei_toolkit.studio.lifecycle import LocalStudio, ensure, stop
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.samples import NewSample

RATE, SECONDS, FILES = 16_000, 3, 50


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=20_000, help="samples of 3 s to upload")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--listed", type=int, default=100_000, help="samples in the project whose lists are timed")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = ProjectPaths(Path(folder))
        studio = ensure(paths, "Load")
        try:
            found = {**load(studio, options.samples, options.clients), "memory_mb": memory_mb(studio.pid)}
            found |= lists(studio, paths.studio, options.listed)
        finally:
            stop(paths.studio)
    print(json.dumps(found) if options.json else "\n".join(f"{name:24} {value}" for name, value in found.items()))


def load(studio: LocalStudio, samples: int, clients: int) -> dict[str, float]:
    """Upload from many clients at once, 50 files a request."""
    numbers = range(-(-samples // FILES))
    start = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        results = list(pool.map(lambda number: upload(studio, number), numbers))
    seconds = time.perf_counter() - start
    times = sorted(taken for taken, _ in results)
    return {
        "uploaded": FILES * len(times),
        "errors": sum(errors for _, errors in results),
        "files_per_second": round(FILES * len(times) / seconds, 1),
        "request_p50_ms": round(1000 * statistics.median(times), 1),
        "request_p99_ms": round(1000 * times[int(0.99 * (len(times) - 1))], 1),
    }


def upload(studio: LocalStudio, number: int) -> tuple[float, int]:
    """One request of 50 new files; seconds and failures."""
    values = np.random.default_rng(number).integers(-3000, 3000, RATE * SECONDS).astype(np.int16)
    files = [("data", (f"n.{number}.{n}.wav", wav_bytes(np.roll(values, n), RATE), "audio/wav")) for n in range(FILES)]
    headers = {"x-api-key": studio.key, "x-label": f"label{number % 10}", "x-disallow-duplicates": "1"}
    start = time.perf_counter()
    answer = requests.post(f"{studio.ingestion_url}/api/training/files", files=files, headers=headers, timeout=300)
    taken = time.perf_counter() - start
    return taken, sum(not file["success"] for file in answer.json()["files"])


def memory_mb(pid: int) -> float:
    """Largest resident size that the server has had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return round(int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024, 1)


def lists(studio: LocalStudio, data: Path, listed: int) -> dict[str, float]:
    """Fill the project up with rows, then time pages of its list at the start, in the middle and at the end."""
    fill(data, listed)
    pages = {"list_first_ms": 0, "list_middle_ms": listed // 2, "list_last_ms": listed - 50}
    call = requests.Session()
    call.headers["x-api-key"] = studio.key
    found = {
        name: timed(lambda at=at: page(call, studio, f"category=training&offset={at}")) for name, at in pages.items()
    }
    found["list_by_label_ms"] = timed(lambda: page(call, studio, 'category=training&labels=["label3"]'))
    return {**found, "listed": float(listed)}


def fill(data: Path, wanted: int) -> None:
    """Add rows until the project has so many samples; their bytes are shared."""
    store = Store.open(data)
    digest = store.blobs.put(wav_bytes(np.zeros(RATE, np.int16), RATE))
    have = sum(summary.count for summary in store.samples.summaries(1).values())
    audio = (("audio", "wav"),)
    store.samples.add(
        1,
        (
            NewSample("training", f"f.{n}", ".wav", f"label{n % 10}", "label", digest, "wav", 0.0625, audio, RATE)
            for n in range(have, wanted)
        ),
    )
    store.close()


def page(call: requests.Session, studio: LocalStudio, query: str) -> None:
    """Ask for a page of 50 samples."""
    answer = call.get(f"{studio.api_url}/api/1/raw-data?limit=50&{query}", timeout=60).json()
    assert answer["success"] and len(answer["samples"]) == 50


def timed(action: Callable[[], None]) -> float:
    """Median of nine runs, ms."""
    times = []
    for _ in range(9):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return round(1000 * statistics.median(times), 1)


if __name__ == "__main__":
    main()
