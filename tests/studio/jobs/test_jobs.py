"""Jobs in their own processes: queued, logged, cancelled, limited and killed, while the server continues."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from support import has_ended

IMPULSE = {
    "inputBlocks": [{"id": 1, "type": "time-series", "windowSizeMs": 100, "windowIncreaseMs": 50, "frequencyHz": 16000,
                     "padZeros": True}],
    "dspBlocks": [{"id": 2, "type": "spectrogram", "axes": ["audio"], "input": 1, "implementationVersion": 4}],
    "learnBlocks": [{"id": 3, "type": "keras", "dsp": [2]}],
}  # fmt: skip


@pytest.fixture
def ready(own_server: Any, make_noise: Any) -> Any:
    """A server with samples and an impulse."""
    for label in ("classical", "rock"):
        own_server.upload({f"{label}{n}.wav": make_noise(100 * len(label) + n) for n in range(3)}, x_label=label)
    assert own_server.json("POST", "/1/impulse", json=IMPULSE)["success"]
    return own_server


GROWTH = 6
"""Number of additional open files that is no leak: the pool may open one or two connections with two files each, and a
request may be running. A leak would add one file per job."""


def features(server: Any) -> int:
    started = server.json("POST", "/1/jobs/generate-features", json={"dspId": 2})
    assert started["success"], started
    return started["id"]


def log_of(server: Any, job: int) -> list[str]:
    lines = server.json("GET", f"/1/jobs/{job}/stdout")["stdout"]
    return [line["data"].strip() for line in reversed(lines)]


def test_features_are_computed_and_a_second_run_computes_only_new_samples(ready: Any, make_noise: Any) -> None:
    job = ready.wait(features(ready))
    assert job["finishedSuccessful"]
    assert "Features computed for 6 samples, 0 were cached" in log_of(ready, job["id"])
    ready.upload({"rock9.wav": make_noise(999)}, x_label="rock")
    again = ready.wait(features(ready))
    assert "Features computed for 1 samples, 6 were cached" in log_of(ready, again["id"])
    assert ready.json("GET", "/1/dsp/2/metadata")["windowCount"] == 7


def test_another_parameter_computes_everything_again(ready: Any) -> None:
    ready.wait(features(ready))
    assert ready.json("POST", "/1/dsp/2", json={"config": {"fft_length": 64}})["success"]
    job = ready.wait(features(ready))
    assert "Features computed for 6 samples, 0 were cached" in log_of(ready, job["id"])


def test_the_log_is_returned_newest_first_with_a_limit_and_completely_as_a_download(ready: Any) -> None:
    job = features(ready)
    ready.wait(job)
    newest = ready.json("GET", f"/1/jobs/{job}/stdout?limit=1")
    assert [line["data"] for line in newest["stdout"]] == ["Job completed (success)\n"]
    complete = ready.call("GET", f"/1/jobs/{job}/stdout/download").text.splitlines()
    assert newest["totalCount"] == len(complete)
    assert complete[-1] == "Job completed (success)"


def test_invalid_parameters_are_rejected_before_a_job_starts(ready: Any) -> None:
    rejected = ready.json("POST", "/1/dsp/2", json={"config": {"fft_length": "100"}})
    assert not rejected["success"] and "fft_length" in rejected["error"].lower().replace(" ", "_")
    assert ready.json("GET", "/1/dsp/2")["config"][0]["items"][2]["value"] == "128"


def test_a_job_without_a_trained_model_fails_with_the_reason(ready: Any) -> None:
    job = ready.wait(ready.json("POST", "/1/jobs/classify", json={})["id"])
    assert not job["finishedSuccessful"]
    assert "trained" in job["additionalInfo"]
    assert ready.json("GET", "/1/raw-data/count")["success"]


def test_a_second_job_for_the_same_block_is_rejected_with_the_id_of_the_first(ready: Any) -> None:
    first = ready.json("POST", "/1/jobs/train/keras/3", json={"trainingCycles": 1})["id"]
    second = ready.json("POST", "/1/jobs/train/keras/3", json={"trainingCycles": 1})
    assert not second["success"] and f"job ID: {first}" in second["error"]
    ready.json("POST", f"/1/jobs/{first}/cancel?forceCancel=true")
    ready.wait(first)


@pytest.mark.parametrize("force", ["true", "False"])
def test_cancelling_a_job_ends_its_process(ready: Any, force: str) -> None:
    job = ready.json("POST", "/1/jobs/train/keras/3", json={"trainingCycles": 1000})["id"]
    pid = process_of(ready, job)
    assert ready.json("POST", f"/1/jobs/{job}/cancel?forceCancel={force}")["success"]
    found = ready.wait(job)
    assert (found["finishedSuccessful"], found["additionalInfo"]) == (False, "cancelled")
    assert has_ended(pid)


def test_a_queued_job_can_be_cancelled_and_one_job_runs_at_a_time(ready: Any) -> None:
    running = ready.json("POST", "/1/jobs/train/keras/3", json={"trainingCycles": 1000})["id"]
    process_of(ready, running)
    queued = features(ready)
    assert "started" not in ready.json("GET", f"/1/jobs/{queued}/status")["job"]
    assert {job["id"] for job in ready.json("GET", "/1/jobs")["jobs"]} == {running, queued}
    ready.json("POST", f"/1/jobs/{queued}/cancel")
    assert not ready.wait(queued)["finishedSuccessful"]
    ready.json("POST", f"/1/jobs/{running}/cancel")
    ready.wait(running)


def test_a_killed_job_has_failed_and_the_next_one_runs(ready: Any) -> None:
    job = ready.json("POST", "/1/jobs/train/keras/3", json={"trainingCycles": 1000})["id"]
    os.kill(process_of(ready, job), signal.SIGKILL)
    found = ready.wait(job)
    assert not found["finishedSuccessful"] and "SIGKILL" in found["additionalInfo"]
    assert ready.wait(features(ready))["finishedSuccessful"]


def test_a_job_that_exceeds_its_time_limit_is_ended(own_server: Any, make_noise: Any) -> None:
    own_server.end()
    own_server.flags = ["--job-limit", "0.05"]
    own_server.start()
    own_server.upload({"a.wav": make_noise(1)}, x_label="rock")
    own_server.json("POST", "/1/impulse", json=IMPULSE)
    found = own_server.wait(features(own_server))
    assert not found["finishedSuccessful"] and "limit" in found["additionalInfo"]


def test_a_job_ends_with_its_server_and_is_marked_as_failed_at_the_next_start(ready: Any) -> None:
    job = ready.json("POST", "/1/jobs/train/keras/3", json={"trainingCycles": 1000})["id"]
    pid = process_of(ready, job)
    ready.end(signal.SIGKILL)
    assert has_ended(pid, within_s=10)
    ready.start()
    found = ready.wait(job)
    assert not found["finishedSuccessful"] and "stopped while the job was running" in found["additionalInfo"]


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("jobs", [10, pytest.param(1000, marks=pytest.mark.exhaustive)])
def test_small_jobs_leak_no_process_and_no_file(ready: Any, jobs: int) -> None:
    ready.wait(features(ready))
    before = handles(ready.pid)
    for _ in range(jobs):
        assert ready.wait(features(ready))["finishedSuccessful"]
    assert handles(ready.pid) <= before + GROWTH
    assert len(children(ready.pid)) <= 1  # the compute worker


def process_of(server: Any, job: int) -> int:
    """The pid of a running job's process."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        for pid in children(server.pid):
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if b"ei_toolkit.studio.jobs.worker" in command and str(job).encode() in command:
                return pid
        time.sleep(0.02)
    raise AssertionError(f"job {job} has no process")


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def handles(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def test_a_cancellation_right_after_the_start_takes_effect(ready: Any) -> None:
    for _ in range(5):
        job = features(ready)
        ready.json("POST", f"/1/jobs/{job}/cancel?forceCancel=true")
        found = ready.wait(job)
        assert found["finishedSuccessful"] or found["additionalInfo"] == "cancelled"
    running = ready.json("POST", "/1/jobs/train/keras/3", json={"trainingCycles": 1000})["id"]
    ready.json("POST", f"/1/jobs/{running}/cancel?forceCancel=true")
    assert ready.wait(running, 20)["additionalInfo"] == "cancelled"
