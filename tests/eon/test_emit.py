"""The text of the generated C++: the numbers in it, its comments, and the same bytes for the same model."""

from __future__ import annotations

import hashlib
import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.config.project import bundled
from ei_toolkit.eon.blockers import BlockedModelError
from ei_toolkit.eon.compile import compile_model, kernel_files
from ei_toolkit.eon.emit import shape_text
from ei_toolkit.eon.graph import Tensor
from ei_toolkit.eon.literals import array, comment_text, double_literal, float_literal
from ei_toolkit.errors import UnsupportedModelError

WEIGHTS = [[1, -2, 127, -127], [0, 5, -6, 7]]


def dense(tiny: Any, name: bytes = b"out") -> bytes:
    """A dense layer of four inputs and two outputs."""
    model = tiny()
    source = model.tensor((1, 4), scale=0.5, zero_point=3)
    weights = model.tensor((2, 4), scale=0.25, data=WEIGHTS)
    bias = model.tensor([2], "int32", scale=0.125, data=[100, -(2**20)])
    output = model.tensor((1, 2), scale=0.125, zero_point=-7)
    model.tensors[output].name = name
    model.operator("FULLY_CONNECTED", [source, weights, bias], output, "FullyConnectedOptions")
    return bytes(model.finish(source, output))


def constants(header: str) -> dict[str, str]:
    return dict(re.findall(r"constexpr \w+ (k\w+?)(?:\[\])? = (.*?);", header))


def test_the_header_has_sizes_quantisation_and_hash_of_the_model(tiny: Any) -> None:
    content = dense(tiny)
    model = compile_model(content)
    found = constants(model.header)
    assert found == {
        "kInputSize": "4", "kInputScale": "0.5f", "kInputZeroPoint": "3",
        "kOutputSize": "2", "kOutputScale": "0.125f", "kOutputZeroPoint": "-7",
        "kArenaBytes": str(model.arena_bytes), "kModelSha256": f'"{hashlib.sha256(content).hexdigest()}"',
    }  # fmt: skip
    assert "using Input = int8_t;" in model.header and model.sha256 == hashlib.sha256(content).hexdigest()


def test_the_tables_of_the_source_are_weights_and_channels(tiny: Any) -> None:
    source = compile_model(dense(tiny)).source
    tables = dict(re.findall(r"const [\w:]+ (k\w+)\[\d+\] = \{(.*?)\};", source, re.DOTALL))
    halves = [(a + 256 * b) & 0xFFFF for a, b in zip(*WEIGHTS, strict=True)]
    words = [int(n.strip().rstrip("u")) for n in tables["kWeights0"].split(",")]
    assert words == [halves[0] | halves[2] << 16, halves[1] | halves[3] << 16]
    channels = [[int(n) for n in row.split(",")] for row in re.findall(r"\{([^{}]*)\}", tables["kChannels0"])]
    assert [row[0] for row in channels] == [100 - 3 * sum(WEIGHTS[0]), -(2**20) - 3 * sum(WEIGHTS[1])]
    assert all(multiplier * 2.0 ** (shift - 31) == 0.5 * 0.25 / 0.125 for _, multiplier, shift in channels)


def test_tables_and_structures_that_repeat_are_stored_once(tiny: Any) -> None:
    model = tiny()
    weights = model.tensor((4, 4), scale=0.25, data=[[1, 2, 3, 4]] * 4)
    ends = [model.tensor((1, 4), scale=0.5, zero_point=3) for _ in range(4)]
    for source, output in pairwise(ends):
        model.operator("FULLY_CONNECTED", [source, weights, -1], output, "FullyConnectedOptions")
    compiled = compile_model(model.finish(ends[0], ends[-1]))
    assert compiled.weights_bytes == 4 * 4 + 4 * 12
    assert len(re.findall(r"^alignas\(4\) const ", compiled.source, re.MULTILINE)) == 2
    assert "using Layer2 = Layer0;" in compiled.source and "const auto& kWeights2 = kWeights0;" in compiled.source


def test_the_same_model_gives_the_same_text(tiny: Any) -> None:
    one, other = compile_model(dense(tiny)), compile_model(dense(tiny))
    assert (one.header, one.source, one.kernels) == (other.header, other.source, other.kernels)
    assert "/" not in one.source.split("#include")[0].replace("//", "")  # neither a path nor a date


@pytest.mark.parametrize("name", ["*/ int x; /*", "a\nb\\", "??/", "Größe", "x" * 500])
def test_any_name_of_a_tensor_stays_in_one_comment(tiny: Any, name: str) -> None:
    source = compile_model(dense(tiny, name.encode())).source
    (line,) = [line for line in source.splitlines() if line == f"// {comment_text(name)[:110]}"]
    assert len(line) <= 113
    assert source.count("\n") == compile_model(dense(tiny)).source.count("\n")


def test_figures_of_the_model_are_those_of_its_layers(tiny: Any) -> None:
    model = compile_model(dense(tiny))
    (layer,) = model.layers
    assert (model.macs, layer.macs, model.weights_bytes) == (8, 8, 8 + 2 * 12)
    assert (layer.title, layer.inputs, layer.output, layer.step) == ("FULLY_CONNECTED", ((1, 4),), (1, 2), 0)
    assert (model.input.elements, model.output.elements, model.input.dtype) == (4, 2, "int8")


def test_a_model_with_other_numbers_in_and_out_is_refused(tiny: Any) -> None:
    model = tiny()
    source, output = model.tensor((1, 4), "float16"), model.tensor((1, 4), "float16")
    model.operator("RELU", [source], output)
    words = (
        "the model's input t0 and the model's output t1 are not supported: it is float16. Convert it with int8, uint8"
    )
    with pytest.raises(UnsupportedModelError, match=re.escape(words)) as caught:
        compile_model(model.finish(source, output))
    assert isinstance(caught.value, BlockedModelError)
    assert [b.kind for b in caught.value.blockers] == ["the model's input t0", "the model's output t1", "RELU"]


def test_a_model_whose_output_is_constant_or_quantised_by_channel_is_refused(tiny: Any) -> None:
    model = tiny()
    source, constant = model.tensor((1, 2), scale=0.1), model.tensor((1, 2), scale=0.1, data=[[1, 2]])
    model.operator("RELU", [source], model.tensor((1, 2), scale=0.1))
    with pytest.raises(UnsupportedModelError, match=r"the model's output t1 is not supported \(it is constant\)"):
        compile_model(model.finish(source, constant))
    model = tiny()
    source = model.tensor((1, 2), scale=[0.1, 0.2], axis=1)
    model.operator("RELU", [source], output := model.tensor((1, 2), scale=0.1))
    with pytest.raises(UnsupportedModelError, match=r"the model's input t0 .* it is quantised per channel"):
        compile_model(model.finish(source, output))


def test_kernels_bring_the_headers_that_they_include() -> None:
    folder = bundled("firmware") / "runtime" / "eitk" / "kernels"
    found = kernel_files({"conv2d.h"})
    assert "conv2d.h" in found and list(found) == sorted(found)
    for name in found:
        included = re.findall(r'#include "eitk/kernels/([^"]+)"', (folder / name).read_text())
        assert set(included) <= set(found)
    assert kernel_files(set()) == ()


@pytest.mark.parametrize(
    ("shape", "text"),
    [((1, 120, 33, 1), "120x33x1"), ((1, 2), "2"), ((3, 2), "3x2"), ((7,), "7"), ((1,), "1"), ((), "1")],
)
def test_shapes_are_shown_without_the_batch_of_one(shape: tuple[int, ...], text: str) -> None:
    assert shape_text(Tensor(0, "t", shape, "int8")) == text


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_float_literal_has_the_digits_of_its_number(value: float) -> None:
    text = float_literal(value)
    assert text.endswith("f") and ("." in text or "e" in text)
    assert np.float32(text[:-1]) == np.float32(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_literal_has_the_digits_of_its_number(value: float) -> None:
    text = double_literal(value)
    assert float(text) == value and ("." in text or "e" in text)


@given(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=80))
def test_a_table_has_all_values_in_order_on_lines_of_at_most_112_characters(values: list[int]) -> None:
    text = array("int32_t", "kTable", map(str, values))
    head, _, body = text.partition("{")
    assert head == "constexpr int32_t kTable[] = " and text.endswith("};\n")
    assert [int(n) for n in body.rstrip("};\n").split(",") if n.strip()] == values
    assert max(map(len, text.splitlines())) <= 114


def test_a_number_beyond_int32_is_written_as_unsigned(tiny: Any) -> None:
    """The packed weights of the specialised kernel are words of two int16."""
    model = tiny()
    source = model.tensor((1, 6, 6, 1), scale=0.1, zero_point=-128)
    weights = model.tensor((2, 3, 3, 1), scale=0.01, data=np.full((2, 3, 3, 1), -3))
    convolved = model.tensor((1, 4, 4, 2), scale=0.5, zero_point=-128)
    model.operator("CONV_2D", [source, weights], convolved, "Conv2DOptions",
                   strideH=1, strideW=1, padding=1, fusedActivationFunction=1)  # fmt: skip
    pooled = model.tensor((1, 2, 2, 2), scale=0.5, zero_point=-128)
    model.operator("MAX_POOL_2D", [convolved], pooled, "Pool2DOptions",
                   strideH=2, strideW=2, filterHeight=2, filterWidth=2, padding=1)  # fmt: skip
    compiled = compile_model(model.finish(source, pooled))
    assert "first_conv2d.h" in compiled.kernels
    words = [int(word) for word in re.findall(r"\b(\d+)u\b", compiled.source)]
    assert (-6 & 0xFFFF) | (-6 & 0xFFFF) << 16 in words  # two weights of a transformed row of the kernel
    assert all(2**31 <= word < 2**32 for word in words)
