"""Samples, blocks and settings that are deleted or changed while a job or another request runs."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from studio_in_process import RecordingTask

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.impulse import processing_blocks
from ei_toolkit.studio.jobs import exporting, features, windows
from ei_toolkit.studio.jobs.task import Task
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.artifacts import Features
from ei_toolkit.studio.store.garbage import delete_samples
from ei_toolkit.studio.store.sample_filter import SampleFilter
from ei_toolkit.studio.store.samples import NewSample

WINDOW = {"type": "time-series", "windowSizeMs": 100, "windowIncreaseMs": 50, "frequencyHz": 16000, "padZeros": True}
DSP = {"name": "Spectrogram", "type": "spectrogram", "axes": ["audio"], "implementationVersion": 4}


def impulse(first: int = 1) -> dict[str, Any]:
    """An impulse of two processing blocks and one learn block; its block ids start at `first`."""
    dsp = [{**DSP, "id": first + 1, "input": first}, {**DSP, "id": first + 2, "input": first}]
    learn = {"id": first + 3, "type": "keras", "dsp": [first + 1, first + 2]}
    return {"inputBlocks": [{**WINDOW, "id": first}], "dspBlocks": dsp, "learnBlocks": [learn]}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def task(store: Store, tmp_path: Path, make_noise: Any) -> RecordingTask:
    """A job of a project with an impulse and three samples, in this process."""
    project = store.projects.create("p").id
    store.blocks.put(project, 1, "Impulse #1", impulse())
    store.samples.add(project, [sample(store, f"{number}", make_noise(number)) for number in range(3)])
    return RecordingTask(store, store.jobs.add(project, "generate-features", "dsp-2", "", {"dsp": 2}), tmp_path)


def sample(store: Store, name: str, data: bytes) -> NewSample:
    digest, sensors = store.blobs.put(data), [("audio", "wav")]
    return NewSample("training", name, ".wav", "rock", "label", digest, "wav", 1000 / 16000, sensors, 1600)


def delete_last(task: Task) -> None:
    """Delete a sample as `DELETE raw-data/{sampleId}` does."""
    ids = task.store.samples.ids(SampleFilter(task.project))
    delete_samples(task.store, task.project, sorted(ids)[2:])


def all_features(task: Task) -> list[features.ComputedFeatures]:
    found = task.store.blocks.get(task.project)
    blocks = processing_blocks(task.store, found, found.blocks("learnBlocks")[0])
    return features.features_of_blocks(task, blocks, "training")


def delete_at_first_window(task: Task, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """Delete the last sample as soon as a block reads the first one."""

    def windows_of(store: Store, sample: Any, reading: Any) -> Any:
        if reading.id == block:
            delete_last(task)
        return windows.windows_of(store, sample, reading)

    monkeypatch.setattr(features, "windows_of", windows_of)


def test_a_features_job_omits_a_sample_that_is_deleted_meanwhile(
    task: RecordingTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete_at_first_window(task, monkeypatch, 2)
    features.generate_features(task)
    assert "1 samples were deleted while this job ran" in task.lines
    assert "Features computed for 2 samples, 0 were cached" in task.lines
    stored = task.store.artifacts.features(task.project, 2)
    assert stored is not None and [id_ for id_, _ in stored.summary["samples"]] == [1, 2]
    assert len(np.load(task.store.blobs.path(stored.x))) == stored.summary["windowCount"]


def test_the_features_of_several_blocks_are_of_the_same_samples_after_a_deletion_between_them(
    task: RecordingTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With equal settings the features of block 3 would be taken from the cache.
    task.store.blocks.configure(task.project, 3, {"fft_length": "64"})
    delete_at_first_window(task, monkeypatch, 3)
    one, two = all_features(task)
    assert len(one.x) == len(two.x) == len(one.windows) and one.windows == two.windows
    assert {window.sample for window in one.windows} == {1, 2}


def test_missing_content_of_a_sample_that_was_not_deleted_is_an_error_without_a_path(task: RecordingTask) -> None:
    lost, *_ = task.store.samples.select(SampleFilter(task.project))
    task.store.blobs.remove(lost.sha256)
    for job in (features.generate_features, exporting.export):
        with pytest.raises(ApiError, match=r"The content of 2 .* is missing") as caught:
            job(task)
        assert str(task.data) not in str(caught.value)


def test_an_export_omits_a_sample_that_is_deleted_meanwhile(
    task: RecordingTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = exporting._names

    def deleting(samples: Any) -> Any:
        delete_last(task)
        return names(samples)

    monkeypatch.setattr(exporting, "_names", deleting)
    exporting.export(task)
    assert task.lines == ["1 samples were deleted while this job ran", "Exported 2 samples"]
    blob = task.store.artifacts.result(task.project, "export", 0)
    assert blob is not None
    with zipfile.ZipFile(task.store.blobs.path(blob)) as archive:
        described = [entry["path"] for entry in json.loads(archive.read("info.labels"))["files"]]
        assert archive.namelist() == [*described, "info.labels"] == ["training/0.wav", "training/1.wav", "info.labels"]


def test_no_result_is_stored_for_a_block_that_was_deleted_meanwhile(task: RecordingTask) -> None:
    artifacts, blob = task.store.artifacts, task.store.blobs.put(b"")
    artifacts.put_model(task.project, 4, {"keras": blob}, {})
    task.store.blocks.put(task.project, 1, "Impulse #1", impulse(5))
    for action in (
        lambda: artifacts.put_model(task.project, 4, {"keras": blob}, {}),
        lambda: artifacts.put_features(task.project, Features(2, "training", blob, blob, {}, "")),
        lambda: features.store_features(task, *stale_block(task)),
    ):
        with pytest.raises(ApiError, match="was deleted in the meantime"):
            action()
    artifacts.put_model(task.project, 8, {"keras": blob}, {})
    assert artifacts.features(task.project, 2) is None and artifacts.model(task.project, 8) is not None


def stale_block(task: Task) -> tuple[Any, ...]:
    """What a features job has at hand whose block is missing by now."""
    now = task.store.blocks.get(task.project)
    task.store.blocks.put(task.project, 1, now.name, impulse())
    [block, *_] = processing_blocks(task.store, task.store.blocks.get(task.project), {"dsp": [2]})
    task.store.blocks.put(task.project, 1, now.name, now.document)
    return block, "training", task.store.samples.select(SampleFilter(task.project))


def put_result(server: Any, impulse_id: int, learn: int) -> None:
    """Store a test result for an impulse."""
    store = Store.open(server.data)
    stored = {"learn": learn, "labels": ["rock"], "threshold": 0.6, "windowMs": 100, "increaseMs": 50, "samples": []}
    store.artifacts.put_result(1, "classify", impulse_id, store.blobs.put(json.dumps(stored).encode()), "int8")
    store.close()


def results(server: Any, impulse_id: int) -> tuple[bool, int]:
    """Return whether there is a result, and the number of evaluated variants."""
    one = server.json("GET", f"/1/classify/all/result?impulseId={impulse_id}")
    return one["success"], len(server.json("GET", f"/1/deployment/evaluate?impulseId={impulse_id}")["result"])


def test_an_impulse_that_is_created_again_has_no_results_of_the_deleted_one(own_server: Any) -> None:
    for id_, first in ((1, 1), (2, 11)):
        own_server.json("POST", f"/1/impulse?impulseId={id_}", json=impulse(first))
        put_result(own_server, id_, first + 3)
    assert results(own_server, 1) == results(own_server, 2) == (True, 1)
    assert own_server.json("DELETE", "/1/impulse?impulseId=2")["success"]
    own_server.json("POST", "/1/impulse?impulseId=2", json=impulse(11))
    assert results(own_server, 1) == (True, 1) and results(own_server, 2) == (False, 0)
    own_server.json("POST", "/1/impulse?impulseId=1", json={**impulse(), "learnBlocks": []})
    own_server.json("POST", "/1/impulse?impulseId=1", json=impulse())
    assert results(own_server, 1) == (False, 0)


def test_deleting_an_impulse_cancels_its_jobs_and_no_others(own_server: Any, make_noise: Any) -> None:
    for label in ("classical", "rock"):
        own_server.upload({f"{label}{n}.wav": make_noise(len(label) * 10 + n) for n in range(3)}, x_label=label)
    for id_, first in ((1, 1), (2, 11)):
        own_server.json("POST", f"/1/impulse?impulseId={id_}", json=impulse(first))
    asked = [("train/keras/4", {"trainingCycles": 1000}), ("generate-features", {"dspId": 2}), ("classify", {}),
             ("generate-features", {"dspId": 12})]  # fmt: skip
    *ended, other = [own_server.json("POST", f"/1/jobs/{path}", json=body)["id"] for path, body in asked]
    assert own_server.json("DELETE", "/1/impulse?impulseId=1")["success"]
    own_server.json("POST", "/1/impulse?impulseId=1", json=impulse())
    found = [own_server.wait(job) for job in ended]
    assert [(job["finishedSuccessful"], job["additionalInfo"]) for job in found] == [(False, "cancelled")] * 3
    assert own_server.wait(other)["finishedSuccessful"]
    assert not own_server.json("GET", "/1/training/keras/4/metadata")["success"]
    assert not own_server.json("GET", "/1/dsp/2/metadata")["generated"]


def test_settings_that_are_changed_by_simultaneous_requests_are_all_stored(own_server: Any) -> None:
    def post(change: tuple[str, dict[str, Any]]) -> bool:
        return bool(own_server.json("POST", *change[:1], json=change[1])["success"])

    with ThreadPoolExecutor(3) as threads:
        for number in range(100, 130):
            changes = [("/1/compute-time-limit", {"jobLimitM": number}), ("/1", {"description": f"d{number}"}),
                       ("/1/dsp-file-size-limit", {"dspFileSizeMb": number})]  # fmt: skip
            assert all(threads.map(post, changes))
            store = Store.open(own_server.data)
            kept = store.projects.get(1)
            store.close()
            settings = {name: kept.settings[name] for name in ("jobLimitM", "dspFileSizeMb")}
            assert (kept.description, settings) == (f"d{number}", {"jobLimitM": number, "dspFileSizeMb": number})


def test_a_learn_block_without_processing_blocks_is_rejected_in_training_and_testing(task: RecordingTask) -> None:
    for category in ("training", "testing"):
        with pytest.raises(ApiError, match="reads no processing block"):
            features.features_of_blocks(task, [], category)
