"""Frames of a window: their number against counting them one by one, and their samples against slicing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse.dsp.framing import MAX_FRAMES, Framing, frames, framing

SIZES = st.tuples(st.integers(4, 400), st.integers(4, 300), st.integers(1, 20_000))


def count_frames(n_samples: int, length: int, stride: int) -> int:
    """How many whole frames of `length` samples start at 0, stride, 2 * stride, ... in a window."""
    return sum(start + length <= n_samples for start in range(0, n_samples, stride))


@given(SIZES, st.sampled_from([2, 3, 4]))
def test_each_whole_frame_counts_since_version_2(sizes: tuple[int, int, int], version: int) -> None:
    length, stride, n_samples = sizes
    expected = count_frames(n_samples, length, stride)
    if 1 <= expected <= MAX_FRAMES:
        assert framing(n_samples, 1.0, length, stride, version) == Framing(length, stride, expected)
    else:
        with pytest.raises(ConfigurationError):
            framing(n_samples, 1.0, length, stride, version)


@given(SIZES)
def test_version_1_loses_the_last_whole_frame(sizes: tuple[int, int, int]) -> None:
    length, stride, n_samples = sizes
    expected = count_frames(n_samples, length, stride) - 1
    if 1 <= expected <= MAX_FRAMES:
        assert framing(n_samples, 1.0, length, stride, 1).count == expected
    else:
        with pytest.raises(ConfigurationError):
            framing(n_samples, 1.0, length, stride, 1)


@pytest.mark.parametrize(
    ("seconds", "version", "samples"),
    [
        (0.0125, 4, 200),  # 200 exactly
        (0.01251, 4, 201),  # 200.16 is rounded up
        (0.01251, 1, 200),  # and to the nearest in version 1
        (0.0125 + 5e-8, 4, 200),  # 200.0008 is taken for a rounding error of 200
        (0.01253125, 1, 200),  # 200.5 goes to the even number in version 1
        (0.01259375, 1, 202),  # as does 201.5
    ],
)
def test_seconds_become_samples_by_the_rule_of_the_version(seconds: float, version: int, samples: int) -> None:
    assert framing(16_000, 16_000, seconds, 0.025, version).length == samples


@given(st.integers(4, 30), st.integers(4, 30), st.integers(0, 60), st.integers(1, 40))
def test_frames_are_slices_of_the_window_cut_to_the_length_of_the_fft(
    length: int, stride: int, more: int, keep: int
) -> None:
    windows = np.arange(2 * (length + more), dtype=np.float64).reshape(2, -1)
    cut = framing(length + more, 1.0, length, stride, 4)
    found = frames(windows, cut, keep)
    expected = [[list(w[i * stride : i * stride + length][:keep]) for i in range(cut.count)] for w in windows]
    assert found.tolist() == expected


def test_frames_share_the_memory_of_the_window() -> None:
    windows = np.zeros((1, 100))
    assert np.shares_memory(windows, frames(windows, Framing(10, 5, 19), 10))


@pytest.mark.parametrize(
    ("arguments", "what", "why", "hint"),
    [
        ((0, 16_000, 0.02, 0.02, 4), "the window is empty", "", "Use a longer window."),
        ((100, 16_000, 0.02, 0.02, 4), "frame length is larger than the window",
         "a frame has 320 samples, the window 100", "Use a shorter frame_length or a longer window."),
        ((16_000, 16_000, 0.02, 0.0001, 4), "frame_length and frame_stride must be at least four samples",
         "they are 320 and 2 samples at 16000 Hz", "Use at least 0.00025 s."),
        ((4 + 4 * MAX_FRAMES, 1, 4, 4, 4), "the window would have 501 frames, and at most 500 are allowed",
         "", "Use a longer frame_stride or a shorter window."),
        ((16_000, 16_000, 200_000, 0.02, 4), "frame_length = 200000 s is out of range",
         "it is 3.2e+09 samples at 16000 Hz", ""),
    ],
)  # fmt: skip
def test_a_framing_that_cannot_be_is_explained(
    arguments: tuple[int, float, float, float, int], what: str, why: str, hint: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        framing(*arguments)
    assert (caught.value.what, caught.value.why, caught.value.hint) == (what, why, hint)
