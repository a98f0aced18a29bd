"""Damaged models: each is a clear error, never a crash."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.schema_py_generated import Int32VectorT
from mutated_models import mutate, originals, small_net
from tiny_model import TinyModel

from ei_toolkit.eon.blockers import BlockedModelError
from ei_toolkit.eon.compile import compile_model
from ei_toolkit.eon.reader import MAX_INPUTS, MAX_ITEMS, MAX_NAME, MAX_SCALES, read_model
from ei_toolkit.errors import DataError, MissingToolError, UnsupportedModelError


def survive(models: list[bytes], count: int) -> int:
    """Compile mutated models; every failure must be a DataError. Returns how many compiled."""
    compiled = 0
    for seed in range(count):
        chance = random.Random(seed)
        try:
            compile_model(mutate(chance.choice(models), chance), ram_optimized=bool(seed % 2))
            compiled += 1
        except DataError as error:
            assert str(error)
    return compiled


def test_mutated_models_end_in_clear_errors() -> None:
    compiled = survive(originals(), 1000)
    assert 0 < compiled < 1000


@pytest.mark.exhaustive
@pytest.mark.timeout(1200)
def test_ten_thousand_mutations() -> None:
    assert 0 < survive(originals(), 10_000) < 10_000


def test_truncation_anywhere_is_an_error(tiny: Any) -> None:
    content = small_net(tiny)
    for end in range(0, len(content) - 1, 7):
        with pytest.raises(DataError):
            compile_model(content[:end])


@pytest.mark.parametrize("content", [b"", b"TFL3", b"not a model at all", b"\0" * 64, b"\x1c\0\0\0TFL3" + b"\xff" * 64])
def test_bytes_that_are_not_a_model_are_an_error(content: bytes) -> None:
    with pytest.raises(DataError, match="model"):
        compile_model(content)


def test_float_amid_int8_is_refused(tiny: Any) -> None:
    model = tiny()
    source = model.tensor((1, 4, 4, 1), scale=0.1)
    output = model.tensor((1, 4, 4, 1), "float32")
    pool = {"strideH": 1, "strideW": 1, "filterHeight": 1, "filterWidth": 1}
    model.operator("MAX_POOL_2D", [source], output, "Pool2DOptions", **pool)
    with pytest.raises(UnsupportedModelError, match="MAX_POOL_2D") as caught:
        compile_model(model.finish(source, output))
    assert "mixes int8 and float32" in caught.value.why


def test_weights_that_are_not_constant_are_refused(tiny: Any) -> None:
    model = tiny()
    source = model.tensor((2, 2), scale=0.1)
    output = model.tensor((2, 2), scale=0.1)
    model.operator("FULLY_CONNECTED", [source, source, -1], output, "FullyConnectedOptions")
    with pytest.raises(UnsupportedModelError, match="FULLY_CONNECTED") as caught:
        compile_model(model.finish(source, output))
    assert "weights are not constant" in caught.value.why


def test_a_sum_that_could_overflow_is_refused(tiny: Any) -> None:
    model = tiny()
    source = model.tensor((1, 2), scale=0.1)
    weights = model.tensor((1, 2), scale=0.1, data=[[127, 127]])
    bias = model.tensor([1], "int32", scale=0.01, data=[2**31 - 1])
    output = model.tensor((1, 1), scale=0.1)
    model.operator("FULLY_CONNECTED", [source, weights, bias], output, "FullyConnectedOptions")
    with pytest.raises(UnsupportedModelError) as caught:
        compile_model(model.finish(source, output))
    assert "overflow" in caught.value.why


def test_an_output_of_another_shape_is_refused(tiny: Any) -> None:
    content = small_net(tiny)
    with pytest.raises(DataError):
        compile_model(content.replace((3).to_bytes(4, "little") * 2, (7).to_bytes(4, "little") * 2))


def test_a_fused_convolution_must_have_had_the_shape_it_declares(tiny: Any) -> None:
    content = small_net(tiny)
    strides = [at for at in range(len(content) - 8) if content[at : at + 8] == bytes((1, 0, 0, 0, 1, 0, 0, 0))]
    assert strides
    for at in strides:
        with pytest.raises(DataError):
            compile_model(content[: at + 1] + b"\x01" + content[at + 2 :])  # a stride, size or code of 257


def test_padding_that_does_not_make_the_declared_shape_is_refused(tiny: Any) -> None:
    content = small_net(tiny, pad=True)
    amounts = np.array([0, 0, 1, 1, 0, 0, 0, 0], dtype="<i4").tobytes()
    assert amounts in content
    wrong = np.array([0, 0, 2, 1, 0, 0, 0, 0], dtype="<i4").tobytes()
    with pytest.raises(UnsupportedModelError, match="PAD"):
        compile_model(content.replace(amounts, wrong))


def test_an_operator_cannot_read_what_is_not_yet_written(tiny: Any) -> None:
    model = tiny()
    source, middle, output = (model.tensor((1, 4), scale=0.1) for _ in range(3))
    model.operator("RELU", [middle], output)
    model.operator("RELU", [source], middle)
    with pytest.raises(DataError, match="before it is written"):
        compile_model(model.finish(source, output))


def test_a_name_cannot_leave_its_comment(tiny: Any) -> None:
    model = tiny()
    source, output = model.tensor((1, 4), scale=0.1), model.tensor((1, 4), scale=0.1)
    model.tensors[output].name = b"evil\n#error \\\n??/"
    model.operator("RELU", [source], output)
    text = compile_model(model.finish(source, output)).source
    assert "\n#error" not in text and "\\\n" not in text


@pytest.mark.parametrize("kind", ["RELU", "CONCATENATION"])
def test_an_operator_with_too_many_inputs_is_named(tiny: Any, kind: str) -> None:
    model = tiny()
    source, output = model.tensor((1, 4), scale=0.1), model.tensor((1, 4), scale=0.1)
    options = "ConcatenationOptions" if kind == "CONCATENATION" else None
    model.operator(kind, [source] * (MAX_INPUTS + 1), output, options)
    with pytest.raises(UnsupportedModelError, match=rf"operator 0 \({kind}\) has 65 inputs") as caught:
        read_model(model.finish(source, output))
    assert caught.value.why and caught.value.hint


def test_a_wide_concatenation_is_read(tiny: Any) -> None:
    model = tiny()
    source, output = model.tensor((1, 4), scale=0.1), model.tensor((1, 4 * MAX_INPUTS), scale=0.1)
    model.operator("CONCATENATION", [source] * MAX_INPUTS, output, "ConcatenationOptions", axis=1)
    assert len(compile_model(model.finish(source, output)).layers[0].inputs) == MAX_INPUTS


def test_constants_are_views_of_the_file(tiny: Any) -> None:
    model = tiny()
    source, output = model.tensor((1, 4), scale=0.1), model.tensor((1, 4), scale=0.1)
    first = model.tensor((2, 2), "int32", data=[[1, 2], [3, -4]])
    second = model.tensor((4,), "int32")
    model.tensors[second].buffer = model.tensors[first].buffer
    model.operator("RELU", [source], output)
    content = model.finish(source, output)
    a, b = (read_model(content).tensors[t].data for t in (first, second))
    assert a is not None and b is not None
    assert a.tolist() == [[1, 2], [3, -4]] and b.tolist() == [1, 2, 3, -4]
    assert np.shares_memory(a, b) and np.shares_memory(a, np.frombuffer(content, np.uint8))


def test_constants_that_the_file_does_not_align_are_read(tiny: Any) -> None:
    model = tiny()
    source, output = model.tensor((1, 4), scale=0.1), model.tensor((1, 4), scale=0.1)
    words = model.tensor((3,), "int32", data=[7, 8, 9])
    model.operator("RELU", [source], output)
    content = model.finish(source, output)
    root = int.from_bytes(content[:4], "little")
    shifted = (root + 1).to_bytes(4, "little") + content[4:8] + b"\0" + content[8:]
    data = read_model(shifted).tensors[words].data
    assert data is not None and data.tolist() == [7, 8, 9] and not data.flags.aligned


def test_more_scales_than_any_model_has_are_refused(tiny: Any) -> None:
    model = tiny()
    source, output = model.tensor((1, 4), scale=0.1), model.tensor((1, 4), scale=0.1)
    for _ in range(2):
        model.tensor((MAX_SCALES // 2 + 1,), scale=[0.1] * (MAX_SCALES // 2 + 1))
    model.operator("RELU", [source], output)
    with pytest.raises(DataError, match="has 262148 scales"):
        read_model(model.finish(source, output))


def test_a_long_name_is_cut(tiny: Any) -> None:
    model = tiny()
    source, output = model.tensor((1, 4), scale=0.1), model.tensor((1, 4), scale=0.1)
    model.tensors[output].name = b"n" * 100_000
    model.operator("RELU", [source], output)
    assert len(read_model(model.finish(source, output)).tensors[output].name) == MAX_NAME


def relu(tiny: Any) -> Any:
    """A model of one RELU: tensor 0 is the input, 1 the output, 2 a constant of four words."""
    model = tiny()
    source, output = model.tensor((1, 4), scale=0.1, zero_point=5), model.tensor((1, 4), scale=0.1)
    model.tensor((4,), "int32", data=[1, 2, 3, 4])
    model.operator("RELU", [source], output)
    return model


Change = Callable[[Any], None]


def change_all(thing: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(thing, name, value)


def change_tensor(index: int, **values: Any) -> Change:
    return lambda model: change_all(model.tensors[index], values)


def change_scale(index: int, **values: Any) -> Change:
    return lambda model: change_all(model.tensors[index].quantization, values)


def change_operator(**values: Any) -> Change:
    return lambda model: change_all(model.operators[0], values)


def test_tensors_and_operators_are_those_of_the_file(tiny: Any) -> None:
    graph = read_model(relu(tiny).finish(0, 1))
    assert [(t.name, t.shape, t.dtype, t.bytes) for t in graph.tensors] == [
        ("t0", (1, 4), "int8", 4), ("t1", (1, 4), "int8", 4), ("t2", (4,), "int32", 16),
    ]  # fmt: skip
    assert (graph.inputs[0], graph.outputs[0], graph.tensors[0].quant.zero_point) == (0, 1, 5)
    (op,) = graph.operators
    assert (op.kind, op.inputs, op.output, op.title) == ("RELU", (0,), 1, "RELU")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_tensor(0, shape=[1, 0]), r"tensor t0 has the impossible shape \(1, 0\)"),
        (change_tensor(0, shape=[1, -4]), r"tensor t0 has the impossible shape \(1, -4\)"),
        (change_tensor(0, shape=[1 << 13, 1 << 12]), r"tensor t0 has the impossible shape \(8192, 4096\)"),
        (change_tensor(0, shape=[1] * 9), "the model has 9 dimensions"),
        (change_tensor(2, shape=[5]), r"tensor t2 \(5,\) needs 20 bytes, its buffer holds 16"),
        (change_tensor(2, buffer=7), "tensor t2 refers to buffer 7, which does not exist"),
        (change_scale(0, scale=[0.0]), "tensor t0 has a scale that is not a positive number"),
        (change_scale(0, scale=[float("nan")]), "tensor t0 has a scale that is not a positive number"),
        (
            change_scale(0, scale=[0.1] * 4, quantizedDimension=0),
            r"4 scales, which fit none of its dimensions \(1, 4\)",
        ),
        (
            change_scale(0, scale=[0.1] * 4, quantizedDimension=2),
            r"4 scales, which fit none of its dimensions \(1, 4\)",
        ),
        (change_scale(0, scale=[0.1] * 4, quantizedDimension=1), "tensor t0 has 4 scales and 1 zero points"),
        (change_scale(0, zeroPoint=[128]), "tensor t0 has a zero point outside int8"),
        (change_tensor(0, type=99), "tensor t0 is of type #99, which does not exist"),
        (change_operator(opcodeIndex=3), "operator 0 refers to an operator code that does not exist"),
        (change_operator(inputs=[9]), r"operator 0 \(RELU\) refers to a tensor that does not exist"),
        (change_operator(outputs=[-1]), r"operator 0 \(RELU\) refers to a tensor that does not exist"),
        (change_operator(outputs=[0]), r"operator 0 \(RELU\) writes t0 a second time"),
    ],
)
def test_a_value_that_cannot_be_is_named(tiny: Any, change: Change, message: str) -> None:
    model = relu(tiny)
    change(model)
    with pytest.raises(DataError, match=message):
        read_model(model.finish(0, 1))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (change_tensor(0, type=1), "it is float16"),
        (change_operator(outputs=[]), "it has 0 outputs"),
        (change_operator(outputs=[3, 1]), "it has 2 outputs"),
    ],
)
def test_what_the_compiler_does_not_know_is_kept_and_named(tiny: Any, change: Change, problem: str) -> None:
    model = relu(tiny)
    change(model)
    model.tensor((1, 4), scale=0.1)
    with pytest.raises(BlockedModelError) as caught:
        compile_model(model.finish(0, 1 if model.operators[0].outputs else 0))
    assert problem in [blocker.problem for blocker in caught.value.blockers]


def test_a_model_has_inputs_that_exist(tiny: Any) -> None:
    assert read_model(relu(tiny).finish(0, 1, 2)).inputs == (0, 2)
    with pytest.raises(UnsupportedModelError, match="the model names one tensor as two inputs"):
        read_model(relu(tiny).finish(0, 1, 0))
    with pytest.raises(DataError, match="the model's input is a tensor that does not exist"):
        read_model(relu(tiny).finish(77, 1))


def test_all_blockers_are_listed_with_operator_layer_and_what_to_change(tiny: Any) -> None:
    model = tiny()
    source, output = (model.tensor((1, 4), scale=0.1) for _ in range(2))
    before = source
    for _ in range(5):
        before, value = model.tensor((1, 4), scale=0.1), before
        model.operator("TOPK_V2", [value], before)
    model.operator("WHERE", [before], output)
    with pytest.raises(BlockedModelError) as caught:
        compile_model(model.finish(source, output))
    text = str(caught.value)
    listed = "0 (TOPK_V2, layer 't2'), 1 (TOPK_V2, layer 't3'), 2 (TOPK_V2, layer 't4') and 2 more"
    named = f"operators {listed} are not supported"
    assert f"for 2 reasons:\n  {named}: the compiler has no kernel for it. Return the scores" in text
    assert "\n  operator 5 (WHERE) is not supported, layer 't1': the compiler has no kernel for it. Replace" in text
    assert [b.operator for b in caught.value.blockers] == [0, 1, 2, 3, 4, 5]


def test_fields_without_a_meaning_for_the_tensor_are_ignored(tiny: Any) -> None:
    """Converters copy the axis of the weights to the bias, and scales of zero to tensors that are not quantised."""
    model = relu(tiny)
    scales = [0.1, 0.2, 0.3, 0.4]
    model.tensor((4,), "int32", scale=scales, axis=3, data=[1, 2, 3, 4])
    model.tensor((4,), scale=scales, axis=3, data=[1, 2, 3, 4])
    model.tensor((2, 4), "float32", scale=[0.0], zero_point=900)
    tensors = read_model(model.finish(0, 1)).tensors
    assert tensors[4].quant.axis == 0 and len(tensors[4].quant.scales) == 4
    assert tensors[3].quantization is None and tensors[5].quantization is None


def test_empty_tensors_are_refused_only_where_they_are_used(tiny: Any) -> None:
    model = relu(tiny)
    unused = model.tensor((0,), "float32")
    assert read_model(model.finish(0, 1)).tensors[unused].elements == 0
    model.operators[0].inputs = [unused]
    with pytest.raises(DataError, match=r"tensor t3 has the impossible shape \(0,\)") as caught:
        read_model(model.finish(0, 1))
    assert "fixed size" in caught.value.hint


def test_tensors_without_a_name_have_their_number(tiny: Any) -> None:
    model = relu(tiny)
    model.tensors[0].name, model.tensors[1].name = None, b"gr\xff\xc3\xb6\xc3\x9fe"
    graph = read_model(model.finish(0, 1))
    assert [t.name for t in graph.tensors[:2]] == ["tensor 0", "gr\N{REPLACEMENT CHARACTER}öße"]


def test_missing_zero_points_are_zero(tiny: Any) -> None:
    model = relu(tiny)
    model.tensors[0].quantization.zeroPoint = None
    assert read_model(model.finish(0, 1)).tensors[0].quant.zero_points == (0,)


def test_without_the_packages_for_flatbuffers_the_extra_is_named(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    content = relu(tiny).finish(0, 1)
    monkeypatch.setitem(sys.modules, "tflite", None)
    with pytest.raises(MissingToolError) as caught:
        read_model(content)
    assert caught.value.hint == "pip install 'eitk[firmware]'"


def test_more_tensors_than_any_board_runs_are_refused(tiny: Any) -> None:
    model = relu(tiny)
    for _ in range(MAX_ITEMS - 2):
        model.tensor((1,), "float32")
    with pytest.raises(DataError, match=r"the model has 2001 tensors \(at most 2000 are supported\)"):
        read_model(model.finish(0, 1))


def test_a_float_tensor_has_no_scale(tiny: Any) -> None:
    model = tiny()
    source, output = model.tensor((1, 4), "float32"), model.tensor((1, 4), "float32")
    model.operator("RELU", [source], output)
    tensor = read_model(model.finish(source, output)).tensors[source]
    with pytest.raises(UnsupportedModelError, match="tensor t0 has no quantisation") as caught:
        _ = tensor.quant
    assert caught.value.hint == "Convert the whole model to int8, or the whole to float."


def sparse_matrix(**changes: Any) -> bytes:
    """A dense layer with sparse weights; `changes` are those of the level that lists the columns."""
    model = TinyModel()
    source, output = model.tensor((1, 3), "float32"), model.tensor((1, 2), "float32")
    weights = model.tensor((2, 3), "float32", data=[1, 2, 3])
    model.make_sparse(weights, [[0, 2], [1]], block=1)
    change_all(model.tensors[weights].sparsity.dimMetadata[1], changes)
    model.operator("FULLY_CONNECTED", [source, weights, -1], output, "FullyConnectedOptions")
    return model.finish(source, output)


def numbers(values: list[int]) -> Any:
    made = Int32VectorT()
    made.values = values
    return made


def test_sparse_weights_are_read_as_dense() -> None:
    data = read_model(sparse_matrix()).tensors[2].data
    assert data is not None and data.tolist() == [[1, 0, 2], [0, 3, 0]]


@pytest.mark.parametrize(
    "change",
    [
        {"arraySegments": numbers([0, 2])},
        {"arraySegments": numbers([0, 2, 9])},
        {"arraySegments": numbers([2, 0, 3])},
        {"arraySegments": numbers([0, -1, 3])},
        {"arrayIndices": numbers([0, 3, 1])},
        {"arrayIndices": numbers([0, -1, 1])},
        {"arrayIndices": numbers([0])},
        {"format": 0, "denseSize": 4},
        {"format": 0, "denseSize": 1 << 30},
    ],
)
def test_sparse_weights_that_do_not_fit_are_damage(change: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="the sparse tensor t2 is damaged"):
        read_model(sparse_matrix(**change))
