"""Learn blocks: their settings with defaults and ranges, the results of a training, and model files."""

from __future__ import annotations

from typing import Any

import pytest
from studio_in_process import Api

from ei_toolkit.studio.http.learn import DEFAULT_LAYERS, DEFAULTS, downloads, keras_metadata, keras_settings
from ei_toolkit.studio.store.artifacts import Features, Model

IMPULSE: dict[str, Any] = {
    "inputBlocks": [{"id": 1, "windowSizeMs": 100}],
    "dspBlocks": [
        {"id": 2, "type": "spectrogram", "name": "S", "implementationVersion": 4},
        {"id": 4, "type": "mfe", "name": "M"},
    ],
    "learnBlocks": [{"id": 3, "type": "keras", "dsp": [2, 4], "name": "Classifier"}],
}  # fmt: skip
REPORT = {"weighted avg": {"precision": 0.912, "recall": 0.9, "f1-score": 0.905}}
INT8 = {"loss": 0.31, "accuracy": 0.9, "confusion_matrix": [[9, 1], [1, 9]], "report": REPORT, "auc": 0.987}
FLOAT = {**INT8, "loss": 0.3, "accuracy": 0.95, "auc": None}
SUMMARY: dict[str, Any] = {
    "labels": ["jazz", "rock"], "featureCount": 40, "variants": {"float32": FLOAT, "int8": INT8},
    "history": {"accuracy": [0.5, 0.9], "val_accuracy": [0.4, 0.8], "loss": [0.7, 0.3]},
    "performance": {"int8": [{"mcu": "x"}]}, "unsupported": {"float32": "too large"},
}  # fmt: skip


@pytest.fixture
def made(api: Api) -> Api:
    """A studio with an impulse."""
    api.fields("POST", "/1/impulse", json=IMPULSE)
    return api


@pytest.fixture
def trained(made: Api) -> Api:
    """The same with a trained model."""
    files = {"tflite-int8": made.studio.store.blobs.put(b"i" * 1500), "keras": made.studio.store.blobs.put(b"k" * 4096)}
    made.studio.store.artifacts.put_model(1, 3, files, SUMMARY)
    return made


def add_features(api: Api, block: int, count: int, bins: int, windows: int) -> None:
    summary = {"featureCount": count, "bins": bins, "windowCount": windows}
    api.studio.store.artifacts.put_features(1, Features(block, "training", "x", "y", summary, ""))


def settings(api: Api) -> dict[str, Any]:
    return api.fields("GET", "/1/training/keras/3")


def test_a_new_block_has_the_default_settings(made: Api) -> None:
    found = settings(made)
    assert {name: found[name] for name in DEFAULTS} == dict(DEFAULTS)
    assert (found["trainingCycles"], found["learningRate"], found["trainTestSplit"]) == (100, 0.005, 0.2)
    assert (found["trained"], found["name"], found["shape"]) == (False, "Classifier", "(0,)")
    assert found["visualLayers"] == list(DEFAULT_LAYERS)


def test_a_change_keeps_the_other_settings(made: Api) -> None:
    made.fields("POST", "/1/training/keras/3", json={"trainingCycles": 7, "autoClassWeights": "true"})
    made.fields("POST", "/1/training/keras/3", json={"learningRate": "0.01", "batchSize": None})
    found = settings(made)
    assert (found["trainingCycles"], found["learningRate"], found["autoClassWeights"]) == (7, 0.01, True)
    assert made.studio.store.blocks.config(1, 3).keys() == {"trainingCycles", "learningRate", "autoClassWeights"}


@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [("trainingCycles", 1, 10_000), ("batchSize", 1, 4096), ("learningRate", 1e-9, 1), ("trainTestSplit", 0, 0.999)],
)
def test_the_limits_of_a_setting_are_accepted(made: Api, name: str, lowest: float, highest: float) -> None:
    for value in (lowest, highest):
        made.fields("POST", "/1/training/keras/3", json={name: value})
        assert settings(made)[name] == value


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("trainingCycles", 0, "must be a whole number from 1 to 10000, but is 0"),
        ("trainingCycles", 10_001, "must be a whole number from 1 to 10000, but is 10001"),
        ("batchSize", 4097, "must be a whole number from 1 to 4096, but is 4097"),
        ("learningRate", 0, "must be above 0 and at most 1, but is 0"),
        ("learningRate", 1.5, "must be above 0 and at most 1, but is 1.5"),
        ("trainTestSplit", 1, "must be at least 0 and below 1, but is 1"),
        ("mode", "magic", "must be 'visual' or 'expert', but is 'magic'"),
    ],
)
def test_a_setting_out_of_range_is_rejected_and_nothing_is_stored(made: Api, name: str, value: Any, rule: str) -> None:
    error = made.error("POST", "/1/training/keras/3", json={"profileInt8": False, name: value})
    assert error == f"{name} {rule}" and made.studio.store.blocks.config(1, 3) == {}


def test_a_block_id_of_another_kind_is_unknown(made: Api) -> None:
    for verb, path in (("GET", ""), ("POST", ""), ("GET", "/metadata"), ("POST", "/profile")):
        assert made.error(verb, f"/1/training/keras/2{path}", json={}) == "No learn block with this ID found (2)"


def test_the_dependencies_count_the_features_of_all_processing_blocks(made: Api) -> None:
    made.studio.store.blocks.configure(1, 3, {})
    add_features(made, 2, count=40, bins=4, windows=7)
    add_features(made, 4, count=60, bins=6, windows=9)
    found = settings(made)
    assert found["dependencies"] == {
        "classes": [], "blockNames": ["S", "M"], "featureCount": 100, "sampleCount": 9, "outputClasses": [],
    }  # fmt: skip
    assert found["shape"] == "(100,)"


def test_the_default_layers_begin_with_a_reshape_to_the_bins_of_the_first_block(made: Api) -> None:
    add_features(made, 2, count=40, bins=4, windows=7)
    assert settings(made)["visualLayers"] == [{"type": "reshape", "columns": 4}, *DEFAULT_LAYERS]
    own = [{"type": "dense", "neurons": 20}]
    made.fields("POST", "/1/training/keras/3", json={"visualLayers": own})
    assert settings(made)["visualLayers"] == own


def test_settings_without_columns_have_no_reshape() -> None:
    assert keras_settings({}, 0)["visualLayers"][0]["type"] == "conv1d"
    assert keras_settings({"batchSize": 5}, 8)["batchSize"] == 5


def test_defaults_are_not_shared_between_two_blocks() -> None:
    keras_settings({}, 0)["visualLayers"].append("changed")
    assert "changed" not in keras_settings({}, 0)["visualLayers"]


def test_results_of_a_block_that_is_not_trained_are_an_error(made: Api) -> None:
    message = "Learn block 3 is not trained yet: start a training job"
    assert made.error("GET", "/1/training/keras/3/metadata") == message
    assert made.error("POST", "/1/training/keras/3/profile") == message
    assert made.error("GET", "/1/learn-data/3/model/keras") == message


def test_the_results_have_metrics_of_each_variant(trained: Api) -> None:
    found = trained.fields("GET", "/1/training/keras/3/metadata")
    assert (found["labels"], found["recommendedModelType"]) == (["jazz", "rock"], "int8")
    assert found["availableModelTypes"] == ["float32", "int8"]
    float32, int8 = found["modelValidationMetrics"]
    assert (int8["accuracy"], int8["loss"], int8["confusionMatrix"]) == (0.9, 0.31, [[9, 1], [1, 9]])
    assert int8["isSupportedOnMcu"] is True and int8["onDevicePerformance"] == [{"mcu": "x"}]
    assert (float32["isSupportedOnMcu"], float32["mcuSupportError"]) == (False, "too large")
    assert float32["onDevicePerformance"] == []
    assert found["layers"][0]["input"]["shape"] == 40 and found["layers"][0]["output"]["shape"] == 2


def test_a_metric_that_does_not_exist_is_left_out(trained: Api) -> None:
    float32, int8 = trained.fields("GET", "/1/training/keras/3/metadata")["modelValidationMetrics"]
    assert [(one["name"], one["value"], one["fullPrecisionValue"]) for one in int8["additionalMetrics"]] == [
        ("Area under ROC Curve", "0.99", 0.987), ("Weighted average Precision", "0.91", 0.912),
        ("Weighted average Recall", "0.90", 0.9), ("Weighted average F1 score", "0.91", 0.905),
    ]  # fmt: skip
    assert "Area under ROC Curve" not in [metric["name"] for metric in float32["additionalMetrics"]]


def test_training_curves_are_joined_by_name_and_missing_ones_are_left_out() -> None:
    graphs = keras_metadata(Model(3, {}, SUMMARY, "2026"))["tensorboardGraphs"]
    assert graphs == [
        {"title": "Accuracy", "data": [{"title": "train", "values": [0.5, 0.9]},
                                       {"title": "validation", "values": [0.4, 0.8]}]},
        {"title": "Loss", "data": [{"title": "train", "values": [0.7, 0.3]}]},
    ]  # fmt: skip
    rates = {**SUMMARY, "history": {"learning_rate": [0.01, 0.005]}}
    assert keras_metadata(Model(3, {}, rates, "2026"))["tensorboardGraphs"] == [
        {"title": "Learning_rate", "data": [{"title": "train", "values": [0.01, 0.005]}]}
    ]
    assert keras_metadata(Model(3, {}, {**SUMMARY, "history": {}}, "2026"))["tensorboardGraphs"] == []


def test_without_an_int8_model_float32_is_recommended() -> None:
    summary = {**SUMMARY, "variants": {"float32": FLOAT}}
    found = keras_metadata(Model(3, {}, summary, "2026"))
    assert (found["recommendedModelType"], found["availableModelTypes"]) == ("float32", ["float32"])


def test_the_files_of_all_trained_blocks_are_listed_with_their_size(trained: Api) -> None:
    found = trained.fields("GET", "/1/downloads", "ingestion_deployment")["downloads"]
    assert [(one["id"], one["size"], one["impulseId"]) for one in found] == [
        ("3-tflite-int8", "1 KB", 1), ("3-keras", "4 KB", 1),
    ]  # fmt: skip
    content = trained.call("GET", found[0]["link"].removeprefix("/api")).content
    assert content == b"i" * 1500


def test_no_file_is_listed_before_a_training(made: Api) -> None:
    assert made.fields("GET", "/1/downloads") == {"downloads": []}
    assert downloads(1, 1, {"id": 3}, {}) == []


def test_a_model_file_has_a_name_for_its_kind(trained: Api) -> None:
    response = trained.call("GET", "/1/learn-data/3/model/tflite-int8")
    assert response.headers["content-disposition"] == "attachment; filename=model_int8.tflite"
    assert trained.call("GET", "/1/learn-data/3/model/keras").headers["content-disposition"].endswith("model.keras")


@pytest.mark.parametrize("name", ["tflite-float32", "unknown", "..key"])
def test_a_file_that_does_not_exist_is_an_error_with_those_that_do(trained: Api, name: str) -> None:
    error = trained.error("GET", f"/1/learn-data/3/model/{name}")
    assert error.startswith("Block 3 has no model file") and error.endswith("it has keras, tflite-int8")


def test_a_profile_of_a_trained_block_is_a_job(trained: Api) -> None:
    trained.fields("POST", "/1/training/keras/3/profile")
    [job] = trained.studio.store.jobs.queued()
    assert (job.kind, job.key, job.spec) == ("profile-keras", "profile-3", {"learn": 3})
