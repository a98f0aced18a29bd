"""Results of classification: scores of single samples, and stored results of a classify job."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from official_client import OfficialClient
from studio_in_process import Api
from tiny_model import classifier

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.interpreter import Interpreter
from ei_toolkit.studio.http.classify import accuracy, predicted_label

RATE = 16000
IMPULSE: dict[str, Any] = {
    "inputBlocks": [{"id": 1, "windowSizeMs": 100, "windowIncreaseMs": 50, "frequencyHz": RATE}],
    "dspBlocks": [{"id": 2, "type": "spectrogram", "implementationVersion": 4}],
    "learnBlocks": [{"id": 3, "type": "keras", "dsp": [2]}],
}
FRAMES, BINS = dsp.output_shape("spectrogram", 1600, RATE, 4)
MODELS = {"tflite-float32": classifier(FRAMES * BINS, 2, seed=1), "tflite-int8": classifier(FRAMES * BINS, 2, seed=2)}
LABELS = ["jazz", "rock"]


def noise(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-3000, 3000, count).astype(np.int16)


@pytest.fixture
def made(api: Api) -> Api:
    """A studio with an impulse and a sample of three windows; the project has no model."""
    api.fields("POST", "/1/impulse", json=IMPULSE)
    api.upload({"a.wav": wav_bytes(noise(1, 3200), RATE)}, x_label="rock")
    return api


@pytest.fixture
def trained(made: Api) -> Api:
    """The same with a model; its int8 variant has other weights, so that the two can be distinguished."""
    files = {name: made.studio.store.blobs.put(model) for name, model in MODELS.items()}
    made.studio.store.artifacts.put_model(1, 3, files, {"labels": LABELS, "featureCount": FRAMES * BINS})
    return made


def expected(variant: str) -> list[dict[str, float]]:
    """The scores of the three windows by a direct computation."""
    windows = [noise(1, 3200)[start : start + 1600] for start in (0, 800, 1600)]
    features = dsp.run_many("spectrogram", windows, RATE, 4).astype(np.float32)
    scores = Interpreter(MODELS[f"tflite-{variant}"]).predict(features)
    return [dict(zip(LABELS, map(float, row), strict=True)) for row in scores]


def assert_scores(found: list[dict[str, float]], variant: str) -> None:
    assert [row.keys() for row in found] == [row.keys() for row in expected(variant)]
    np.testing.assert_allclose([list(row.values()) for row in found],
                               [list(row.values()) for row in expected(variant)], rtol=1e-5)  # fmt: skip


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/classify/1"), ("POST", "/classify/v2/1"),
        ("GET", "/classify/anomaly-gmm/3/1"), ("POST", "/classify/anomaly-gmm/v2/3/1"),
    ],
)  # fmt: skip
def test_a_sample_is_classified_window_by_window_with_the_preferred_variant(trained: Api, verb: str, path: str) -> None:
    found = trained.fields(verb, f"/1{path}", "readonly")
    [one] = found["classifications"]
    assert_scores(one["result"], "int8")
    assert (one["resultCount"], one["intervalMs"], one["minimumConfidenceRating"]) == (3, 50, 0.6)
    assert [entry["label"] for entry in one["expectedLabels"]] == ["rock"] * 3
    assert one["learnBlock"]["id"] == 3
    assert (found["windowSizeMs"], found["windowIncreaseMs"]) == (100, 50)
    assert len(found["sample"]["payload"]["values"]) == 1000


def test_a_variant_can_be_chosen_and_several_can_be_compared(trained: Api) -> None:
    [one] = trained.fields("POST", "/1/classify/v2/1?variant=float32")["classifications"]
    assert_scores(one["result"], "float32")
    found = trained.fields("POST", "/1/classify/v2/1/variants?variants=float32,int8")["results"]
    assert [result["variant"] for result in found] == ["float32", "int8"]
    for result in found:
        assert_scores(result["classifications"][0]["result"], result["variant"])


@pytest.mark.parametrize("path", ["?variant=akida", "/variants?variants=int8,akida"])
def test_a_variant_that_does_not_exist_is_an_error(trained: Api, path: str) -> None:
    assert trained.error("POST", f"/1/classify/v2/1{path}") == "Learn block 3 has no model variant akida"


def test_without_an_int8_model_float32_is_used(made: Api) -> None:
    digest = made.studio.store.blobs.put(MODELS["tflite-float32"])
    made.studio.store.artifacts.put_model(1, 3, {"tflite-float32": digest}, {"labels": LABELS})
    assert_scores(made.fields("GET", "/1/classify/1")["classifications"][0]["result"], "float32")


def test_the_threshold_of_the_block_is_reported(trained: Api) -> None:
    trained.fields("POST", "/1/training/keras/3", json={"minimumConfidenceRating": 0.85})
    assert trained.fields("GET", "/1/classify/1")["classifications"][0]["minimumConfidenceRating"] == 0.85


def test_a_sample_that_cannot_be_classified_is_an_error_with_the_reason(trained: Api) -> None:
    [short] = trained.upload({"short.wav": wav_bytes(noise(2, 1599), RATE)})
    assert trained.error("GET", f"/1/classify/{short}") == "The sample is shorter than a window, and padZeros is off"
    assert trained.error("GET", "/1/classify/99") == "No sample with this ID found"
    assert trained.error("GET", "/1/classify/1?impulseId=9") == "No impulse with this ID found"


def test_a_short_sample_is_padded_if_the_impulse_allows_it(trained: Api) -> None:
    window = {**IMPULSE["inputBlocks"][0], "padZeros": True}
    trained.fields("POST", "/1/impulse", json={**IMPULSE, "inputBlocks": [window]})
    [short] = trained.upload({"short.wav": wav_bytes(noise(2, 800), RATE)})
    assert trained.fields("GET", f"/1/classify/{short}")["classifications"][0]["resultCount"] == 1


def test_an_untrained_impulse_classifies_nothing(made: Api) -> None:
    for verb, path in (("GET", "/1/classify/1"), ("POST", "/1/classify/v2/1/variants")):
        assert made.error(verb, path) == "No learn block of this impulse is trained yet"


@pytest.mark.parametrize(("index", "first", "last"), [(0, 0, 1599), (1, 800, 2399), (3, 2400, 3199)])
def test_a_window_of_a_sample_has_its_values(made: Api, index: int, first: int, last: int) -> None:
    found = made.fields("GET", f"/1/classify/v2/1/raw-data/{index}")["payload"]["values"]
    assert [row[0] for row in found] == noise(1, 3200)[first : last + 1].tolist()


def test_a_window_after_the_end_of_a_sample_is_an_error(made: Api) -> None:
    assert made.error("GET", "/1/classify/v2/1/raw-data/4") == "Sample 1 has no window 4"


def stored(scores: dict[int, list[list[float]]], actual: dict[int, list[str]], **more: Any) -> dict[str, Any]:
    """The document that a classify job stores: scores and actual labels by sample."""
    samples = [
        {"id": id_, "starts": [50.0 * n for n in range(len(rows))], "labels": actual[id_], "scores": rows}
        for id_, rows in scores.items()
    ]
    document = {"learn": 3, "labels": LABELS, "threshold": 0.6, "increaseMs": 50, "windowMs": 100, "samples": samples}
    return {**document, **more}


RESULT = stored(
    {1: [[0.9, 0.1], [0.45, 0.55], [0.2, 0.8]], 2: [[0.6, 0.4]]},
    {1: ["jazz", "jazz", "jazz"], 2: ["jazz"]},
    metrics={"Area under ROC Curve": 0.876, "Weighted average Recall": None},
)


@pytest.mark.parametrize(
    ("scores", "threshold", "label"),
    [
        ([0.9, 0.1], 0.6, "jazz"),
        ([0.6, 0.4], 0.6, "jazz"),
        ([0.59, 0.41], 0.6, "uncertain"),
        ([0.5, 0.5], 0.0, "jazz"),
        ([0.1, 0.9], 1.0, "uncertain"),
        ([0.0, 1.0], 1.0, "rock"),
    ],
)
def test_a_score_below_the_threshold_is_uncertain(scores: list[float], threshold: float, label: str) -> None:
    assert predicted_label(scores, LABELS, threshold) == label


ROWS = st.lists(st.tuples(st.sampled_from(LABELS), st.floats(0, 1)), max_size=30)


@given(ROWS, st.floats(0, 1))
def test_the_confusion_matrix_counts_every_window_once(rows: list[tuple[str, float]], threshold: float) -> None:
    scores, actual = {1: [[1 - p, p] for _, p in rows]}, {1: [label for label, _ in rows]}
    found = accuracy({**stored(scores, actual), "threshold": threshold})
    matrix = found["confusionMatrixValues"]
    for label in LABELS:
        predicted = [predicted_label([1 - p, p], LABELS, threshold) for one, p in rows if one == label]
        row = matrix.get(label, {})
        assert {name: n for name, n in row.items() if n} == {name: predicted.count(name) for name in set(predicted)}
    good = sum(row[label] for label, row in matrix.items())
    assert found["totalSummary"] == {"good": good, "bad": len(rows) - good}
    assert found["accuracyScore"] == (good / len(rows) if rows else 0.0)
    assert found["allLabels"] == ["jazz", "rock", "uncertain"]


def test_the_balanced_accuracy_is_the_mean_of_the_recalls() -> None:
    found = accuracy(stored({1: [[1.0, 0.0]] * 9 + [[0.9, 0.1]]}, {1: ["jazz"] * 9 + ["rock"]}))
    assert (found["accuracyScore"], found["balancedAccuracyScore"]) == (0.9, 0.5)
    assert found["summaryPerClass"] == {"jazz": {"good": 9, "bad": 0}, "rock": {"good": 0, "bad": 1}}


def test_windows_with_a_label_that_the_model_lacks_are_in_no_figure() -> None:
    """Twelve windows of rock, seven right, and 27 of blues, which the model cannot predict: 7 of 12, not 7 of 39."""
    rock, blues = [[0.1, 0.9]] * 7 + [[0.9, 0.1]] * 5, [[0.9, 0.1]] * 27
    found = accuracy(stored({1: rock, 2: blues}, {1: ["rock"] * 12, 2: ["blues"] * 27}))
    assert found["accuracyScore"] == found["balancedAccuracyScore"] == 7 / 12
    assert found["totalSummary"] == {"good": 7, "bad": 5}
    assert found["summaryPerClass"] == {"rock": {"good": 7, "bad": 5}}
    assert set(found["confusionMatrixValues"]) == {"rock"}


def test_nothing_tested_has_an_accuracy_of_zero() -> None:
    found = accuracy(stored({}, {}))
    assert (found["accuracyScore"], found["balancedAccuracyScore"], found["confusionMatrixValues"]) == (0.0, 0.0, {})


def put(api: Api, document: dict[str, Any], variant: str = "int8", impulse: int = 1) -> None:
    blob = api.studio.store.blobs.put(json.dumps(document).encode())
    api.studio.store.artifacts.put_result(1, "classify", impulse, blob, variant)


def test_there_is_no_result_before_a_classify_job(made: Api) -> None:
    for path in ("", "/page"):
        error = made.error("GET", f"/1/classify/all/result{path}")
        assert error == "There is no classification result of variant 'int8' yet: start a classify job"
    assert made.fields("GET", "/1/deployment/evaluate") == {"result": []}
    assert "has no impulse" in _error_without_an_impulse(made)


def _error_without_an_impulse(api: Api) -> str:
    api.fields("DELETE", "/1/impulse")
    return api.error("GET", "/1/classify/all/result")


def test_a_stored_result_has_predictions_with_their_times(made: Api) -> None:
    put(made, RESULT)
    made.upload({"b.wav": wav_bytes(noise(3, 1600), RATE)}, x_label="jazz")
    found = made.fields("GET", "/1/classify/all/result")
    assert [(one["sampleId"], one["sample"]["filename"]) for one in found["result"]] == [(1, "a"), (2, "b")]
    assert [(p["sampleId"], p["startMs"], p["endMs"], p["prediction"], p["predictionCorrect"])
            for p in found["predictions"]] == [
        (1, 0, 100, "jazz", True), (1, 50, 150, "uncertain", False), (1, 100, 200, "rock", False),
        (2, 0, 100, "jazz", True),
    ]  # fmt: skip
    assert found["accuracy"]["totalSummary"] == {"good": 2, "bad": 2}
    assert found["availableVariants"] == ["int8"]
    [additional] = found["additionalMetricsByLearnBlock"]
    assert additional["additionalMetrics"] == [
        {"name": "Area under ROC Curve", "value": "0.88", "fullPrecisionValue": 0.876}
    ]


def test_a_sample_that_was_deleted_after_the_test_counts_but_is_not_listed(made: Api) -> None:
    put(made, RESULT)  # sample 2 does not exist
    found = made.fields("GET", "/1/classify/all/result")
    assert [one["sampleId"] for one in found["result"]] == [1]
    assert {prediction["sampleId"] for prediction in found["predictions"]} == {1}
    assert sum(found["accuracy"]["totalSummary"].values()) == 4


def test_a_page_of_a_result_has_its_samples_and_the_number_of_all(made: Api) -> None:
    made.upload({"b.wav": wav_bytes(noise(3, 1600), RATE)}, x_label="jazz")
    put(made, RESULT)
    page = made.fields("GET", "/1/classify/all/result/page?limit=1&offset=1")
    assert [one["sampleId"] for one in page["result"]] == [2] and page["totalCount"] == 2
    assert len(page["predictions"]) == 1 and "accuracy" not in page
    assert made.fields("GET", "/1/classify/all/result/page?offset=5")["result"] == []


def test_a_variant_of_a_result_can_be_chosen(made: Api) -> None:
    put(made, RESULT, "float32")
    assert made.fields("GET", "/1/classify/all/result")["availableVariants"] == ["float32"]
    put(made, stored({1: [[0.9, 0.1]]}, {1: ["jazz"]}), "int8")
    assert made.fields("GET", "/1/classify/all/result")["accuracy"]["accuracyScore"] == 1.0
    assert made.fields("GET", "/1/classify/all/result?variant=float32")["accuracy"]["accuracyScore"] == 0.5
    error = made.error("GET", "/1/classify/all/result?variant=akida")
    assert error == "There is no classification result of variant 'akida' yet: start a classify job"


@pytest.mark.parametrize("path", ["evaluate", "evaluate/cache"])
def test_every_tested_variant_is_evaluated(made: Api, path: str) -> None:
    put(made, RESULT, "float32")
    put(made, stored({1: [[0.9, 0.1]]}, {1: ["jazz"]}), "int8")
    int8, float32 = made.fields("GET", f"/1/deployment/{path}")["result"]
    assert (int8["modelType"], int8["accuracy"], int8["totalWindowCount"]) == ("int8", {"raw": 1.0}, 1)
    assert (float32["modelType"], float32["accuracy"], float32["totalWindowCount"]) == ("float32", {"raw": 0.5}, 4)
    assert float32["totalCorrectWindowCount"] == {"raw": 2.0}
    assert float32["confusionMatrix"]["jazz"]["uncertain"] == {"raw": 1.0}


def test_a_result_of_a_learn_block_that_was_deleted_is_still_readable(made: Api) -> None:
    put(made, {**RESULT, "learn": 77})
    found = made.fields("GET", "/1/classify/all/result")
    assert found["result"][0]["classifications"][0]["learnBlock"]["name"] == "deleted"
    assert found["additionalMetricsByLearnBlock"][0]["learnBlockId"] == 77


def test_results_of_two_impulses_are_separate(made: Api) -> None:
    made.fields("POST", "/1/impulse/new")
    put(made, RESULT, impulse=2)
    assert "There is no classification result" in made.error("GET", "/1/classify/all/result")
    assert made.fields("GET", "/1/classify/all/result?impulseId=2")["availableVariants"] == ["int8"]


def test_a_learn_block_that_is_not_trained_is_named(made: Api) -> None:
    assert made.error("POST", "/1/classify/anomaly-gmm/v2/3/1").startswith("Learn block 3 is not trained yet")
    assert made.error("POST", "/1/classify/anomaly-gmm/v2/9/1") == "No learn block with this ID found (9)"


def test_the_official_client_classifies_with_a_learn_block(trained: Api) -> None:
    client = OfficialClient(trained)
    found = client.call("ClassifyApi", "classify_sample_by_learn_block", 1, 3)
    assert_scores(found["classifications"][0]["result"], "int8")
    found = client.call("ClassifyApi", "classify_sample_by_learn_block_v2", 1, 3, variant="float32")
    assert_scores(found["classifications"][0]["result"], "float32")
