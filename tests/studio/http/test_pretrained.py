"""Models that were trained elsewhere: upload, description, test, profile and download."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest
from studio_in_process import Api
from tiny_model import classifier

from ei_toolkit.errors import EitkError
from ei_toolkit.impulse.interpreter import Interpreter
from ei_toolkit.studio.http import pretrained as routes
from ei_toolkit.studio.http.app import api_app
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.multipart import Bounds

MODEL = classifier(6, 3)
FEATURES = [0.1, -0.5, 2.0, 0.0, 1.5, -1.0]


def upload(api: Api, model: bytes = MODEL, **fields: str) -> dict[str, Any]:
    """Send a model; return the document of the response."""
    data = {"modelFileType": "tflite", "modelFileName": "größe.tflite", **fields}
    headers = {"x-api-key": api.keys["admin"]}
    response = api.send(
        api_app(api.studio), "POST", "/v1/api/1/pretrained-model/upload", headers=headers, data=data,
        files={"modelFile": ("m.tflite", model)},
    )  # fmt: skip
    document: dict[str, Any] = response.json()
    return document


@pytest.fixture
def uploaded(api: Api) -> Api:
    """A studio with an imported model of six inputs and three outputs."""
    assert api.run(upload(api, device="cortex-m7-216mhz")["id"]) == ["The model is ready: float32"]
    return api


def test_a_project_without_a_model_has_none(api: Api) -> None:
    none = "This project has no pretrained model yet: upload one"
    assert api.fields("GET", "/1/pretrained-model") == {"specificDeviceSelected": False, "availableModelTypes": []}
    for path in ("profile", "save", "test"):
        assert api.error("POST", f"/1/pretrained-model/{path}", json={}) == none
    assert api.error("GET", "/1/pretrained-model/download/float32") == none


def test_an_imported_model_is_described_with_its_tensors(uploaded: Api) -> None:
    found = uploaded.fields("GET", "/1/pretrained-model")
    assert (found["specificDeviceSelected"], found["availableModelTypes"]) == (True, ["float32"])
    model = found["model"]
    assert model["fileName"] == "größe.tflite" and "profileInfo" not in model
    assert model["inputs"] == [{"dataType": "float32", "name": "input", "shape": [1, 6]}]
    assert model["outputs"] == [{"dataType": "float32", "name": "output", "shape": [1, 3]}]
    assert "modelInfo" not in found


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"modelFileType": "onnx"}, "modelFileType must be 'tflite' or 'saved_model', but is 'onnx'"),
        ({"modelFileType": ""}, "modelFileType must be 'tflite' or 'saved_model', but is ''"),
    ],
)
def test_a_type_of_model_that_cannot_be_imported_is_rejected(api: Api, fields: dict[str, str], message: str) -> None:
    assert upload(api, **fields) == {"success": False, "error": message}
    assert not api.studio.store.jobs.queued()


def test_an_upload_needs_a_model_file(api: Api) -> None:
    headers = {"x-api-key": api.keys["admin"]}
    send = {"headers": headers, "data": {"modelFileType": "tflite"}, "files": {"other": ("a", b"x")}}
    response = api.send(api_app(api.studio), "POST", "/v1/api/1/pretrained-model/upload", **send)
    assert response.json()["error"] == "The request has no part modelFile"


def test_a_model_over_the_limit_is_rejected(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "BOUNDS", Bounds(file_size=2**20, files=8))
    assert upload(api, bytes(2**20 + 1))["error"] == "The file has more than the 1 MiB that are accepted"


def test_a_file_that_is_no_model_fails_in_the_job(api: Api) -> None:
    job = upload(api, b"no model")["id"]
    with pytest.raises(EitkError):
        api.run(job)
    assert api.fields("GET", "/1/pretrained-model")["availableModelTypes"] == []


def save(api: Api, **body: Any) -> dict[str, Any]:
    return api.json("POST", "/1/pretrained-model/save", json=body)


def test_labels_are_numbered_if_none_are_sent(uploaded: Api) -> None:
    assert save(uploaded)["success"]
    info = uploaded.fields("GET", "/1/pretrained-model")["modelInfo"]
    assert info == {
        "input": {"inputType": "other"},
        "model": {"modelType": "classification", "labels": ["0", "1", "2"]},
    }


def test_the_number_of_labels_is_that_of_the_outputs(uploaded: Api) -> None:
    error = save(uploaded, model={"labels": ["a", "b"]})["error"]
    assert error == "The model has 3 outputs, but 2 labels were sent: send 3"
    assert save(uploaded, model={"labels": ["a", "b", "c"]})["success"]


@pytest.mark.parametrize(
    ("source", "stored"),
    [
        ({"inputType": "audio", "frequencyHz": 16000}, {"inputType": "audio", "frequencyHz": 16000.0}),
        (
            {"inputType": "time-series", "frequencyHz": 100, "windowLengthMs": 2000},
            {"inputType": "time-series", "frequencyHz": 100.0, "windowLengthMs": 2000},
        ),
        ({"inputType": "image", "frequencyHz": 100}, {"inputType": "image"}),
    ],
)
def test_the_input_has_what_its_type_needs_and_nothing_else(
    uploaded: Api, source: dict[str, Any], stored: dict[str, Any]
) -> None:
    assert save(uploaded, input=source)["success"]
    assert uploaded.fields("GET", "/1/pretrained-model")["modelInfo"]["input"] == stored


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"inputType": "audio"}, "input: frequencyHz is missing, which inputType 'audio' needs"),
        (
            {"inputType": "time-series", "frequencyHz": 100},
            "input: windowLengthMs is missing, which inputType 'time-series' needs",
        ),
    ],
)
def test_an_input_without_what_its_type_needs_is_rejected(uploaded: Api, source: dict[str, Any], message: str) -> None:
    assert save(uploaded, input=source) == {"success": False, "error": message}


def test_only_classifiers_are_built(uploaded: Api) -> None:
    error = save(uploaded, model={"modelType": "regression"})["error"]
    assert error == "model.modelType must be 'classification', but is 'regression'"


def test_a_described_model_becomes_the_impulse_of_an_empty_project_once(uploaded: Api) -> None:
    for _ in range(2):
        assert save(uploaded)["success"]
    [impulse] = uploaded.fields("GET", "/1/impulses")["impulses"]
    assert (impulse["name"], impulse["type"], impulse["learnBlocks"]) == ("Pretrained model", "BYOM", [])


def test_a_project_with_an_impulse_of_its_own_keeps_it(uploaded: Api) -> None:
    uploaded.fields("POST", "/1/impulse", json={"inputBlocks": [{"id": 1}]})
    error = save(uploaded)["error"]
    assert error == "This project has an impulse, which a build would use: upload the model to another project"


def test_a_row_of_features_is_classified_by_the_model(uploaded: Api) -> None:
    body = {"features": FEATURES, "modelInfo": {"model": {"labels": ["a", "b", "c"]}}}
    found = uploaded.fields("POST", "/1/pretrained-model/test", "readonly", json=body)["result"]
    expected = Interpreter(MODEL).predict(np.array([FEATURES], np.float32))[0]
    assert list(found) == ["a", "b", "c"]
    np.testing.assert_allclose(list(found.values()), expected, rtol=1e-6)


def test_a_row_of_another_length_is_an_error(uploaded: Api) -> None:
    assert "6" in uploaded.error("POST", "/1/pretrained-model/test", json={"features": FEATURES[:5]})


def test_the_model_is_downloaded_as_it_was_sent(uploaded: Api) -> None:
    assert uploaded.call("GET", "/1/pretrained-model/download/float32").content == MODEL


@pytest.mark.parametrize("kind", ["int8", "int8-quantized", "onnx"])
def test_a_variant_that_does_not_exist_is_an_error_with_those_that_do(uploaded: Api, kind: str) -> None:
    error = uploaded.error("GET", f"/1/pretrained-model/download/{kind}")
    assert error == f"There is no {kind!r} model; variants: float32"


def test_a_profile_estimates_the_model_on_its_device(uploaded: Api) -> None:
    lines = uploaded.run(uploaded.fields("POST", "/1/pretrained-model/profile")["id"])
    assert lines == ["Profiling float32 model...", "Profiling 100% done"]
    profile = uploaded.fields("GET", "/1/pretrained-model")["model"]["profileInfo"]
    assert profile["float32"]["device"] == "cortex-m7-216mhz" and profile["float32"]["isSupportedOnMcu"] is True
    assert profile["float32"]["tfliteFileSizeBytes"] == len(MODEL)
    assert profile["table"]["lowEndMcu"]["supported"] and not profile["table"]["mpu"]["supported"]
    assert save(uploaded)["success"]
    assert uploaded.fields("GET", "/1/pretrained-model")["model"]["profileInfo"] == profile


def profile_tflite(api: Api, model: bytes, device: str = "arduino-nano-33-ble") -> int:
    body = {"tfliteFileBase64": base64.b64encode(model).decode(), "device": device}
    job: int = api.fields("POST", "/1/jobs/profile-tflite", json=body)["id"]
    return job


def test_a_sent_model_is_profiled_for_a_device(api: Api) -> None:
    job = profile_tflite(api, MODEL)
    assert api.error("GET", f"/1/jobs/profile-tflite/{job}/result") == "No job with this ID found, or it has no result"
    assert api.run(job)[-1] == "Profiling 100% done"
    for verb in ("GET", "POST"):
        found = api.fields(verb, f"/1/jobs/profile-tflite/{job}/result")
        assert (found["variant"], found["device"], found["isSupportedOnMcu"]) == (
            "float32",
            "arduino-nano-33-ble",
            True,
        )
        assert found["memory"]["eon"]["ram"] < found["memory"]["tflite"]["ram"]


@pytest.mark.parametrize("text", ["not base64!", "abc", "===="])
def test_a_model_that_is_not_base64_is_rejected(api: Api, text: str) -> None:
    error = api.error("POST", "/1/jobs/profile-tflite", json={"tfliteFileBase64": text, "device": "x"})
    assert error.startswith("tfliteFileBase64 is not valid base64: ")


def test_a_profile_needs_model_and_device(api: Api) -> None:
    response = api.call("POST", "/1/jobs/profile-tflite", json={})
    assert (response.status_code, response.json()["error"]) == (400, "tfliteFileBase64 is missing; device is missing")


def test_a_model_without_labels_numbers_its_outputs() -> None:
    parameters = routes.ModelParameters()
    assert parameters.document(2)["model"]["labels"] == ["0", "1"]
    with pytest.raises(ApiError, match="The model has 1 outputs, but 2 labels were sent"):
        routes.ModelParameters(model=routes.ModelOutput(labels=["a", "b"])).document(1)


def test_a_stored_description_is_json_that_names_its_models(uploaded: Api) -> None:
    store = uploaded.studio.store
    blob = store.artifacts.result(1, "pretrained", 0)
    assert blob is not None
    document = json.loads(store.blobs.read(blob))
    assert store.blobs.read(document["models"]["float32"]) == MODEL
