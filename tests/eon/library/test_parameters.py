"""Blocks with random parameters: the generated C++ gives the features of Python for all that Python accepts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ei_toolkit.eon.library import LibraryDspBlock
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.interpreter import Quantisation

SAMPLES = 5000


def random_block(rng: np.random.Generator, number: int) -> LibraryDspBlock:
    """A block of any kind with any parameters that Python accepts."""
    while True:
        kind = str(rng.choice(["spectrogram", "mfe", "mfcc"]))
        version = int(rng.choice(dsp.describe(kind).versions))
        params: dict[str, Any] = {
            "frame_length": round(rng.uniform(0.0003, 0.05), 4),
            "frame_stride": round(rng.uniform(0.0003, 0.06), 4),
            "fft_length": int(2 ** rng.integers(1, 11)),
        }
        if kind != "mfcc":
            params["noise_floor_db"] = int(rng.integers(-110, -20))
        if kind != "spectrogram":
            params["num_filters"] = int(rng.integers(2, 41))
            params["low_frequency"] = int(rng.choice([0, 80, 300]))
        if kind == "mfcc":
            params |= {"num_cepstral": int(rng.integers(1, 14)), "win_size": int(rng.choice([0, 5, 101]))}
            params |= {"pre_cof": float(rng.choice([0.98, 0.9, 0.0])), "pre_shift": int(rng.integers(1, 4))}
        try:
            dsp.output_shape(kind, SAMPLES, 16000, version, **params)
        except ConfigurationError:
            continue
        return LibraryDspBlock(number, kind, version, params)


def signals(rng: np.random.Generator) -> list[npt.NDArray[np.int16]]:
    time = np.arange(SAMPLES)
    noise, walk = rng.normal(0, 4000, SAMPLES), np.cumsum(rng.normal(0, 90, SAMPLES))
    tone = 9000 * np.sin(0.3 * time) + rng.normal(0, 3, SAMPLES)
    gap = np.where((time // 900) % 2 == 0, noise, rng.integers(-2, 3, SAMPLES))
    return [np.clip(np.round(s), -32768, 32767).astype(np.int16) for s in (noise, walk, tone, gap, 20 * noise)]


@pytest.mark.parametrize("seed", range(4))
def test_generated_blocks_equal_python(build_blocks: Callable[..., Any], seed: int) -> None:
    rng = np.random.default_rng(seed)
    blocks = [random_block(rng, number) for number in range(10)]
    built = build_blocks(blocks, SAMPLES)
    for samples in signals(rng):
        for at, block in enumerate(blocks):
            expected = dsp.run(block.type, samples, 16000, block.implementation_version, **block.params)
            assert built.plan.blocks[at].features == len(expected)
            if block.type == "mfe" or (block.type == "spectrogram" and block.implementation_version >= 3):
                quantised = Quantisation(0.0098, -128).quantise(expected.astype(np.float32))
                assert np.array_equal(built.quantised(at, samples, 0.0098, -128), quantised), block
            elif block.type == "spectrogram":
                assert np.abs(built.features(at, samples) - expected).max() < 1e-5, block
            else:  # a nearly constant coefficient is divided by almost zero, so that only the median can be compared
                assert np.median(np.abs(built.features(at, samples) - expected)) < 3e-4, block
