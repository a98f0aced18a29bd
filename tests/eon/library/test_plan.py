"""The plan of a library: sizes of its blocks, and a request that does not fit its model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from operator_cases import two_ends, unsigned_ends

from ei_toolkit.eon.library import LibraryDspBlock, LibraryRequest
from ei_toolkit.eon.library.blocks import block_code, parameter_values, quarter_cosine, whole_emphasis
from ei_toolkit.eon.library.cost import (
    LEVELLED_SAMPLE,
    fft_points,
    frame_floats,
    level_instructions,
    row_floats,
    spectrum_doubles,
    window_instructions,
    window_ram_bytes,
)
from ei_toolkit.eon.library.plan import ModelProperties, Plan, compiled_model, make_plan
from ei_toolkit.errors import ConfigurationError, UnsupportedModelError
from ei_toolkit.impulse import dsp

MODEL = ModelProperties(inputs=0, outputs=2, quantized=True, arena_bytes=1000, sha256="ab" * 32)


def request_with(*blocks: LibraryDspBlock, **changes: Any) -> LibraryRequest:
    values: dict[str, Any] = {
        "project_name": "p", "project_id": 1, "owner": "o", "deploy_version": 1, "labels": ("a", "b"), "tflite": b"",
        "window_samples": 8000, "frequency": 16_000.0, "dsp_blocks": blocks,
    }  # fmt: skip
    return LibraryRequest(**values | changes)


def plan_of(*blocks: LibraryDspBlock, quantized: bool = True) -> Plan:
    request = request_with(*blocks)
    features = sum(block_code(block, 8000, 16_000).features for block in blocks)
    return make_plan(request, replace(MODEL, inputs=features, quantized=quantized))


SPECTROGRAM = LibraryDspBlock(1, "spectrogram", 4, {"fft_length": 64})
MFE = LibraryDspBlock(2, "mfe", 4, {"fft_length": 512, "num_filters": 20})
MFCC = LibraryDspBlock(3, "mfcc", 4, {"fft_length": 256})
OLD = LibraryDspBlock(4, "spectrogram", 1, {"frame_length": 0.05, "frame_stride": 0.02})
RAW = LibraryDspBlock(5, "raw", 1, {"scale_axes": "0.5"})


@pytest.mark.parametrize("block", [SPECTROGRAM, MFE, MFCC, OLD])
def test_a_block_has_the_features_of_the_training(block: LibraryDspBlock) -> None:
    code = block_code(block, 8000, 16_000)
    frames, bins = dsp.output_shape(block.type, 8000, 16_000, block.implementation_version, **block.params)
    assert (code.cut.count, code.bins, code.features) == (frames, bins, frames * bins)
    assert code.constructor.startswith(f"dsp::{block.type.capitalize()} kBlock{block.id}({code.cut}")


def test_features_of_blocks_stand_one_behind_the_other() -> None:
    plan = plan_of(MFE, SPECTROGRAM, RAW)
    assert plan.offsets == (0, 49 * 20, 49 * 20 + 49 * 33)
    assert plan.features == 49 * 20 + 49 * 33 + 8000


@pytest.mark.parametrize(("quantized", "size"), [(True, 1), (False, 4)])
def test_a_stream_keeps_a_frame_and_the_newest_features(quantized: bool, size: int) -> None:
    plan = plan_of(SPECTROGRAM, quantized=quantized)
    assert plan.stream_ram_bytes == size * plan.features + 4 * 64


def test_a_block_that_normalises_keeps_the_rows_of_a_window() -> None:
    assert [block_code(block, 8000, 16_000).rows for block in (SPECTROGRAM, MFE, MFCC, OLD)] == [
        0,
        0,
        25 * 13,
        22 * 65,
    ]
    unnormalised = replace(MFCC, params={**MFCC.params, "win_size": 0})
    assert block_code(unnormalised, 8000, 16_000).rows == 0


def test_memory_that_blocks_share_is_as_large_as_the_largest_needs() -> None:
    codes = [block_code(block, 8000, 16_000) for block in (SPECTROGRAM, MFE, MFCC)]
    assert (fft_points(codes), frame_floats(codes), spectrum_doubles(codes), row_floats(codes)) == (512, 512, 512, 325)
    assert window_ram_bytes(codes) == 4 * 512 + 8 * 512 + 4 * 325
    assert fft_points([block_code(RAW, 8000, 16_000)]) == 4


@pytest.mark.parametrize(("window", "piece"), [(8000, 250), (256, 256), (257, 1), (509 * 2, 2), (100, 100)])
def test_a_raw_window_is_copied_in_equal_pieces(window: int, piece: int) -> None:
    code = block_code(RAW, window, 16_000)
    assert (code.bins, code.cut.count, code.features) == (piece, window // piece, window)


@settings(max_examples=20)
@given(st.sampled_from([SPECTROGRAM, MFE, MFCC]), st.sampled_from([64, 128, 256, 512]))
def test_a_longer_fft_and_more_frames_cost_more(block: LibraryDspBlock, points: int) -> None:
    def cost(**params: Any) -> int:
        asked = {"fft_length": points, "frame_length": 0.03, "num_filters": 8, "num_cepstral": 8, **params}
        known = {p.name for p in dsp.describe(block.type).parameters}
        fitting = replace(block, params={name: value for name, value in asked.items() if name in known})
        return window_instructions(block_code(fitting, 16_000, 16_000))

    assert cost(fft_length=2 * points) > cost() > 0
    assert cost(frame_stride=0.01) > cost(frame_stride=0.02) > cost(frame_stride=0.04)


def test_levelling_costs_the_same_for_each_sample() -> None:
    assert level_instructions(48_000) == 48_000 * LEVELLED_SAMPLE


@pytest.mark.parametrize(
    ("coefficient", "whole"),
    [(0.98, (50.0, 49.0)), (0.5, (2.0, 1.0)), (0.0, (1.0, 0.0)), (0.97, (100.0, 97.0)), (0.123456, (1.0, 0.123456))],
)
def test_a_coefficient_becomes_a_ratio_of_whole_numbers_where_that_is_exact(
    coefficient: float, whole: tuple[float, float]
) -> None:
    gain, weight = whole_emphasis(coefficient)
    assert (gain, weight) == whole
    assert weight / gain == coefficient


def test_a_quarter_of_the_circle_has_its_ends_exactly() -> None:
    table = quarter_cosine(8)
    assert (table[0], table[-1], len(table)) == (1, 0, 3)
    assert table[1] == pytest.approx(0.5**0.5)


def test_parameters_of_a_block_are_typed_literals_with_defaults() -> None:
    block = LibraryDspBlock(1, "spectrogram", 4, {"fft_length": "64", "frame_length": 0.025, "show_axes": "false"})
    assert [(v.kind, v.name, v.literal) for v in parameter_values(block)] == [
        ("float", "frame_length", "0.0250000004f"), ("float", "frame_stride", "0.00999999978f"),
        ("int", "fft_length", "64"), ("int", "noise_floor_db", "-52"), ("bool", "show_axes", "false"),
    ]  # fmt: skip
    assert [v.literal for v in parameter_values(RAW)] == ["0.5f"]


@pytest.mark.parametrize(
    ("changes", "message", "hint"),
    [
        ({"labels": ()}, "the impulse has no labels", "Train the model before building it."),
        ({"labels": ("a",)}, "there are 1 labels and the model has 2 outputs", "Train again"),
        ({"dsp_blocks": ()}, "the impulse has no processing block", "Add [impulse.dsp] to eitk.toml."),
        ({"window_samples": -1}, "-1 samples at 16000 Hz are not a window", ""),
        ({"frequency": float("inf")}, "8000 samples at inf Hz are not a window", ""),
        ({"window_samples": 4000}, "the blocks give 792 features and the model takes 1617", "Train again"),
        ({"dsp_blocks": (LibraryDspBlock(-1, "spectrogram", 4, {"fft_length": 64}),)},
         "block ids [-1] are not distinct natural numbers", ""),
        ({"dsp_blocks": (LibraryDspBlock(1, "flatten", 1),)}, "the library has no C++ for the block 'flatten'",
         "Blocks: spectrogram, mfe, mfcc, raw."),
    ],
)  # fmt: skip
def test_a_request_that_contradicts_its_model_is_explained(changes: dict[str, Any], message: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_plan(
            request_with(SPECTROGRAM, **{"dsp_blocks": (SPECTROGRAM,), **changes}), replace(MODEL, inputs=49 * 33)
        )
    assert caught.value.what == message
    assert caught.value.hint.startswith(hint)


def test_two_blocks_with_one_id_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"block ids \[1, 1\] are not distinct"):
        plan_of(SPECTROGRAM, replace(MFE, id=1))


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (replace(RAW, params={"scale_axes": "much"}), "scale_axes = 'much' is not a number"),
        (
            replace(MFCC, params={"pre_shift": -1}),
            "the library cannot have 32 filters for an FFT of 256 points, pre_shift -1",
        ),
    ],
)
def test_parameters_that_the_cpp_cannot_have_are_named(block: LibraryDspBlock, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        block_code(block, 8000, 16_000)


def test_a_classifier_takes_one_input() -> None:
    with pytest.raises(UnsupportedModelError, match="the model's inputs are int8, float32") as caught:
        compiled_model(two_ends(), ram_optimized=False)
    assert "eitk eon compile" in caught.value.hint


def test_a_classifier_takes_uint8_ends_as_int8() -> None:
    code = compiled_model(unsigned_ends(), ram_optimized=False)
    assert code.properties.quantized
    assert "using Input = int8_t;" in code.files["model.h"]
    assert "kInputZeroPoint = -7;" in code.files["model.h"]
