"""Options of operators: those that the compiler does not support are named, with the operator."""

from __future__ import annotations

from typing import Any

import pytest

from ei_toolkit.eon.graph import Activation, Axis, Beta, Operator, Slice, Unreadable, Window2D
from ei_toolkit.eon.options import OPTIONAL, READERS, WITHOUT_OUTPUT
from ei_toolkit.eon.reader import read_model
from ei_toolkit.errors import DataError


def operator_with(tiny: Any, kind: str, table: str | None, **values: Any) -> Operator:
    """The operator of a model that has only this one, with three inputs."""
    model = tiny()
    source, output = model.tensor((1, 4), scale=0.1), model.tensor((1, 4), scale=0.1)
    model.operator(kind, [source, source, source], output, table, **values)
    return read_model(model.finish(source, output)).operators[0]


WINDOW: dict[str, Any] = {"strideH": 1, "strideW": 2, "padding": 1}
POOL: dict[str, Any] = {**WINDOW, "filterHeight": 3, "filterWidth": 4}


def test_the_options_of_each_operator_are_those_of_the_file(tiny: Any) -> None:
    conv = operator_with(tiny, "CONV_2D", "Conv2DOptions", **WINDOW, dilationHFactor=2, fusedActivationFunction=3)
    assert conv.options == Window2D((1, 2), "VALID", "RELU6", dilation=(2, 1))
    depthwise = operator_with(tiny, "DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", **WINDOW, depthMultiplier=3)
    assert depthwise.options == Window2D((1, 2), "VALID", depth_multiplier=3)
    pool = operator_with(tiny, "MAX_POOL_2D", "Pool2DOptions", **POOL | {"padding": 0}, fusedActivationFunction=2)
    assert pool.options == Window2D((1, 2), "SAME", "RELU_N1_TO_1", size=(3, 4))
    dense = operator_with(tiny, "FULLY_CONNECTED", "FullyConnectedOptions", fusedActivationFunction=1)
    assert dense.options == Activation("RELU")
    assert operator_with(tiny, "SOFTMAX", "SoftmaxOptions", beta=0.5).options == Beta(0.5)
    assert operator_with(tiny, "PACK", "PackOptions", axis=-1).options == Axis(-1)
    assert operator_with(tiny, "CONCATENATION", "ConcatenationOptions", axis=3).options == Axis(3)
    sliced = operator_with(tiny, "STRIDED_SLICE", "StridedSliceOptions", beginMask=1, endMask=2, shrinkAxisMask=4,
                           ellipsisMask=8, newAxisMask=16, offset=True)  # fmt: skip
    assert sliced.options == Slice(1, 2, 4, 8, 16, offset=True)


@pytest.mark.parametrize("kind", ["ADD", "MUL"])
def test_options_may_be_missing_where_all_of_them_have_defaults(tiny: Any, kind: str) -> None:
    assert operator_with(tiny, kind, None).options == Activation("NONE")


@pytest.mark.parametrize(
    ("kind", "table"), [(k, t) for k, (t, _) in READERS.items() if t and k not in {*OPTIONAL, *WITHOUT_OUTPUT}]
)
def test_options_that_are_needed_and_missing_are_damage(tiny: Any, kind: str, table: str) -> None:
    with pytest.raises(DataError, match=rf"operator 0 \({kind}\) has no options"):
        operator_with(tiny, kind, None)
    other = "PackOptions" if table != "PackOptions" else "SoftmaxOptions"
    with pytest.raises(DataError, match=rf"operator 0 \({kind}\) has options of another operator"):
        operator_with(tiny, kind, other)


UNKNOWN_ACTIVATION = "has the unsupported activation function #4"


@pytest.mark.parametrize(
    ("kind", "table", "values", "message"),
    [
        (
            "CONV_2D",
            "Conv2DOptions",
            WINDOW | {"fusedActivationFunction": 4},
            UNKNOWN_ACTIVATION,
        ),
        ("ADD", "AddOptions", {"fusedActivationFunction": 4}, UNKNOWN_ACTIVATION),
        ("MAX_POOL_2D", "Pool2DOptions", POOL | {"padding": 2}, "has the unsupported padding #2"),
        ("FULLY_CONNECTED", "FullyConnectedOptions", {"weightsFormat": 1}, "has shuffled weights"),
    ],
)
def test_an_option_that_is_not_supported_is_named(
    tiny: Any, kind: str, table: str, values: dict[str, Any], message: str
) -> None:
    options = operator_with(tiny, kind, table, **values).options
    assert isinstance(options, Unreadable)
    assert options.problem == message


@pytest.mark.parametrize(
    ("kind", "table", "values"),
    [
        ("CONV_2D", "Conv2DOptions", WINDOW | {"strideH": 0}),
        ("CONV_2D", "Conv2DOptions", WINDOW | {"dilationWFactor": 5000}),
        ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", WINDOW | {"depthMultiplier": 0}),
        ("AVERAGE_POOL_2D", "Pool2DOptions", POOL | {"filterHeight": -1}),
    ],
)
def test_a_size_that_cannot_be_is_damage(tiny: Any, kind: str, table: str, values: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=rf"^operator 0 \({kind}\) has an impossible size, stride or dilation"):
        operator_with(tiny, kind, table, **values)


@pytest.mark.parametrize("beta", [0.0, -1.0, 1e6, float("nan"), float("inf")])
def test_a_factor_of_a_softmax_that_cannot_be_is_damage(tiny: Any, beta: float) -> None:
    with pytest.raises(DataError, match=r"^operator 0 \(SOFTMAX\) has beta"):
        operator_with(tiny, "SOFTMAX", "SoftmaxOptions", beta=beta)


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        ("TOPK_V2", "Return the scores"),
        ("UNIDIRECTIONAL_SEQUENCE_RNN", "unroll=True"),
        ("BUCKETIZE", "docs/compiler.md"),
    ],
)
def test_an_operator_without_a_kernel_is_kept_with_what_to_change(tiny: Any, kind: str, remedy: str) -> None:
    options = operator_with(tiny, kind, None).options
    assert isinstance(options, Unreadable)
    assert options.problem == "the compiler has no kernel for it"
    assert remedy in options.remedy
