"""The official Python SDK, unmodified: in a separate process, since it reads its settings when it is imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent


def run_sdk(project: Any, script: str, *arguments: str, timeout: float = 280) -> dict[str, Any]:
    """Run one of the scripts beside this file; its last line is JSON."""
    environment = {
        **os.environ,
        "EI_API_KEY": project.studio.key,
        "EI_API_ENDPOINT": project.studio.api_url,
        "EI_INGESTION_ENDPOINT": project.studio.ingestion_url,
        "NO_PROXY": "127.0.0.1,localhost",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, str(HERE / "sdk" / script), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def test_samples_are_uploaded_downloaded_and_deleted(project: Any, tmp_path: Path) -> None:
    found = run_sdk(project, "samples.py", str(tmp_path))
    assert found["uploaded"] == {"successes": 3, "fails": 0}
    assert found["duplicates"] == ["An item with this hash already exists"] * 3
    assert found["directory"] == {"successes": 2, "fails": 0}
    assert found["numpy"] == {"successes": 2, "fails": 0}
    assert found["labels_found"] == ["sdk-a"]
    assert found["downloaded_equal"]
    assert found["left_after_delete"] == 0


def test_a_job_is_followed_to_its_end_over_the_socket(trained: Any) -> None:
    found = run_sdk(trained, "follow.py", str(trained.ids["dsp"]), str(trained.id))
    assert found["lines"] > 0


def test_a_library_is_built_and_saved(trained: Any, tmp_path: Path) -> None:
    found = run_sdk(trained, "build.py", str(tmp_path))
    assert found["magic"] == "504b0304"
    assert found["files"] == [name for name in found["files"] if name.endswith(".zip")]


def test_a_pretrained_model_is_profiled(trained: Any, tmp_path: Path) -> None:
    model = _tflite(trained, tmp_path)
    found = run_sdk(trained, "profile.py", str(model))
    assert found["variant"] == "int8"
    assert found["low_end_supported"] is True
    assert found["ram"] > 0


def test_a_pretrained_model_is_deployed(trained: Any, tmp_path: Path) -> None:
    """Use another project: a project has either a pretrained model or a trained impulse."""
    import requests

    url = f"{trained.studio.api_url}/api/projects/create"
    made = requests.post(url, headers=trained.headers, json={"projectName": "Brought"}, timeout=30).json()
    found = run_sdk(_as(trained, made), "deploy.py", str(_tflite(trained, tmp_path)))
    assert found["magic"] == "504b0304"


def _tflite(project: Any, folder: Path) -> Path:
    import requests

    url = f"{project.studio.api_url}/api/{project.id}/learn-data/{project.ids['learn']}/model/tflite-int8"
    file = folder / "model.tflite"
    file.write_bytes(requests.get(url, headers=project.headers, timeout=30).content)
    return file


def _as(project: Any, made: dict[str, Any]) -> Any:
    return replace(project, id=made["id"], studio=replace(project.studio, key=made["apiKey"]))


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.timeout(1500)  # on a busy machine; 40 s on an idle one
def test_the_tuner_searches_and_its_best_trial_becomes_the_impulse(trained: Any) -> None:
    """Use another project: the impulse of the trained one is read by other tests."""
    import requests

    url = f"{trained.studio.api_url}/api/projects/create"
    made = requests.post(url, headers=trained.headers, json={"projectName": "Tuned"}, timeout=30).json()
    project = replace(_as(trained, made), ids={})
    project.upload_tones()
    found = run_sdk(project, "tuner.py", timeout=1200)
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
