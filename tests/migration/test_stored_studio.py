"""The data folder of a studio that an older eitk wrote: everything in it is found over the HTTP API, byte by byte."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import zipfile
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow
LABELS = ["classical", "rock"]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def api(robust_unchanged: Any) -> Any:
    return robust_unchanged.api()


def test_projects_are_listed(robust_unchanged: Any) -> None:
    found = robust_unchanged.eitk("studio", "projects")
    assert [(project["id"], project["name"], project["samples"]) for project in found] == [
        (1, "Stored Project", 36), (2, "Second Project", 5),
    ]  # fmt: skip
    assert found[0]["deployments"] == 1


def test_the_own_key_still_opens_the_project(robust_unchanged: Any, api: Any) -> None:
    assert api.key == robust_unchanged.stored(".eitk/studio/key").decode()
    assert [(key["id"], key["name"], key["role"]) for key in api.json("/apikeys")["apiKeys"]] == [(1, "eitk", "admin")]
    assert (robust_unchanged.folder / ".eitk/studio/key").stat().st_mode & 0o777 == 0o600


def test_every_sample_is_there_with_its_bytes(robust_unchanged: Any, api: Any) -> None:
    rows = {row["sha256"]: row for row in robust_unchanged.stored_manifest()}
    samples = api.samples()
    assert {sample["sha256Hash"] for sample in samples.values()} == set(rows)
    for number, sample in samples.items():
        row = rows[sample["sha256Hash"]]
        assert (sample["label"], sample["category"]) == (row["label"], row["split"])
        assert sample["filename"] == row["file"].removesuffix(".wav")
        assert sample["metadata"]["artist"] == row["group"]
        assert sample["metadata"]["clip_sha256"] == row["clip_sha256"]
        assert sample["totalLengthMs"] == 600.0
        assert sha256(api.bytes(f"/raw-data/{number}/raw")) == row["sha256"]


def test_the_impulse_is_that_of_the_configuration(robust_unchanged: Any, api: Any) -> None:
    impulse = api.json("/impulse")["impulse"]
    assert [(block["windowSizeMs"], block["frequencyHz"]) for block in impulse["inputBlocks"]] == [(600, 16000)]
    assert [(block["id"], block["type"], block["implementationVersion"]) for block in impulse["dspBlocks"]] == [
        (2, "mfe", 4)
    ]
    values = {item["param"]: item["value"] for group in api.json("/dsp/2")["config"] for item in group["items"]}
    assert (values["num_filters"], values["fft_length"], values["noise_floor_db"]) == ("40", "512", "-65")
    learn = api.json("/training/keras/3")
    assert (learn["trained"], learn["mode"], learn["trainingCycles"]) == (True, "expert", 60)
    assert learn["script"] == robust_unchanged.stored("robust.py").decode()
    assert robust_unchanged.eitk("impulse", "diff") == {"changes": []}


def test_jobs_and_their_logs_are_kept(robust_unchanged: Any, api: Any) -> None:
    jobs = {job["id"]: job for job in api.json("/jobs/all")["jobs"]}
    assert [(jobs[number]["categoryKey"], jobs[number]["finishedSuccessful"]) for number in sorted(jobs)] == [
        ("generate-features", True), ("train-keras", True), ("classify", True), ("build", True),
    ]  # fmt: skip
    for number in jobs:
        lines = [
            json.loads(line) for line in robust_unchanged.stored(f".eitk/studio/logs/{number}.ndjson").splitlines()
        ]
        told = api.json(f"/jobs/{number}/stdout?limit=1000")["stdout"]
        assert [line["data"] for line in reversed(told)] == [line["data"] for line in lines]


def test_features_model_and_library_are_the_stored_ones(robust_unchanged: Any, api: Any) -> None:
    features = np.load(io.BytesIO(api.bytes("/dsp-data/2/x/training")))
    rows = np.load(io.BytesIO(api.bytes("/dsp-data/2/y/training")))
    assert (features.shape, features.dtype) == ((32, 960), np.float32)
    samples = api.samples()
    assert [LABELS[label - 1] for label in rows[:, 0]] == [samples[number]["label"] for number in rows[:, 1]]
    lock = robust_unchanged.stored_lock
    assert sha256(api.bytes("/learn-data/3/model/tflite-int8")) == lock["model_sha256"]
    assert sha256(api.bytes("/deployment/history/1/download")) == lock["zip_sha256"]
    [built] = api.json("/deployment/history")["deployments"]
    assert (built["deploymentVersion"], built["engine"], built["impulseHasChangedSinceDeployment"]) == (
        1, "tflite-eon", False,
    )  # fmt: skip
    metrics = {found["type"]: found for found in api.json("/training/keras/3/metadata")["modelValidationMetrics"]}
    assert metrics["int8"]["confusionMatrix"] == [[1, 0], [0, 1]]


def test_results_of_the_last_test_are_shown(robust_unchanged: Any, api: Any) -> None:
    shown = robust_unchanged.eitk("test", "--no-run")
    for variant in ("int8", "float32"):
        assert (shown[variant]["windows"], shown[variant]["labels"]) == (4, LABELS)
        assert [row[:2] for row in shown[variant]["confusion_matrix"]] == [[2, 0], [0, 2]]
    testing = [number for number, sample in api.samples().items() if sample["category"] == "testing"]
    assert {found["sampleId"] for found in api.json("/classify/all/result")["result"]} == set(testing)


def test_a_test_takes_the_features_that_were_computed_before(robust: Any) -> None:
    shown = robust.eitk("test")
    assert (shown["int8"]["accuracy"], shown["int8"]["windows"]) == (1.0, 4)
    with sqlite3.connect(robust.folder / ".eitk/studio/features.sqlite") as db:
        assert db.execute("SELECT COUNT(*) FROM features").fetchone() == (36,)


def test_samples_of_all_kinds_are_kept(robust_unchanged: Any) -> None:
    api = robust_unchanged.api(project=2)
    samples = api.samples()
    assert {
        number: (sample["filename"], sample["category"], sample["label"]) for number, sample in samples.items()
    } == {
        37: ("tone.0", "training", "töne"),
        39: ("tone.2", "training", "töne"),
        40: ("tone.3", "testing", "töne"),
        41: ("two", "training", "low, high"),
        42: ("motion", "testing", "idle"),
    }
    assert [number for number, sample in samples.items() if sample["isDisabled"]] == [39]
    assert samples[37]["metadata"] == {"site": "A"}
    assert [(part["label"], part["endIndex"]) for part in samples[41]["structuredLabels"]] == [
        ("low", 799),
        ("high", 1599),
    ]
    assert [(sensor["name"], sensor["units"]) for sensor in samples[42]["sensors"]] == [
        ("accX", "m/s2"),
        ("accY", "m/s2"),
    ]
    assert api.json("/raw-data/42")["payload"]["values"][1] == [0.125, -0.125]
    for number, sample in samples.items():
        assert sha256(api.bytes(f"/raw-data/{number}/raw")) == sample["sha256Hash"]


def test_keys_exports_and_own_models_are_kept(robust_unchanged: Any) -> None:
    api = robust_unchanged.api(project=2)
    roles = [(key["name"], key["role"]) for key in api.json("/apikeys")["apiKeys"]]
    assert {("readonly key", "readonly"), ("ingestiononly key", "ingestiononly")} <= set(roles)
    export = zipfile.ZipFile(io.BytesIO(api.bytes("/export/download")))
    assert "info.labels" in export.namelist()
    assert len(json.loads(export.read("info.labels"))["files"]) == 5
    found = api.json("/pretrained-model")
    assert (found["model"]["fileName"], found["availableModelTypes"]) == ("own.tflite", ["int8"])
    assert found["model"]["inputs"][0]["shape"] == [1, 960]
    assert found["model"]["profileInfo"]["int8"]["tfliteFileSizeBytes"] == 16816
    assert found["modelInfo"]["model"]["labels"] == ["a", "b"]
    lock = robust_unchanged.stored_lock
    assert sha256(api.bytes("/pretrained-model/download/int8")) == lock["model_sha256"]


def test_a_studio_that_was_killed_starts_again(reference: Any) -> None:
    api = reference.api()
    jobs = {job["id"]: job for job in api.json("/jobs/all")["jobs"]}
    assert [jobs[number]["finishedSuccessful"] for number in sorted(jobs)] == [True, True, True, False]
    assert jobs[4]["categoryKey"] == "retrain"
    stored = {row["sha256"] for row in reference.stored_manifest()}
    samples = api.samples()
    assert len(samples) == 19
    assert {sample["sha256Hash"] for sample in samples.values()} < stored
    for number, sample in samples.items():
        assert sha256(api.bytes(f"/raw-data/{number}/raw")) == sample["sha256Hash"]
    assert reference.eitk("impulse", "diff") == {"changes": []}
    assert reference.eitk("test", "--no-run")["int8"]["windows"] == 4
    assert [run["kind"] for run in reference.eitk("runs", "list")] == ["train"]
