"""Channel pruning: the least important filters and units are removed, and the network becomes really smaller.

The channels of a tensor are a sequence of spaces. A convolution or dense layer makes a new space, which the layers
behind it share; a sum makes one space of the spaces of its operands, a concatenation puts spaces side by side, and
flattening repeats them. The channels that are removed from a space are removed from every layer that has it. Spaces of
the input, of the output and of layers that are not known stay as they are.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from ei_toolkit.errors import DataError

MADE = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D)
"""Layers that make a new space of channels."""
KEPT = (
    keras.layers.BatchNormalization, keras.layers.Activation, keras.layers.ReLU, keras.layers.LeakyReLU,
    keras.layers.Softmax, keras.layers.Dropout, keras.layers.SpatialDropout1D, keras.layers.SpatialDropout2D,
    keras.layers.GaussianNoise, keras.layers.Identity, keras.layers.ZeroPadding1D, keras.layers.ZeroPadding2D,
    keras.layers.MaxPooling1D, keras.layers.MaxPooling2D, keras.layers.AveragePooling1D,
    keras.layers.AveragePooling2D, keras.layers.GlobalAveragePooling1D, keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalMaxPooling1D, keras.layers.GlobalMaxPooling2D, keras.layers.DepthwiseConv2D,
)  # fmt: skip
"""Layers whose output has the channels of their input."""
SUMS = (keras.layers.Add, keras.layers.Subtract, keras.layers.Multiply, keras.layers.Average, keras.layers.Maximum)
MULTIPLE = 4  # channels that remain are a multiple of it, because the kernels compute four at once
FEWEST = 4  # channels of a space

Indices = npt.NDArray[np.int64]
Layout = tuple[int, ...]
"""The spaces of the channels of a tensor, in their order."""

Importance = Mapping[int, npt.NDArray[np.float64]]
"""The importance of the channels of a space, by the number of the space."""


@dataclass
class Spaces:
    """Spaces of channels: their sizes, which of them are the same, and which must stay as they are."""

    sizes: list[int] = field(default_factory=list)
    same_as: list[int] = field(default_factory=list)
    fixed: set[int] = field(default_factory=set)

    def add(self, size: int) -> int:
        """Return the number of a new space."""
        self.sizes.append(size)
        self.same_as.append(len(self.same_as))
        return len(self.sizes) - 1

    def find(self, space: int) -> int:
        """Return the space that stands for all that are the same as this one."""
        while self.same_as[space] != space:
            space = self.same_as[space]
        return space

    def fix(self, layout: Layout) -> None:
        """Keep all channels of these spaces."""
        self.fixed.update(layout)

    def join(self, layouts: Sequence[Layout]) -> None:
        """State that the spaces of these tensors are the same, one by one."""
        if len({len(layout) for layout in layouts}) != 1:
            for layout in layouts:
                self.fix(layout)
            return
        for spaces in zip(*layouts, strict=True):
            for other in spaces[1:]:
                self.same_as[self.find(other)] = self.find(spaces[0])

    def is_fixed(self, space: int) -> bool:
        """Whether all channels of a space stay."""
        return any(self.find(one) == self.find(space) for one in self.fixed)


@dataclass(frozen=True)
class Step:
    """A layer with the channels of its inputs and of its output."""

    layer: Any
    inputs: tuple[Layout, ...]
    output: Layout


def prune_channels(model: Any, kept: float, measured: Importance | None = None) -> Any:
    """Return a network with a share of the channels of each layer, the most important ones.

    The importance is `measured` (`importance.channel_importance`) or else that of the weights. Raises DataError for a
    network that uses a layer twice.
    """
    spaces, steps = analyse(model)
    remaining = _remaining(spaces, steps, kept, measured or {})
    sizes = {id(step.layer): len(_indices(step.output, spaces, remaining)) for step in steps}

    def resized(layer: Any) -> Any:
        config = layer.get_config()
        for name in ("filters", "units"):
            if isinstance(layer, MADE) and name in config:
                config[name] = sizes[id(layer)]
        if isinstance(layer, keras.layers.Reshape):
            config["target_shape"] = (*config["target_shape"][:-1], sizes[id(layer)])
        return type(layer).from_config(config)

    pruned = keras.models.clone_model(model, clone_function=resized)
    for step in steps:
        if step.layer.weights:
            taken = [_indices(layout, spaces, remaining) for layout in (*step.inputs, step.output)]
            pruned.get_layer(step.layer.name).set_weights(_taken_weights(step.layer, taken[0], taken[-1]))
    return pruned


def analyse(model: Any) -> tuple[Spaces, list[Step]]:
    """Return the spaces of the channels of a network, and its layers in the order of computation."""
    graph = model._functional if isinstance(model, keras.Sequential) else model
    used = {id(node) for nodes in graph._nodes_by_depth.values() for node in nodes}
    spaces, steps = Spaces(), []
    layouts: dict[int, Layout] = {}
    for layer in graph.operations:
        nodes = [node for node in layer._inbound_nodes if id(node) in used]
        if len(nodes) != 1:
            raise DataError(f"the layer {layer.name} is used {len(nodes)} times", hint="Leave out the method channels.")
        inputs = tuple(layouts[id(tensor)] for tensor in nodes[0].input_tensors)
        output = _layout(layer, inputs, nodes[0], spaces)
        layouts.update((id(tensor), output) for tensor in nodes[0].outputs)
        steps.append(Step(layer, inputs, output))
    for tensor in graph.outputs:
        spaces.fix(layouts[id(tensor)])
    return spaces, steps


def _layout(layer: Any, inputs: tuple[Layout, ...], node: Any, spaces: Spaces) -> Layout:
    channels = int(node.outputs[0].shape[-1])
    if isinstance(layer, MADE) and getattr(layer, "groups", 1) == 1:
        return (spaces.add(channels),)
    if isinstance(layer, KEPT) and getattr(layer, "depth_multiplier", 1) == 1:
        return inputs[0]
    if isinstance(layer, SUMS):
        spaces.join(inputs)
        return inputs[0]
    if isinstance(layer, keras.layers.Concatenate) and layer.axis in (-1, len(node.outputs[0].shape) - 1):
        return tuple(space for layout in inputs for space in layout)
    if isinstance(layer, keras.layers.Flatten):
        return inputs[0] * int(math.prod(node.input_tensors[0].shape[1:-1]))
    if isinstance(layer, keras.layers.Reshape) and channels == node.input_tensors[0].shape[-1]:
        return inputs[0]
    for layout in inputs:
        spaces.fix(layout)
    made = (spaces.add(channels),)
    spaces.fix(made)
    return made


def _remaining(spaces: Spaces, steps: Sequence[Step], kept: float, measured: Importance) -> dict[int, Indices]:
    """Return the channels that remain of each space: by what is measured, or the sum in all layers that make it."""
    importance: dict[int, npt.NDArray[np.float64]] = defaultdict(lambda: np.zeros(1))
    for space, weights in _importance(steps):
        importance[spaces.find(space)] = importance[spaces.find(space)] + weights
    importance.update(measured)
    remaining = {}
    for space in {spaces.find(one) for one in range(len(spaces.sizes))}:
        size = spaces.sizes[space]
        count = max(min(size, FEWEST), MULTIPLE * math.ceil(size * kept / MULTIPLE))
        if spaces.is_fixed(space) or count >= size:
            remaining[space] = np.arange(size)
        else:
            remaining[space] = np.sort(np.argsort(-importance[space], kind="stable")[:count])
    return remaining


def _importance(steps: Sequence[Step]) -> Iterator[tuple[int, npt.NDArray[np.float64]]]:
    """Yield the spaces that are made, with the norm of the weights of each channel, as a share of the layer's.

    A batch normalisation directly behind the layer changes the norm by its gain.
    """
    gains = {
        step.inputs[0]: _gain(step.layer) for step in steps if isinstance(step.layer, keras.layers.BatchNormalization)
    }
    for step in steps:
        if isinstance(step.layer, MADE) and len(step.output) == 1:
            kernel = np.asarray(step.layer.kernel)
            norm = np.sqrt(np.square(kernel, dtype=np.float64).sum(axis=tuple(range(kernel.ndim - 1))))
            norm = norm * gains.get(step.output, 1)
            yield step.output[0], norm / max(norm.sum(), 1e-30)


def _gain(layer: Any) -> npt.NDArray[np.float64]:
    gamma = np.asarray(layer.gamma, np.float64) if layer.scale else 1.0
    return np.asarray(np.abs(gamma / np.sqrt(np.asarray(layer.moving_variance, np.float64) + layer.epsilon)))


def _indices(layout: Layout, spaces: Spaces, remaining: dict[int, Indices]) -> Indices:
    """Return the channels of a tensor that remain."""
    offsets = np.cumsum([0, *(spaces.sizes[space] for space in layout)])
    parts = [remaining[spaces.find(space)] + offset for space, offset in zip(layout, offsets, strict=False)]
    return np.concatenate(parts)


def _taken_weights(layer: Any, inputs: Indices, outputs: Indices) -> list[npt.NDArray[Any]]:
    weights = layer.get_weights()
    if isinstance(layer, MADE):
        return [weights[0][..., inputs, :][..., outputs], *(bias[outputs] for bias in weights[1:])]
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return [weights[0][..., inputs, :], *(bias[outputs] for bias in weights[1:])]
    if isinstance(layer, keras.layers.BatchNormalization):
        return [values[outputs] for values in weights]
    return list(weights)
