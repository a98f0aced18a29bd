"""Generated blocks: exact on windows similar to music, streams equal to windows, errors of the sketch returned."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ei_toolkit.eon.library import LibraryDspBlock
from ei_toolkit.eon.library.blocks import whole_emphasis
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.interpreter import Quantisation

FRAMES = {"frame_length": 0.025, "frame_stride": 0.025}
SPECTROGRAM = LibraryDspBlock(1, "spectrogram", 4, {**FRAMES, "fft_length": 64, "noise_floor_db": -50})
MFE = LibraryDspBlock(2, "mfe", 4, {**FRAMES, "fft_length": 512, "num_filters": 40, "noise_floor_db": -65})
MFCC = LibraryDspBlock(3, "mfcc", 4, {**FRAMES, "fft_length": 512, "win_size": 51})
OLD = LibraryDspBlock(4, "spectrogram", 2, {**FRAMES, "fft_length": 64})
OVERLAPPING = LibraryDspBlock(5, "mfe", 3, {"frame_length": 0.032, "frame_stride": 0.016, "num_filters": 24})


def music(seed: int, samples: int = 48000) -> npt.NDArray[np.int16]:
    """Decaying harmonics over coloured noise, at a random level."""
    rng = np.random.default_rng(seed)
    time = np.arange(samples) / 16000
    sound = np.cumsum(rng.normal(size=samples)) * 0.02
    for pitch in rng.uniform(60, 900, 6):
        for harmonic in range(1, 12):
            sound += np.sin(2 * np.pi * pitch * harmonic * time + rng.uniform(0, 6)) / harmonic
    sound *= rng.uniform(0.1, 1) * np.exp(-((time * rng.uniform(0.2, 3)) % 1.0))
    level = 10 ** rng.uniform(1.5, 4.5)
    return np.clip(np.round(sound / np.abs(sound).max() * level), -32768, 32767).astype(np.int16)


def python_features(block: LibraryDspBlock, samples: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return dsp.run(block.type, samples, 16000, block.implementation_version, **block.params)


@pytest.mark.parametrize("scale", [1 / 256, 0.0098039219, 0.031])
def test_every_int8_value_is_that_of_float64(build_blocks: Callable[..., Any], scale: float) -> None:
    built = build_blocks([SPECTROGRAM, MFE, OVERLAPPING], 48000)
    for seed in range(12):
        samples = music(seed)
        for at, block in enumerate((SPECTROGRAM, MFE, OVERLAPPING)):
            expected = Quantisation(scale, -90).quantise(python_features(block, samples).astype(np.float32))
            assert np.array_equal(built.quantised(at, samples, scale, -90), expected), (block.type, seed)


def test_blocks_that_normalise_are_close(build_blocks: Callable[..., Any]) -> None:
    built = build_blocks([MFCC, OLD], 48000)
    for seed in range(6):
        samples = music(seed)
        for at, (block, tolerance) in enumerate(((MFCC, 3e-4), (OLD, 1e-6))):
            assert np.abs(built.features(at, samples) - python_features(block, samples)).max() < tolerance


@pytest.mark.parametrize("slice_samples", [12000, 4000, 777, 100])
def test_a_stream_gives_what_windows_give(build_blocks: Callable[..., Any], slice_samples: int) -> None:
    blocks = [SPECTROGRAM, MFE, MFCC, OLD, OVERLAPPING]
    built = build_blocks(blocks, 16000)
    samples = music(3, 40000).astype(np.float32)
    slices = [samples[i : i + slice_samples] for i in range(0, len(samples), slice_samples)]
    for at, block in enumerate(blocks):
        cut = built.plan.blocks[at].cut
        newest = built.stream(at, slices)[-1]
        frames_read = (len(samples) - cut.used) // cut.stride + 1
        start = (frames_read - cut.count) * cut.stride
        whole = built.features(at, samples[start : start + 16000]).reshape(cut.count, -1)
        # The first frame of a window is preceded by the window's end; in a stream, by the sample before it.
        rows = slice(1, None) if block.type == "mfe" else slice(None)
        if block.type != "mfcc":
            assert np.allclose(newest.reshape(cut.count, -1)[rows], whole[rows], atol=1e-6), block


def test_a_stream_is_incomplete_until_there_is_a_window(build_blocks: Callable[..., Any]) -> None:
    built = build_blocks([SPECTROGRAM], 16000)
    quarter = music(1, 4000).astype(np.float32)
    assert [len(built.stream(0, [quarter] * n)) for n in range(1, 7)] == [0, 0, 0, 1, 2, 3]


def test_an_error_of_the_callback_comes_back(build_blocks: Callable[..., Any]) -> None:
    built = build_blocks([SPECTROGRAM, MFE, MFCC], 48000)
    out = np.zeros(4800, np.float32)
    for at in range(3):
        assert built.code.failing(at, out.ctypes.data_as(ctypes.c_void_p)) == -7


def test_silence_and_extremes_are_finite(build_blocks: Callable[..., Any]) -> None:
    built = build_blocks([SPECTROGRAM, MFE, MFCC, OLD], 48000)
    for samples in (np.zeros(48000), np.full(48000, -32768.0), np.tile([32767.0, -32768.0], 24000)):
        assert all(np.isfinite(built.features(at, samples)).all() for at in range(4))


@pytest.mark.parametrize(
    ("coefficient", "pair"), [(0.98, (50.0, 49.0)), (0.95, (20.0, 19.0)), (0.971234, (1.0, 0.971234))]
)
def test_emphasis_is_in_whole_numbers_where_possible(coefficient: float, pair: tuple[float, float]) -> None:
    assert whole_emphasis(coefficient) == pair


def test_an_unknown_block_is_refused(build_blocks: Callable[..., Any]) -> None:
    with pytest.raises(ConfigurationError, match="no C\\+\\+ for the block 'image'"):
        build_blocks([LibraryDspBlock(1, "image", 1)], 48000)


@pytest.mark.parametrize("length", [784, 16000, 251, 257])
def test_raw_gives_the_samples_back(build_blocks: Callable[..., Any], length: int) -> None:
    raw = LibraryDspBlock(7, "raw", 1, {"scale_axes": "0.5"})
    samples = np.random.default_rng(0).normal(size=length).astype(np.float32)
    assert np.array_equal(build_blocks([raw], length).features(0, samples), samples * np.float32(0.5))
