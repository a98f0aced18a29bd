"""Inspection workers: memory for one file is bounded, and a key has one worker at a time."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cbor2
import numpy as np
import pytest

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.jobs.compute_client import ComputeWorker
from ei_toolkit.studio.jobs.inspectors import WORKERS, Inspectors
from ei_toolkit.studio.options import Options
from ei_toolkit.studio.store.packs import ByteRange

PAYLOAD = {"interval_ms": 10, "sensors": [{"name": "x", "units": "g"}], "values": [[1], [2]]}


@pytest.fixture
def inspectors(tmp_path: Path) -> Iterator[Inspectors]:
    opened = Inspectors(Options(tmp_path))
    yield opened
    opened.close()


def arguments(folder: Path, content: bytes, form: str) -> dict[str, Any]:
    """The arguments of an inspection of a file with this content."""
    file = folder / f"content.{form}"
    file.write_bytes(content)
    byte_range = ByteRange(file, 0, len(content), hashlib.sha256(content).hexdigest())
    return {"content": byte_range.to_json(), "format": form, "name": file.name, "hmac_key": ""}


def largest_bytes(worker: ComputeWorker) -> int:
    """The largest resident size of a worker."""
    lines = Path(f"/proc/{worker.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def test_a_file_of_millions_of_lists_is_rejected_in_little_memory(inspectors: Inspectors, tmp_path: Path) -> None:
    short = cbor2.dumps({"payload": PAYLOAD})
    assert inspectors.inspect(1, **arguments(tmp_path, short, "cbor"))["values_count"] == 2
    [worker] = [worker for worker in inspectors._workers if worker.pid]
    first, before = worker.pid, largest_bytes(worker)
    arrays = b"\x9a" + (1_100_000).to_bytes(4) + b"\x80" * 1_100_000  # each is a list of 56 bytes in Python
    start = cbor2.dumps({"payload": PAYLOAD})[:-5]
    for row, reason in ((b"", r"values\[0\] has 0 numbers"), (b"\x81", "an item has more than 1048576 bytes")):
        with pytest.raises(ApiError, match=reason):
            inspectors.inspect(1, **arguments(tmp_path, start + row + arrays, "cbor"))
    assert worker.pid == first and largest_bytes(worker) < before + 100 * 2**20
    stereo = wav_bytes(np.zeros((40_000, 2), np.int16), 16_000)
    assert inspectors.inspect(1, **arguments(tmp_path, stereo, "wav")) == {}


def test_more_memory_than_allowed_is_an_error_of_the_file() -> None:
    program = (
        "from ei_toolkit.system import limit_memory\n"
        "from ei_toolkit.studio.jobs.responder import respond\n"
        "limit_memory(64 * 2**20)\n"
        "small, large = (respond({'take': lambda _: len(bytearray(size))}, {'operation': 'take'})"
        " for size in (2**24, 2**28))\n"
        "print(small, large)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    reason = "Reading the file takes more memory than the studio allows: split it into smaller files"
    assert done.stdout.strip() == f"{{'result': {2**24}}} {{'error': '{reason}'}}"


def test_a_key_has_one_worker_at_a_time(inspectors: Inspectors, monkeypatch: pytest.MonkeyPatch) -> None:
    working: list[int] = []
    most: dict[int, int] = {}
    both = threading.Barrier(WORKERS)

    def compute(_: ComputeWorker, operation: str, owner: int) -> dict[str, Any]:
        working.append(owner)
        most[owner] = max(most.get(owner, 0), working.count(owner))
        both.wait(10)  # until the other key has a worker, too
        working.remove(owner)
        return {}

    monkeypatch.setattr(ComputeWorker, "compute", compute)
    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(inspectors.inspect, key, owner=key) for key in (1, 1, 1, 1, 2, 2, 2, 2)]
        assert [future.result() for future in found] == [{}] * 8
    assert most == {1: 1, 2: 1}
