"""The passes keep the outputs of random chains of operators, computed with NumPy before and after them."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_toolkit.eon.graph import Activation, Graph, Operator, Tensor, Window2D
from ei_toolkit.eon.passes import simplify
from ei_toolkit.eon.reader import read_model

Array = np.ndarray
QUANT: dict[str, Any] = {"scale": 0.25, "zero_point": -100}


def run(graph: Graph, values: Array) -> Array:
    """Compute the int8 output of a graph in exact arithmetic, rounded after each operator."""
    known: dict[int, Array] = {graph.inputs[0]: values}

    def read(index: int) -> Array:
        tensor = graph.tensors[index]
        if tensor.data is not None:
            return np.asarray(tensor.data)
        return (known[index] if index in known else known[graph.root(index)]).reshape(tensor.shape)

    for op in graph.operators:
        known[op.output] = OPERATORS[op.kind](graph, op, [read(t) for t in op.inputs])
    return read(graph.outputs[0])


def real(tensor: Tensor, values: Array) -> Array:
    return (values.astype(float) - tensor.quant.zero_point) * tensor.quant.scale


def quantised(tensor: Tensor, values: Array, activation: str) -> Array:
    """Round to int8 at the scale of a tensor, after its activation function."""
    limits = {"NONE": (-np.inf, np.inf), "RELU": (0, np.inf), "RELU6": (0, 6)}[activation]
    steps = np.clip(values, *limits) / tensor.quant.scale + tensor.quant.zero_point
    return np.clip(np.floor(steps + 0.5), -128, 127).astype(np.int8)


def same_pads(size: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def windows(values: Array, kernel: tuple[int, int], stride: tuple[int, int]) -> Array:
    """Every window of (1, rows, cols, channels): (out rows, out cols, channels, kernel rows, kernel cols)."""
    views = np.lib.stride_tricks.sliding_window_view(values[0], kernel, axis=(0, 1))
    return views[:: stride[0], :: stride[1]]


def surrounded(values: Array, options: Window2D, kernel: tuple[int, int], fill: float) -> Array:
    rows = same_pads(values.shape[1], kernel[0], options.stride[0]) if options.padding == "SAME" else (0, 0)
    cols = same_pads(values.shape[2], kernel[1], options.stride[1]) if options.padding == "SAME" else (0, 0)
    if options.pads is not None:
        rows, cols = options.pads[:2], options.pads[2:]
    return np.pad(values, ((0, 0), rows, cols, (0, 0)), constant_values=fill)


def largest(values: Array, size: tuple[int, int], stride: tuple[int, int]) -> Array:
    return windows(values, size, stride).max(axis=(3, 4))[None]


def conv(graph: Graph, op: Operator, inputs: list[Array]) -> Array:
    assert isinstance(op.options, Window2D)
    source, weights = (graph.tensors[t] for t in op.inputs[:2])
    kernel = (weights.shape[1], weights.shape[2])
    padded = surrounded(real(source, inputs[0]), op.options, kernel, 0.0)
    sums = np.einsum("rcikl,okli->rco", windows(padded, kernel, op.options.stride), real(weights, inputs[1]))
    found = quantised(graph.tensors[op.output], sums[None], op.options.activation)
    return largest(found, op.options.pool, op.options.pool) if op.options.pool != (1, 1) else found


def pool(graph: Graph, op: Operator, inputs: list[Array]) -> Array:
    assert isinstance(op.options, Window2D)
    found = largest(surrounded(inputs[0], op.options, op.options.size, -128), op.options.size, op.options.stride)
    output = graph.tensors[op.output]
    return quantised(output, real(output, found), op.options.activation)


def pad(graph: Graph, op: Operator, inputs: list[Array]) -> Array:
    return np.pad(inputs[0], inputs[1].tolist(), constant_values=graph.tensors[op.output].quant.zero_point)


def relu(graph: Graph, op: Operator, inputs: list[Array]) -> Array:
    return quantised(graph.tensors[op.output], real(graph.tensors[op.inputs[0]], inputs[0]), op.kind)


def reshape(graph: Graph, op: Operator, inputs: list[Array]) -> Array:
    return inputs[0].reshape(graph.tensors[op.output].shape)


def add(graph: Graph, op: Operator, inputs: list[Array]) -> Array:
    assert isinstance(op.options, Activation)
    total = sum(real(graph.tensors[t], values) for t, values in zip(op.inputs, inputs, strict=True))
    return quantised(graph.tensors[op.output], np.asarray(total), op.options.activation)


OPERATORS = {
    "CONV_2D": conv, "MAX_POOL_2D": pool, "PAD": pad, "RELU": relu, "RELU6": relu, "RESHAPE": reshape, "ADD": add,
}  # fmt: skip
SEGMENTS = (
    ("PAD", "CONV_2D"), ("CONV_2D", "RELU"), ("CONV_2D", "RELU6", "MAX_POOL_2D"), ("CONV_2D", "MAX_POOL_2D"),
    ("RESHAPE",), ("MAX_POOL_2D", "RELU"), ("CONV_2D", "RELU", "ADD"), ("PAD", "RELU", "ADD"), ("ADD", "RELU"),
    ("CONV_2D", "RELU6", "RELU"),
)  # fmt: skip


@st.composite
def chains(draw: st.DrawFn, tiny: Any) -> bytes:
    """A model of some segments, one behind the other; ADD also reads the tensor before the last one, if it can."""
    model, random = tiny(), np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = (1, draw(st.integers(4, 8)), draw(st.integers(4, 8)), draw(st.integers(1, 3)))
    tensor = source = model.tensor(shape, **QUANT)
    before_last, shape_before_last = source, shape
    for kind in chain.from_iterable(draw(st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=3))):
        last, shape_of_last = tensor, shape
        quant = QUANT if draw(st.integers(0, 3)) else QUANT | {"scale": 0.5}
        before = model.tensors[tensor].quantization
        kept = {"scale": float(before.scale[0]), "zero_point": int(before.zeroPoint[0])}
        if kind == "CONV_2D":
            kernel, same = draw(st.sampled_from([1, 3])), draw(st.booleans())
            made = (1, *(n if same else n - kernel + 1 for n in shape[1:3]), draw(st.integers(1, 3)))
            if min(made) < 1:
                continue
            size = (made[3], kernel, kernel, shape[3])
            weights = model.tensor(size, scale=1 / 16, data=random.integers(-20, 21, size))
            options = {
                "strideH": 1,
                "strideW": 1,
                "padding": int(not same),
                "fusedActivationFunction": draw(st.sampled_from([0, 1, 3])),
            }
            tensor = model.operator(kind, [tensor, weights], model.tensor(made, **quant), "Conv2DOptions", **options)
        elif kind == "PAD":
            around = [(0, 0), *((draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(2)), (0, 0)]
            made = tuple(n + a + b for n, (a, b) in zip(shape, around, strict=True))
            amounts = model.tensor([4, 2], "int32", data=around)
            tensor = model.operator(kind, [tensor, amounts], model.tensor(made, **kept), "PadOptions")
        elif kind == "MAX_POOL_2D":
            made = (1, shape[1] // 2, shape[2] // 2, shape[3])
            if min(made) < 1:
                continue
            options = {"strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2, "padding": 1}
            tensor = model.operator(kind, [tensor], model.tensor(made, **kept), "Pool2DOptions", **options)
        elif kind == "RESHAPE":
            made = (1, shape[2], shape[1], shape[3])
            new_shape = model.tensor([4], "int32", data=made)
            tensor = model.operator(kind, [tensor, new_shape], model.tensor(made, **kept), "ReshapeOptions")
        elif kind == "ADD":
            made = shape
            other = before_last if shape_before_last == shape else tensor
            tensor = model.operator(kind, [tensor, other], model.tensor(made, **quant), "AddOptions")
        else:
            made = shape
            tensor = model.operator(kind, [tensor], model.tensor(made, **quant))
        shape = made
        before_last, shape_before_last = last, shape_of_last
    if tensor == source:
        tensor = model.operator("RELU", [source], model.tensor(shape, **QUANT))
    return bytes(model.finish(source, tensor))


@settings(max_examples=100)
@given(st.data(), st.integers(0, 2**32))
def test_the_outputs_stay_and_operators_become_fewer(tiny: Any, data: st.DataObject, seed: int) -> None:
    graph = read_model(data.draw(chains(tiny)))
    values = np.random.default_rng(seed).integers(-128, 128, graph.tensors[graph.inputs[0]].shape).astype(np.int8)
    simplified = simplify(graph)
    assert len(simplified.operators) <= len(graph.operators)
    assert np.array_equal(run(simplified, values).ravel(), run(graph, values).ravel())


def test_each_kind_of_merge_occurs_in_the_random_chains(tiny: Any) -> None:
    titles: set[str] = set()

    @settings(max_examples=150, database=None, derandomize=True)
    @given(st.data())
    def collect(data: st.DataObject) -> None:
        graph = read_model(data.draw(chains(tiny)))
        simplified = simplify(graph)
        titles.update(name for op in simplified.operators for name in op.fused)
        if simplified.views:
            titles.add("view")

    collect()
    assert titles == {"RELU", "RELU6", "PAD", "MAX_POOL_2D 2x2", "view"}
