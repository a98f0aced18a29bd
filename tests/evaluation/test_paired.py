"""The interval knows that clips of one artist are no independent witnesses, and that pairs cancel what is shared."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.errors import DataError
from ei_toolkit.evaluation.gate import Track, paired_difference


def tracks(right: list[float], artists: int) -> list[Track]:
    """Half rock, half classical; `artists` artists a label."""
    half = len(right) // 2
    return [
        Track(f"{i}.wav", f"{i // half}-{i % half % artists}", ("classical", "rock")[i // half], value)
        for i, value in enumerate(right)
    ]


def test_the_same_model_differs_by_nothing() -> None:
    difference = paired_difference(tracks([1, 0, 1, 1], 2), tracks([1, 0, 1, 1], 2))
    assert (difference.mean, difference.low, difference.high) == (0, 0, 0)
    assert (difference.tracks, difference.artists) == (4, 4)


def test_a_constant_gain_has_no_spread_however_the_tracks_differ() -> None:
    base = [0.1, 0.9, 0.5, 0.3, 0.7, 0.2]
    difference = paired_difference(tracks(base, 3), tracks([value + 0.05 for value in base], 3))
    assert difference.low == pytest.approx(0.05)
    assert difference.high == pytest.approx(0.05)


def test_few_artists_make_a_wider_interval_than_many() -> None:
    random = np.random.default_rng(1)
    before = tracks([0.5] * 80, 40)
    spread = random.normal(0, 0.1, 2)
    few = [Track(t.clip, f"{t.label}-{i % 2}", t.label, 0.5 + spread[i % 2]) for i, t in enumerate(before)]
    many = [Track(t.clip, t.artist, t.label, few[i].right) for i, t in enumerate(before)]
    few_before = [Track(t.clip, few[i].artist, t.label, 0.5) for i, t in enumerate(before)]
    wide, narrow = paired_difference(few_before, few), paired_difference(before, many)
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


@given(st.lists(st.floats(0, 1), min_size=4, max_size=24).filter(lambda v: len(v) % 4 == 0))
def test_the_interval_is_ordered_and_turns_around_when_the_models_change_places(right: list[float]) -> None:
    one, other = tracks(right, 2), tracks(right[::-1], 2)
    there, back = paired_difference(one, other), paired_difference(other, one)
    assert there.low <= there.high
    assert there.low == pytest.approx(-back.high, abs=1e-9)


def test_a_clip_counts_as_often_as_it_has_windows() -> None:
    """The shares are those of all windows, as in train and test: 9 of 10 windows, not the mean of two clips."""
    before = [Track("a", "one", "rock", 1.0, 8), Track("b", "two", "rock", 0.5, 2)]
    after = [Track("a", "one", "rock", 0.5, 8), Track("b", "two", "rock", 0.5, 2)]
    difference = paired_difference(before, after)
    assert (difference.champion, difference.challenger) == (0.9, 0.5)
    assert difference.mean == pytest.approx(-0.4)


def test_models_with_windows_of_different_lengths_are_compared_by_their_own_windows() -> None:
    before, after = [Track("a", "one", "rock", 0.75, 4)], [Track("a", "one", "rock", 0.5, 2)]
    difference = paired_difference(before, after)
    assert (difference.low, difference.high) == (-0.25, -0.25)


def test_other_clips_are_no_comparison() -> None:
    with pytest.raises(DataError, match="not tested on the same clips"):
        paired_difference(tracks([1, 1], 1), tracks([1, 1, 1, 1], 2))
