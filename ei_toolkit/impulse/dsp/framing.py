"""Cut windows into frames as the published blocks do. There is no padding: trailing samples are ignored."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse.dsp.block import Floats

MIN_FRAME_SAMPLES = 4
MAX_FRAMES = 500
MAX_FRAME_SAMPLES = 1 << 31  # the range of the integers on the board


@dataclass(frozen=True)
class Framing:
    """`count` frames of `length` samples, each `stride` samples after the one before."""

    length: int
    stride: int
    count: int


def framing(n_samples: int, frequency: float, frame_length: float, frame_stride: float, version: int) -> Framing:
    """Return the frames of a window of `n_samples`; `frame_length` and `frame_stride` in seconds.

    Raises ConfigurationError where the window is empty or shorter than a frame, where a frame or stride is under
    four samples or not under 2³¹, or where there would be more than 500 frames.
    """
    wanted = _samples("frame_length", frequency, frame_length)
    # Version 1 rounds the length to even and loses the last full frame; later versions round up and keep it.
    length = round(wanted) if version == 1 else _ceil(wanted)
    stride = _ceil(_samples("frame_stride", frequency, frame_stride))
    if n_samples == 0:
        raise ConfigurationError("the window is empty", hint="Use a longer window.")
    if length < MIN_FRAME_SAMPLES or stride < MIN_FRAME_SAMPLES:
        raise ConfigurationError(
            "frame_length and frame_stride must be at least four samples",
            why=f"they are {length} and {stride} samples at {frequency:g} Hz",
            hint=f"Use at least {MIN_FRAME_SAMPLES / frequency:g} s.",
        )
    count = (n_samples - length) // stride if version == 1 else (n_samples - (length - stride)) // stride
    return Framing(length, stride, _checked_count(count, n_samples, length))


def frames(windows: Floats, cut: Framing, keep: int) -> Floats:
    """Return the first `keep` samples of each frame: (n, samples) -> (n, count, min(length, keep)), a view."""
    reach = np.lib.stride_tricks.sliding_window_view(windows, min(cut.length, keep), axis=1)
    return reach[:, : cut.count * cut.stride : cut.stride][:, : cut.count]


def _samples(name: str, frequency: float, seconds: float) -> float:
    """Convert seconds to samples. Raises ConfigurationError for more than a window can have."""
    samples = frequency * seconds
    if not abs(samples) < MAX_FRAME_SAMPLES:
        raise ConfigurationError(
            f"{name} = {seconds:g} s is out of range", why=f"it is {samples:.3g} samples at {frequency:g} Hz"
        )
    return samples


def _ceil(value: float) -> int:
    """Round up, except that a value less than 0.001 above an integer is rounded down to it."""
    floor = math.floor(value)
    return floor if 0 < value - floor < 0.001 else math.ceil(value)


def _checked_count(count: int, n_samples: int, length: int) -> int:
    if count < 1:
        raise ConfigurationError(
            "frame length is larger than the window",
            why=f"a frame has {length} samples, the window {n_samples}",
            hint="Use a shorter frame_length or a longer window.",
        )
    if count > MAX_FRAMES:
        raise ConfigurationError(
            f"the window would have {count} frames, and at most {MAX_FRAMES} are allowed",
            hint="Use a longer frame_stride or a shorter window.",
        )
    return count
