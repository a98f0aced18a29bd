"""The official Python SDK, unmodified: in a separate process, since it reads its settings when it is imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

HERE = Path(__file__).parent


Sdk = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def run_sdk(project: Any) -> Iterator[Sdk]:
    """Run one of the scripts in `sdk`, all in the same process; the last line that a script prints is JSON."""
    environment = {
        **os.environ,
        "EI_API_KEY": project.studio.key,
        "EI_API_ENDPOINT": project.studio.api_url,
        "EI_INGESTION_ENDPOINT": project.studio.ingestion_url,
        "NO_PROXY": "127.0.0.1,localhost",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        environment.pop(name, None)
    command = [sys.executable, str(HERE / "sdk" / "serve.py")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin
        assert process.stdout
        requests, answers = process.stdin, process.stdout

        def run(of: Any, script: str, *arguments: str) -> dict[str, Any]:
            requests.write(json.dumps({"script": script, "arguments": arguments, "key": of.studio.key}) + "\n")
            requests.flush()
            answer = json.loads(answers.readline())
            assert not answer["error"], answer["error"]
            found: dict[str, Any] = json.loads(answer["printed"].strip().splitlines()[-1])
            return found

        yield run
        requests.close()


def test_samples_are_uploaded_downloaded_and_deleted(run_sdk: Sdk, project: Any, tmp_path: Path) -> None:
    found = run_sdk(project, "samples.py", str(tmp_path))
    assert found["uploaded"] == {"successes": 3, "fails": 0}
    assert found["duplicates"] == ["An item with this hash already exists"] * 3
    assert found["directory"] == {"successes": 2, "fails": 0}
    assert found["numpy"] == {"successes": 2, "fails": 0}
    assert found["labels_found"] == ["sdk-a"]
    assert found["downloaded_equal"]
    assert found["left_after_delete"] == 0


def test_a_job_is_followed_to_its_end_over_the_socket(run_sdk: Sdk, trained: Any) -> None:
    found = run_sdk(trained, "follow.py", str(trained.ids["dsp"]), str(trained.id))
    assert found["lines"] > 0


def test_a_library_is_built_and_saved(run_sdk: Sdk, trained: Any, tmp_path: Path) -> None:
    found = run_sdk(trained, "build.py", str(tmp_path))
    assert found["magic"] == "504b0304"
    assert found["files"] == [name for name in found["files"] if name.endswith(".zip")]


def test_a_pretrained_model_is_profiled(run_sdk: Sdk, trained: Any, tmp_path: Path) -> None:
    model = _tflite(trained, tmp_path)
    found = run_sdk(trained, "profile.py", str(model))
    assert found["variant"] == "int8"
    assert found["low_end_supported"] is True
    assert found["ram"] > 0


def test_a_pretrained_model_is_deployed(run_sdk: Sdk, trained: Any, tmp_path: Path) -> None:
    """Use another project: a project has either a pretrained model or a trained impulse."""
    url = f"{trained.studio.api_url}/api/projects/create"
    made = requests.post(url, headers=trained.headers, json={"projectName": "Brought"}, timeout=30).json()
    found = run_sdk(_as(trained, made), "deploy.py", str(_tflite(trained, tmp_path)))
    assert found["magic"] == "504b0304"


def _tflite(project: Any, folder: Path) -> Path:
    url = f"{project.studio.api_url}/api/{project.id}/learn-data/{project.ids['learn']}/model/tflite-int8"
    file = folder / "model.tflite"
    file.write_bytes(requests.get(url, headers=project.headers, timeout=30).content)
    return file


def _as(project: Any, made: dict[str, Any]) -> Any:
    return replace(project, id=made["id"], studio=replace(project.studio, key=made["apiKey"]))


@pytest.mark.timeout(1500)  # on a busy machine; 40 s on an idle one
def test_the_tuner_searches_and_its_best_trial_becomes_the_impulse(run_sdk: Sdk, trained: Any) -> None:
    """Use another project: the impulse of the trained one is read by other tests."""
    url = f"{trained.studio.api_url}/api/projects/create"
    made = requests.post(url, headers=trained.headers, json={"projectName": "Tuned"}, timeout=30).json()
    project = replace(_as(trained, made), ids={})
    project.upload_tones()
    found = run_sdk(project, "tuner.py")
    assert found["trials"].count("completed") == 2
    assert found["failed"] == [5000] * len(found["failed"])
    assert found["runs"] == ["first"]
    assert found["same"]
    assert found["second"] == ["second", [["mine", "completed"]]]
    assert found["parsed"]["lines"] > 0
    assert found["parsed"] == {**found["parsed"],
        "algorithm": "custom", "space": 3, "blocks": ["spectrogram", "mfe", "mfcc"], "learn": ["keras"],
        "transfer": [], "names": ["third", "first"],
    }  # fmt: skip
    assert "is no run of the tuner" in found["refused"]
    assert "no processing block 2 of the organisation 1" in found["refused"]
    assert found["left"] == 0
    assert 0 <= found["test_accuracy"] <= 1
    assert {"trial_id", "status", "val_int8_loss", "learn_dense_base_neurons", "device_performance_time_ms"} <= set(
        found["columns"]
    )
    impulse = project.call("GET", "/impulse")["impulse"]
    assert impulse["dspBlocks"][0]["type"] == "mfe"
    [learn] = impulse["learnBlocks"]
    assert project.call("GET", f"/training/keras/{learn['id']}")["trained"]
    assert project.call("POST", "/jobs/classify", json={"modelVariants": ["int8"]})["id"]
