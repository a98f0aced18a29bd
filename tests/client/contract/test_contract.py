"""The contract: official models accept what the client sends, the client reads what the API returns."""

from __future__ import annotations

import copy
import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from ei_toolkit.client.deployments import Download, deployment_of, tflite_link
from ei_toolkit.client.health import limits
from ei_toolkit.client.impulse.apply import apply_impulse
from ei_toolkit.client.impulse.current import current_impulse, require_impulse
from ei_toolkit.client.impulse.state import wanted_impulse
from ei_toolkit.client.jobs.job import (
    LogReader,
    cancel_job,
    job_status,
    list_jobs,
    start_build,
    start_features,
    start_retrain,
    start_test,
    start_training,
)
from ei_toolkit.client.official import official
from ei_toolkit.client.project import Studio, key_info, open_studio
from ei_toolkit.client.responses import parse_response
from ei_toolkit.client.results import ClassifyMetadata, Evaluation, ModelMetadata, read_test, read_training
from ei_toolkit.client.samples import (
    add_metadata,
    count_samples,
    delete_samples,
    edit_label,
    get_sample,
    list_samples,
    move_sample,
)
from ei_toolkit.client.transport import Transport
from ei_toolkit.config import load_config
from ei_toolkit.config.recipes import write_recipe

RESPONSES: dict[str, Any] = json.loads((Path(__file__).parent / "responses.json").read_text(encoding="utf-8"))
THRESHOLDS = [{"id": "3", "name": "Minimum confidence rating", "value": 0.6}]  # the official models reject these


def recorded(name: str) -> Any:
    return copy.deepcopy(RESPONSES[name])


class Canned(Transport):
    """Returns recorded responses; `given` maps the end of a path to the name of one, or to a response."""

    def __init__(self, endpoint: Any, given: dict[str, Any]) -> None:
        super().__init__(endpoint)
        self.given = given

    def get(self, path: str, **_: Any) -> Any:
        found = self.given[path.split("/api/", 1)[1]]
        return recorded(found) if isinstance(found, str) else found


@pytest.fixture
def canned(endpoint: Any) -> Callable[..., Studio]:
    return lambda **given: Studio(Canned(endpoint, {f"1/{k}".replace("__", "/"): v for k, v in given.items()}), 1)


@pytest.mark.parametrize("name", sorted(RESPONSES))
def test_the_recorded_responses_are_valid_for_the_official_models(name: str) -> None:
    ea = pytest.importorskip("edgeimpulse_api")
    getattr(ea, name.split("_")[0]).parse_obj(recorded(name))


def test_project_and_key_are_read(endpoint: Any) -> None:
    transport = Canned(
        endpoint, {"projects": "ListProjectsResponse", "projects/api-key-info": "GetCurrentApiKeyInfoResponse"}
    )
    assert open_studio(transport).project == 1
    assert key_info(transport).can_train


def test_samples_are_read(canned: Any) -> None:
    studio = canned(
        **{
            "raw-data": "ListSamplesResponse",
            "raw-data__1": "GetSampleResponse",
            "raw-data__count": "CountSamplesResponse",
        }
    )
    (sample,) = list_samples(studio, "training")
    assert sample == get_sample(studio, 1)
    assert (sample.name, sample.label, sample.metadata) == ("rock.00000", "rock", (("source", "gtzan"),))
    assert count_samples(studio, "training") == 1


@pytest.mark.parametrize("thresholds", [[], THRESHOLDS])
def test_the_impulse_is_read_with_thresholds_and_without(canned: Any, thresholds: Any) -> None:
    keras = {**recorded("KerasResponse"), "thresholds": thresholds}
    state = require_impulse(
        canned(impulse="GetImpulseResponse", dsp__2="DSPConfigResponse", training__keras__3=keras)
    ).state
    assert (state.input.window_ms, state.input.increase_ms, state.input.frequency_hz) == (3000, 1500, 16000)
    assert [(b.type, b.version, b.config["fft_length"]) for b in state.dsp] == [("spectrogram", 4, "64")]
    assert (state.learn.epochs, state.learn.learning_rate, state.learn.batch_size) == (30, 0.005, 32)
    assert [layer["type"] for layer in state.learn.layers] == ["reshape", "conv2d", "dropout", "flatten"]


def test_a_project_without_an_impulse_has_none(canned: Any) -> None:
    assert current_impulse(canned(impulse={"success": True})) is None


@pytest.mark.parametrize("thresholds", [[], THRESHOLDS])
def test_training_results_are_read(thresholds: Any) -> None:
    response = {**recorded("KerasModelMetadataResponse"), "thresholds": thresholds}
    result = read_training(parse_response(response, ModelMetadata, "/metadata"))
    int8, float32 = result.validation
    assert (int8.variant, int8.accuracy, int8.loss, int8.auc) == ("int8", 0.9722, 0.0802, 0.9722)
    assert float32.confusion == ((280, 8), (9, 279))
    assert [round(score.recall, 3) for score in int8.scores] == [0.972, 0.969]
    (profile,) = [p for p in result.main_profiles if p.variant == "int8"]
    assert profile.latency_ms == 33
    assert next((e.engine, e.ram, e.rom) for e in profile.engines) == ("eon", 25000, 40000)
    assert result.history["val_accuracy"] == (0.5, 0.9)


@pytest.mark.parametrize("thresholds", [[], THRESHOLDS])
def test_test_results_are_read(thresholds: Any) -> None:
    response = recorded("ClassifyJobResponse")
    response["result"][0]["classifications"][0]["thresholds"] = thresholds
    test = read_test(parse_response(response, ClassifyMetadata, "/result"), "int8")
    assert (test.labels, test.columns) == (("classical", "rock"), ("classical", "rock", "uncertain"))
    assert (test.accuracy, test.confusion) == (1.0, ((0, 0, 0), (0, 1, 0)))
    assert (test.thresholded_accuracy, test.top_1_accuracy, test.threshold) == (1.0, 1.0, 0.6)


def classified(*windows: tuple[str, float], matrix: dict[str, dict[str, float]]) -> Evaluation:
    """The test result of a studio: windows of one sample as (actual label, probability of rock)."""
    response = recorded("ClassifyJobResponse")
    scores = [{"classical": 1 - rock, "rock": rock} for _, rock in windows]
    expected = [{"startIndex": i, "endIndex": i, "label": label} for i, (label, _) in enumerate(windows)]
    response["result"][0]["classifications"][0] |= {"result": scores, "expectedLabels": expected}
    response["accuracy"] |= {"confusionMatrixValues": matrix, "accuracyScore": 0.1795}
    return read_test(parse_response(response, ClassifyMetadata, "/result"), "int8")


def test_both_accuracies_of_a_test_have_the_same_denominator() -> None:
    """Four windows: two right, one of them below the threshold of 0.6, one wrong, one with a label the model lacks."""
    rows = {"rock": {"rock": 1.0, "uncertain": 1.0, "classical": 1.0}, "jazz": {"rock": 1.0}}
    found = classified(("rock", 0.9), ("rock", 0.55), ("rock", 0.1), ("jazz", 0.8), matrix=rows)
    assert (found.thresholded_accuracy, found.top_1_accuracy, found.windows) == (1 / 3, 2 / 3, 3)
    assert found.unknown == {"jazz": 1}
    assert found.data()["unknown_labels"] == {"jazz": 1}
    assert found.average("recall") == pytest.approx(1 / 3)


def test_a_matrix_without_scores_still_counts_unknown_labels_apart() -> None:
    found = classified(matrix={"rock": {"rock": 3.0}, "jazz": {"rock": 12.0}})
    assert (found.thresholded_accuracy, found.top_1_accuracy) == (1.0, None)
    assert (found.windows, found.unknown) == (3, {"jazz": 12})


def test_scores_of_only_some_windows_give_no_top_1_accuracy() -> None:
    """The studio leaves the samples that were deleted after the test out of the list of scores."""
    found = classified(("rock", 0.9), matrix={"rock": {"rock": 3.0}})
    assert (found.top_1_accuracy, found.windows) == (None, 3)


def test_one_expected_label_may_cover_several_windows() -> None:
    response = recorded("ClassifyJobResponse")
    response["result"][0]["classifications"][0] |= {
        "result": [{"classical": 0.2, "rock": 0.8}, {"classical": 0.9, "rock": 0.1}],
        "expectedLabels": [{"startIndex": 0, "endIndex": 1, "label": "rock"}],
    }
    response["accuracy"]["confusionMatrixValues"] = {"rock": {"rock": 1.0, "classical": 1.0}}
    assert read_test(parse_response(response, ClassifyMetadata, "/result"), "int8").top_1_accuracy == 0.5


def test_a_validation_has_a_top_1_accuracy_and_no_threshold() -> None:
    response = recorded("KerasModelMetadataResponse")
    [int8, _] = read_training(parse_response(response, ModelMetadata, "/metadata")).validation
    assert (int8.top_1_accuracy, int8.thresholded_accuracy, int8.threshold) == (0.9722, None, None)
    assert int8.majority == 0.5


def test_jobs_and_their_logs_are_read(canned: Any) -> None:
    studio = canned(
        jobs="ListJobsResponse",
        jobs__1__status="GetJobResponse",
        jobs__2__status="GetJobResponse_running",
        jobs__1__stdout="LogStdoutResponse",
    )
    assert [job.state for job in list_jobs(studio, active=True)] == ["succeeded"]
    assert job_status(studio, 1).succeeded is True
    assert job_status(studio, 2).state == "running"
    assert LogReader(studio, 1).new_entries() == ["Creating features OK\n", "Job completed (success)\n"]


def test_deployments_and_downloads_are_read(canned: Any) -> None:
    entry = recorded("ListDeploymentHistoryResponse")["deployments"][0]
    studio = canned(deployment__history__1={"success": True, "deployment": entry})
    found = deployment_of(studio, 1)
    assert (found.deployment_version, found.deployment_format, found.engine, found.model_type) == (
        1,
        "arduino",
        "tflite-eon",
        "int8",
    )
    downloads = [
        {"name": "TensorFlow Lite (float32)", "type": "TensorFlow Lite float32", "link": "/api/1/a"},
        {"name": "Keras model int8", "type": "Keras", "link": "/api/1/b"},
        {"name": "TensorFlow Lite (int8 quantized)", "type": "TensorFlow Lite int8", "link": "/api/1/c"},
    ]
    assert tflite_link([Download(**d) for d in downloads], "int8") == "/api/1/c"
    assert tflite_link([Download(**d) for d in downloads], "float32") == "/api/1/a"


def test_limits_are_read(canned: Any) -> None:
    studio = Studio(
        Canned(canned().transport.endpoint, {"1": "ProjectInfoResponse", "1/raw-data/count": "CountSamplesResponse"}), 1
    )
    found = limits(studio)
    assert (found.project, found.samples, found.minutes_per_job, found.minutes_left) == (
        "gtzan",
        3,
        60,
        60,
    )  # one in each category


@dataclass
class Sent:
    """Requests that were sent: method, path, body."""

    calls: list[tuple[str, str, Any]] = field(default_factory=list)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Requests that are sent from now on."""
    record = Sent()
    real = Transport._send

    def send(self: Transport, method: str, path: str, query: Any, body: Any, **flags: Any) -> requests.Response:
        record.calls.append((method, path, body))
        return real(self, method, path, query, body, **flags)

    monkeypatch.setattr(Transport, "_send", send)
    return record


def official_routes() -> set[tuple[str, str]]:
    """(method, path) of every call that the official client can make, numbers for names in braces."""
    import edgeimpulse_api.api as api

    routes = set()
    for module in pkgutil.iter_modules(api.__path__):
        source = inspect.getsource(importlib.import_module(f"{api.__name__}.{module.name}"))
        for path, method in re.findall(r"call_api\(\s*'([^']+)',\s*'([A-Z]+)'", source):
            routes.add((method, re.sub(r"\{[^}]+\}", "#", path)))
    return routes


BODIES = {
    r"/impulse$": "CreateImpulseRequest",
    r"/impulse/new$": "CreateNewEmptyImpulseRequest",
    r"/dsp/\d+$": "DSPConfigRequest",
    r"/training/keras/\d+$": "SetKerasParameterRequest",
    r"/jobs/train/keras/\d+$": "SetKerasParameterRequest",
    r"/jobs/generate-features$": "GenerateFeaturesRequest",
    r"/jobs/classify$": "StartClassifyJobRequest",
    r"/jobs/build-ondevice-model$": "BuildOnDeviceModelRequest",
    r"/raw-data/\d+/move$": "MoveRawDataRequest",
    r"/raw-data/\d+/edit-label$": "EditSampleLabelRequest",
    r"/raw-data/batch/add-metadata$": "BatchAddMetadataRequest",
}


def test_everything_that_is_sent_is_in_the_official_client(studio: Studio, sent: Sent, tmp_path: Path) -> None:
    write_recipe("reference", tmp_path, clips=None, name=None, force=True)
    wanted = wanted_impulse(load_config(tmp_path, {}).settings, tmp_path)
    apply_impulse(studio, wanted)
    apply_impulse(studio, wanted, "second")
    current = require_impulse(studio)
    jobs = [
        start_features(studio, current.dsp_ids[0]),
        start_training(studio, current.learn_id, wanted.learn),
        start_retrain(studio, current.impulse_id),
        start_test(studio, current.impulse_id, ("int8", "float32")),
        start_build(studio, current.impulse_id, "arduino", "tflite-eon", "int8"),
    ]
    for job in jobs:
        cancel_job(studio, job.id)
    for action in (
        lambda: move_sample(studio, 99999, "testing"),
        lambda: edit_label(studio, 99999, "x"),
        lambda: delete_samples(studio, [99999]),
    ):
        try:
            action()
        except Exception as error:  # noqa: BLE001 - the sample does not exist; only the request counts
            assert "99999" in str(error) or "sample" in str(error).lower()
    add_metadata(studio, "training", [1, 2], "artist", "x")
    routes = official_routes()
    for method, path, body in sent.calls:
        assert (method, re.sub(r"/\d+(?=/|$)", "/#", path)) in routes, f"{method} {path}"
        expected = next((name for pattern, name in BODIES.items() if re.search(pattern, path)), None)
        if method == "POST" and body is not None:
            assert expected is not None, path
            parsed = official(expected).from_dict(body)
            serialized = {k: v for k, v in parsed.to_dict().items() if v is not None}
            assert json.loads(json.dumps(serialized, default=str)) == json.loads(json.dumps(body, default=str))
    assert set(BODIES.values()) == {
        name for _, path, body in sent.calls if body is not None
        for pattern, name in BODIES.items() if re.search(pattern, path)
    }  # fmt: skip


def test_request_classes_load_without_the_whole_client_and_are_the_same_afterwards() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from ei_toolkit.client.official import official\n"
        "a = official('SetKerasParameterRequest')(mode='visual'); assert 'edgeimpulse_api' not in sys.modules\n"
        "import edgeimpulse_api as ea; assert ea.SetKerasParameterRequest(mode='visual').to_dict() == a.to_dict()\n"
        "assert official('SetKerasParameterRequest') is ea.SetKerasParameterRequest"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=120)
