"""Jobs on a trained model in this process: testing, profiling, building and the report of a copy."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from studio_in_process import Api
from tiny_model import classifier

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.eon import toolchain
from ei_toolkit.eon.library import LibraryInfo, LibraryRequest, WindowLevel, package
from ei_toolkit.errors import MissingToolError
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.interpreter import Interpreter
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.jobs import building
from ei_toolkit.studio.jobs.task import KINDS, job_function

RATE = 16000
IMPULSE: dict[str, Any] = {
    "inputBlocks": [{"id": 1, "windowSizeMs": 100, "windowIncreaseMs": 50, "frequencyHz": RATE}],
    "dspBlocks": [{"id": 2, "type": "spectrogram", "implementationVersion": 4}],
    "learnBlocks": [{"id": 3, "type": "keras", "dsp": [2]}],
}
FRAMES, BINS = dsp.output_shape("spectrogram", 1600, RATE, 4)
MODEL = classifier(FRAMES * BINS, 2, seed=4)
LABELS = ["jazz", "rock"]
SUMMARY = {"labels": LABELS, "featureCount": FRAMES * BINS, "variants": {}, "history": {}, "performance": {}}


def noise(seed: int, count: int = 2400) -> np.ndarray:
    return np.random.default_rng(seed).integers(-3000, 3000, count).astype(np.int16)


@pytest.fixture
def trained(api: Api) -> Api:
    """A studio with a float32 model and four testing samples of two windows each."""
    api.fields("POST", "/1/impulse", json=IMPULSE)
    for number in range(4):
        files = {f"{number}.wav": wav_bytes(noise(number), RATE)}
        api.upload(files, category="testing", x_label=LABELS[number % 2])
    api.studio.store.artifacts.put_model(1, 3, {"tflite-float32": api.studio.store.blobs.put(MODEL)}, SUMMARY)
    return api


def scores(*seeds: int) -> np.ndarray:
    """The scores of two windows of each sample by a direct computation."""
    windows = [noise(seed)[start : start + 1600] for seed in seeds for start in (0, 800)]
    return Interpreter(MODEL).predict(dsp.run_many("spectrogram", windows, RATE, 4).astype(np.float32))


def classify(api: Api, **body: Any) -> list[str]:
    return api.run(api.fields("POST", "/1/jobs/classify", json=body)["id"])


def test_every_kind_of_job_has_a_function() -> None:
    functions = {kind: job_function(kind) for kind in KINDS if kind not in ("train-keras", "retrain")}
    assert all(callable(function) for function in functions.values())
    with pytest.raises(ApiError, match="There is no job of kind 'dance'"):
        job_function("dance")


def test_a_test_stores_the_score_of_every_window(trained: Api) -> None:
    lines = classify(trained)
    found = trained.fields("GET", "/1/classify/all/result?variant=float32")
    rows = [row for one in found["result"] for row in one["classifications"][0]["result"]]
    np.testing.assert_allclose([[row[label] for label in LABELS] for row in rows], scores(0, 1, 2, 3), atol=1e-6)
    right = scores(0, 1, 2, 3).max(axis=1) >= 0.6
    actual = np.repeat([0, 1, 0, 1], 2)
    good = int((right & (scores(0, 1, 2, 3).argmax(axis=1) == actual)).sum())
    assert found["accuracy"]["totalSummary"] == {"good": good, "bad": 8 - good}
    assert "There is no int8 model; this variant is skipped" in lines
    assert lines[-1] == f"Calculating float32 accuracy at threshold 0.6... {100 * good / 8:.2f} % of 8 windows"


def test_the_area_under_the_curve_of_a_test_is_that_of_scikit_learn(trained: Api) -> None:
    classify(trained)
    found = trained.fields("GET", "/1/classify/all/result?variant=float32")
    metrics = found["additionalMetricsByLearnBlock"][0]["additionalMetrics"]
    [area] = [metric["fullPrecisionValue"] for metric in metrics if metric["name"] == "Area under ROC Curve"]
    assert area == pytest.approx(roc_auc_score(np.repeat([0, 1, 0, 1], 2), scores(0, 1, 2, 3)[:, 1]))


def test_a_test_without_samples_is_an_error_with_the_way_out(trained: Api) -> None:
    with pytest.raises(ApiError, match="There are no labelled samples in the category validation: upload some first"):
        trained.run(trained.fields("POST", "/1/jobs/classify?category=validation", json={})["id"])


def test_disabled_and_unlabeled_samples_are_not_tested(trained: Api) -> None:
    trained.fields("POST", "/1/raw-data/1/disable")
    trained.fields("POST", "/1/raw-data/2/edit-label", json={"label": ""})
    classify(trained)
    found = trained.fields("GET", "/1/classify/all/result?variant=float32")
    assert [one["sampleId"] for one in found["result"]] == [3, 4]


def test_windows_with_a_label_that_the_model_does_not_know_are_reported_and_not_scored(trained: Api) -> None:
    trained.fields("POST", "/1/raw-data/4/edit-label", json={"label": "blues"})
    lines = classify(trained)
    assert "2 windows with labels the model does not know: blues; not scored" in lines
    assert lines[-1].endswith("of 6 windows")


def test_a_test_after_a_change_of_the_features_asks_for_a_training(trained: Api) -> None:
    trained.fields("POST", "/1/dsp/2", json={"config": {"fft_length": 64}})
    with pytest.raises(ApiError, match="The impulse has changed since the model was trained: train it again"):
        classify(trained)


def test_the_threshold_at_the_time_of_the_test_is_stored_with_its_result(trained: Api) -> None:
    trained.fields("POST", "/1/training/keras/3", json={"minimumConfidenceRating": 0.0})
    classify(trained)
    trained.fields("POST", "/1/training/keras/3", json={"minimumConfidenceRating": 1.0})
    accuracy = trained.fields("GET", "/1/classify/all/result?variant=float32")["accuracy"]
    assert all(row.get("uncertain", 0) == 0 for row in accuracy["confusionMatrixValues"].values())


def test_a_test_of_an_untrained_impulse_is_an_error(api: Api) -> None:
    api.fields("POST", "/1/impulse", json=IMPULSE)
    with pytest.raises(ApiError, match="No learn block of this impulse is trained yet"):
        classify(api)


def test_a_profile_has_an_estimate_for_every_device(trained: Api) -> None:
    trained.fields("POST", "/1", json={"latencyDevice": "cortex-m7-216mhz"})
    trained.fields("POST", "/1/training/keras/3/profile")
    [job] = trained.studio.store.jobs.queued()
    assert trained.run(job.id) == ["Profiling float32 model...", "Profiling 100% done"]
    model = trained.studio.store.artifacts.model(1, 3)
    assert model is not None and model.summary["labels"] == LABELS and model.summary["unsupported"] == {}
    estimates = {one["mcu"]: one for one in model.summary["performance"]["float32"]}
    assert [mcu for mcu, one in estimates.items() if one["isDefault"]] == ["cortex-m7-216mhz"]
    assert estimates["raspberry-pi-rp2040"]["latency"] >= estimates["arduino-nano-33-ble"]["latency"]
    for one in estimates.values():
        assert one["eon"]["romRequired"] < one["tflite"]["romRequired"]
        assert one["tflite"]["modelSize"] == len(MODEL)


def test_a_model_that_cannot_be_compiled_is_reported_and_the_job_succeeds(trained: Api) -> None:
    digest = trained.studio.store.blobs.put(b"no model")
    trained.studio.store.artifacts.put_model(1, 3, {"tflite-int8": digest}, SUMMARY)
    trained.fields("POST", "/1/training/keras/3/profile")
    [job] = trained.studio.store.jobs.queued()
    lines = trained.run(job.id)
    assert any(line.startswith("The int8 model cannot be compiled for a device: ") for line in lines)
    model = trained.studio.store.artifacts.model(1, 3)
    assert model is not None and list(model.summary["unsupported"]) == ["int8"]


def build(api: Api, query: str = "", **body: str) -> list[str]:
    return api.run(api.fields("POST", f"/1/jobs/build-ondevice-model{query}", json=body)["id"])


def test_a_build_is_a_library_of_the_model_with_its_labels(trained: Api) -> None:
    lines = build(trained, "?type=zip", modelType="float32")
    assert lines[0] == "Compiling float32 model with engine tflite-eon..."
    with zipfile.ZipFile(io.BytesIO(trained.call("GET", "/1/deployment/download?type=zip").content)) as archive:
        assert archive.testzip() is None
        sources = [archive.read(name).decode() for name in archive.namelist() if name.endswith((".h", ".cpp"))]
    assert all(any(f'"{label}"' in source for source in sources) for label in LABELS)
    entry = trained.fields("GET", "/1/deployment/last")["lastBuild"]
    assert (entry["version"], entry["deploymentType"], entry["modelType"]) == (1, "zip", "float32")


def test_a_build_of_a_program_gets_the_level_that_was_sent(trained: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = []

    def package_library(request: LibraryRequest, folder: Path) -> LibraryInfo:
        requests.append(request)
        return package(replace(request, target="zip"), folder)  # a program takes seconds to compile

    monkeypatch.setattr(building, "package", package_library)
    body = {"modelType": "float32", "parameters": {"level": "rms", "maxGainDb": "12"}}
    trained.run(trained.fields("POST", "/1/jobs/build-ondevice-model?type=wasm", json=body)["id"])
    assert requests[0].target == "wasm"
    assert requests[0].level == WindowLevel("rms", -20.0, 12.0)


def test_a_build_without_its_tools_names_their_packages(trained: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "WASM_TARGET", "--target=no-such-machine")
    with pytest.raises(MissingToolError, match="the tools for WebAssembly are not installed") as caught:
        build(trained, "?type=wasm", modelType="float32")
    assert "lld wasi-libc" in caught.value.hint
    assert trained.fields("GET", "/1/deployment") == {"hasDeployment": False}


def test_a_build_of_a_variant_that_does_not_exist_names_those_that_do(trained: Api) -> None:
    with pytest.raises(ApiError, match="There is no int8 model; there is float32"):
        build(trained)
    assert trained.fields("GET", "/1/deployment") == {"hasDeployment": False}


def test_a_pretrained_model_needs_a_description_before_it_is_built(trained: Api) -> None:
    trained.studio.store.blocks.put(1, 1, "Pretrained model", {"type": "BYOM"})
    with pytest.raises(ApiError, match="No model was uploaded yet"):
        build(trained)
    blob = trained.studio.store.blobs.put(b'{"models": {}}')
    trained.studio.store.artifacts.put_result(1, "pretrained", 0, blob)
    trained.fields("POST", "/1/jobs/1/cancel")
    [job] = trained.studio.store.jobs.running()
    trained.studio.store.jobs.finish(job.id, success=False)
    with pytest.raises(ApiError, match="not described yet: send them to pretrained-model/save"):
        build(trained)
