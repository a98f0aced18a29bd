"""The error bounds of the float arithmetic, by which the runtime selects what it computes again in DoubleFloat."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from ei_toolkit.eon.library import LibraryDspBlock

Window = npt.NDArray[np.float32]


def hard_frames(fft: int, rng: np.random.Generator) -> Iterator[Window]:
    """Frames of whole numbers: noise, tones at and between bins, square waves, random walks, impulses, mixtures."""
    time = np.arange(fft)
    for _ in range(40):
        level, frequency = 10 ** rng.uniform(0, 4.5), rng.uniform(0, np.pi)
        tone = np.sin(frequency * time + rng.uniform(0, 6))
        on_bin = np.cos(2 * np.pi * rng.integers(0, fft // 2 + 1) * time / fft)
        square = np.sign(np.sin(2 * np.pi * time / rng.integers(2, 40)) + 1e-9)
        walk = np.cumsum(rng.normal(size=fft))
        impulse = (time == rng.integers(0, fft)) * 1.0
        for shape in (
            rng.normal(size=fft),
            tone,
            on_bin,
            square,
            walk,
            impulse,
            tone + 1e-3 * square,
            on_bin + tone / 99,
        ):
            yield np.round(shape / np.abs(shape).max() * level).astype(np.float32)


@pytest.mark.parametrize("fft", [4, 32, 64, 256, 512, 4096])
def test_the_float_spectrum_keeps_its_bound(build_blocks: Callable[..., Any], fft: int) -> None:
    params = {"frame_length": fft / 16000, "frame_stride": fft / 16000, "fft_length": fft}
    code = build_blocks([LibraryDspBlock(1, "spectrogram", 4, params)], max(2 * fft, 16)).code
    code.spectra.restype = ctypes.c_float
    quick, exact = np.zeros(fft // 2 + 1, np.float32), np.zeros(fft // 2 + 1)
    for frame in hard_frames(fft, np.random.default_rng(fft)):
        at = (array.ctypes.data_as(ctypes.c_void_p) for array in (quick, exact))
        bound = code.spectra(frame.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(fft), *at)
        power = np.abs(np.fft.rfft(frame.astype(np.float64))) ** 2
        assert np.abs(np.sqrt(exact / 4) - np.sqrt(power)).max() <= 2e-12 * np.sqrt(power.sum())
        assert np.abs(np.sqrt(quick.astype(np.float64)) - np.sqrt(exact)).max() <= bound / 1.2


def test_the_float_logarithm_keeps_its_bound(build_blocks: Callable[..., Any]) -> None:
    code = build_blocks([LibraryDspBlock(1, "spectrogram", 4)], 16000).code
    x = np.geomspace(1e-30, 1e25, 2_000_000).astype(np.float32)
    logs, errors = np.zeros_like(x), np.zeros_like(x)
    at = [array.ctypes.data_as(ctypes.c_void_p) for array in (x, logs, errors)]
    code.logarithms(at[0], ctypes.c_size_t(len(x)), at[1], at[2])
    assert np.all(np.abs(logs - np.log(x.astype(np.float64))) <= errors / 1.1)
