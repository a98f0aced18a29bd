"""The typed graph that the compiler works on: tensors, operators with their options, one input, one output."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.errors import UnsupportedModelError

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Quantization:
    """Affine quantisation: real = scale * (q - zero_point), one pair or one for each index along `axis`."""

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0

    @property
    def scale(self) -> float:
        """The scale of a tensor that is quantised as a whole."""
        return self.scales[0]

    @property
    def zero_point(self) -> int:
        """The zero point of a tensor that is quantised as a whole."""
        return self.zero_points[0]


@dataclass(frozen=True)
class Tensor:
    """One tensor; `data` is set where it is constant."""

    index: int
    name: str
    shape: Shape
    dtype: str
    quantization: Quantization | None = None
    data: NDArray[Any] | None = None

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Bytes in memory."""
        return self.elements * np.dtype(self.dtype).itemsize

    @property
    def quant(self) -> Quantization:
        """The quantisation, which int8 tensors must have."""
        if self.quantization is None:
            raise UnsupportedModelError(
                f"tensor {self.name} has no quantisation",
                hint="Convert the whole model to int8, or the whole to float.",
            )
        return self.quantization


@dataclass(frozen=True)
class Window2D:
    """Options of convolutions and pools. `size` is the pool's; a convolution's is its weights' shape.

    `pads` (top, bottom, left, right) replaces `padding` where a preceding PAD was folded in; `pool` is the max pool,
    with strides equal to its size, that was fused into the convolution.
    """

    stride: tuple[int, int]
    padding: str
    activation: str = "NONE"
    dilation: tuple[int, int] = (1, 1)
    size: tuple[int, int] = (1, 1)
    depth_multiplier: int = 1
    pads: tuple[int, int, int, int] | None = None
    pool: tuple[int, int] = (1, 1)


@dataclass(frozen=True)
class Activation:
    """Options of operators whose only option is a fused activation function."""

    activation: str = "NONE"


@dataclass(frozen=True)
class Axis:
    """Options of operators along an axis (CONCATENATION, PACK) with a fused activation function."""

    axis: int
    activation: str = "NONE"


@dataclass(frozen=True)
class Beta:
    """Options of SOFTMAX."""

    beta: float


@dataclass(frozen=True)
class Slice:
    """Options of STRIDED_SLICE: masks as in TensorFlow."""

    begin_mask: int
    end_mask: int
    shrink_axis_mask: int


@dataclass(frozen=True)
class NoOptions:
    """The options of operators that have none."""


Options = Window2D | Activation | Axis | Beta | Slice | NoOptions


@dataclass(frozen=True)
class Operator:
    """One operator; an absent optional input is -1. `fused` names what passes have merged into it."""

    index: int
    kind: str
    inputs: tuple[int, ...]
    output: int
    options: Options
    fused: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Kind of the operator and of those fused into it, for reports."""
        return " + ".join((self.kind, *self.fused))


@dataclass(frozen=True)
class Graph:
    """A model: tensors by index, operators in an order in which they can run.

    `views` maps a tensor to the one whose memory it shares, for operators that only change a shape.
    """

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    input: int
    output: int
    views: Mapping[int, int] = field(default_factory=dict)

    def root(self, tensor: int) -> int:
        """Return the tensor whose memory `tensor` shares, or `tensor` itself."""
        return self.views.get(tensor, tensor)

    def consumers(self, tensor: int) -> tuple[Operator, ...]:
        """Return the operators that read a tensor, also through a view of another shape."""
        return tuple(self._readers.get(self.root(tensor), ()))

    @cached_property
    def _readers(self) -> Mapping[int, list[Operator]]:
        """The operators that read each root, in order; cached, because a pass asks for each operator."""
        readers: dict[int, list[Operator]] = {}
        for op in self.operators:
            for root in {self.root(t) for t in op.inputs if t >= 0}:
                readers.setdefault(root, []).append(op)
        return readers

    def only_consumer(self, op: Operator) -> Operator | None:
        """Return the only reader of the output of `op`; None for several, or for the model's output."""
        readers = self.consumers(op.output)
        if len(readers) != 1 or self.root(self.output) == self.root(op.output):
            return None
        return readers[0]

    def with_operators(self, operators: Iterable[Operator]) -> Graph:
        """Return the same graph with other operators."""
        return replace(self, operators=tuple(operators))

    def with_tensor(self, tensor: Tensor) -> Graph:
        """Return the same graph with one tensor replaced."""
        return replace(self, tensors=(*self.tensors[: tensor.index], tensor, *self.tensors[tensor.index + 1 :]))
