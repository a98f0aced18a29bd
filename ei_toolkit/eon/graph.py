"""The typed graph that the compiler works on: tensors, operators with their options, inputs, outputs, state."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from numpy.typing import NDArray

from ei_toolkit.errors import UnsupportedModelError

Shape = tuple[int, ...]
ITEM_BYTES = {
    "bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "float16": 2, "int32": 4, "uint32": 4, "float32": 4,
    "int64": 8, "uint64": 8, "float64": 8,
}  # fmt: skip


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
        return self.elements * ITEM_BYTES.get(self.dtype, 0)

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
    with strides equal to its size, that was fused into the convolution. `narrow_sums` means that a layer on int16 has
    biases and sums of 32 bits, not of 64.
    """

    stride: tuple[int, int]
    padding: str
    activation: str = "NONE"
    dilation: tuple[int, int] = (1, 1)
    size: tuple[int, int] = (1, 1)
    depth_multiplier: int = 1
    pads: tuple[int, int, int, int] | None = None
    pool: tuple[int, int] = (1, 1)
    narrow_sums: bool = False


@dataclass(frozen=True)
class Activation:
    """Options of operators with a fused activation function; `narrow_sums` as in Window2D, for FULLY_CONNECTED."""

    activation: str = "NONE"
    narrow_sums: bool = False


@dataclass(frozen=True)
class Axis:
    """Options of operators along an axis (CONCATENATION, PACK, UNPACK, SPLIT) with a fused activation function.

    `count` is the number of outputs.
    """

    axis: int
    activation: str = "NONE"
    count: int = 1


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
    ellipsis_mask: int = 0
    new_axis_mask: int = 0
    offset: bool = False  # ends count from the begins


@dataclass(frozen=True)
class BlockSize:
    """Options of DEPTH_TO_SPACE and SPACE_TO_DEPTH: rows and columns of a block."""

    size: int


@dataclass(frozen=True)
class Resize:
    """Options of RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR."""

    align_corners: bool
    half_pixel_centers: bool


@dataclass(frozen=True)
class Slope:
    """Options of LEAKY_RELU (`alpha`, the slope of negative values) and of GELU (`approximate`)."""

    alpha: float = 0.0
    approximate: bool = False


@dataclass(frozen=True)
class Adjoint:
    """Options of BATCH_MATMUL: whether the matrices of the first and of the second input are transposed."""

    x: bool
    y: bool


@dataclass(frozen=True)
class Svdf:
    """Options of SVDF: filters of an output, and its activation function on float."""

    rank: int
    activation: str


@dataclass(frozen=True)
class Lstm:
    """Options of UNIDIRECTIONAL_SEQUENCE_LSTM; `hidden` is the tensor with the scale of the hidden state, or -1."""

    cell_clip: float
    time_major: bool
    hidden: int = -1


@dataclass(frozen=True)
class Variable:
    """Options of VAR_HANDLE: the name of a variable, which keeps its value between inferences."""

    name: str


@dataclass(frozen=True)
class Subgraph:
    """Options of CALL_ONCE: the subgraph that gives the variables their initial values."""

    index: int


@dataclass(frozen=True)
class Loop:
    """Options of WHILE: the subgraphs of its condition and of its body."""

    condition: int
    body: int


@dataclass(frozen=True)
class NoOptions:
    """The options of operators that have none."""


@dataclass(frozen=True)
class Unreadable:
    """In place of the options of an operator that is not supported: the reason, and what to change."""

    problem: str
    remedy: str


Options = (
    Window2D | Activation | Axis | Beta | Slice | BlockSize | Resize | Slope | Variable | Subgraph | NoOptions
    | Loop | Lstm | Adjoint | Svdf | Unreadable
)  # fmt: skip


@dataclass(frozen=True)
class Operator:
    """One operator; an absent optional input is -1. `fused` names what passes have merged into it.

    An operator of the file with several outputs is several of these; `result` is the index of the output. `unsigned`
    means that its data are uint8 in the file: some kernels of the reference round them in another way.
    """

    index: int
    kind: str
    inputs: tuple[int, ...]
    output: int
    options: Options
    fused: tuple[str, ...] = ()
    result: int = 0
    unsigned: bool = False

    @property
    def title(self) -> str:
        """Kind of the operator and of those fused into it, for reports."""
        return " + ".join((self.kind, *self.fused))


@dataclass(frozen=True)
class Graph:
    """A model: tensors by index, operators in an order in which they can run.

    `views` maps a tensor to the one whose memory it shares, for operators that only change a shape. `states` maps each
    tensor that keeps its value between inferences to its initial value. `row_input` is the input whose rows the caller
    hands over one by one: it is not in the arena.
    """

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    views: Mapping[int, int] = field(default_factory=dict)
    states: Mapping[int, NDArray[Any]] = field(default_factory=dict)
    row_input: int | None = None

    @property
    def roots_before(self) -> tuple[int, ...]:
        """The tensors in the arena that have values before the first operator: inputs and states."""
        roots = dict.fromkeys(self.root(t) for t in (*self.inputs, *self.states))
        return tuple(t for t in roots if t != self.row_input)

    @property
    def output_roots(self) -> frozenset[int]:
        """The tensors whose memory the outputs share."""
        return frozenset(map(self.root, self.outputs))

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
        """Return the only reader of the output of `op`; None for several, for an output of the model, or a state."""
        readers = self.consumers(op.output)
        root = self.root(op.output)
        if len(readers) != 1 or root in self.output_roots or root in self.states:
            return None
        return readers[0]

    def with_operators(self, operators: Iterable[Operator]) -> Graph:
        """Return the same graph with other operators."""
        return replace(self, operators=tuple(operators))

    def with_tensor(self, tensor: Tensor) -> Graph:
        """Return the same graph with one tensor replaced."""
        return replace(self, tensors=(*self.tensors[: tensor.index], tensor, *self.tensors[tensor.index + 1 :]))
