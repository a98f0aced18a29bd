"""One table of layer types serves eitk.toml, the API and the Keras model."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.config import Layer
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse.layers import (
    CONVOLUTIONS,
    LAYER_TYPES,
    is_enabled,
    layer_parameters,
    layer_table,
    settings_layers,
    visual_layers,
)
from ei_toolkit.studio.http.learn import DEFAULT_LAYERS


def test_the_table_has_the_types_and_keys_of_the_settings() -> None:
    assert {each.name for each in LAYER_TYPES} == set(get_args(get_type_hints(Layer)["type"]))
    used = {parameter.name for each in LAYER_TYPES for parameter in each.parameters}
    assert used == {field.name for field in fields(Layer)} - {"type", "pool"}


def test_defaults_of_the_api_are_those_of_the_settings() -> None:
    of_settings = {field.name: field.default for field in fields(Layer)}
    for each in LAYER_TYPES:
        for parameter in each.parameters:
            assert of_settings[parameter.name] == (parameter.default or 0)


def test_pooling_behind_each_convolution_becomes_layers_of_their_own() -> None:
    visual = visual_layers([Layer("conv2d", filters=8, stack=3, pool="each"), Layer("conv1d", filters=4, stack=2)])
    assert visual == (
        {"type": "conv2d", "neurons": 8, "kernelSize": 3, "stack": 1},
        {"type": "conv2d", "neurons": 8, "kernelSize": 3, "stack": 1},
        {"type": "conv2d", "neurons": 8, "kernelSize": 3, "stack": 1},
        {"type": "conv1d", "neurons": 4, "kernelSize": 3, "stack": 2},
    )


def test_visual_layers_come_back_as_layers() -> None:
    layers = (Layer("reshape", columns=33), Layer("conv2d", filters=8, stack=2), Layer("dropout", rate=0.5),
              Layer("batch_normalization"), Layer("flatten"), Layer("dense", units=5))  # fmt: skip
    assert settings_layers(visual_layers(layers)) == layers


def test_a_layer_that_eitk_toml_does_not_have_is_named() -> None:
    with pytest.raises(ConfigurationError, match="transfer_kws_conv2d_tiny"):
        settings_layers([{"type": "transfer_kws_conv2d_tiny"}])


def test_a_layer_that_is_switched_off_does_not_come_back() -> None:
    assert settings_layers([{"type": "dense", "neurons": 4, "enabled": False}]) == ()


def test_what_the_api_omits_has_its_default() -> None:
    assert layer_parameters({"type": "conv1d", "neurons": 8}) == {"filters": 8, "kernel": 3, "stack": 1}
    assert settings_layers([{"type": "conv2d", "neurons": 8}]) == (Layer("conv2d", filters=8, kernel=3, stack=1),)


def test_the_default_network_of_the_studio_has_valid_layers() -> None:
    assert len(settings_layers(DEFAULT_LAYERS)) == len(DEFAULT_LAYERS)


def test_a_table_shows_the_keys_of_its_type_only() -> None:
    assert layer_table(Layer("dense", units=5)) == {"type": "dense", "units": 5}
    assert layer_table(Layer("flatten")) == {"type": "flatten"}


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Layer("dropout"), r"impulse.layers\[1\].rate = 0.0: must be above 0"),
        (Layer("dropout", rate=1.0), "rate = 1.0: must be below 1"),
        (Layer("dense", units=5000), "units = 5000: must be at most 4096"),
        (Layer("conv1d", filters=8, stack=0), "stack = 0: must be at least 1"),
    ],
)
def test_a_parameter_out_of_its_range_is_named(layer: Layer, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        visual_layers([Layer("flatten"), layer])


@pytest.mark.parametrize(
    "visual", [{"type": "dense"}, {"type": "dense", "neurons": True}, {"type": "dropout", "dropoutRate": "0.5"}]
)
def test_a_visual_layer_with_a_wrong_value_is_an_error(visual: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=f"of a {visual['type']} layer is not"):
        layer_parameters(visual)


SIZE = st.integers(1, 4096)
LAYERS = st.one_of(
    st.builds(Layer, st.just("reshape"), columns=SIZE),
    st.builds(Layer, st.sampled_from(["conv1d", "conv2d"]), filters=SIZE, kernel=SIZE, stack=SIZE),
    st.builds(Layer, st.just("dense"), units=SIZE),
    st.builds(Layer, st.just("dropout"), rate=st.floats(0, 1, exclude_min=True, exclude_max=True)),
    st.builds(Layer, st.sampled_from(["flatten", "batch_normalization"])),
)


@given(st.lists(LAYERS, max_size=6))
def test_any_layers_survive_the_way_to_the_api_and_back_as_json(layers: list[Layer]) -> None:
    sent = json.loads(json.dumps(visual_layers(layers)))
    assert settings_layers(sent) == tuple(layers)


@given(st.lists(LAYERS, max_size=3), st.integers(1, 5))
def test_convolutions_with_pooling_behind_each_are_counted_one_by_one(layers: list[Layer], stack: int) -> None:
    each = [replace(layer, pool="each", stack=stack) for layer in layers]
    convolutions = sum(layer.type in CONVOLUTIONS for layer in layers)
    visual = visual_layers(each)
    assert len(visual) == len(layers) + convolutions * (stack - 1)
    assert all(layer["stack"] == 1 for layer in visual if "stack" in layer)


@pytest.mark.parametrize("layer", [{"enabled": True}, {}, {"enabled": None}, {"enabled": 0}])
def test_only_false_switches_a_layer_off(layer: dict[str, Any]) -> None:
    assert is_enabled(layer)
    assert not is_enabled({"enabled": False})


def test_a_parameter_that_is_out_of_range_is_shown_with_what_its_layer_needs() -> None:
    with pytest.raises(ConfigurationError) as caught:
        visual_layers([Layer("conv2d", kernel=5)])
    assert caught.value.what == "impulse.layers[0].filters = 0: must be at least 1"
    assert caught.value.hint == "Set impulse.layers[0].filters to a whole number from 1 to 4096."


@pytest.mark.parametrize("kind", [None, "", "Dense", 3, "object_detection"])
def test_an_unknown_visual_layer_lists_the_known_ones(kind: object) -> None:
    with pytest.raises(ConfigurationError, match=f"there is no visual layer {str(kind)!r} here") as caught:
        layer_parameters({"type": kind})
    assert caught.value.hint == "Layers: reshape, conv1d, conv2d, dense, dropout, flatten, batchNormalization."


def test_a_network_that_eitk_toml_cannot_hold_is_pulled_as_a_script() -> None:
    with pytest.raises(ConfigurationError, match=r"has a layer of type lstm, which eitk\.toml does not have") as caught:
        settings_layers([{"type": "flatten"}, {"type": "lstm"}])
    assert "expert mode" in caught.value.hint and 'script = "model.py"' in caught.value.hint


@pytest.mark.parametrize("value", [4.0, 4])
def test_whole_numbers_of_json_become_whole_numbers(value: float) -> None:
    found = layer_parameters({"type": "dense", "neurons": value})["units"]
    assert (found, type(found)) == (4, int)
