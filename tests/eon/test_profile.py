"""The cost model: more work never costs less, and layers that run together share their instructions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import layer_cases
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.config.boards import NRF52840_CLOCK_HZ
from ei_toolkit.eon import profile
from ei_toolkit.eon.compile import CompiledModel, LayerInfo, TensorSpec, compile_model
from ei_toolkit.eon.profile import estimate, latency_ms, profile_model

SPEC = TensorSpec((1, 4), "int8", 0.1, 0)
KINDS = st.sampled_from(["CONV_2D", "FULLY_CONNECTED", "MAX_POOL_2D", "SOFTMAX", "MEAN", "LOGISTIC"])


def layer(kind: str, step: int, macs: int = 0, inputs: int = 4, output: int = 4) -> LayerInfo:
    return LayerInfo(f"layer {step}", kind, ((1, inputs),), (1, output), macs, step, ())


def model_of(*layers: LayerInfo, dtype: str = "int8") -> CompiledModel:
    spec = replace(SPEC, dtype=dtype)
    return CompiledModel("", "", (), 1000, 900, (spec,), (spec,), layers, "0" * 64, 5000)


@given(st.sampled_from(["int8", "float32"]), KINDS, st.integers(0, 10**7), st.integers(1, 10**5), st.integers(1, 10**5))
def test_more_work_never_costs_less(dtype: str, kind: str, macs: int, inputs: int, output: int) -> None:
    (cost,) = estimate(model_of(layer(kind, 0, macs, inputs, output), dtype=dtype)).steps
    for change in ({"macs": macs + 1000}, {"inputs": inputs + 100}, {"output": output + 100}):
        sizes = {"macs": macs, "inputs": inputs, "output": output} | change
        assert estimate(model_of(layer(kind, 0, **sizes), dtype=dtype)).steps[0] >= cost


@given(st.lists(KINDS, max_size=6))
def test_each_layer_adds_its_code_and_its_work(kinds: list[str]) -> None:
    layers = [layer(kind, step, macs=10) for step, kind in enumerate(kinds)]
    costs = estimate(model_of(*layers))
    assert len(costs.steps) == len(kinds)
    shorter = estimate(model_of(*layers[:-1]))
    assert costs.sections.text > shorter.sections.text or not kinds
    assert costs.steps[:-1] == shorter.steps[: len(costs.steps) - 1]


def test_layers_of_one_step_are_added_up() -> None:
    together = estimate(model_of(layer("CONV_2D", 0, macs=1000), layer("MAX_POOL_2D", 0)))
    apart = estimate(model_of(layer("CONV_2D", 0, macs=1000), layer("MAX_POOL_2D", 1)))
    assert together.steps == (sum(apart.steps),)


def test_what_is_fused_into_a_layer_counts_as_that_layer() -> None:
    plain, fused = (estimate(model_of(layer(title, 0, macs=500))) for title in ("CONV_2D", "CONV_2D + RELU"))
    assert plain == fused


def test_memory_is_that_of_the_arena_and_the_weights() -> None:
    sizes = estimate(model_of()).sections
    assert sizes.ram == 1000 + profile.STATIC_RAM
    assert sizes.flash == 5000 + profile.STARTUP_CODE


@pytest.mark.parametrize(("dtype", "cycles"), [("int8", 1.4), ("float32", 1.86)])
def test_a_latency_is_cycles_at_the_clock_of_the_board(dtype: str, cycles: float) -> None:
    assert latency_ms(NRF52840_CLOCK_HZ, dtype) == pytest.approx(1000 * cycles)
    assert latency_ms(0, dtype) == 0


@pytest.fixture
def softmax(tiny: Any) -> bytes:
    """A dense layer and a softmax on four values."""
    model = tiny()
    source, sums = model.tensor((1, 4), scale=0.1), model.tensor((1, 2), scale=0.1)
    weights = model.tensor((2, 4), scale=0.01, data=[[1, 2, 3, 4]] * 2)
    model.operator("FULLY_CONNECTED", [source, weights, -1], sums, "FullyConnectedOptions")
    output = model.tensor((1, 2), scale=1 / 256, zero_point=-128)
    return bytes(model.finish(source, model.operator("SOFTMAX", [sums], output, "SoftmaxOptions", beta=1.0)))


def test_without_the_arm_tools_the_cost_model_is_used_and_named(
    softmax: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profile, "missing_arm_tools", lambda: ["qemu-system-arm"])
    monkeypatch.setattr(profile, "build_arm", lambda *_args, **_more: pytest.fail("it was built"))
    found = profile_model(softmax)
    assert (found.how, found.latency_error, found.empty) == ("cost model", 0.25, None)
    assert found.instructions == sum(layer.instructions for layer in found.layers)
    assert found.macs == 8 and found.weights_bytes == 8 + 2 * 12 + 511
    dense, end = found.layers
    assert dense.instructions_per_mac == round(dense.instructions / 8, 3)
    assert end.instructions_per_mac is None and end.output == (1, 2)


def test_the_first_of_the_layers_that_run_together_has_their_instructions() -> None:
    layers = (layer("CONV_2D", 0, macs=9), layer("MAX_POOL_2D", 0), layer("SOFTMAX", 1))
    found = profile._layers(layers, [700, 30], [900, 50])
    assert [(each.instructions, each.cycles) for each in found] == [(700, 900), (0, 0), (30, 50)]


@pytest.mark.parametrize(
    ("kind", "measured"),  # instructions on the emulated Cortex-M4F
    [("DEPTHWISE_CONV_2D", 48_207), ("FULLY_CONNECTED", 5_413), ("TRANSPOSE_CONV", 38_814)],
)
def test_layers_of_the_general_kernel_have_a_cost_of_their_own(kind: str, measured: int) -> None:
    (instructions,) = estimate(compile_model(layer_cases.layer(kind, "int16", bias="int64"))).steps
    assert instructions == pytest.approx(measured, rel=0.2)


@pytest.mark.parametrize(
    ("kind", "values", "measured"),  # in a public streaming network
    [
        ("CONCATENATION", 540, 299),
        ("CONCATENATION", 1260, 683),
        ("STRIDED_SLICE", 480, 290),
        ("STRIDED_SLICE", 1200, 676),
    ],
)
def test_copies_cost_less_than_an_instruction_a_value(kind: str, values: int, measured: int) -> None:
    (instructions,) = estimate(model_of(layer(kind, 0, output=values))).steps
    assert instructions == pytest.approx(measured, rel=0.2)
