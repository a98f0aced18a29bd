"""Results of training, testing and profiling, as studios send them; scikit-learn is the reference of the scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

from ei_toolkit.client import results
from ei_toolkit.client.responses import parse_response
from ei_toolkit.client.results import (
    DeviceProfile,
    Evaluation,
    ModelMetadata,
    TrainingResult,
    read_training,
    result_of_test,
    training_result,
)
from ei_toolkit.errors import ApiError, CredentialError

MATRICES = st.integers(1, 5).flatmap(
    lambda n: st.lists(st.lists(st.integers(0, 30), min_size=n, max_size=n), min_size=n, max_size=n)
)


def evaluation(confusion: list[list[int]], columns: tuple[str, ...] = ()) -> Evaluation:
    labels = tuple("abcde"[: len(confusion)])
    rows = tuple(map(tuple, confusion))
    return Evaluation("int8", labels, columns or labels, rows, 0.5, None, None, None)


@given(MATRICES)
def test_scores_equal_those_of_scikit_learn(confusion: list[list[int]]) -> None:
    pairs = [(i, j) for i, row in enumerate(confusion) for j, count in enumerate(row) for _ in range(count)]
    actual, predicted = [i for i, _ in pairs], [j for _, j in pairs]
    found = evaluation(confusion).scores
    if not pairs:
        assert all((s.precision, s.recall, s.f1, s.support) == (0, 0, 0, 0) for s in found)
        return
    expected = precision_recall_fscore_support(actual, predicted, labels=range(len(confusion)), zero_division=0.0)
    for index, score in enumerate(found):
        assert (score.precision, score.recall, score.f1) == pytest.approx([row[index] for row in expected[:3]])
        assert score.support == expected[3][index]


@given(MATRICES)
def test_averages_are_weighted_by_the_windows_of_each_label(confusion: list[list[int]]) -> None:
    found = evaluation(confusion)
    support = np.sum(confusion, axis=1)
    for name in ("precision", "recall", "f1"):
        values = [getattr(score, name) for score in found.scores]
        expected = np.average(values, weights=support) if support.sum() else 0.0
        assert found.average(name) == pytest.approx(expected)  # type: ignore[arg-type]


def test_uncertain_windows_lower_the_recall_and_not_the_precision() -> None:
    found = evaluation([[6, 0, 4], [0, 10, 0]], ("a", "b", "uncertain"))
    first, second = found.scores
    assert (first.precision, first.recall) == (1.0, 0.6)
    assert (second.precision, second.recall) == (1.0, 1.0)
    assert found.windows == 20
    assert found.data()["columns"] == ["a", "b", "uncertain"]
    assert found.data()["report"]["a"] == {"precision": 1.0, "recall": 0.6, "f1-score": 0.75, "support": 10}


def test_an_evaluation_without_labels_has_no_scores() -> None:
    empty = Evaluation("int8", (), (), (), 0.0, None, None, None)
    assert (empty.scores, empty.windows, empty.average("f1")) == ((), 0, 0.0)


def metrics(kind: str, **changes: Any) -> dict[str, Any]:
    return {"type": kind, "accuracy": 0.75, "loss": 0.5, "confusionMatrix": [[3, 1], [1, 3]], **changes}


def metadata(*found: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"classNames": ["classical", "rock"], "modelValidationMetrics": list(found), **changes}


def read(data: dict[str, Any]) -> TrainingResult:
    return read_training(parse_response(data, ModelMetadata, "/api/1/training/keras/3/metadata"))


def test_int8_comes_before_float32_and_other_variants_are_left_out() -> None:
    result = read(metadata(metrics("float32"), metrics("akida"), metrics("int8", accuracy=0.5)))
    assert [(one.variant, one.accuracy) for one in result.validation] == [("int8", 0.5), ("float32", 0.75)]
    assert result.labels == ("classical", "rock")


@pytest.mark.parametrize("confusion", [[], [[3, 1]], [[3], [1]], [[3, 1], [1, 3], [0, 0]], [[3, 1, 0], [1, 3, 0]]])
def test_a_confusion_matrix_that_does_not_fit_the_labels_is_an_error(confusion: list[list[int]]) -> None:
    with pytest.raises(ApiError, match="the confusion matrix of the int8 model is not valid") as caught:
        read(metadata(metrics("int8", confusionMatrix=confusion)))
    assert caught.value.why == "it does not fit 2 labels"


@pytest.mark.parametrize(
    ("name", "auc"),
    [("Area under ROC Curve", 0.9), ("ROC AUC", 0.9), ("auc", 0.9), ("Weighted average Precision", None)],
)
def test_the_area_under_the_curve_is_found_under_the_names_of_several_studios(name: str, auc: float | None) -> None:
    extra = [{"name": "Other", "fullPrecisionValue": 0.1}, {"name": name, "fullPrecisionValue": 0.9}]
    assert read(metadata(metrics("int8", additionalMetrics=extra))).validation[0].auc == auc


def test_a_metric_without_a_value_is_left_out() -> None:
    extra = [{"name": "AUC", "fullPrecisionValue": None}]
    assert read(metadata(metrics("int8", additionalMetrics=extra))).validation[0].auc is None


def device(mcu: str, **changes: Any) -> dict[str, Any]:
    memory = {"ramRequired": 4096, "romRequired": 30_000, "arenaSize": 3000}
    return {"mcu": mcu, "name": mcu.upper(), "isDefault": False, "latency": 12.5, "eon": memory, **changes}


def profiles(*devices: dict[str, Any]) -> tuple[DeviceProfile, ...]:
    return read(metadata(metrics("int8", onDevicePerformance=list(devices)))).main_profiles


def test_the_nano_is_shown_although_another_device_is_the_default() -> None:
    found = profiles(device("cortex-m7", isDefault=True), device("arduino-nano-33-ble"))
    assert [profile.device for profile in found] == ["arduino-nano-33-ble"]


def test_without_the_nano_the_default_device_is_shown_else_all() -> None:
    assert [p.device for p in profiles(device("m7"), device("m33", isDefault=True))] == ["m33"]
    assert [p.device for p in profiles(device("m7"), device("m33"))] == ["m7", "m33"]
    assert profiles() == ()


@pytest.mark.parametrize(
    ("stated", "latency"),
    [({"latency": 12.5}, 12.5), ({"latency": 0}, 0.0), ({"latency": None}, None),
     ({"latency": 12.5, "hasPerformance": False}, None), ({"latency": None, "hasPerformance": True}, 0.0)],
)  # fmt: skip
def test_a_latency_that_was_not_measured_is_unknown(stated: dict[str, Any], latency: float | None) -> None:
    assert profiles(device("m4", **stated))[0].latency_ms == latency


def test_engines_of_a_device_are_in_a_fixed_order_with_their_memory() -> None:
    small = {"ramRequired": 1.0, "romRequired": 2.9, "arenaSize": 0}
    (found,) = profiles(device("m4", tflite=small, eon_ram_optimized=small))
    assert [engine.engine for engine in found.engines] == ["eon", "eon, ram optimised", "tflite"]
    assert (found.engines[0].ram, found.engines[0].rom, found.engines[0].arena) == (4096, 30_000, 3000)
    assert found.engines[2].rom == 2


def test_a_device_without_a_name_is_named_after_its_id_and_keeps_its_error() -> None:
    (found,) = profiles(device("m4", name="", eon=None, profilingError="out of memory"))
    assert (found.name, found.engines, found.error) == ("m4", (), "out of memory")


@pytest.mark.parametrize(
    ("changes", "is_profiling"),
    [({}, False), ({"profilingJobId": 5}, True), ({"profilingJobId": 5, "profilingJobFailed": True}, False)],
)
def test_profiling_is_in_progress_until_its_job_failed(changes: dict[str, Any], is_profiling: bool) -> None:
    assert read(metadata(metrics("int8", **changes))).is_profiling is is_profiling


def test_curves_of_the_validation_split_have_names_of_their_own() -> None:
    graphs = [
        {"title": "Loss", "data": [{"title": "Training", "values": [0.9, "NaN", 0.5]}, {"title": "Validation"}]},
        {"title": "Accuracy", "data": [{"title": "validation", "values": [0, 1]}]},
    ]
    history = read(metadata(metrics("int8"), tensorboardGraphs=graphs)).history
    assert history == {"loss": (0.9, 0.5), "val_loss": (), "val_accuracy": (0.0, 1.0)}


def answer_of(confusion: dict[str, dict[str, float]], labels: list[str], **changes: Any) -> dict[str, Any]:
    return {"accuracy": {"allLabels": labels, "confusionMatrixValues": confusion, **changes}}


CLASSIFY = "/api/1/classify/all/result"


def test_a_test_has_a_column_for_uncertain_windows_and_counts_them_as_wrong(scripted_studio: Any) -> None:
    counts = {"a": {"a": 6, "b": 1, "uncertain": 3}, "b": {"b": 10}}
    scripted_studio.answers[CLASSIFY] = answer_of(counts, ["a", "b", "uncertain"])
    found = result_of_test(scripted_studio.studio, "int8", 4)
    assert found.labels == ("a", "b")
    assert found.columns == ("a", "b", "uncertain")
    assert found.confusion == ((6, 1, 3), (0, 10, 0))
    assert found.accuracy == 16 / 20
    assert scripted_studio.seen[0].query == {"variant": "int8", "impulseId": "4"}


def test_the_accuracy_is_that_of_the_confusion_matrix_whatever_the_studio_states(scripted_studio: Any) -> None:
    metric = {"additionalMetrics": [{"name": "Loss", "fullPrecisionValue": 0.25}]}
    answer = answer_of({"a": {"a": 1}}, ["a"], accuracyScore=0.875) | {"additionalMetricsByLearnBlock": [metric]}
    scripted_studio.answers[CLASSIFY] = answer
    found = result_of_test(scripted_studio.studio, "int8")
    assert (found.accuracy, found.loss, found.auc) == (1.0, 0.25, None)


def test_a_label_without_windows_has_a_row_of_zeros(scripted_studio: Any) -> None:
    scripted_studio.answers[CLASSIFY] = answer_of({}, ["a", "b"])
    found = result_of_test(scripted_studio.studio, "int8")
    assert (found.confusion, found.accuracy) == (((0, 0), (0, 0)), 0.0)


def test_a_variant_that_was_not_tested_is_left_out(scripted_studio: Any) -> None:
    def answer(received: Any) -> dict[str, Any]:
        if received.query["variant"] == "int8":
            return {"success": False, "error": "No test results"}
        return answer_of({"a": {"a": 1}}, ["a"])

    scripted_studio.answers[CLASSIFY] = answer
    assert [one.variant for one in results.tested_variants(scripted_studio.studio)] == ["float32"]


def test_a_rejected_key_is_not_taken_for_a_missing_result(scripted_studio: Any) -> None:
    scripted_studio.answers[CLASSIFY] = (401, b"{}", {})
    with pytest.raises(CredentialError):
        results.tested_variants(scripted_studio.studio)


def test_the_labels_of_windows_are_not_requested_with_the_metadata(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/1/training/keras/3/metadata"] = metadata(metrics("int8"))
    training_result(scripted_studio.studio, 3)
    assert scripted_studio.seen[0].query == {"excludeLabels": "true"}


def test_a_result_that_is_not_valid_is_not_taken_for_a_missing_one(scripted_studio: Any) -> None:
    scripted_studio.answers[CLASSIFY] = {"accuracy": {"allLabels": "no list"}}
    with pytest.raises(ApiError, match="the response for /api/1/classify/all/result is not valid"):
        results.tested_variants(scripted_studio.studio)
