"""Each pass changes the graph only where the outputs stay the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_toolkit.eon.graph import Graph, Window2D
from ei_toolkit.eon.kernels import lower
from ei_toolkit.eon.passes import simplify
from ei_toolkit.eon.passes.constant_folding import FOLDERS, MOST_BYTES, fold_constants
from ei_toolkit.eon.passes.fusion import drop_views, fold_padding, fuse_pools, fuse_relu
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


def fold(tiny: Any, kind: str, parts: list[dict[str, Any]], output: dict[str, Any], **values: Any) -> np.ndarray:
    """Return the result of an operator on constants."""
    model = tiny()
    source, end = model.tensor((1, 4), **QUANT), model.tensor((1, 4), **QUANT)
    inputs = [model.tensor(np.shape(part["data"]), **part) for part in parts]
    made = model.tensor(**output)
    model.operator(kind, inputs, made, OPTIONS.get(kind), **values)
    model.operator("RELU", [source], end)
    graph = fold_constants(read_model(model.finish(source, end)))
    lower(graph)
    assert kinds(graph) == ["RELU"]
    data = graph.tensors[made].data
    assert data is not None
    return np.array(data)


OPTIONS = {
    "CONCATENATION": "ConcatenationOptions",
    "PACK": "PackOptions",
    "STRIDED_SLICE": "StridedSliceOptions",
    "SHAPE": "ShapeOptions",
}
BYTES: dict[str, Any] = {"scale": 0.1, "data": [1, -2]}
WORDS: dict[str, Any] = {"dtype": "int32", "data": [1, -2]}
FLOATS: dict[str, Any] = {"dtype": "float32", "data": [1.0, -2.0]}


@pytest.mark.parametrize("part", [BYTES, WORDS, FLOATS], ids=["int8", "int32", "float32"])
def test_constants_are_joined(tiny: Any, part: dict[str, Any]) -> None:
    kind = {name: value for name, value in part.items() if name != "data"}
    assert fold(tiny, "CONCATENATION", [part, part], {"shape": (4,), **kind}, axis=0).tolist() == [1, -2, 1, -2]
    assert fold(tiny, "PACK", [part, part], {"shape": (2, 2), **kind}, axis=1).tolist() == [[1, 1], [-2, -2]]


def test_weights_are_dequantised_channel_by_channel(tiny: Any) -> None:
    scales = [0.1, 0.7, 1e-3]
    values = np.random.default_rng(3).integers(-128, 128, (5, 3)).astype(np.int8)
    part = {"scale": scales, "zero_point": -7, "axis": 1, "data": values}
    answer = fold(tiny, "DEQUANTIZE", [part], {"shape": (5, 3), "dtype": "float32"})
    exact = (values.astype(np.float64) + 7) * np.array(scales, np.float32)
    np.testing.assert_array_equal(answer, exact.astype(np.float32))


@pytest.mark.parametrize(
    ("kind", "part", "output", "values"),
    [
        ("CONCATENATION", BYTES, {"shape": (2,), "scale": 0.1}, {"axis": 0}),
        ("CONCATENATION", WORDS, {"shape": (2,), "dtype": "int32"}, {"axis": 0}),
        ("PACK", WORDS, {"shape": (2,), "dtype": "int32"}, {"axis": 0}),
        ("RESHAPE", WORDS, {"shape": (1, 1), "dtype": "int32"}, {}),
        ("DEQUANTIZE", BYTES, {"shape": (3,), "dtype": "float32"}, {}),
    ],
)
def test_a_result_of_another_size_is_refused_before_it_is_computed(
    tiny: Any,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    part: dict[str, Any],
    output: dict[str, Any],
    values: dict[str, Any],
) -> None:
    monkeypatch.setitem(FOLDERS, kind, lambda op, inputs: pytest.fail("it was computed"))
    with pytest.raises(DataError, match=rf"operator 0 \({kind}\)") as caught:
        fold(tiny, kind, [part] * 3, output, **values)
    assert caught.value.why


@pytest.mark.parametrize("kind", ["CONCATENATION", "PACK"])
@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"scale": 0.2, "data": [1, -2]}, "different scales"),
        ({"scale": 0.1, "zero_point": 3, "data": [1, -2]}, "different scales"),
        (WORDS, "int32"),
    ],
    ids=["scale", "zero point", "type"],
)
def test_constants_that_do_not_match_are_not_joined(tiny: Any, kind: str, other: dict[str, Any], why: str) -> None:
    output = {"shape": (4,) if kind == "CONCATENATION" else (2, 2), "scale": 0.1}
    with pytest.raises(UnsupportedModelError, match=rf"operator 0 \({kind}\)") as caught:
        fold(tiny, kind, [BYTES, other], output, axis=0)
    assert why in caught.value.why


@pytest.mark.parametrize("part", [BYTES, WORDS], ids=["int8", "int32"])
def test_a_join_of_constants_with_an_activation_is_refused(tiny: Any, part: dict[str, Any]) -> None:
    output = {"shape": (4,)} | {name: value for name, value in part.items() if name != "data"}
    with pytest.raises(UnsupportedModelError) as caught:
        fold(tiny, "CONCATENATION", [part, part], output, axis=0, fusedActivationFunction=1)
    assert "activation function RELU" in caught.value.why


@pytest.mark.parametrize(
    ("kind", "part", "output"),
    [
        ("DEQUANTIZE", BYTES, {"shape": (2,), "scale": 0.1}),
        ("DEQUANTIZE", WORDS, {"shape": (2,), "dtype": "float32"}),
        ("RESHAPE", WORDS, {"shape": (2,), "scale": 0.1}),
        ("SHAPE", WORDS, {"shape": (1,), "scale": 0.1}),
    ],
)
def test_constants_do_not_change_their_type_in_passing(
    tiny: Any, kind: str, part: dict[str, Any], output: dict[str, Any]
) -> None:
    with pytest.raises(UnsupportedModelError) as caught:
        fold(tiny, kind, [part], output)
    assert "it turns" in caught.value.why


def test_a_slice_of_more_dimensions_than_there_are_is_refused(tiny: Any) -> None:
    many = {"dtype": "int32", "data": [1] * 1000}
    with pytest.raises(DataError) as caught:
        fold(tiny, "STRIDED_SLICE", [WORDS, many, many, many], {"shape": (1,), "dtype": "int32"})
    assert caught.value.why == "its begins are not at most 64 whole numbers"


def test_constants_have_a_largest_size(tiny: Any) -> None:
    model = tiny()
    source, end = model.tensor((1, 4), **QUANT), model.tensor((1, 4), **QUANT)
    size = 1 << 20
    part = model.tensor((size,), scale=0.1, data=np.zeros(size))
    for _ in range(MOST_BYTES // (4 * size) + 1):
        model.operator("DEQUANTIZE", [part], model.tensor((size,), "float32"))
    model.operator("RELU", [source], end)
    with pytest.raises(DataError, match=r"larger than 64 MiB, .* operator 16 \(DEQUANTIZE\)") as caught:
        fold_constants(read_model(model.finish(source, end)))
    assert caught.value.why and caught.value.hint


def test_constants_that_do_not_fit_the_memory_are_a_clear_error(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(op: object, inputs: object) -> np.ndarray:
        raise MemoryError("Unable to allocate 23.4 GiB")

    monkeypatch.setitem(FOLDERS, "RESHAPE", exhausted)
    with pytest.raises(DataError, match="cannot be computed") as caught:
        fold(tiny, "RESHAPE", [WORDS], {"shape": (1, 2), "dtype": "int32"})
    assert "23.4 GiB" in caught.value.why


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
        lower(drop_views(read_model(model.finish(source, output))))


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


@st.composite
def slices(draw: st.DrawFn) -> tuple[np.ndarray, list[int], list[int], list[int], dict[str, int]]:
    """A constant, its begin, end and step in each dimension, and masks."""
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    begin = [draw(st.integers(0, n - 1)) for n in shape]
    end = [draw(st.integers(b + 1, n)) for b, n in zip(begin, shape, strict=True)]
    steps = [draw(st.integers(1, 2)) for _ in shape]
    masks = {name: draw(st.integers(0, 2 ** len(shape) - 1)) for name in ("beginMask", "endMask", "shrinkAxisMask")}
    return np.arange(np.prod(shape)).reshape(shape), begin, end, steps, masks


@settings(max_examples=60)
@given(slices())
def test_a_slice_of_a_constant_is_that_of_numpy(tiny: Any, case: Any) -> None:
    data, begin, end, steps, masks = case
    index: list[Any] = []
    for i, (first, last, step) in enumerate(zip(begin, end, steps, strict=True)):
        at = slice(None if masks["beginMask"] >> i & 1 else first, None if masks["endMask"] >> i & 1 else last, step)
        whole = (-1 if step < 0 else 0) if masks["beginMask"] >> i & 1 else first  # as the reference interpreter
        index.append(whole if masks["shrinkAxisMask"] >> i & 1 else at)
    expected = data[tuple(index)]
    words = [{"dtype": "int32", "data": each} for each in (data, begin, end, steps)]
    found = fold(tiny, "STRIDED_SLICE", words, {"shape": expected.shape, "dtype": "int32"}, **masks)
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_a_slice_outside_of_its_constant_is_an_error_and_no_other_value(tiny: Any, dtype: str) -> None:
    data = {"dtype": dtype, "data": [1, 2, 3]}
    five, one = {"dtype": "int32", "data": [5]}, {"dtype": "int32", "data": [1]}
    with pytest.raises(DataError, match=r"operator 0 \(STRIDED_SLICE\) .*cannot be computed"):
        fold(tiny, "STRIDED_SLICE", [data, five, one, one], {"shape": (), "dtype": dtype}, shrinkAxisMask=1)


@pytest.mark.parametrize("step", [0, -1])
def test_a_step_that_makes_another_number_of_values_is_an_error(tiny: Any, step: int) -> None:
    words = [{"dtype": "int32", "data": each} for each in ([1, 2, 3], [0], [3], [step])]
    with pytest.raises(DataError, match="cannot be computed"):
        fold(tiny, "STRIDED_SLICE", words, {"shape": (3,), "dtype": "int32"})


def test_an_operator_with_one_input_at_run_time_is_kept(tiny: Any) -> None:
    model = tiny()
    source = model.tensor((1, 4), **QUANT)
    part = model.tensor((1, 4), data=[[1, 2, 3, 4]], **QUANT)
    joined = model.tensor((1, 8), **QUANT)
    model.operator("CONCATENATION", [source, part], joined, "ConcatenationOptions", axis=1)
    graph = read_model(model.finish(source, joined))
    assert fold_constants(graph) == graph


def test_the_passes_do_not_change_the_graph_that_they_are_given(tiny: Any) -> None:
    model = tiny()
    source = model.tensor((1, 6, 6, 2), **QUANT)
    convolved = add_conv(model, source, (1, 6, 6, 2))
    pooled = add_pool(model, convolved, (1, 3, 3, 2), 2, 2)
    output = model.operator("RELU", [pooled], model.tensor((1, 3, 3, 2), **QUANT))
    content = model.finish(source, output)
    graph = read_model(content)
    assert kinds(simplify(graph)) != kinds(graph)
    assert kinds(graph) == kinds(read_model(content)) == ["CONV_2D", "MAX_POOL_2D", "RELU"]


def test_each_pass_changes_nothing_the_second_time(tiny: Any) -> None:
    model = tiny()
    source = model.tensor((1, 4, 4, 2), **QUANT)
    amounts = model.tensor([4, 2], "int32", data=[[0, 0], [1, 1], [1, 1], [0, 0]])
    padded = model.operator("PAD", [source, amounts], model.tensor((1, 6, 6, 2), **QUANT), "PadOptions")
    convolved = add_conv(model, padded, (1, 6, 6, 2))
    rectified = model.operator("RELU", [convolved], model.tensor((1, 6, 6, 2), **QUANT))
    pooled = add_pool(model, rectified, (1, 3, 3, 2), 2, 2)
    flat = model.tensor([2], "int32", data=[1, 18])
    output = model.operator("RESHAPE", [pooled, flat], model.tensor((1, 18), **QUANT), "ReshapeOptions")
    once = simplify(read_model(model.finish(source, output)))
    assert kinds(once) == ["CONV_2D + PAD + RELU + MAX_POOL_2D 2x2"]
    assert kinds(simplify(once)) == kinds(once)
    assert once.root(once.outputs[0]) == once.operators[0].output


@pytest.mark.parametrize("kind", ["RESHAPE", "EXPAND_DIMS", "SQUEEZE"])
def test_a_view_of_the_models_input_as_its_output_leaves_no_operator(tiny: Any, kind: str) -> None:
    model = tiny()
    source, shape = model.tensor((1, 4), **QUANT), model.tensor([1], "int32", data=[0])
    inputs = [source] if kind == "SQUEEZE" else [source, shape]
    output = model.operator(kind, inputs, model.tensor((1, 4) if kind != "SQUEEZE" else (4,), **QUANT))
    graph = drop_views(read_model(model.finish(source, output)))
    assert graph.operators == () and graph.root(graph.outputs[0]) == source


def test_a_pool_behind_a_convolution_that_is_read_twice_stays(tiny: Any) -> None:
    model = tiny()
    source = model.tensor((1, 4, 4, 2), **QUANT)
    convolved = add_conv(model, source, (1, 4, 4, 2))
    add_pool(model, convolved, (1, 2, 2, 2), 2, 2)
    output = model.operator("RELU", [convolved], model.tensor((1, 4, 4, 2), **QUANT))
    assert kinds(fuse_pools(read_model(model.finish(source, output))))[0] == "CONV_2D"


def test_padding_that_is_read_twice_stays(tiny: Any) -> None:
    model = tiny()
    source = model.tensor((1, 2, 2, 2), **QUANT)
    amounts = model.tensor([4, 2], "int32", data=[[0, 0], [1, 1], [1, 1], [0, 0]])
    padded = model.operator("PAD", [source, amounts], model.tensor((1, 4, 4, 2), **QUANT), "PadOptions")
    convolved = add_conv(model, padded, (1, 4, 4, 2))
    output = model.operator("ADD", [convolved, padded], model.tensor((1, 4, 4, 2), **QUANT), "AddOptions")
    assert kinds(fold_padding(read_model(model.finish(source, output)))) == ["PAD", "CONV_2D", "ADD"]


def padded_conv(tiny: Any, amounts: Any, padded: tuple[int, ...], *, rows: int = 4, **changes: Any) -> Graph:
    """A PAD of (1, rows, rows, 2) and a VALID convolution behind it, after the pass that folds the padding."""
    values = {"amounts": amounts, "quant": QUANT, "conv_padding": 1, "is_constant": True} | changes
    model = tiny()
    source = model.tensor((1, rows, rows, 2), **QUANT)
    table = model.tensor(np.shape(amounts), "int32", **({"data": amounts} if values["is_constant"] else {}))
    if not values["is_constant"]:
        model.operator("SHAPE", [source], table, "ShapeOptions")
    pad = model.operator("PAD", [source, table], model.tensor(padded, **values["quant"]), "PadOptions")
    weights = model.tensor((2, 1, 1, 2), scale=0.01, data=np.ones((2, 1, 1, 2)))
    output = model.tensor((1, *padded[1:3], 2), **QUANT)
    model.operator(
        "CONV_2D", [pad, weights], output, "Conv2DOptions", strideH=1, strideW=1, padding=values["conv_padding"]
    )
    return fold_padding(read_model(model.finish(source, output)))


EVEN = [[0, 0], [1, 1], [1, 1], [0, 0]]


def test_padding_of_rows_and_columns_is_folded(tiny: Any) -> None:
    graph = padded_conv(tiny, EVEN, (1, 6, 6, 2))
    assert kinds(graph) == ["CONV_2D + PAD"]
    assert graph.operators[0].inputs[0] == graph.inputs[0]


@pytest.mark.parametrize(
    ("amounts", "padded", "changes"),
    [
        (EVEN, (1, 6, 6, 2), {"conv_padding": 0}),  # its own padding would be added
        (EVEN, (1, 6, 6, 2), {"quant": {"scale": 0.2, "zero_point": -128}}),  # it changes the scale
        (EVEN, (1, 7, 6, 2), {}),  # the shape is not the padded one
        ([[0, 0], [-1, 3], [1, 1], [0, 0]], (1, 6, 6, 2), {}),
        ([[1, 0], [1, 1], [1, 1], [0, 0]], (2, 6, 6, 2), {}),
        ([[0, 0]] * 5, (1, 4, 4, 2), {}),
        (EVEN, (1, 6, 6, 2), {"is_constant": False}),
    ],
)
def test_padding_that_is_not_the_convolutions_own_stays(
    tiny: Any, amounts: Any, padded: tuple[int, ...], changes: dict[str, Any]
) -> None:
    assert kinds(padded_conv(tiny, amounts, padded, **changes))[-2:] == ["PAD", "CONV_2D"]


def test_padding_of_a_view_of_three_dimensions_is_folded_through_a_view_of_four(tiny: Any) -> None:
    """Keras pads a 1-D signal before it adds the dimension that the 2-D kernel needs."""
    model = tiny()
    source = model.tensor((1, 8, 2), **QUANT)
    amounts = model.tensor([3, 2], "int32", data=[[0, 0], [2, 1], [0, 0]])
    padded = model.operator("PAD", [source, amounts], model.tensor((1, 11, 2), **QUANT), "PadOptions")
    shape = model.tensor([1], "int32", data=[1])
    image = model.operator("EXPAND_DIMS", [padded, shape], model.tensor((1, 1, 11, 2), **QUANT))
    output = add_conv(model, image, (1, 1, 11, 2))
    graph = simplify(read_model(model.finish(source, output)))
    (conv,) = graph.operators
    assert conv.title == "CONV_2D + PAD"
    assert isinstance(conv.options, Window2D) and conv.options.pads == (0, 0, 2, 1)
    seen = graph.tensors[conv.inputs[0]]
    assert seen.shape == (1, 1, 8, 2) and graph.root(seen.index) == source


@pytest.mark.parametrize("change", ["type", "activation", "scale", "shape"])
def test_a_pool_that_changes_more_than_the_size_stays(tiny: Any, change: str) -> None:
    model = tiny()
    source = model.tensor((1, 4, 4, 2), **QUANT)
    convolved = add_conv(model, source, (1, 4, 4, 2))
    quant = {"scale": 0.3, "zero_point": -128} if change == "scale" else QUANT
    output = model.tensor((1, 2, 3, 2) if change == "shape" else (1, 2, 2, 2), **quant)
    kind = "AVERAGE_POOL_2D" if change == "type" else "MAX_POOL_2D"
    model.operator(kind, [convolved], output, "Pool2DOptions", strideH=2, strideW=2, filterHeight=2, filterWidth=2,
                   padding=1, fusedActivationFunction=int(change == "activation"))  # fmt: skip
    assert kinds(fuse_pools(read_model(model.finish(source, output)))) == ["CONV_2D", kind]


def test_a_convolution_whose_shape_contradicts_its_options_is_refused_before_its_pool_is_fused(tiny: Any) -> None:
    model = tiny()
    source = model.tensor((1, 4, 4, 2), **QUANT)
    convolved = add_conv(model, source, (1, 6, 6, 2))  # a 1 x 1 kernel keeps the size
    output = add_pool(model, convolved, (1, 3, 3, 2), 2, 2)
    with pytest.raises(UnsupportedModelError, match=r"operator 0 \(CONV_2D\)") as caught:
        lower(fuse_pools(read_model(model.finish(source, output))))
    assert caught.value.why == "its output is (6, 6), its options give (4, 4)"


def test_a_view_without_an_input_is_damage(tiny: Any) -> None:
    model = tiny()
    source, output = model.tensor((1, 4), **QUANT), model.tensor((1, 4), **QUANT)
    model.operator("SQUEEZE", [], output)
    with pytest.raises(DataError, match=r"operator 0 \(SQUEEZE\) has no input"):
        drop_views(read_model(model.finish(source, output)))
