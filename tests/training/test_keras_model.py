from __future__ import annotations

import pytest

from ei_toolkit.config.recipes.write import load_recipe
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse.layers import visual_layers
from ei_toolkit.training.keras_model import build_model

RESHAPE = {"type": "reshape", "columns": 33}


def reference_layers(pool: str) -> list[dict]:
    from dataclasses import replace

    layers = load_recipe("reference")[0].impulse.layers
    return visual_layers([replace(layer, pool=pool) for layer in layers])


def test_the_reference_network_has_the_size_that_the_published_figures_show() -> None:
    assert build_model(reference_layers("each"), 3960, 2).count_params() == 11762


def test_stack_as_the_api_describes_it_has_the_other_size() -> None:
    model = build_model(reference_layers("last"), 3960, 2)
    assert model.count_params() == 16498
    assert sum(layer.__class__.__name__ == "MaxPooling2D" for layer in model.layers) == 3


def test_a_chain_of_one_dimensional_convolutions() -> None:
    layers = [
        RESHAPE,
        {"type": "conv1d", "neurons": 8, "kernelSize": 5},
        {"type": "flatten"},
        {"type": "dense", "neurons": 4},
    ]
    model = build_model(layers, 3960, 3)
    assert [layer.__class__.__name__ for layer in model.layers] == [
        "Reshape", "Conv1D", "MaxPooling1D", "Flatten", "Dense", "Dense",
    ]  # fmt: skip
    assert model.output_shape == (None, 3)
    assert model.layers[-1].name == "y_pred"


def test_a_layer_that_is_switched_off_is_left_out() -> None:
    layers = [{"type": "dense", "neurons": 4}, {"type": "dropout", "dropoutRate": 0.5, "enabled": False}]
    assert len(build_model(layers, 10, 2).layers) == 2


def test_convolutions_carry_the_published_constraint() -> None:
    model = build_model(reference_layers("each"), 3960, 2)
    convolutions = [layer for layer in model.layers if layer.__class__.__name__ == "Conv2D"]
    assert len(convolutions) == 7
    assert all(layer.kernel_constraint.max_value == 1 for layer in convolutions)


@pytest.mark.parametrize(
    ("layers", "meaning"),
    [
        ([{"type": "transformer"}], "no visual layer"),
        ([{"type": "conv2d", "neurons": 8}], "does not fit"),
        ([RESHAPE, {"type": "conv2d", "neurons": 8}], "flat vector"),
        ([{"type": "reshape", "columns": 7}], "cannot be reshaped"),
        ([{"type": "dense"}], "neurons"),
        ([{"type": "dense", "neurons": 10**9}], "neurons"),
        ([{"type": "dense", "neurons": 10**400}], "neurons"),
        ([{"type": "dense", "neurons": float("inf")}], "neurons"),
        ([{"type": "dropout", "dropoutRate": 1.5}], "dropoutRate"),
        ([{"type": "dense", "neurons": "many"}], "neurons"),
    ],
)
def test_layers_that_make_no_model_are_refused(layers: list[dict], meaning: str) -> None:
    with pytest.raises(ConfigurationError, match=meaning):
        build_model(layers, 3960, 2)


def test_no_layers_at_all_are_a_straight_line_through_the_features() -> None:
    assert build_model([], 10, 2).count_params() == 22
