"""The local studio while one key floods it with uploads: how long the requests of another key take, and the memory."""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cbor2
import numpy as np
import requests

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.config import ProjectPaths
from ei_toolkit.studio.lifecycle import LocalStudio, ensure, stop

RATE = 16_000
MEGABYTE = 1_000_000
FLOOD = """
import concurrent.futures, sys, requests
from pathlib import Path
url, key, folder, clients = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
content = (folder / "large.json").read_bytes()

def send(number):
    answer = requests.post(url, headers={"x-api-key": key}, files={"data": (f"f.{number}.json", content)}, timeout=900)
    return answer.status_code

with concurrent.futures.ThreadPoolExecutor(clients) as pool:
    print(*pool.map(send, range(clients)))
"""
FILES = ("one JSON of 76 MB", "25 MB of empty CBOR arrays", "one JSON of 76 MB with spaces")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50, help="parallel uploads of 3.8 MB by the flooding key")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "large.json").write_bytes(acquisition(3_800_000))
        paths = ProjectPaths(Path(folder))
        studio = ensure(paths, "Flood")
        try:
            found = measure(studio, paths, options.clients)
        finally:
            stop(paths.studio)
    print(json.dumps(found) if options.json else "\n".join(f"{name:44} {value}" for name, value in found.items()))


def measure(studio: LocalStudio, paths: ProjectPaths, clients: int) -> dict[str, Any]:
    """Return what an honest client sees without and with the flood, then what single large files take."""
    eitk = [sys.executable, "-m", "ei_toolkit"]
    words = ["studio", "keys", "add", "--role", "ingestiononly", "--json", "--data", str(paths.studio)]
    key = json.loads(subprocess.run([*eitk, *words], capture_output=True, check=True, text=True).stdout)["key"]
    asked = honest(studio)
    found: dict[str, Any] = {}
    for name, request in asked.items():
        found[f"{name}, without the flood (ms)"] = summary([timed(request) for _ in range(20)])
    arguments = [f"{studio.ingestion_url}/api/training/files", key, str(paths.root), str(clients)]
    start = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", FLOOD, *arguments], stdout=subprocess.PIPE, text=True) as flood:
        times = beside(flood, asked)
        assert flood.stdout is not None
        codes = flood.stdout.read().split()
    found["flood (s)"] = round(time.perf_counter() - start, 1)
    found["flood, answers"] = ", ".join(f"{codes.count(code)} x {code}" for code in sorted(set(codes)))
    found |= {f"{name}, beside the flood (ms)": summary(times[name]) for name in asked}
    found["memory of the server (MB)"], found["memory of the largest worker (MB)"] = memory_mb(studio)
    contents = (acquisition(76 * MEGABYTE), empty_arrays(25 * MEGABYTE), acquisition(76 * MEGABYTE, ", "))
    for name, content in zip(FILES, contents, strict=True):
        start = time.perf_counter()
        outcome, peak = send_and_watch(studio, key, "x.cbor" if "CBOR" in name else "x.json", content)
        found[f"{name} (s)"] = round(time.perf_counter() - start, 1)
        found[f"{name}, peak of all processes over before (MB)"] = peak
        found[f"{name}, outcome"] = outcome
    return found


def acquisition(size: int, separator: str = ",") -> bytes:
    """Return a data acquisition file of three sensors."""
    numbers = np.random.default_rng(0).normal(size=(256, 3)).round(4).tolist()
    rows = json.dumps(numbers, separators=(separator, ":"))[1:-1].encode()
    values = b"[" + separator.encode().join([rows] * (size // (len(rows) + len(separator)))) + b"]"
    sensors = [{"name": name, "units": "g"} for name in "xyz"]
    payload = {"device_name": "d", "device_type": "D", "interval_ms": 10, "sensors": sensors, "values": 0}
    document = {"protected": {"ver": "v1", "alg": "none"}, "signature": "0" * 64, "payload": payload}
    return json.dumps(document).encode().replace(b'"values": 0', b'"values": ' + values)


def empty_arrays(size: int) -> bytes:
    """Return a CBOR file whose values are that many empty arrays."""
    payload = {"interval_ms": 10, "sensors": [{"name": "x", "units": "g"}], "values": 7}
    whole = cbor2.dumps({"payload": payload})
    return whole[:-1] + b"\x9a" + size.to_bytes(4) + b"\x80" * size


def honest(studio: LocalStudio) -> dict[str, Callable[[], Any]]:
    """Return the requests of another key of the same studio."""
    session = requests.Session()
    session.headers["x-api-key"] = studio.key
    small, wav = acquisition(20_000), wav_bytes(np.arange(RATE, dtype=np.int16), RATE)

    def upload(name: str, content: bytes) -> int:
        url = f"{studio.ingestion_url}/api/training/files"
        [outcome] = session.post(url, files={"data": (name, content)}, timeout=600).json()["files"]
        assert outcome["success"], outcome
        return int(outcome["sampleId"])

    sample = upload("first.wav", wav)
    base = f"{studio.api_url}/api/1/raw-data"
    return {
        "list": lambda: session.get(f"{base}?category=training&limit=50", timeout=600).json()["samples"],
        "one sample": lambda: session.get(f"{base}/{sample}", timeout=600).json()["payload"],
        "upload of a WAV": lambda: upload("a.wav", wav),
        "upload of 20 kB JSON": lambda: upload("a.json", small),
    }


def beside(flood: subprocess.Popen[str], asked: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    """Repeat each request, all of them at the same time, while the flood runs."""
    times: dict[str, list[float]] = {name: [] for name in asked}

    def repeat(name: str) -> None:
        while flood.poll() is None:
            times[name].append(timed(asked[name]))
            time.sleep(0.02)

    time.sleep(0.5)
    with concurrent.futures.ThreadPoolExecutor(len(asked)) as pool:
        list(pool.map(repeat, asked))
    return times


def timed(request: Callable[[], Any]) -> float:
    """Return how long a request takes, ms."""
    start = time.perf_counter()
    request()
    return 1000 * (time.perf_counter() - start)


def summary(times: list[float]) -> str:
    """Return median, 99th percentile and number."""
    return f"{np.median(times):.0f} / {np.quantile(times, 0.99):.0f} ({len(times)})"


def send_and_watch(studio: LocalStudio, key: str, name: str, content: bytes) -> tuple[str, float]:
    """Upload one file; return its outcome, and how much the resident size of the studio's processes grew."""
    before = peak = resident_mb(studio)
    ended = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.1):
            peak = max(peak, resident_mb(studio))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        url = f"{studio.ingestion_url}/api/training/files"
        answer = requests.post(url, headers={"x-api-key": key}, files={"data": (name, content)}, timeout=600).json()
    finally:
        ended.set()
        thread.join()
    [outcome] = answer["files"]
    return str(outcome.get("error", "stored"))[:120], round(peak - before)


def processes(studio: LocalStudio) -> list[int]:
    """Return the server and its workers."""
    found = subprocess.run(["pgrep", "-P", str(studio.pid)], capture_output=True, text=True, check=False)
    return [studio.pid, *map(int, found.stdout.split())]


def resident_mb(studio: LocalStudio) -> float:
    """Return the present resident size of all processes."""
    pages = 0
    for pid in processes(studio):
        if (file := Path(f"/proc/{pid}/statm")).exists():
            pages += int(file.read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def memory_mb(studio: LocalStudio) -> tuple[float, float]:
    """Return the largest sizes that the server and one of its workers have had."""
    sizes = []
    for pid in processes(studio):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        line = next(line for line in lines if line.startswith("VmHWM"))
        sizes.append(round(int(line.split()[1]) / 1024, 1))
    return sizes[0], max(sizes[1:])


if __name__ == "__main__":
    main()
