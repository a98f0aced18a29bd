from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.audio.window import cut, cut_blocks, samples_in


def test_cut_gives_every_whole_window() -> None:
    windows = list(cut(np.arange(10, dtype=np.int16), 4, 3))
    assert [(start, view.tolist()) for start, view in windows] == [
        (0, [0, 1, 2, 3]),
        (3, [3, 4, 5, 6]),
        (6, [6, 7, 8, 9]),
    ]


def test_what_is_shorter_than_a_window_gives_none() -> None:
    assert list(cut(np.arange(3, dtype=np.int16), 4, 1)) == []


@given(st.lists(st.integers(1, 50), max_size=8), st.integers(1, 40), st.integers(1, 60))
def test_blocks_of_any_size_give_the_same_windows(sizes: list[int], window: int, hop: int) -> None:
    samples = np.arange(sum(sizes), dtype=np.int16)
    blocks = np.split(samples, np.cumsum(sizes)[:-1]) if sizes else []
    streamed = [(start, view.tolist()) for start, view in cut_blocks(blocks, window, hop)]
    expected = [(s, samples[s : s + window].tolist()) for s in range(0, len(samples) - window + 1, hop)]
    assert streamed == expected


def test_no_more_than_a_window_is_kept_between_blocks() -> None:
    kept: list[int] = []
    blocks = (np.zeros(1000, np.int16) for _ in range(50))
    for _, view in cut_blocks(blocks, 400, 100):
        kept.append(len(view.base) if view.base is not None else len(view))
    assert max(kept) <= 1400


@pytest.mark.parametrize(
    ("milliseconds", "rate", "samples"),
    [
        (3000, 16000, 48000),
        (999, 22050, 22028),  # 22027.95
        (1, 11025, 11),  # 11.025
        (1, 500, 1),  # a half is rounded up
        (5, 500, 3),  # also where the even number is the lower one
        (1000, 760.9999999999999, 761),
    ],
)
def test_a_time_has_the_nearest_whole_number_of_samples(milliseconds: float, rate: float, samples: int) -> None:
    assert samples_in(milliseconds, rate) == samples


@pytest.mark.parametrize(("length", "starts"), [(0, []), (1, [0]), (399, [0]), (400, [0]), (401, [0]), (800, [0, 400])])
def test_a_signal_shorter_than_a_window_is_padded_on_request(length: int, starts: list[int]) -> None:
    signal = np.arange(1, length + 1, dtype=np.int16)
    found = list(cut_blocks([signal[:100], signal[100:]], 400, 400, pad=True))
    assert [start for start, _ in found] == starts
    assert all(len(view) == 400 for _, view in found)
    if 0 < length < 400:
        assert found[0][1].tolist() == [*signal.tolist(), *[0] * (400 - length)]
    assert len(list(cut_blocks([signal], 400, 400))) == length // 400


@given(st.floats(0, 1e7), st.floats(1, 2e5))
def test_the_nearest_number_of_samples_is_that_of_exact_arithmetic(milliseconds: float, rate: float) -> None:
    exact = Fraction(milliseconds) * Fraction(rate) / 1000
    assert abs(samples_in(milliseconds, rate) - exact) <= Fraction(1, 2) + abs(exact) * Fraction(1, 2**50)


@given(st.integers(1, 40), st.integers(1, 60), st.integers(0, 300))
def test_windows_are_views_and_not_copies(window: int, hop: int, n: int) -> None:
    samples = np.arange(n, dtype=np.int16)
    assert all(np.shares_memory(view, samples) for _, view in cut(samples, window, hop))


def test_a_hop_longer_than_a_window_leaves_samples_out() -> None:
    assert [start for start, _ in cut(np.zeros(100, np.int16), 10, 25)] == [0, 25, 50, 75]


def test_blocks_without_samples_do_not_matter() -> None:
    empty, four = np.empty(0, np.int16), np.arange(4, dtype=np.int16)
    assert [view.tolist() for _, view in cut_blocks([empty, four, empty, empty, four], 5, 5)] == [[0, 1, 2, 3, 0]]
