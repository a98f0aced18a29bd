"""Starting jobs: what each route checks, and what the job is to do."""

from __future__ import annotations

from typing import Any

import pytest
from studio_in_process import Api

from ei_toolkit.config.settings import TARGETS
from ei_toolkit.studio.store.jobs import Job

IMPULSE: dict[str, Any] = {
    "inputBlocks": [{"id": 1, "windowSizeMs": 100}],
    "dspBlocks": [{"id": 2, "type": "spectrogram", "implementationVersion": 4}],
    "learnBlocks": [{"id": 3, "type": "keras", "dsp": [2]}],
}
CLASSIFY = {"impulse": 1, "variants": ["int8", "float32"], "category": "testing"}
BUILD = {"impulse": 1, "format": "zip", "engine": "tflite-eon", "model_type": "int8", "version": 1}


@pytest.fixture
def made(api: Api) -> Api:
    """A studio with an impulse."""
    api.fields("POST", "/1/impulse", json=IMPULSE)
    return api


def job(api: Api, path: str, **arguments: Any) -> Job:
    """Start a job and return what was stored."""
    return api.studio.store.jobs.by_id(api.fields("POST", f"/1/jobs/{path}", **arguments)["id"])


@pytest.mark.parametrize(
    ("path", "body", "kind", "key", "spec"),
    [
        ("generate-features", {"dspId": 2}, "generate-features", "dsp-2", {"dsp": 2}),
        ("train/keras/3", {}, "train-keras", "keras-3", {"learn": 3, "scripts": {"3": ""}}),
        ("retrain", None, "retrain", "retrain-1", {"impulse": 1, "scripts": {"3": ""}}),
        ("classify", {}, "classify", "classify-1", CLASSIFY),
        ("classify", {"modelVariants": ["float32"]}, "classify", "classify-1", {**CLASSIFY, "variants": ["float32"]}),
        ("classify?category=validation", {}, "classify", "classify-1", {**CLASSIFY, "category": "validation"}),
        ("evaluate", None, "classify", "classify-1", CLASSIFY),
        ("build-ondevice-model", {}, "build", "build-1-zip", BUILD),
        (
            "build-ondevice-model?type=arduino&impulseId=1", {"engine": "tflite", "modelType": "float32"},
            "build", "build-1-arduino", {**BUILD, "format": "arduino", "engine": "tflite", "model_type": "float32"},
        ),
    ],
)  # fmt: skip
def test_a_job_is_queued_with_what_it_is_to_do(
    made: Api, path: str, body: Any, kind: str, key: str, spec: dict[str, Any]
) -> None:
    found = job(made, path, json=body)
    assert (found.kind, found.key, found.spec, found.state) == (kind, key, spec, "queued")


def test_the_level_of_a_program_is_what_was_sent(made: Api) -> None:
    sent = {"parameters": {"level": "rms", "targetDbfs": "-23", "other": "x"}}
    spec = job(made, "build-ondevice-model?type=wasm", json=sent).spec
    assert spec["level"] == {"level": "rms", "target_dbfs": -23.0, "max_gain_db": 40.0}
    assert "level" not in job(made, "build-ondevice-model?type=zip", json=sent).spec


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("generate-features", {"dspId": 3}, "No DSP block with this ID found (3)"),
        ("train/keras/2", {}, "No learn block with this ID found (2)"),
        ("retrain?impulseId=5", None, "No impulse with this ID found"),
        ("classify?impulseId=5", {}, "No impulse with this ID found"),
        ("evaluate?impulseId=5", None, "No impulse with this ID found"),
        (
            "classify", {"modelVariants": ["int4"]}, "modelVariants[0] must be 'int8' or 'float32', but is 'int4'",
        ),
        (
            "build-ondevice-model?type=windows", {},
            f"There is no deployment target 'windows'; targets: {', '.join(TARGETS)}",
        ),
        (
            "build-ondevice-model?type=runner-linux-x86_64", {"engine": "tflite"},
            "runner-linux-x86_64 cannot be built with the engine 'tflite'; engines: tflite-eon, "
            "tflite-eon-ram-optimized",
        ),
        (
            "build-ondevice-model?type=wasm", {"parameters": {"level": "loud"}},
            "parameters.level must be 'none', 'dc' or 'rms', but is 'loud'",
        ),
        (
            "build-ondevice-model?type=wasm", {"parameters": {"level": "rms", "targetDbfs": "3"}},
            "parameters.targetDbfs must be at least -100 and at most 0",
        ),
        (
            "build-ondevice-model", {"engine": "drp-ai"},
            "engine must be 'tflite-eon', 'tflite-eon-ram-optimized' or 'tflite', but is 'drp-ai'",
        ),
        (
            "train/keras/3", {"trainingCycles": 0},
            "trainingCycles must be a whole number from 1 to 10000, but is 0",
        ),
        ("train/keras/3", {"learningRate": 0}, "learningRate must be above 0 and at most 1, but is 0"),
    ],
)  # fmt: skip
def test_a_request_that_cannot_become_a_job_is_rejected(made: Api, path: str, body: Any, message: str) -> None:
    assert message in made.error("POST", f"/1/jobs/{path}", json=body)
    assert made.fields("GET", "/1/jobs/all")["totalJobCount"] == 0


def test_settings_that_are_sent_with_a_training_are_stored(made: Api) -> None:
    made.fields("POST", "/1/training/keras/3", json={"batchSize": 16})
    job(made, "train/keras/3", json={"trainingCycles": 5})
    assert made.studio.store.blocks.config(1, 3) == {"batchSize": 16, "trainingCycles": 5}


def test_a_script_needs_permission_also_if_it_was_stored_before(made: Api) -> None:
    made.studio.store.blocks.configure(1, 3, {"mode": "expert", "script": "print(1)"})
    for path in ("train/keras/3", "retrain"):
        error = made.error("POST", f"/1/jobs/{path}", json={})
        assert error == (
            "mode 'expert' runs a Keras script, which is code, and this studio was started without --allow-scripts:"
            " start it with --allow-scripts, or use mode 'visual'"
        )
    job(made, "train/keras/3", json={"mode": "visual"})


@pytest.mark.parametrize("path", ["training/keras/3", "jobs/train/keras/3"])
def test_a_script_is_not_changed_without_permission_also_if_no_mode_is_sent(made: Api, path: str) -> None:
    made.studio.store.blocks.configure(1, 3, {"mode": "expert", "script": "print(1)"})
    assert "started without --allow-scripts" in made.error("POST", f"/1/{path}", json={"script": "print(2)"})
    assert made.studio.store.blocks.config(1, 3)["script"] == "print(1)"


def test_every_build_has_a_version_of_its_own(made: Api) -> None:
    versions = [
        made.fields("POST", f"/1/jobs/build-ondevice-model?type={target}", "ingestion_deployment", json={})
        for target in ("zip", "arduino")
    ]
    assert [found["deploymentVersion"] for found in versions] == [1, 2]


def test_jobs_of_different_blocks_may_wait_together_and_a_second_of_one_block_may_not(made: Api) -> None:
    first = job(made, "train/keras/3", json={})
    job(made, "generate-features", json={"dspId": 2})
    error = made.error("POST", "/1/jobs/train/keras/3", json={})
    assert error == f"Another job for keras-3 is queued or running already (job ID: {first.id})"
    made.fields("POST", f"/1/jobs/{first.id}/cancel")
    assert job(made, "train/keras/3", json={}).id > first.id


@pytest.mark.parametrize(
    "path", ["generate-features", "train/keras/3", "retrain", "classify", "evaluate", "export/wav"]
)
def test_a_key_for_builds_starts_no_other_job(made: Api, path: str) -> None:
    assert made.call("POST", f"/1/jobs/{path}", "ingestion_deployment", json={"dspId": 2}).status_code == 403
