"""The extractor as a custom processing block: its HTTP interface, and the folder that the cloud builds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from support import eitk

from ei_toolkit.audio.clip_level import full_scale
from ei_toolkit.audio.summary.columns import EXTRACTORS
from ei_toolkit.audio.summary.features import summary_features
from ei_toolkit.audio.summary.spectra import RATE
from ei_toolkit.features.block_folder import write_block
from ei_toolkit.features.block_server import block_server

TIME_S = np.arange(2 * RATE) / RATE
SAMPLES = np.rint(9000 * np.sin(2 * np.pi * 440 * TIME_S) * np.exp(-4 * (TIME_S % 0.5))).astype(np.int16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("block")
    write_block(made, "summary-57")
    return made


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    server = block_server(folder, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def request(features: Any, **changed: Any) -> dict[str, Any]:
    body = {
        "features": features, "axes": ["audio"], "sampling_freq": RATE, "draw_graphs": False,
        "implementation_version": 1, "params": {"normalise": False},
    }  # fmt: skip
    return body | changed


def test_the_parameters_describe_the_block(url: str) -> None:
    answer = requests.get(f"{url}/parameters", timeout=10).json()
    assert answer["version"] == 1
    assert (answer["info"]["name"], answer["info"]["cppType"]) == ("summary-57", "summary_57")
    [item] = answer["parameters"][0]["items"]
    assert (item["param"], item["type"], item["value"]) == ("normalise", "boolean", False)
    assert requests.get(url, timeout=10).json()["title"] == "Summary features (57)"


def test_run_has_the_features_of_the_extractor(url: str) -> None:
    answer = requests.post(f"{url}/run", json=request(SAMPLES.tolist()), timeout=30).json()
    assert answer["success"]
    assert answer["labels"] == list(EXTRACTORS["summary-57"])
    assert answer["output_config"] == {"type": "flat", "shape": {"width": 57}}
    assert answer["features"] == summary_features(SAMPLES, "summary-57").tolist()


def test_batch_has_the_features_of_each_window_with_its_level(url: str) -> None:
    windows = [SAMPLES.tolist(), (SAMPLES // 2).tolist()]
    answer = requests.post(f"{url}/batch", json=request(windows, params={"normalise": True}), timeout=30).json()
    assert answer["features"][0] == summary_features(full_scale(SAMPLES), "summary-57").tolist()
    np.testing.assert_allclose(answer["features"][0][2], answer["features"][1][2], rtol=0.01)  # rms_mean


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (request([0] * RATE), "silent"),
        (request([1] * 100), "shorter than 1 s, which the features need at least"),
        (request([[1, 2], [3, 4]]), "a window must be a list of numbers, the values of one axis"),
        (request(SAMPLES.tolist(), axes=["x", "y"]), "the block takes one axis, and the request has 2"),
        ({"features": [1]}, "the request has no sampling_freq, params"),
        ([], "the request is no JSON object"),
    ],
)
def test_what_has_no_features_is_an_answer_with_the_reason(url: str, body: Any, error: str) -> None:
    assert requests.post(f"{url}/run", json=body, timeout=10).json() == {"success": False, "error": error}


def test_an_unknown_parameter_or_path_is_refused(url: str) -> None:
    wrong = requests.post(f"{url}/run", json=request(SAMPLES.tolist(), params={"scale": 2}), timeout=10).json()
    assert "scale" in wrong["error"]
    assert requests.post(f"{url}/other", json={}, timeout=10).status_code == 404
    assert requests.get(f"{url}/other", timeout=10).status_code == 404


def test_the_command_writes_a_folder_that_computes_without_this_package(tmp_path: Path) -> None:
    code, out, err = eitk(tmp_path, "features", "--block", "made", "--json")
    assert code == 0, err
    assert {"parameters.json", "dsp-server.py", "Dockerfile", "requirements.txt"} <= set(json.loads(out)["files"])
    np.save(tmp_path / "samples.npy", SAMPLES)
    program = (
        "import json, runpy, numpy, ei_toolkit; server = runpy.run_path('dsp-server.py')\n"
        "values = server['window_features'](numpy.load('../samples.npy'), 22050, 'summary-57').tolist()\n"
        "print(json.dumps([ei_toolkit.__file__, values]))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path / "made", env=environment, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    where, values = json.loads(done.stdout)
    assert Path(where) == tmp_path / "made" / "ei_toolkit" / "__init__.py"
    # NumPy multiplies float32 matrices in another order where it may use another number of threads.
    assert values == pytest.approx(summary_features(SAMPLES, "summary-57").tolist(), rel=1e-6)
