"""Layers of eitk.toml and visual layers of the API, both ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ei_toolkit.api.impulse.state import VisualLayer
from ei_toolkit.config import Layer
from ei_toolkit.errors import ConfigurationError

NEEDED = {  # what a layer of each type cannot do without
    "reshape": ("columns",), "conv1d": ("filters", "kernel", "stack"), "conv2d": ("filters", "kernel", "stack"),
    "dense": ("units",),
}  # fmt: skip


def to_visual(layers: Sequence[Layer]) -> tuple[VisualLayer, ...]:
    """Visual layers; one that pools behind each of its N convolutions becomes N layers with stack 1.

    Raises ConfigurationError for a layer that lacks what its type needs.
    """
    from ei_toolkit.learn.visual import visual_layers

    for index, layer in enumerate(layers):
        _check(layer, f"impulse.layers[{index}]")
    return tuple(visual_layers(layers))


def from_visual(layers: Sequence[VisualLayer]) -> tuple[Layer, ...]:
    """Layers for eitk.toml. Raises ConfigurationError for a type that it has no word for."""
    return tuple(_layer(layer) for layer in layers if layer.get("enabled") is not False)


def _check(layer: Layer, where: str) -> None:
    for name in NEEDED.get(layer.type, ()):
        if getattr(layer, name) < 1:
            raise ConfigurationError(
                f"{where}.{name} = {getattr(layer, name)} is too small", hint=f"A {layer.type} layer needs 1 or more."
            )
    if layer.type == "dropout" and not 0 < layer.rate < 1:
        raise ConfigurationError(f"{where}.rate = {layer.rate} is no dropout rate", hint="Set it between 0 and 1.")


READERS: dict[str, Callable[[VisualLayer], Layer]] = {
    "reshape": lambda v: Layer("reshape", columns=_int(v, "columns")),
    "conv1d": lambda v: Layer("conv1d", filters=_int(v, "neurons"), kernel=_int(v, "kernelSize"), stack=_stack(v)),
    "conv2d": lambda v: Layer("conv2d", filters=_int(v, "neurons"), kernel=_int(v, "kernelSize"), stack=_stack(v)),
    "dense": lambda v: Layer("dense", units=_int(v, "neurons")),
    "dropout": lambda v: Layer("dropout", rate=float(v.get("dropoutRate") or 0.0)),
    "flatten": lambda _: Layer("flatten"),
    "batchNormalization": lambda _: Layer("batch_normalization"),
}


def _layer(visual: VisualLayer) -> Layer:
    kind = str(visual.get("type"))
    if kind not in READERS:
        raise ConfigurationError(
            f"the project's network has a layer of type {kind}, which eitk.toml has no word for",
            hint='Switch the block to expert mode in the studio; eitk pulls it as script = "model.py".',
        )
    return READERS[kind](visual)


def _int(visual: VisualLayer, name: str) -> int:
    value: Any = visual.get(name)
    return int(value) if isinstance(value, (int, float)) else 0


def _stack(visual: VisualLayer) -> int:
    return max(1, _int(visual, "stack"))
