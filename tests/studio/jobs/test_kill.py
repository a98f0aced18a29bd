"""SIGKILL at random times: acknowledged uploads are stored completely; others are stored completely or not at all."""

from __future__ import annotations

import hashlib
import random
import signal
import threading
import time
from typing import Any

import pytest
import requests

SEEDS = [seed if seed < 3 else pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(50)]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_kill_while_uploading_loses_no_acknowledged_sample(own_server: Any, make_noise: Any, seed: int) -> None:
    acknowledged: dict[int, str] = {}

    def upload(number: int) -> None:
        for batch in range(50):
            wavs = {f"{number}-{batch}-{n}.wav": make_noise(10_000 * number + 100 * batch + n) for n in range(8)}
            try:
                files = own_server.upload(wavs, x_disallow_duplicates="1").json()["files"]
            except (requests.RequestException, ValueError):
                return
            for file, data in zip(files, wavs.values(), strict=True):
                acknowledged[file["sampleId"]] = hashlib.sha256(data).hexdigest()

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(random.Random(seed).uniform(0.02, 1.0))
    own_server.end(signal.SIGKILL)
    for thread in threads:
        thread.join()
    own_server.start()
    _check(own_server, acknowledged)


def _check(server: Any, acknowledged: dict[int, str]) -> None:
    listed = {s["id"]: s["sha256Hash"] for s in server.json("GET", "/1/raw-data?category=all")["samples"]}
    assert acknowledged.items() <= listed.items()
    for id_, digest in listed.items():
        assert hashlib.sha256(server.call("GET", f"/1/raw-data/{id_}/raw").content).hexdigest() == digest
    assert not list((server.data / "incoming").iterdir())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_kill_while_a_job_runs_leaves_a_finished_job_and_complete_features(
    own_server: Any, make_noise: Any, seed: int
) -> None:
    own_server.upload({f"rock.{n}.wav": make_noise(n) for n in range(20)})
    window = {"id": 1, "type": "time-series", "windowSizeMs": 100, "windowIncreaseMs": 50, "frequencyHz": 16000}
    dsp = {"id": 2, "type": "spectrogram", "axes": ["audio"], "input": 1, "implementationVersion": 4}
    own_server.json("POST", "/1/impulse", json={"inputBlocks": [window], "dspBlocks": [dsp], "learnBlocks": []})
    job = own_server.json("POST", "/1/jobs/generate-features", json={"dspId": 2})["id"]
    time.sleep(random.Random(1000 + seed).uniform(0.0, 0.8))
    own_server.end(signal.SIGKILL)
    own_server.start()
    found = own_server.wait(job)
    data = own_server.call("GET", "/1/dsp-data/2/x/training")
    if found["finishedSuccessful"] or data.headers["content-type"] != "application/json":
        assert data.content.startswith(b"\x93NUMPY") and len(data.content) == _npy_size(own_server)
    else:
        assert data.json()["success"] is False
    again = own_server.json("POST", "/1/jobs/generate-features", json={"dspId": 2})["id"]
    assert own_server.wait(again)["finishedSuccessful"]


def _npy_size(server: Any) -> int:
    metadata = server.json("GET", "/1/dsp/2/metadata")
    return 128 + 4 * metadata["windowCount"] * metadata["featureCount"]
