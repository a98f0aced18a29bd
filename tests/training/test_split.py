from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_toolkit.errors import DataError
from ei_toolkit.training.split import given_split, grouped_folds, validation_split

windows = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=1, max_size=80)


@given(windows, st.floats(0, 0.9), st.integers(0, 5))
def test_no_artist_is_in_both_splits(rows: list[tuple[int, int]], fraction: float, seed: int) -> None:
    labels, groups = [label for label, _ in rows], [f"{label}/{artist}" for label, artist in rows]
    train, held = validation_split(labels, groups, fraction, seed)
    assert sorted([*train, *held]) == list(range(len(rows)))
    assert not {groups[i] for i in train} & {groups[i] for i in held}
    assert {labels[i] for i in train} == set(labels)


def test_about_the_wanted_part_is_held_out_of_each_label() -> None:
    labels = [i % 2 for i in range(1000)]
    _, held = validation_split(labels, (), 0.2, seed=1)
    assert np.bincount(np.array(labels)[held]) == pytest.approx([100, 100], abs=1)


def test_a_label_with_one_artist_is_kept_for_training() -> None:
    _, held = validation_split([0] * 10 + [1] * 10, ["a"] * 10 + [f"b{i}" for i in range(10)], 0.3, seed=0)
    assert set(held) <= set(range(10, 20))
    assert len(held) == 3


def test_a_small_part_still_takes_the_smallest_artist() -> None:
    sizes = {"a": 40, "b": 40, "c": 20, "d": 40}
    groups = [artist for artist, size in sizes.items() for _ in range(size)]
    _, held = validation_split([0] * len(groups), groups, 0.05, seed=0)
    assert {groups[i] for i in held} == {"c"}


def test_the_seed_decides() -> None:
    labels, groups = [i % 2 for i in range(100)], [f"{i // 5}" for i in range(100)]
    one, same, other = (validation_split(labels, groups, 0.3, seed)[1].tolist() for seed in (1, 1, 2))
    assert one == same
    assert one != other


@settings(max_examples=40)
@given(st.integers(2, 5), st.integers(0, 20))
def test_folds_partition_the_windows_and_keep_artists_whole(k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 12, 24)
    groups = [f"artist {number}" for number, size in enumerate(sizes) for _ in range(size)]
    labels = [number % 2 for number, size in enumerate(sizes) for _ in range(size)]
    folds = grouped_folds(labels, groups, k, seed)
    assert sorted(i for _, test in folds for i in test) == list(range(len(labels)))
    for train, test in folds:
        assert not {groups[i] for i in train} & {groups[i] for i in test}
        assert {labels[i] for i in test} == {0, 1}


def test_too_few_artists_for_the_folds() -> None:
    with pytest.raises(DataError, match="folds"):
        grouped_folds([0, 0, 1, 1], ["a", "b", "c", "c"], 2, 0)


def test_given_validation_windows_are_used_and_no_others() -> None:
    train, validation = given_split([False, True, False, True, False], seed=1)
    assert sorted(train.tolist()) == [0, 2, 4]
    assert sorted(validation.tolist()) == [1, 3]


def test_the_order_of_given_splits_follows_the_seed() -> None:
    marks = [i % 4 == 0 for i in range(40)]
    assert given_split(marks, 1)[0].tolist() == given_split(marks, 1)[0].tolist()
    assert given_split(marks, 1)[0].tolist() != given_split(marks, 2)[0].tolist()


@pytest.mark.parametrize("fraction", [-0.1, 1.0, float("nan")])
def test_a_part_that_cannot_be_is_shown(fraction: float) -> None:
    with pytest.raises(DataError, match=f"a validation fraction of {fraction:g} is not at least 0 and below 1"):
        validation_split([0, 1], (), fraction, 0)


def test_a_part_of_zero_keeps_everything_for_training() -> None:
    train, held = validation_split([0, 1] * 20, [str(i % 10) for i in range(40)], 0.0, 3)
    assert sorted(train) == list(range(40)) and len(held) == 0


@given(windows, st.floats(0.05, 0.9), st.integers(0, 5))
def test_the_held_part_is_never_farther_from_the_wanted_one_than_nothing_or_one_group(
    rows: list[tuple[int, int]], fraction: float, seed: int
) -> None:
    labels, groups = [label for label, _ in rows], [f"{label}/{artist}" for label, artist in rows]
    _, held = validation_split(labels, groups, fraction, seed)
    for label in set(labels):
        sizes = [groups.count(group) for group in set(groups) if group.startswith(f"{label}/")]
        wanted, found = fraction * labels.count(label), sum(labels[i] == label for i in held)
        assert found - wanted <= max(max(sizes) / 2, min(sizes))
        assert found < labels.count(label) or len(sizes) == 0


def test_a_group_for_each_window_is_needed() -> None:
    with pytest.raises(DataError, match="2 groups were given for 3 windows"):
        validation_split([0, 1, 1], ["a", "b"], 0.2, 0)


def test_a_group_with_two_labels_is_held_for_both() -> None:
    labels = [0, 1] * 20
    groups = [f"album {i // 4}" for i in range(40)]
    train, held = validation_split(labels, groups, 0.3, 1)
    assert not {groups[i] for i in train} & {groups[i] for i in held}
    assert np.bincount(np.array(labels)[held]).tolist() == [6, 6]


def test_names_of_groups_that_look_like_numbers_stay_apart() -> None:
    train, held = validation_split([0] * 8, ["1", "01", "1.0", " 1"] * 2, 0.25, 0)
    assert (len(train), len(held)) == (6, 2)
    assert held[0] % 4 == held[1] % 4  # both windows of one group


@given(st.integers(2, 6), st.integers(0, 50))
def test_folds_have_about_the_same_number_of_windows_of_each_label(k: int, seed: int) -> None:
    labels = [i % 3 for i in range(30 * k)]
    folds = grouped_folds(labels, (), k, seed)
    counts = np.array([np.bincount(np.array(labels)[test], minlength=3) for _, test in folds])
    assert len(folds) == k and (np.ptp(counts, axis=0) <= 1).all()


@pytest.mark.parametrize("k", [0, 1, 4])
def test_too_many_or_too_few_folds_are_refused_with_a_hint(k: int) -> None:
    with pytest.raises(DataError, match=f"^{k} folds cannot be made") as caught:
        grouped_folds([0, 0, 0, 1, 1, 1], (), k, 0)
    assert (caught.value.why, caught.value.hint) == ("a label has fewer groups than that, or k < 2", "Use fewer folds.")


def test_folds_of_the_same_seed_are_the_same_and_of_another_are_not() -> None:
    labels, groups = [i % 2 for i in range(60)], [str(i // 3) for i in range(60)]
    one, same, other = ([test.tolist() for _, test in grouped_folds(labels, groups, 3, seed)] for seed in (1, 1, 2))
    assert one == same != other
