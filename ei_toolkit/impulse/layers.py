"""The layers of a network: which types there are, their parameters, and their names in eitk.toml and in the API.

`Layer` is a table [[impulse.layers]] of eitk.toml. A visual layer is an object of Edge Impulse's API, for example
{"type": "conv2d", "neurons": 8, "kernelSize": 3, "stack": 1}. Training makes Keras layers of visual layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ei_toolkit.config import Layer
from ei_toolkit.config.ranges import Range, out_of_range
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse.ranges import DROPOUT_RATE, LAYER_SIZE

VisualLayer = Mapping[str, Any]


@dataclass(frozen=True)
class LayerParameter:
    """A parameter of a layer type: its name in eitk.toml and in the API, its range, and its default in the API.

    Without a default it has to be given.
    """

    name: str
    api_name: str
    range: Range = LAYER_SIZE
    default: int | None = None


@dataclass(frozen=True)
class LayerType:
    """A type of layer: its name in eitk.toml and in the API, and its parameters."""

    name: str
    api_name: str
    parameters: tuple[LayerParameter, ...] = ()


_CONVOLUTION = (
    LayerParameter("filters", "neurons"),
    LayerParameter("kernel", "kernelSize", default=3),
    LayerParameter("stack", "stack", default=1),
)
LAYER_TYPES = (
    LayerType("reshape", "reshape", (LayerParameter("columns", "columns"),)),
    LayerType("conv1d", "conv1d", _CONVOLUTION),
    LayerType("conv2d", "conv2d", _CONVOLUTION),
    LayerType("dense", "dense", (LayerParameter("units", "neurons"),)),
    LayerType("dropout", "dropout", (LayerParameter("rate", "dropoutRate", DROPOUT_RATE),)),
    LayerType("flatten", "flatten"),
    LayerType("batch_normalization", "batchNormalization"),
)
CONVOLUTIONS = ("conv1d", "conv2d")
_BY_NAME = {each.name: each for each in LAYER_TYPES}
_BY_API_NAME = {each.api_name: each for each in LAYER_TYPES}


def visual_layers(layers: Sequence[Layer]) -> tuple[VisualLayer, ...]:
    """Return the layers of eitk.toml as visual layers, in order.

    A convolution with `pool = "each"` becomes as many layers with stack 1, each with its own pooling; with
    `pool = "last"` it stays one layer, whose `stack` convolutions share one pooling. Raises ConfigurationError for a
    layer with a parameter that is missing or out of its range.
    """
    for error in layer_errors(layers):
        raise error
    return tuple(visual for layer in layers for visual in _visual_layers(layer))


def settings_layers(visual: Sequence[VisualLayer]) -> tuple[Layer, ...]:
    """Return visual layers as layers of eitk.toml, without those that are switched off.

    Raises ConfigurationError for a type that eitk.toml does not have.
    """
    return tuple(_settings_layer(layer) for layer in visual if is_enabled(layer))


def is_enabled(layer: VisualLayer) -> bool:
    """Return whether a visual layer is part of the network; without the key `enabled` it is."""
    return layer.get("enabled") is not False


def layer_table(layer: Layer) -> dict[str, Any]:
    """Return the keys of a layer that its type has, as eitk.toml has them."""
    names = (parameter.name for parameter in _BY_NAME[layer.type].parameters)
    return {"type": layer.type, **{name: getattr(layer, name) for name in names}}


def layer_parameters(layer: VisualLayer) -> dict[str, Any]:
    """Return the checked parameters of a visual layer, under their names in eitk.toml.

    Raises ConfigurationError for an unknown type, or a value that is missing or out of its range.
    """
    kind = str(layer.get("type"))
    if kind not in _BY_API_NAME:
        raise ConfigurationError(
            f"there is no visual layer {kind!r} here", hint="Layers: " + ", ".join(_BY_API_NAME) + "."
        )
    return {parameter.name: _value(layer, parameter) for parameter in _BY_API_NAME[kind].parameters}


def _value(layer: VisualLayer, parameter: LayerParameter) -> int | float:
    value: Any = layer.get(parameter.api_name, parameter.default)
    if value not in parameter.range:
        raise ConfigurationError(
            f"{parameter.api_name} = {value!r} of a {layer.get('type')} layer is not {parameter.range}"
        )
    return int(value) if parameter.range.whole else float(value)


def layer_errors(layers: Sequence[Layer]) -> Iterator[ConfigurationError]:
    """Yield an error for each parameter of a layer of eitk.toml that is missing or out of its range.

    0, the default of a key, counts as missing where the API has no default.
    """
    for index, layer in enumerate(layers):
        for parameter in _BY_NAME[layer.type].parameters:
            value, allowed = getattr(layer, parameter.name), settings_range(parameter)
            if value not in allowed:
                yield out_of_range(f"impulse.layers[{index}].{parameter.name}", value, allowed)


def settings_range(parameter: LayerParameter) -> Range:
    """Return the range of a parameter in eitk.toml, where 0 is not a value of a parameter that has to be given."""
    return replace(parameter.range, above=parameter.range.low == 0 and parameter.default is None)


def _visual_layers(layer: Layer) -> Iterator[VisualLayer]:
    if layer.type in CONVOLUTIONS and layer.pool == "each":
        yield from (_visual_layer(replace(layer, stack=1)) for _ in range(layer.stack))
    else:
        yield _visual_layer(layer)


def _visual_layer(layer: Layer) -> VisualLayer:
    kind = _BY_NAME[layer.type]
    return {"type": kind.api_name, **{each.api_name: getattr(layer, each.name) for each in kind.parameters}}


def _settings_layer(visual: VisualLayer) -> Layer:
    kind = _BY_API_NAME.get(str(visual.get("type")))
    if kind is None:
        raise ConfigurationError(
            f"the project's network has a layer of type {visual.get('type')}, which eitk.toml does not have",
            hint='Switch the block to expert mode in the studio; eitk pulls it as script = "model.py".',
        )
    type_: Any = kind.name
    return Layer(type_, **layer_parameters(visual))
