"""What is refused before TensorFlow is loaded, the weights of classes, and the log of a training."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.errors import ConfigurationError, DataError, MissingToolError
from ei_toolkit.training.fit import Fitted, _line, _Lines, _shape, class_weights
from ei_toolkit.training.request import TrainRequest
from ei_toolkit.training.train import _warnings, train

RequestFor = Callable[..., TrainRequest]


@pytest.fixture(autouse=True)
def without_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": np.zeros((160, 4, 4), np.float32)}, r"\(160, 4, 4\) features do not fit 160 labels"),
        ({"features": np.zeros((159, 4), np.float32)}, r"\(159, 4\) features do not fit 160 labels"),
        ({"features": np.zeros((0, 4), np.float32), "labels": []}, r"\(0, 4\) features do not fit 0 labels"),
        ({"features": np.full((160, 4), np.inf, np.float32)}, "the features are not all finite numbers"),
        ({"class_names": ("a", "b", "c")}, r"training needs windows of at least two labels, .* \(no window of c\)"),
        ({"labels": [0] * 160, "class_names": ("a",)}, r"at least two labels, .* \(there is one label only\)"),
        ({"labels": [1] * 160}, r"\(no window of classical\)"),
    ],
)
def test_windows_that_cannot_be_trained_are_explained(
    request_for: RequestFor, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        train(request_for(**changes), lambda _line: None)


@pytest.mark.parametrize("changes", [{"epochs": 0}, {"learning_rate": 0.0}, {"batch_size": 0}, {"seed": -1},
                                     {"validation_fraction": 1.0}])  # fmt: skip
def test_a_parameter_out_of_its_range_is_refused(request_for: RequestFor, changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"training\.\w+ = .*: must be "):
        train(request_for(**changes), lambda _line: None)


def test_without_tensorflow_the_package_to_install_is_named(request_for: RequestFor) -> None:
    with pytest.raises(MissingToolError, match="training needs TensorFlow") as caught:
        train(request_for(), lambda _line: None)
    assert caught.value.hint == "pip install 'eitk[local]'"


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60))
def test_weighted_classes_count_equally_and_add_up_to_the_windows(labels: list[int]) -> None:
    request = TrainRequest(np.zeros((len(labels), 1)), labels, "abcd", None)  # type: ignore[arg-type]
    weights = class_weights(request, np.arange(len(labels)))
    totals = [labels.count(label) * weights[label] for label in range(4)]
    present = set(labels)
    assert sum(totals) == pytest.approx(len(labels))
    assert all(totals[label] == pytest.approx(len(labels) / len(present)) for label in present)
    assert all(weights[label] == 0 for label in set(range(4)) - present)


def test_weights_are_those_of_the_windows_of_training_only(request_for: RequestFor) -> None:
    request = replace(request_for(), labels=[0, 0, 0, 1], features=np.zeros((4, 1)))
    assert class_weights(request, np.array([0, 3])) == {0: 1.0, 1: 1.0}


@pytest.mark.parametrize(
    ("changes", "shape"),
    [
        ({"columns": 8}, (20, 8)),
        ({"columns": 0}, (20, 8)),  # from the reshape layer
        ({"columns": 0, "visual_layers": ()}, (160, 1)),
        ({"columns": 7}, (160, 1)),  # it does not divide the number of features
    ],
)
def test_the_shape_of_features_is_that_of_the_request_or_of_the_reshape_layer(
    request_for: RequestFor, changes: dict[str, Any], shape: tuple[int, int]
) -> None:
    assert _shape(request_for(**changes)) == shape


def test_masks_need_the_shape_of_the_features(request_for: RequestFor) -> None:
    with pytest.raises(ConfigurationError, match="number of features in a frame is not known to SpecAugment") as caught:
        _shape(request_for(columns=0, visual_layers=(), spec_augment={"enabled": True}))
    assert caught.value.hint == "Add a reshape layer, or switch it off."


@given(st.lists(st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"]), max_size=8), max_size=10))
def test_the_log_has_each_complete_line_that_is_not_blank(parts: list[str]) -> None:
    lines: list[str] = []
    stream = _Lines(lines.append)
    for part in parts:
        assert stream.write(part) == len(part)
    complete = "".join(parts).split("\n")[:-1]
    assert lines == [line.rstrip() for line in complete if line.strip()]


def test_the_line_of_an_error_is_that_of_the_script_and_not_of_a_library() -> None:
    text = "import json\n\njson.loads('{')\n"
    with pytest.raises(ValueError, match="Expecting") as caught:
        exec(compile(text, "training script", "exec"), {})
    assert _line(caught.value) == " in line 3"
    assert _line(ValueError("elsewhere")) == ""
    with pytest.raises(SyntaxError) as wrong:
        compile("a = 1\nb =\n", "training script", "exec")
    assert _line(wrong.value) == " in line 2"


def warnings_of(request: TrainRequest, accuracy: float, train: list[int], validation: list[int]) -> list[str]:
    logged: list[str] = []
    fitted = Fitted(None, {"accuracy": [0.1, accuracy]})
    found = _warnings(request, fitted, np.array(train), np.array(validation, int), logged.append)
    assert logged == [f"WARNING: {text}" for text in found]
    return list(found)


def test_figures_that_mean_little_have_a_warning(request_for: RequestFor) -> None:
    request = replace(request_for(learning_rate=0.005), labels=[0, 0, 0, 1])
    assert warnings_of(request, 0.9, [0, 1, 3], [2, 3]) == []
    (collapsed,) = warnings_of(request, 0.7, [0, 1, 3], [2, 3])
    assert collapsed.startswith("training collapsed to chance (accuracy 0.70, the most frequent label 0.67)")
    assert collapsed.endswith("try learning_rate 0.001, or another seed")
    assert warnings_of(request, 0.9, [0, 1, 2, 3], []) == [
        "there are no validation windows: accuracy is measured on the training windows"
    ]
    assert warnings_of(request, 0.9, [0, 1, 3], [2]) == ["validation lacks a label, because it has too few groups"]
