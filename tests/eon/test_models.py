"""Whole models give the reference interpreter's outputs, on the host and on an emulated Cortex-M4F."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_bench import SANITIZED

from ei_toolkit.config import TrainingSettings
from ei_toolkit.config.recipes.write import script_text
from ei_toolkit.eon.compile import compile_model
from ei_toolkit.eon.kernels.block import choose_block
from ei_toolkit.eon.kernels.block import instructions as block_instructions
from ei_toolkit.eon.kernels.geometry import Geometry
from ei_toolkit.eon.profile import profile_model
from ei_toolkit.eon.run import run_model
from ei_toolkit.errors import DataError
from ei_toolkit.training.convert import quantised_model
from ei_toolkit.training.import_tensorflow import import_tensorflow
from ei_toolkit.tuning.cost import untrained_network

GOLDEN = ["sample", "kws"]


def golden(goldens: Path, name: str) -> tuple[bytes, np.ndarray, np.ndarray]:
    """A model, its inputs, and the reference interpreter's outputs."""
    folder = goldens / "int8"
    data = np.load(folder / f"{name}_int8.npz")
    return (folder / f"{name}_int8.tflite").read_bytes(), data["input"], data["output"]


@pytest.mark.parametrize("ram_optimized", [False, True], ids=["fast", "small"])
@pytest.mark.parametrize("name", GOLDEN)
def test_golden_outputs_on_the_host(goldens: Path, name: str, ram_optimized: bool) -> None:
    model, inputs, outputs = golden(goldens, name)
    compiled = compile_model(model, ram_optimized=ram_optimized)
    np.testing.assert_array_equal(run_model(compiled, inputs), outputs)


@pytest.mark.arm
@pytest.mark.parametrize("ram_optimized", [False, True], ids=["fast", "small"])
@pytest.mark.parametrize("name", GOLDEN)
def test_golden_outputs_on_an_emulated_cortex_m4f(goldens: Path, name: str, ram_optimized: bool) -> None:
    model, inputs, outputs = golden(goldens, name)
    compiled = compile_model(model, ram_optimized=ram_optimized)
    np.testing.assert_array_equal(run_model(compiled, inputs, "emulated"), outputs)


def instructions_of_second_convolution(name: str) -> int:
    """What the compiler estimates when it chooses a block: 3 x 3 on 8 channels, SAME, with a 2 x 2 pool."""
    rows, cols = {"sample": (60, 17), "kws": (20, 25)}[name]
    g = Geometry(rows, cols, 8, rows, cols, 3, 3, 1, 1, 1, 1, 1, 1, 2, 2, rows // 2, -(-cols // 2), False)
    return block_instructions(g, 16, choose_block(g, 16))


@pytest.mark.arm
@pytest.mark.parametrize(
    ("name", "instructions", "ram", "flash"), [("sample", 1_500_000, 9_400, 16_000), ("kws", 700_000, 5_500, 11_600)]
)
def test_golden_models_stay_within_their_budget(
    goldens: Path, name: str, instructions: int, ram: int, flash: int
) -> None:
    profile = profile_model(golden(goldens, name)[0])
    assert profile.how == "emulated"
    assert profile.instructions <= instructions
    assert profile.ram_bytes <= ram
    assert profile.flash_bytes <= flash
    assert 0 < profile.stack_bytes < 1000
    _, convolution, *_ = profile.layers
    assert convolution.instructions == pytest.approx(instructions_of_second_convolution(name), rel=0.05)
    assert sum(layer.instructions for layer in profile.layers) == pytest.approx(profile.instructions, rel=0.02)


@pytest.mark.arm
def test_a_model_that_cannot_fit_the_board_is_refused(tiny: Any) -> None:
    model = tiny()
    source, output = (model.tensor((1, 300_000), scale=0.1) for _ in range(2))
    other = model.tensor((1, 300_000), scale=0.2)
    model.operator("RELU", [source], other)
    model.operator("ADD", [source, other], output, "AddOptions")
    with pytest.raises(DataError, match=r"does not fit the board .* too many for the RAM; the arena of .* \(RELU"):
        profile_model(model.finish(source, output))


def test_streaming_saves_memory_and_computes_nothing_twice(goldens: Path) -> None:
    model = golden(goldens, "sample")[0]
    fast, small = compile_model(model), compile_model(model, ram_optimized=True)
    assert small.arena_bytes < 0.65 * fast.arena_bytes
    assert small.macs == fast.macs


@pytest.mark.parametrize("name", GOLDEN)
def test_compiling_takes_less_than_a_second_and_gives_the_same_bytes(goldens: Path, name: str) -> None:
    model = golden(goldens, name)[0]
    start = time.perf_counter()
    first = compile_model(model)
    assert time.perf_counter() - start < 1.0
    assert first == compile_model(model)
    assert first.arena_bytes == first.arena_lower_bound  # the plan of a chain is optimal


def test_the_source_names_what_it_is_made_of(goldens: Path) -> None:
    compiled = compile_model(golden(goldens, "sample")[0])
    assert compiled.sha256 in compiled.header
    assert "Layer 0: CONV_2D + MAX_POOL_2D 2x2, 120x33x1 -> 60x17x8, 285120 MACs" in compiled.source
    assert "first_conv2d.h" in compiled.kernels and "requantize.h" in compiled.kernels
    assert not any("float" in name for name in compiled.kernels)


def keras_models() -> dict[str, Any]:
    """Networks of the kinds that are trained for such boards, with random weights, as full int8 .tflite."""
    import keras

    layers = keras.layers

    def chain(shape: tuple[int, ...], *stack: Any) -> Any:
        return keras.Sequential([layers.Input(shape, batch_size=1), *stack])

    def conv(filters: int) -> list[Any]:
        return [layers.Conv2D(filters, 3, padding="same", activation="relu")]

    def pool() -> list[Any]:
        return [layers.MaxPooling2D(2, 2, padding="same")]

    source = x = layers.Input((16, 16, 3), batch_size=1)
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    y = layers.Conv2D(8, 3, padding="same")(layers.Conv2D(8, 3, padding="same", activation="relu")(x))
    x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.AveragePooling2D(2)(x)
    gate = layers.Dense(8, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    x = layers.ZeroPadding2D(1)(layers.Concatenate()([layers.Multiply()([x, gate]), x]))
    residual = keras.Model(source, layers.Dense(10, activation="softmax")(layers.Flatten()(x)))

    return {
        "reference, a pool after each": chain(
            (3960,),
            layers.Reshape((120, 33, 1)),
            *(part for _ in range(3) for part in conv(8) + pool()),
            *(part for _ in range(3) for part in conv(16) + pool()),
            *conv(32) + pool(),
            layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ),
        "reference, one pool after three": chain(
            (3960,),
            layers.Reshape((120, 33, 1)),
            *conv(8) + conv(8) + conv(8) + pool(),
            *conv(16) + conv(16) + conv(16) + pool(),
            *conv(32) + pool(),
            layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ),
        "conv1d": chain(
            (4800,),
            layers.Reshape((120, 40)),
            layers.Conv1D(16, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling1D(2, 2, padding="same"),
            layers.Conv1D(24, 3, padding="causal", dilation_rate=2, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(10, activation="softmax"),
        ),
        "depthwise separable": chain(
            (49, 40, 1),
            layers.Conv2D(16, 3, strides=2, padding="same", activation="relu"),
            layers.DepthwiseConv2D(3, padding="same", activation="relu"),
            layers.Conv2D(24, 1, activation="relu"),
            layers.DepthwiseConv2D(3, strides=2, padding="same", activation="relu"),
            layers.Conv2D(32, 1, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10, activation="softmax"),
        ),
        "a mean over pixels that lie across rows": chain(
            (60, 2),
            layers.Conv1D(8, 3, padding="same", activation="relu"),
            layers.Reshape((30, 16)),
            layers.GlobalAveragePooling1D(),
            layers.Dense(3, activation="softmax"),
        ),
        "residual, ten classes": residual,
    }


def convert(model: Any, seed: int) -> bytes:
    """Full integer quantisation, with random activations as representative data."""
    activations = np.random.default_rng(seed).normal(0, 1, (20, *model.input_shape[1:])).astype(np.float32)
    return quantised_model(model, activations)


@pytest.fixture(scope="module")
def nets() -> dict[str, bytes]:
    """The Keras models, and the network that training scripts of `eitk tune` have as they ship, converted once."""
    keras = import_tensorflow().keras
    keras.utils.set_random_seed(5)
    converted = {name: convert(model, seed) for seed, (name, model) in enumerate(keras_models().items())}
    return converted | {"tuned": untrained_network(script_text("tuned.py"), 4800, 2, TrainingSettings())[0]}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("ram_optimized", [True, pytest.param(False, marks=pytest.mark.exhaustive)])
def test_keras_nets_on_the_host(nets: dict[str, bytes], agree: Any, ram_optimized: bool) -> None:
    agree(list(nets.values()), count=3, ram_optimized=ram_optimized, flags=SANITIZED)


@pytest.mark.slow
@pytest.mark.arm
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("ram_optimized", [False, pytest.param(True, marks=pytest.mark.exhaustive)])
def test_keras_nets_on_an_emulated_cortex_m4f(nets: dict[str, bytes], agree: Any, ram_optimized: bool) -> None:
    agree(list(nets.values()), count=2, ram_optimized=ram_optimized, arm=True)
