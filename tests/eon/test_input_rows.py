"""An input whose rows the caller hands over: equal outputs without memory for it, or an error with the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_bench import reference
from support import eitk

from ei_toolkit.eon.compile import CompiledModel, compile_model
from ei_toolkit.eon.run import run_model
from ei_toolkit.errors import UnsupportedModelError

STEPS: dict[str, Any] = {"strideH": 2, "strideW": 2}


def network(tiny: Any) -> bytes:
    """A convolution that does not read the last row of its input, and a depthwise convolution behind it."""
    random, model = np.random.default_rng(3), tiny()
    source = model.tensor((1, 10, 9, 4), scale=0.1)
    weights = model.tensor((8, 3, 3, 4), scale=0.01, data=random.integers(-127, 128, (8, 3, 3, 4)))
    hidden = model.tensor((1, 4, 4, 8), scale=0.2, zero_point=-128)
    options = STEPS | {"padding": 1, "fusedActivationFunction": 1}
    bias = model.tensor([8], "int32", scale=0.001, data=random.integers(-999, 999, 8))
    model.operator("CONV_2D", [source, weights, bias], hidden, "Conv2DOptions", **options)
    bias = model.tensor([8], "int32", scale=0.004, data=random.integers(-999, 999, 8))
    taps = model.tensor((1, 3, 3, 8), scale=[0.02] * 8, axis=3, data=random.integers(-127, 128, (1, 3, 3, 8)))
    output = model.tensor((1, 2, 2, 8), scale=0.3, zero_point=-128)
    options |= {"padding": 0, "depthMultiplier": 1}
    model.operator("DEPTHWISE_CONV_2D", [hidden, taps, bias], output, "DepthwiseConv2DOptions", **options)
    return bytes(model.finish(source, output))


@pytest.mark.parametrize(
    ("on", "ram_optimized"), [("host", False), ("host", True), pytest.param("emulated", True, marks=pytest.mark.arm)]
)
def test_outputs_are_those_of_the_reference_interpreter(tiny: Any, on: Any, ram_optimized: bool) -> None:
    content = network(tiny)
    inputs = np.random.default_rng(4).integers(-128, 128, (3, 360)).astype(np.int8)
    compiled = compile_model(content, ram_optimized=ram_optimized, input_rows=True)
    expected = reference(content, inputs)
    np.testing.assert_array_equal(run_model(compiled, inputs, on), expected)
    assert len(np.unique(expected)) > 3


def test_the_input_takes_no_memory(tiny: Any) -> None:
    plain, rows = (compile_model(network(tiny), input_rows=which) for which in (False, True))
    assert [placed.name for placed in plain.memory if placed.first < 0] == ["tensor0"]
    assert not [placed for placed in rows.memory if placed.first < 0]
    assert rows.arena_bytes < plain.arena_bytes


def test_the_header_states_how_many_rows_there_are_and_has_no_input(tiny: Any) -> None:
    header = compile_model(network(tiny), input_rows=True).header
    assert "constexpr int kInputRows = 10;\nconstexpr int kInputRowSize = 36;\n" in header
    assert "void invoke(NextRow next_row, void* context);" in header and "input()" not in header
    assert "#define EITK_MODEL_INPUTS(X) \n" in header


def test_person_detection_takes_less_than_24_kilobytes(models: Path) -> None:
    content = (models / "mlperf_vww.tflite").read_bytes()

    def arena(**options: bool) -> int:
        found: CompiledModel = compile_model(content, ram_optimized=True, **options)
        return found.arena_bytes

    assert arena(input_rows=True) <= 21_000 < 96 * 96 * 3 < arena()


def dense(tiny: Any) -> bytes:
    model = tiny()
    source, output = model.tensor((1, 8), scale=0.1), model.tensor((1, 2), scale=0.1)
    weights = model.tensor((2, 8), scale=0.1, data=np.ones((2, 8)))
    model.operator("FULLY_CONNECTED", [source, weights, -1], output, "FullyConnectedOptions")
    return bytes(model.finish(source, output))


def two_readers(tiny: Any) -> bytes:
    model = tiny()
    source, pooled = model.tensor((1, 4, 4, 2), scale=0.1), model.tensor((1, 4, 4, 2), scale=0.1)
    pool = {"strideH": 1, "strideW": 1, "filterHeight": 3, "filterWidth": 3, "padding": 0}
    model.operator("MAX_POOL_2D", [source], pooled, "Pool2DOptions", **pool)
    output = model.tensor((1, 4, 4, 2), scale=0.2)
    model.operator("ADD", [source, pooled], output, "AddOptions")
    return bytes(model.finish(source, output))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (dense, "FULLY_CONNECTED, its first layer, does not work row by row"),
        (two_readers, "t0 is read by MAX_POOL_2D, ADD"),
    ],
)
def test_a_model_that_cannot_take_rows_is_refused_with_the_reason(tiny: Any, make: Any, why: str) -> None:
    with pytest.raises(UnsupportedModelError, match="the input cannot be taken row by row") as caught:
        compile_model(make(tiny), input_rows=True)
    assert caught.value.why == why and "--input-rows" in caught.value.hint


def test_the_command_compiles_and_checks_with_rows(tiny: Any, tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(network(tiny))
    assert eitk(tmp_path, "eon", "compile", "model.tflite", "-o", "out", "--input-rows").code == 0
    assert "EITK_MODEL_ROW_INPUT" in (tmp_path / "out" / "model.h").read_text()
    (tmp_path / "dense.tflite").write_bytes(dense(tiny))
    refused = eitk(tmp_path, "eon", "check", "dense.tflite", "--input-rows")
    assert refused.code == 1 and "does not work row by row" in refused.err
