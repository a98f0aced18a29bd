"""The lowered layer, and the checks that all lowerings share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ei_toolkit.eon.blockers import FULL_INT8
from ei_toolkit.eon.graph import Graph, Operator, Tensor
from ei_toolkit.errors import UnsupportedModelError

CTYPES = {
    "bool": "uint8_t",
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "int64": "int64_t",
    "float32": "float",
}
USUAL = frozenset({"int8", "float32"})
WITH_INT16 = USUAL | {"int16"}
MOVED = WITH_INT16 | {"int32", "int64"}
C_BYTES = {"int8_t": 1, "uint8_t": 1, "int16_t": 2, "int32_t": 4, "uint32_t": 4, "int64_t": 8, "float": 4}


@dataclass(frozen=True)
class Constant:
    """A table in flash. A row of several numbers is a structure."""

    name: str
    ctype: str
    values: Sequence[Any]
    bytes: int


@dataclass(frozen=True)
class Scratch:
    """Memory that a layer needs while it runs."""

    name: str
    ctype: str
    elements: int

    @property
    def bytes(self) -> int:
        """Bytes in memory."""
        return self.elements * C_BYTES[self.ctype]


@dataclass(frozen=True)
class Rows:
    """How a layer that works row by row reads its input and writes its output.

    `cls` is the kernel's class, `arguments` those of its constructor after the source. Before it writes block b
    it has read the input rows below window_rows - pad_top + b * step.
    """

    cls: str
    arguments: str
    in_rows: int
    in_row_elements: int
    out_rows: int
    out_row_elements: int
    ctype: str
    block_rows: int
    window_rows: int
    step: int
    pad_top: int

    @property
    def in_row_bytes(self) -> int:
        """Bytes of an input row; input and output have the same type."""
        return self.in_row_elements * C_BYTES[self.ctype]

    def taken(self, block: int) -> int:
        """Return the number of input rows that are no longer needed when block `block` is written."""
        return max(0, min(self.in_rows, self.window_rows - self.pad_top + block * self.step))

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return -(-self.out_rows // self.block_rows)


@dataclass(frozen=True)
class Sink:
    """How a layer that reads rows and writes a whole tensor is called: `call` with {source} and {out}.

    Rows may have another length if each has whole groups of `together` elements.
    """

    call: str
    in_rows: int
    in_row_elements: int
    together: int
    scratch: tuple[Scratch, ...] = ()


@dataclass(frozen=True)
class Layer:
    """One operator of the emitted program.

    `traits` become the constants of `struct Layer<position>`. `call` runs it on whole tensors, with {in0}, {out} and
    the names of its scratch; a layer with `rows` is run through its class instead. The output may be the memory of an
    input of the same size if `in_place`. If `resizes`, the elements have another size, and each is read just before the
    element of the output with the same index is written.
    """

    position: int
    title: str
    name: str
    inputs: tuple[int, ...]
    output: int
    macs: int
    headers: tuple[str, ...]
    traits: Mapping[str, int | float | str] = field(default_factory=dict)
    constants: tuple[Constant, ...] = ()
    scratch: tuple[Scratch, ...] = ()
    call: str = ""
    rows: Rows | None = None
    sink: Sink | None = None
    in_place: bool = False
    flash_words: int | None = None  # words of constants that an inference reads; None: each once
    resizes: bool = False


def fail(op: Operator, why: str, hint: str = "") -> UnsupportedModelError:
    """Return the exception for an operator that cannot be translated; without a hint, that of its kind is shown."""
    return UnsupportedModelError(f"operator {op.index} ({op.kind}) is not supported", why=why, hint=hint)


def require(condition: bool, op: Operator, why: str) -> None:
    """Raise UnsupportedModelError unless `condition`."""
    if not condition:
        raise fail(op, why)


def inputs_of(graph: Graph, op: Operator, least: int, most: int) -> list[Tensor | None]:
    """Return the operator's input tensors, `most` in number; None for one that is omitted."""
    require(least <= len(op.inputs) <= most, op, f"it has {len(op.inputs)} inputs")
    tensors = [graph.tensors[t] if t >= 0 else None for t in op.inputs]
    require(all(t is not None for t in tensors[:least]), op, "an input is missing")
    return tensors + [None] * (most - len(tensors))


def single(graph: Graph, op: Operator, types: frozenset[str] = USUAL) -> tuple[Tensor, Tensor]:
    """Return input and output of an operator with one of each, both of one of the types."""
    (source,) = inputs_of(graph, op, 1, 1)
    assert source is not None
    output = graph.tensors[op.output]
    same_type(op, source, output, types)
    return source, output


def same_type(op: Operator, source: Tensor, output: Tensor, types: frozenset[str] = USUAL) -> None:
    """Raise UnsupportedModelError unless both have one of the types; integers must be quantised per tensor."""
    if source.dtype != output.dtype:
        raise fail(op, f"it mixes {source.dtype} and {output.dtype}", FULL_INT8)
    if source.dtype not in types:
        raise fail(op, f"its data are {source.dtype}", FULL_INT8)
    if source.dtype in ("int8", "int16"):
        whole = len(source.quant.scales) == 1 and len(output.quant.scales) == 1
        require(whole, op, "an activation is quantised per channel")


def same_scale(a: Tensor, b: Tensor) -> bool:
    """Return whether equal values of both tensors are equal numbers."""
    if a.dtype not in ("int8", "int16"):
        return True
    return (a.quant.scales, a.quant.zero_points) == (b.quant.scales, b.quant.zero_points)


def constant(op: Operator, tensor: Tensor | None, what: str) -> Tensor:
    """Return the tensor, which must be constant."""
    if tensor is None or tensor.data is None:
        raise fail(op, f"its {what} are not constant")
    return tensor


FLOAT_RANGES = {
    "NONE": ("-FLT_MAX", "FLT_MAX"),
    "RELU": ("0.0f", "FLT_MAX"),
    "RELU6": ("0.0f", "6.0f"),
    "RELU_N1_TO_1": ("-1.0f", "1.0f"),
}


def float_range(activation: str) -> dict[str, int | float | str]:
    """Return the range of an activation function on float, as traits."""
    low, high = FLOAT_RANGES[activation]
    return {"min()": low, "max()": high}


def operand(tensor: Tensor, position: int, name: str, slot: int) -> tuple[str, Constant | None]:
    """Return the name of an input in a call: the `slot`-th input of the layer in the arena, or a table in flash.

    Raises UnsupportedModelError for a table with values that C++ has no literal for.
    """
    if tensor.data is None:
        return f"{{in{slot}}}", None
    if tensor.dtype == "float32" and not np.isfinite(tensor.data).all():
        raise UnsupportedModelError(f"{tensor.name} holds values that are not finite")
    table = f"k{name}{position}"
    return table, Constant(table, CTYPES[tensor.dtype], tensor.data.ravel().tolist(), tensor.bytes)
