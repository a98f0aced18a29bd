"""Operators that only move elements: slices, splits, transpositions, repetitions. All share one kernel.

Each is a NumPy view of its input: an offset, and a step in memory for each dimension of the output. The same functions
compute the operators on constants.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.eon.graph import Axis, BlockSize, Graph, Operator, Resize, Slice
from ei_toolkit.eon.kernels.layer import MOVED, Layer, constant, fail, require, same_scale, same_type

Array = NDArray[Any]
MOST_DIMENSIONS = 6  # of the kernel, after dimensions that follow each other in memory are merged


def move(graph: Graph, op: Operator, position: int) -> Layer:
    """Lower an operator that moves elements."""
    index = data_input(op)
    require(index < len(op.inputs) and op.inputs[index] >= 0, op, "its input is missing")
    source, output = graph.tensors[op.inputs[index]], graph.tensors[op.output]
    same_type(op, source, output, MOVED)
    require(same_scale(source, output), op, "it changes the quantisation")
    placeholder = np.empty(source.shape, dtype=np.int8)  # one byte for each element, never written
    view = moved(graph, op, placeholder)
    require(view.size == output.elements, op, f"it makes {view.shape}, its output is {output.shape}")
    begin = view.__array_interface__["data"][0] - placeholder.__array_interface__["data"][0]
    sizes, steps = merge_dimensions(view.shape, view.strides)
    require(len(sizes) <= MOST_DIMENSIONS, op, f"it moves blocks of {len(sizes)} dimensions")
    missing = MOST_DIMENSIONS - len(sizes)
    traits: dict[str, int | float | str] = {"kBegin": begin}
    traits |= {f"kSize{i}": n for i, n in enumerate((1,) * missing + sizes)}
    traits |= {f"kStep{i}": n for i, n in enumerate((0,) * missing + steps)}
    return Layer(
        position=position,
        title=op.title,
        name=output.name,
        inputs=(op.inputs[index],),
        output=op.output,
        macs=0,
        headers=("movement.h",),
        traits=traits,
        call=f"k::move<Layer{position}>({{in0}}, {{out}});",
    )


def merge_dimensions(sizes: Sequence[int], steps: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return sizes and steps without dimensions of one element, and with dimensions merged that have one step."""
    merged: list[tuple[int, int]] = []
    for size, step in zip(sizes, steps, strict=True):
        if size == 1:
            continue
        if merged and merged[-1][1] == size * step:
            merged[-1] = (merged[-1][0] * size, step)
        else:
            merged.append((size, step))
    merged = merged or [(1, 1)]
    return tuple(size for size, _ in merged), tuple(step for _, step in merged)


def data_input(op: Operator) -> int:
    """Return which input has the elements; the others are constants."""
    return 1 if op.kind == "SPLIT" else 0


def moved(graph: Graph, op: Operator, values: Array) -> Array:
    """Return the view of `values`, an array of the input's shape, that is the output of the operator.

    Raises UnsupportedModelError for positions that do not exist or are not constant.
    """
    try:
        return MOVES[op.kind](graph, op, values)
    except (ValueError, IndexError, TypeError) as error:
        raise fail(op, f"it cannot be computed: {error}") from error


def _numbers(graph: Graph, op: Operator, index: int, what: str) -> list[int]:
    """Return the values of a constant input."""
    tensor = graph.tensors[op.inputs[index]] if index < len(op.inputs) and op.inputs[index] >= 0 else None
    data = constant(op, tensor, what).data
    assert data is not None
    require(data.dtype in (np.int32, np.int64) and data.size <= 64, op, f"its {what} are not at most 64 whole numbers")
    return [int(n) for n in data.ravel()]


def _strided_slice(graph: Graph, op: Operator, values: Array) -> Array:
    assert isinstance(op.options, Slice)
    o = op.options
    begin, end, strides = (_numbers(graph, op, i, name) for i, name in ((1, "begins"), (2, "ends"), (3, "strides")))
    index: list[Any] = []
    for i, (first, last, step) in enumerate(zip(begin, end, strides, strict=True)):
        if o.ellipsis_mask >> i & 1:
            index.append(Ellipsis)
        elif o.new_axis_mask >> i & 1:
            index.append(np.newaxis)
        elif o.shrink_axis_mask >> i & 1:
            index.append((-1 if step < 0 else 0) if o.begin_mask >> i & 1 else first)
        else:
            stop = first + last if o.offset else last
            index.append(slice(None if o.begin_mask >> i & 1 else first, None if o.end_mask >> i & 1 else stop, step))
    result: Array = values[tuple(index)]
    return result


def _slice(graph: Graph, op: Operator, values: Array) -> Array:
    begin, size = _numbers(graph, op, 1, "begins"), _numbers(graph, op, 2, "sizes")
    pairs = list(zip(begin, size, values.shape, strict=True))
    inside = all(0 <= b <= n and (s == -1 or 0 <= s <= n - b) for b, s, n in pairs)
    require(inside, op, f"it takes {size} from {begin} of {values.shape}")
    result: Array = values[tuple(slice(b, n if s == -1 else b + s) for b, s, n in pairs)]
    return result


def _split(graph: Graph, op: Operator, values: Array) -> Array:
    assert isinstance(op.options, Axis)
    (axis,) = _numbers(graph, op, 0, "axis")
    return np.split(values, op.options.count, axis)[op.result]


def _split_v(graph: Graph, op: Operator, values: Array) -> Array:
    sizes, (axis,) = _numbers(graph, op, 1, "sizes"), _numbers(graph, op, 2, "axis")
    require(sum(s == -1 for s in sizes) <= 1 and min(sizes) >= -1, op, f"its sizes are {sizes}")
    rest = values.shape[axis] - sum(s for s in sizes if s > 0)
    sizes = [rest if s == -1 else s for s in sizes]
    require(sum(sizes) == values.shape[axis] and min(sizes) > 0, op, f"it splits {values.shape} in {sizes}")
    return np.split(values, np.cumsum(sizes)[:-1].tolist(), axis)[op.result]


def _unpack(graph: Graph, op: Operator, values: Array) -> Array:
    assert isinstance(op.options, Axis)
    require(-values.ndim <= op.options.axis < values.ndim, op, f"its axis is {op.options.axis}")
    result: Array = np.moveaxis(values, op.options.axis, 0)[op.result]
    return result


def _transpose(graph: Graph, op: Operator, values: Array) -> Array:
    return values.transpose(_numbers(graph, op, 1, "dimensions"))


def _reverse(graph: Graph, op: Operator, values: Array) -> Array:
    flipped: Array = np.flip(values, tuple(_numbers(graph, op, 1, "axes")))
    return flipped


def _depth_to_space(graph: Graph, op: Operator, values: Array) -> Array:
    assert isinstance(op.options, BlockSize)
    n, rows, cols, channels = values.shape
    size = op.options.size
    require(channels % size**2 == 0, op, f"it divides {channels} channels by {size} x {size}")
    blocks = values.reshape(n, rows, cols, size, size, channels // size**2)
    return blocks.transpose(0, 1, 3, 2, 4, 5)


def _space_to_depth(graph: Graph, op: Operator, values: Array) -> Array:
    assert isinstance(op.options, BlockSize)
    n, rows, cols, channels = values.shape
    size = op.options.size
    require(rows % size == 0 and cols % size == 0, op, f"it divides {rows} x {cols} by {size}")
    return values.reshape(n, rows // size, size, cols // size, size, channels).transpose(0, 1, 3, 2, 4, 5)


def _tile(graph: Graph, op: Operator, values: Array) -> Array:
    counts = _numbers(graph, op, 1, "multiples")
    require(len(counts) == values.ndim and min(counts, default=1) > 0, op, f"it repeats {values.shape} {counts} times")
    require(math.prod(counts) * values.size <= MOST_ELEMENTS, op, "its output is too large")
    apart = values.reshape([n for size in values.shape for n in (1, size)])
    return np.broadcast_to(apart, [n for pair in zip(counts, values.shape, strict=True) for n in pair])


MOST_ELEMENTS = 1 << 24


def _broadcast_to(graph: Graph, op: Operator, values: Array) -> Array:
    shape = _numbers(graph, op, 1, "shape")
    require(0 < math.prod(shape) <= MOST_ELEMENTS, op, f"it makes {shape}")
    return np.broadcast_to(values, shape)


def _resize_nearest(graph: Graph, op: Operator, values: Array) -> Array:
    assert isinstance(op.options, Resize)
    require(values.ndim == 4, op, f"it resizes {values.shape}")
    n, rows, cols, channels = values.shape
    height, width = _numbers(graph, op, 1, "sizes")
    whole = height > 0 and width > 0 and height % rows == 0 and width % cols == 0
    require(whole and not op.options.align_corners, op, f"it resizes {rows} x {cols} to {height} x {width}")
    shape = (n, rows, height // rows, cols, width // cols, channels)
    require(math.prod(shape) <= MOST_ELEMENTS, op, "its output is too large")
    return np.broadcast_to(values[:, :, np.newaxis, :, np.newaxis, :], shape)


MOVES: dict[str, Callable[[Graph, Operator, Array], Array]] = {
    "STRIDED_SLICE": _strided_slice,
    "SLICE": _slice,
    "SPLIT": _split,
    "SPLIT_V": _split_v,
    "UNPACK": _unpack,
    "TRANSPOSE": _transpose,
    "REVERSE_V2": _reverse,
    "DEPTH_TO_SPACE": _depth_to_space,
    "SPACE_TO_DEPTH": _space_to_depth,
    "TILE": _tile,
    "BROADCAST_TO": _broadcast_to,
    "RESIZE_NEAREST_NEIGHBOR": _resize_nearest,
}
