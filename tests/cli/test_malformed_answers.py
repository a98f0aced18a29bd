"""Answers with values of wrong types or out of every range: an error of the studio that names the response."""

from __future__ import annotations

from typing import Any

import pytest

WINDOW = {"id": 1, "windowSizeMs": 3000, "windowIncreaseMs": 1500, "frequencyHz": 16_000}
BLOCK = {"id": 2, "type": "spectrogram", "name": "Spectrogram"}
KERAS = {"id": 3, "type": "keras"}
LEARN = {"mode": "visual", "trainingCycles": 30, "learningRate": 0.005}
WRONG: tuple[Any, ...] = (None, 3, "x", {"a": 1}, [[1]], [None], [{}], [{"id": "x"}])


@pytest.fixture
def project(eitk_there: Any, scripted_studio: Any) -> Any:
    """A studio with an impulse, and the command lines that use it."""
    scripted_studio.answers |= {
        "/api/projects/api-key-info": {"projectId": 1, "role": "admin"},
        "/api/1/impulse": {"impulse": {"id": 9, "inputBlocks": [WINDOW], "dspBlocks": [BLOCK], "learnBlocks": [KERAS]}},
        "/api/1/dsp/2": {"config": []},
        "/api/1/training/keras/3": LEARN,
        "/api/1/jobs": {"jobs": []},
    }
    return eitk_there


def assert_rejected(done: Any, path: str) -> None:
    assert (done.code, done.out) == (4, "")
    assert f"error: the response for {path} is not valid" in done.err
    assert "why: " in done.err


@pytest.mark.parametrize("value", WRONG)
def test_a_list_that_is_not_one_of_the_api_is_rejected(project: Any, scripted_studio: Any, value: Any) -> None:
    for command, path, key in (
        ("samples list", "/api/1/raw-data", "samples"),
        ("jobs list", "/api/1/jobs", "jobs"),
        ("impulse show", "/api/1/dsp/2", "config"),
    ):
        scripted_studio.answers[path] = {key: value, "totalCount": 1}
        assert_rejected(project(*command.split()), path)


@pytest.mark.parametrize(
    "changes",
    [{"batchSize": "8"}, {"learningRate": "x"}, {"customParameters": [1]}, {"trainingCycles": 0.5}, {"mode": 3},
     {"visualLayers": {"a": 1}}, {"visualLayers": [3]}, {"trainTestSplit": None, "mode": None}],
)  # fmt: skip
def test_settings_of_a_learn_block_are_checked(project: Any, scripted_studio: Any, changes: dict[str, Any]) -> None:
    scripted_studio.answers["/api/1/training/keras/3"] = LEARN | changes
    assert_rejected(project("impulse", "show"), "/api/1/training/keras/3")


@pytest.mark.parametrize(
    "layer",
    [{"type": 5}, {"type": "dense", "neurons": "x"}, {"type": "dense", "neurons": [1]}, {"type": "conv1d"}, {},
     {"type": "dropout", "dropoutRate": 9}, {"type": "transfer"}],
)  # fmt: skip
def test_a_layer_that_eitk_does_not_have_is_shown_and_not_pulled(
    project: Any, scripted_studio: Any, layer: dict[str, Any]
) -> None:
    scripted_studio.answers["/api/1/training/keras/3"] = LEARN | {"visualLayers": [layer]}
    assert project("impulse", "show").code == 0
    code, out, err = project("impulse", "pull", "--dry-run")
    assert (code, out) == (3, "")
    assert "error: " in err
    assert "this is an error in eitk" not in err


@pytest.mark.parametrize("count", [-1, 1e300, float("nan"), float("inf")])
def test_a_number_of_windows_that_cannot_be_one_is_rejected(project: Any, scripted_studio: Any, count: float) -> None:
    result = {"allLabels": ["a"], "confusionMatrixValues": {"a": {"a": count}}}
    scripted_studio.answers["/api/1/classify/all/result"] = {"accuracy": result}
    metric = {"type": "int8", "accuracy": 1, "loss": 0, "confusionMatrix": [[count]]}
    scripted_studio.answers["/api/1/training/keras/3/metadata"] = {
        "classNames": ["a"], "modelValidationMetrics": [metric]
    }  # fmt: skip
    for command in (("profile",), ("test", "--no-run")):
        code, _, err = project(*command)
        assert code == 4
        assert "error: a confusion matrix of the studio is not valid" in err
        assert f"why: {count:g} is not a number of windows" in err


@pytest.mark.parametrize("labels", [["a", "a"], ["uncertain"], []])
def test_a_test_with_unusual_labels_is_shown(project: Any, scripted_studio: Any, labels: list[str]) -> None:
    result = {"allLabels": labels, "confusionMatrixValues": {"a": {"a": 1}}}
    scripted_studio.answers["/api/1/classify/all/result"] = {"accuracy": result}
    for flags in ((), ("--json",)):
        done = project("test", "--no-run", *flags)
        assert done.code == 0
        assert "this is an error in eitk" not in done.err
