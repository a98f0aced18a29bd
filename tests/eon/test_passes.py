"""Each pass makes the graph smaller where it may, and leaves it alone where it must."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ei_toolkit.eon.graph import Graph, Window2D
from ei_toolkit.eon.passes.constant_folding import fold_constants
from ei_toolkit.eon.passes.padding import fold_padding
from ei_toolkit.eon.passes.pools import fuse_pools
from ei_toolkit.eon.passes.relu import fuse_relu
from ei_toolkit.eon.passes.views import drop_views
from ei_toolkit.eon.reader import read_model
from ei_toolkit.errors import DataError, UnsupportedModelError

QUANT: dict[str, Any] = {"scale": 0.1, "zero_point": -128}


def kinds(graph: Graph) -> list[str]:
    return [op.title for op in graph.operators]


def add_conv(model: Any, source: int, out_shape: tuple[int, ...], **quant: Any) -> int:
    """A VALID 1 x 1 convolution that keeps the number of channels."""
    channels = out_shape[3]
    weights = model.tensor((channels, 1, 1, channels), scale=0.01, data=np.eye(channels).reshape(channels, 1, 1, -1))
    output = model.tensor(out_shape, **(quant or QUANT))
    return int(model.operator("CONV_2D", [source, weights], output, "Conv2DOptions", strideH=1, strideW=1, padding=1))


def add_pool(model: Any, source: int, out_shape: tuple[int, ...], size: int, stride: int) -> int:
    values = {"strideH": stride, "strideW": stride, "filterHeight": size, "filterWidth": size, "padding": 1}
    return int(model.operator("MAX_POOL_2D", [source], model.tensor(out_shape, **QUANT), "Pool2DOptions", **values))


def test_the_shape_arithmetic_of_a_dynamic_batch_disappears(tiny: Any) -> None:
    model = tiny()
    source = model.tensor((1, 6), **QUANT)
    shape = model.operator("SHAPE", [source], model.tensor([2], "int32"), "ShapeOptions")
    zero, one = model.tensor([1], "int32", data=[0]), model.tensor([1], "int32", data=[1])
    batch = model.tensor([], "int32")
    model.operator("STRIDED_SLICE", [shape, zero, one, one], batch, "StridedSliceOptions", shrinkAxisMask=1)
    two, three = model.tensor([], "int32", data=2), model.tensor([], "int32", data=3)
    packed = model.tensor([3], "int32")
    model.operator("PACK", [batch, two, three], packed, "PackOptions", axis=0, valuesCount=3)
    output = model.operator("RESHAPE", [source, packed], model.tensor((1, 2, 3), **QUANT), "ReshapeOptions")
    graph = fold_constants(read_model(model.finish(source, output)))
    assert kinds(graph) == ["RESHAPE"]
    assert graph.tensors[packed].data is not None and graph.tensors[packed].data.tolist() == [1, 2, 3]


def test_reshapes_become_views_of_one_memory(tiny: Any) -> None:
    model = tiny()
    source = model.tensor((1, 8), **QUANT)
    shape = model.tensor([4], "int32", data=[1, 2, 2, 2])
    image = model.operator("RESHAPE", [source, shape], model.tensor((1, 2, 2, 2), **QUANT), "ReshapeOptions")
    convolved = add_conv(model, image, (1, 2, 2, 2))
    output = model.operator("RESHAPE", [convolved, shape], model.tensor((1, 8), **QUANT), "ReshapeOptions")
    graph = drop_views(read_model(model.finish(source, output)))
    assert kinds(graph) == ["CONV_2D"]
    assert graph.root(image) == source and graph.root(output) == convolved


def test_a_reshape_that_changes_the_scale_is_refused(tiny: Any) -> None:
    model = tiny()
    source, output = model.tensor((1, 4), scale=0.1), model.tensor((2, 2), scale=0.2)
    model.operator("RESHAPE", [source, model.tensor([2], "int32", data=[2, 2])], output, "ReshapeOptions")
    with pytest.raises(UnsupportedModelError, match="changes the quantisation"):
        drop_views(read_model(model.finish(source, output)))


def test_a_reshape_that_loses_elements_is_refused(tiny: Any) -> None:
    model = tiny()
    source, output = model.tensor((1, 4), **QUANT), model.tensor((1, 3), **QUANT)
    model.operator("RESHAPE", [source, model.tensor([2], "int32", data=[1, 3])], output, "ReshapeOptions")
    with pytest.raises(DataError, match=r"turns \(1, 4\) into \(1, 3\)"):
        drop_views(read_model(model.finish(source, output)))


@pytest.mark.parametrize(("scale", "expected"), [(0.1, ["CONV_2D + RELU6"]), (0.2, ["CONV_2D", "RELU6"])])
def test_a_relu_is_fused_where_the_scale_stays(tiny: Any, scale: float, expected: list[str]) -> None:
    model = tiny()
    source = model.tensor((1, 4, 4, 2), **QUANT)
    convolved = add_conv(model, source, (1, 4, 4, 2))
    output = model.operator("RELU6", [convolved], model.tensor((1, 4, 4, 2), scale=scale, zero_point=-128))
    graph = fuse_relu(read_model(model.finish(source, output)))
    assert kinds(graph) == expected
    assert isinstance(graph.operators[0].options, Window2D)
    assert (graph.operators[0].options.activation == "RELU6") == (len(expected) == 1)


def test_a_relu_is_not_fused_where_others_read_the_convolution(tiny: Any) -> None:
    model = tiny()
    source = model.tensor((1, 4, 4, 2), **QUANT)
    convolved = add_conv(model, source, (1, 4, 4, 2))
    rectified = model.operator("RELU", [convolved], model.tensor((1, 4, 4, 2), **QUANT))
    output = model.operator("ADD", [convolved, rectified], model.tensor((1, 4, 4, 2), **QUANT), "AddOptions")
    assert kinds(fuse_relu(read_model(model.finish(source, output)))) == ["CONV_2D", "RELU", "ADD"]


def test_padding_in_front_becomes_the_convolutions_own(tiny: Any) -> None:
    model = tiny()
    source = model.tensor((1, 4, 4, 2), **QUANT)
    amounts = model.tensor([4, 2], "int32", data=[[0, 0], [2, 0], [1, 1], [0, 0]])
    padded = model.operator("PAD", [source, amounts], model.tensor((1, 6, 6, 2), **QUANT), "PadOptions")
    output = add_conv(model, padded, (1, 6, 6, 2))
    graph = fold_padding(read_model(model.finish(source, output)))
    assert kinds(graph) == ["CONV_2D + PAD"]
    assert isinstance(graph.operators[0].options, Window2D)
    assert graph.operators[0].options.pads == (2, 0, 1, 1)


def test_padding_of_channels_stays(tiny: Any) -> None:
    model = tiny()
    source = model.tensor((1, 4, 4, 1), **QUANT)
    amounts = model.tensor([4, 2], "int32", data=[[0, 0], [0, 0], [0, 0], [0, 1]])
    padded = model.operator("PAD", [source, amounts], model.tensor((1, 4, 4, 2), **QUANT), "PadOptions")
    output = add_conv(model, padded, (1, 4, 4, 2))
    assert kinds(fold_padding(read_model(model.finish(source, output)))) == ["PAD", "CONV_2D"]


@pytest.mark.parametrize(
    ("size", "stride", "expected"),
    [(2, 2, ["CONV_2D + MAX_POOL_2D 2x2"]), (2, 1, ["CONV_2D", "MAX_POOL_2D"]), (3, 3, ["CONV_2D", "MAX_POOL_2D"])],
)
def test_small_pools_are_fused_into_convolutions(tiny: Any, size: int, stride: int, expected: list[str]) -> None:
    model = tiny()
    source = model.tensor((1, 6, 6, 2), **QUANT)
    convolved = add_conv(model, source, (1, 6, 6, 2))
    out = (6 - size) // stride + 1
    output = add_pool(model, convolved, (1, out, out, 2), size, stride)
    assert kinds(fuse_pools(read_model(model.finish(source, output)))) == expected
