"""One table of layer types serves eitk.toml, the API and the Keras model."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args, get_type_hints

import pytest

from ei_toolkit.config import Layer
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse.layers import LAYER_TYPES, layer_parameters, layer_table, settings_layers, visual_layers
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
        (Layer("dropout"), r"impulse.layers\[1\].rate = 0.0 is out of range"),
        (Layer("dropout", rate=1.0), "rate = 1.0 is out of range: at least 0 and below 1"),
        (Layer("dense", units=5000), "units = 5000 is out of range: a whole number from 1 to 4096"),
        (Layer("conv1d", filters=8, stack=0), "stack = 0 is out of range"),
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
