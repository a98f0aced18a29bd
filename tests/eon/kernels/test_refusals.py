"""Convolutions, dense layers and pools that cannot be translated exactly: each is named with its reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ei_toolkit.eon.kernels import lower
from ei_toolkit.eon.kernels.layer import Layer
from ei_toolkit.eon.options import READERS
from ei_toolkit.eon.reader import read_model
from ei_toolkit.errors import UnsupportedModelError

INT8: dict[str, Any] = {"scale": 0.5}
FLOAT: dict[str, Any] = {"dtype": "float32"}
WIDE: dict[str, Any] = {"dtype": "int16", "scale": 0.5}
WINDOW: dict[str, Any] = {"strideH": 1, "strideW": 1, "padding": 1}
POOL: dict[str, Any] = {**WINDOW, "filterHeight": 2, "filterWidth": 2}


def tensor(*shape: int, data: Any = None, **kind: Any) -> dict[str, Any]:
    """A tensor; with `data` a constant whose values are all `data`, or these values."""
    values = {} if data is None else {"data": np.broadcast_to(data, shape)}
    return {"shape": shape, **(kind or INT8), **values}


def lowered(tiny: Any, kind: str, inputs: list[Any], output: dict[str, Any], **options: Any) -> Layer:
    model = tiny()
    made = [-1 if each is None else model.tensor(**each) for each in inputs]
    end = model.tensor(**output)
    model.operator(kind, made, end, READERS[kind][0], **options)
    source = made[0] if made and made[0] >= 0 else model.tensor((1, 4), scale=0.5)
    (layer,) = lower(read_model(model.finish(source, end)))
    return layer


IMAGE, FILTERS = tensor(1, 5, 5, 2), tensor(3, 2, 2, 2, data=1)
CONVOLVED = tensor(1, 4, 4, 3)
DEPTH = tensor(1, 2, 2, 4, data=1)
VECTOR, MATRIX = tensor(1, 6), tensor(2, 6, data=1)


@pytest.mark.parametrize(
    ("kind", "inputs", "output", "options", "why"),
    [
        ("CONV_2D", [IMAGE], CONVOLVED, WINDOW, "it has 1 inputs"),
        ("CONV_2D", [IMAGE, None], CONVOLVED, WINDOW, "an input is missing"),
        ("CONV_2D", [IMAGE, tensor(3, 2, 2, 1, data=1)], CONVOLVED, WINDOW,
         "its weights are (3, 2, 2, 1), its data (1, 5, 5, 2) and (1, 4, 4, 3)"),
        ("CONV_2D", [tensor(1, 5, 5, 2, **WIDE), FILTERS, tensor(3, dtype="int32", data=1)],
         tensor(1, 4, 4, 3, **WIDE), WINDOW, "its bias is not a constant int64 for each of 3 channels"),
        ("CONV_2D", [tensor(1, 5, 5, 2, **WIDE, zero_point=1), FILTERS], tensor(1, 4, 4, 3, **WIDE),
         WINDOW, "its int16 data or their weights have a zero point"),
        ("DEPTHWISE_CONV_2D", [IMAGE, tensor(2, 2, 2, 4, scale=0.5, zero_point=1, data=1)], tensor(1, 4, 4, 4),
         WINDOW | {"depthMultiplier": 2}, "its weights are (2, 2, 2, 4)"),
        ("CONV_2D", [IMAGE, tensor(4, 2, 2, 2, data=1)], CONVOLVED, WINDOW, "its weights are (4, 2, 2, 2)"),
        ("CONV_2D", [IMAGE, tensor(3, 8, data=1)], CONVOLVED, WINDOW, "its weights are (3, 8)"),
        ("CONV_2D", [IMAGE, FILTERS], tensor(1, 4, 4, 3, **FLOAT), WINDOW, "it mixes int8 and float32"),
        ("CONV_2D", [IMAGE, tensor(3, 6, 6, 2, data=1)], CONVOLVED, WINDOW, "its kernel is larger than its input"),
        ("CONV_2D", [tensor(1, 5, 5, 2, dtype="int32"), FILTERS], tensor(1, 4, 4, 3, dtype="int32"), WINDOW,
         "its data are int32"),
        ("DEPTHWISE_CONV_2D", [IMAGE, tensor(2, 2, 2, 4, data=1)], tensor(1, 4, 4, 4), WINDOW | {"depthMultiplier": 2},
         "its weights are (2, 2, 2, 4)"),
        ("DEPTHWISE_CONV_2D", [IMAGE, tensor(1, 2, 2, 3, data=1)], CONVOLVED, WINDOW | {"depthMultiplier": 1},
         "its weights are (1, 2, 2, 3), its data (1, 5, 5, 2) and (1, 4, 4, 3)"),
        ("FULLY_CONNECTED", [VECTOR, tensor(2, 3, 2, data=1)], tensor(1, 2), {}, "its weights are (2, 3, 2)"),
        ("FULLY_CONNECTED", [VECTOR, tensor(2, 5, data=1)], tensor(1, 2), {},
         "(1, 6) times (2, 5) does not give (1, 2)"),
        ("FULLY_CONNECTED", [VECTOR, MATRIX], tensor(1, 3), {}, "(1, 6) times (2, 6) does not give (1, 3)"),
        ("FULLY_CONNECTED", [VECTOR, MATRIX, tensor(3, dtype="int32", data=1)], tensor(1, 2), {},
         "its bias is not a constant int32 for each of 2 channels"),
        ("MAX_POOL_2D", [IMAGE], CONVOLVED, POOL, "it changes the number of channels"),
        ("MAX_POOL_2D", [IMAGE], tensor(1, 4, 4, 2, scale=0.25), POOL, "it changes the quantisation"),
        ("AVERAGE_POOL_2D", [IMAGE], tensor(1, 3, 4, 2), POOL, "its output is (3, 4), its options give (4, 4)"),
        ("SOFTMAX", [VECTOR], tensor(1, 5), {"beta": 1.0}, "it turns (1, 6) into (1, 5)"),
        ("QUANTIZE", [VECTOR], tensor(1, 6, **FLOAT), {}, "it turns int8 into float32"),
        ("DEQUANTIZE", [tensor(1, 6, **FLOAT)], tensor(1, 6), {}, "it turns float32 into int8"),
        ("QUANTIZE", [tensor(1, 6, **FLOAT)], tensor(1, 5), {}, "it turns (1, 6) into (1, 5)"),
        ("FULLY_CONNECTED", [tensor(1, 6, **FLOAT), tensor(2, 6, data=np.inf, **FLOAT)], tensor(1, 2, **FLOAT), {},
         "t1 holds values that are not finite"),
        ("FULLY_CONNECTED", [tensor(1, 6, **FLOAT), tensor(2, 6, data=1, **FLOAT), tensor(3, data=1, **FLOAT)],
         tensor(1, 2, **FLOAT), {}, "its bias has 3 values for 2 channels"),
        ("FULLY_CONNECTED", [tensor(1, 6, **FLOAT), tensor(2, 6, data=1)], tensor(1, 2, **FLOAT), {},
         "t1 is int8, not constant float32"),
        ("MEAN", [IMAGE, tensor(2, dtype="int32", data=[1, 2])], tensor(1, 3), {}, "it turns (1, 5, 5, 2) into (1, 3)"),
    ],
)  # fmt: skip
def test_an_operator_that_cannot_be_exact_is_refused_with_its_reason(
    tiny: Any, kind: str, inputs: list[Any], output: dict[str, Any], options: dict[str, Any], why: str
) -> None:
    with pytest.raises(UnsupportedModelError, match=rf"^operator 0 \({kind}\) is not supported") as caught:
        lowered(tiny, kind, inputs, output, **options)
    assert caught.value.why == why


@pytest.mark.parametrize(
    ("kind", "inputs", "output", "options", "macs"),
    [
        ("CONV_2D", [IMAGE, FILTERS], CONVOLVED, WINDOW, 4 * 4 * 3 * 2 * 2 * 2),
        ("DEPTHWISE_CONV_2D", [IMAGE, DEPTH], tensor(1, 4, 4, 4), WINDOW | {"depthMultiplier": 2}, 4 * 4 * 2 * 2 * 4),
        ("FULLY_CONNECTED", [VECTOR, MATRIX], tensor(1, 2), {}, 12),
        ("FULLY_CONNECTED", [tensor(3, 6), MATRIX], tensor(3, 2), {}, 36),
        ("MAX_POOL_2D", [IMAGE], tensor(1, 4, 4, 2), POOL, 0),
    ],
)
@pytest.mark.parametrize("is_float", [False, True])
def test_multiplications_are_counted_alike_for_int8_and_float(
    tiny: Any, kind: str, inputs: list[Any], output: dict[str, Any], options: dict[str, Any], macs: int, is_float: bool
) -> None:
    def of_kind(each: dict[str, Any]) -> dict[str, Any]:
        shaped = {key: each[key] for key in ("shape", "data") if key in each}
        return shaped | (FLOAT if is_float else INT8)

    layer = lowered(tiny, kind, [of_kind(each) for each in inputs], of_kind(output), **options)
    assert layer.macs == macs
    assert layer.title == kind


def test_a_transposed_convolution_needs_the_shape_of_its_output(tiny: Any) -> None:
    model = tiny()
    shape = model.tensor((4,), "int32", data=[1, 4, 4, 3])
    weights = model.tensor((3, 2, 2, 2), scale=0.5, data=np.ones((3, 2, 2, 2)))
    source, output = model.tensor((1, 4, 4, 2), scale=0.5), model.tensor((1, 5, 4, 3), scale=0.5)
    model.operator("TRANSPOSE_CONV", [shape, weights, source], output, "TransposeConvOptions", strideH=1, strideW=1)
    with pytest.raises(UnsupportedModelError, match=r"its output is \(1, 5, 4, 3\)"):
        lower(read_model(model.finish(source, output)))


@pytest.mark.parametrize(
    ("kind", "inputs", "output", "options", "why", "remedy"),
    [
        ("SVDF", [VECTOR, tensor(2, 6, data=1), tensor(2, 3, **WIDE, data=1), None,
                  tensor(1, 6, scale=0.5, variable=True)],
         tensor(1, 2), {"rank": 1},
         "its weights, bias and state are int8, int16, int32, int8", "of 16 bits"),
        ("GREATER", [tensor(1, 6, scale=1.5), tensor(1, 6, data=1)], tensor(1, 6, dtype="bool"), {},
         "the scale 1.5 of an input is not below 1", "docs/compiler.md"),
        ("SELECT", [tensor(1, 6, dtype="bool"), tensor(1, 6, scale=0.25, data=1), tensor(1, 6, data=1)], VECTOR, {},
         "its inputs and output have different scales", "docs/compiler.md"),
        ("SELECT_V2", [VECTOR, *[tensor(1, 6, data=1)] * 2], VECTOR, {}, "its condition is int8", "docs/compiler.md"),
        ("SELECT_V2", [tensor(1, 3, dtype="bool"), *[tensor(1, 6, data=1)] * 2], VECTOR, {},
         "(1, 3) does not fit (1, 6)", "docs/compiler.md"),
        ("LOG_SOFTMAX", [VECTOR], tensor(1, 6, scale=0.5), {},
         "its output has scale and zero point (0.5, 0), not 1/16 and 127", "docs/compiler.md"),
        ("SOFTMAX", [VECTOR], tensor(1, 6, **WIDE), {"beta": 1.0},
         "its output has scale and zero point (0.5, 0), not 1/65536 and -32768", "docs/compiler.md"),
        ("QUANTIZE", [tensor(1, 6, dtype="int32", scale=0.5)], tensor(1, 6, dtype="int16", scale=0.1), {},
         "the scale of its output is below that of its int32 data", "docs/compiler.md"),
        ("FULLY_CONNECTED", [tensor(1, 6, **WIDE), tensor(2, 6, data=1), tensor(2, dtype="int32", data=1)],
         tensor(1, 2, **WIDE), {},
         "its bias is not a constant int64 for each of 2 channels", "docs/compiler.md"),
        ("RESIZE_BILINEAR", [IMAGE, tensor(2, dtype="int32", data=7)], tensor(1, 6, 7, 2), {},
         "it resizes (1, 5, 5, 2) to (1, 6, 7, 2)", "constant size"),
        ("BATCH_MATMUL", [VECTOR, tensor(5, 2, data=1)], tensor(1, 2), {},
         "(1, 6) times (5, 2) does not give (1, 2)", "docs/compiler.md"),
        ("GATHER", [VECTOR, tensor(2, dtype="int32", data=6)], tensor(1, 2), {"axis": 1},
         "it takes an entry that does not exist from (1, 6)", "docs/compiler.md"),
        ("ARG_MAX", [VECTOR, tensor(1, dtype="int32", data=2)], tensor(1, dtype="int32"), {},
         "its axis does not exist", "docs/compiler.md"),
        ("CAST", [tensor(1, 6, dtype="float16")], tensor(1, 6, dtype="int32"), {},
         "it turns float16 into int32", "int32 or float32"),
        ("SOFTMAX", [tensor(1, 6, **WIDE)], tensor(1, 6, **WIDE), {"beta": 1.0},
         "its zero points are (0, 0) and its output scale 0.5, not 1/32768", "docs/compiler.md"),
        ("MAXIMUM", [tensor(1, 6, **WIDE), tensor(1, 6, **WIDE, data=1)], tensor(1, 6, **WIDE), {},
         "its data are int16", "full int8"),
        ("ADD", [tensor(1, 6, **WIDE), tensor(1, 6, **WIDE, data=1)], tensor(1, 6, **WIDE), {},
         "its scales are powers of two, for which the reference has another kernel", "docs/compiler.md"),
    ],
)  # fmt: skip
def test_further_operators_say_what_to_change(
    tiny: Any, kind: str, inputs: list[Any], output: dict[str, Any], options: dict[str, Any], why: str, remedy: str
) -> None:
    with pytest.raises(UnsupportedModelError, match=rf"^operator 0 \({kind}\) is not supported, layer 't") as caught:
        lowered(tiny, kind, inputs, output, **options)
    assert caught.value.why == why
    assert remedy in caught.value.hint
