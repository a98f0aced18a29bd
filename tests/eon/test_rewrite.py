"""Cheaper forms, conversions in place, and networks without kernels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from layer_cases import dilated
from operator_cases import CASES, FIRST, SECOND, dynamic_range, unsigned_ends
from tiny_model import TinyModel

from ei_toolkit.eon.compile import compile_model
from ei_toolkit.errors import UnsupportedModelError


def test_a_depthwise_convolution_of_one_channel_is_a_convolution() -> None:
    (layer,) = compile_model(CASES["depthwise convolution of one channel"]()).layers
    assert (layer.title, layer.macs) == ("CONV_2D", 5 * 4 * 3 * 4 * 5)


def test_micro_speech_uses_it(models: Path) -> None:
    assert compile_model((models / "micro_speech.tflite").read_bytes()).layers[0].title == "CONV_2D"


def test_a_quantised_input_takes_the_memory_of_the_float_input() -> None:
    model = TinyModel()
    source = model.tensor((1, 400), "float32")
    inner = model.operator("QUANTIZE", [source], model.tensor((1, 400), **FIRST), "QuantizeOptions")
    output = model.operator("RELU", [inner], model.tensor((1, 400), **SECOND))
    for ram_optimized in (False, True):
        assert compile_model(model.finish(source, output), ram_optimized=ram_optimized).arena_bytes == 1600


def test_a_dequantised_output_ends_on_the_memory_of_its_input() -> None:
    model = TinyModel()
    source = model.tensor((1, 400), **FIRST)
    output = model.operator("DEQUANTIZE", [source], model.tensor((1, 400), "float32"), "DequantizeOptions")
    compiled = compile_model(model.finish(source, output))
    assert compiled.arena_bytes == 1600
    assert dict(compiled.layers[0].slots) == {"tensor0": 1200, "tensor1": 0}


def test_a_network_without_kernels_has_no_layers() -> None:
    compiled = compile_model(CASES["no kernel: reshape only"]())
    assert (compiled.layers, compiled.kernels, compiled.arena_bytes) == ((), (), 32)
    assert "namespace k" not in compiled.source


def test_uint8_ends_become_one_pass_over_the_input_and_one_over_the_output() -> None:
    compiled = compile_model(unsigned_ends())
    assert [layer.title for layer in compiled.layers] == ["QUANTIZE", "RELU6", "QUANTIZE"]
    assert (compiled.input.dtype, compiled.input.zero_point, compiled.output.zero_point) == ("uint8", 121, 121)
    assert compiled.arena_bytes == 40
    assert "using Input = uint8_t;" in compiled.header
    assert np.dtype(compiled.output.dtype) == np.uint8


def test_operators_that_nothing_reads_are_dropped() -> None:
    """One part of a split is not used, and neither is an operator without a kernel."""
    model = TinyModel()
    source = model.tensor((1, 4), **FIRST)
    axis = model.tensor((1,), "int32", data=[1])
    first, second = (model.tensor((1, 2), **FIRST) for _ in range(2))
    model.operator("SPLIT", [axis, source], first, "SplitOptions", numSplits=2)
    model.operators[-1].outputs = [first, second]
    model.operator("TOPK_V2", [first], model.tensor((1, 2), **FIRST))
    (layer,) = compile_model(model.finish(source, second)).layers
    assert (layer.title, layer.output) == ("SPLIT", (1, 2))


def test_int8_weights_of_layers_on_float_become_float_with_a_warning() -> None:
    dynamic, real = (compile_model(dynamic_range(dtype)) for dtype in ("int8", "float32"))
    assert dynamic.source.split("\n", 1)[1] == real.source.split("\n", 1)[1]  # all but the hash of the file
    assert dynamic.dequantized_bytes == 3 * 24 and real.warnings == ()
    assert "72 bytes more" in dynamic.warnings[0] and "representative_dataset" in dynamic.warnings[0]


def test_a_dilated_convolution_in_batches_is_one_layer() -> None:
    (layer,) = compile_model(dilated("int8", "CONV_2D")).layers
    assert layer.title == "CONV_2D + SPACE_TO_BATCH_ND + BATCH_TO_SPACE_ND"


def test_batches_that_no_convolution_reads_are_refused_with_what_to_change() -> None:
    model = TinyModel()
    source, output = model.tensor((1, 4, 4, 1), **FIRST), model.tensor((4, 2, 2, 1), **FIRST)
    blocks, pads = model.tensor((2,), "int32", data=[2, 2]), model.tensor((2, 2), "int32", data=[[0, 0], [0, 0]])
    model.operator("SPACE_TO_BATCH_ND", [source, blocks, pads], output, "SpaceToBatchNDOptions")
    with pytest.raises(UnsupportedModelError, match="SPACE_TO_BATCH_ND") as caught:
        compile_model(model.finish(source, output))
    assert "dilated convolution" in caught.value.hint
