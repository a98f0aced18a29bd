"""Features of many windows in a temporary file are the same array as in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ei_toolkit.impulse import feature_rows
from ei_toolkit.impulse.feature_rows import (
    RowCollector,
    batches,
    chosen_rows,
    collected,
    is_in_file,
    joined,
    save_rows,
    side_by_side,
)

ROWS = np.random.default_rng(1).random((700, 6), np.float32)


@pytest.fixture(params=[False, True], ids=["memory", "file"])
def rows(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> feature_rows.Rows:
    """The array ROWS, in memory and in a file, which is read 64 rows at a time."""
    monkeypatch.setattr(feature_rows, "ROWS_AT_ONCE", 64)
    if request.param:
        monkeypatch.setattr(feature_rows, "LARGEST_IN_MEMORY_BYTES", 1000)
    found = collected(iter(np.array_split(ROWS, 9)), 6, tmp_path)
    assert is_in_file(found) is request.param
    return found


def test_rows_are_those_that_were_added(rows: feature_rows.Rows) -> None:
    np.testing.assert_array_equal(rows, ROWS)


def test_no_rows_are_an_empty_array(tmp_path: Path) -> None:
    assert RowCollector(6, tmp_path).rows().shape == (0, 6)


def test_the_file_has_no_name_and_ends_with_the_array(rows: feature_rows.Rows, tmp_path: Path) -> None:
    assert list(tmp_path.iterdir()) == []


def test_batches_give_all_rows_or_chosen_ones_in_order(rows: feature_rows.Rows) -> None:
    assert max(map(len, batches(rows))) == 64
    np.testing.assert_array_equal(np.concatenate(list(batches(rows))), ROWS)
    chosen = np.random.default_rng(2).permutation(700)[:300]
    np.testing.assert_array_equal(np.concatenate(list(batches(rows, chosen))), ROWS[chosen])
    assert not any(is_in_file(batch) for batch in batches(rows))


def test_chosen_rows_of_a_file_are_in_a_file_where_they_are_many(rows: feature_rows.Rows, tmp_path: Path) -> None:
    chosen = np.random.default_rng(3).permutation(700)
    found = chosen_rows(rows, chosen, tmp_path)
    np.testing.assert_array_equal(found, ROWS[chosen])
    assert is_in_file(found) is is_in_file(rows)
    assert not is_in_file(chosen_rows(rows, chosen[:10], tmp_path))


def test_rows_are_joined_one_behind_the_other_and_side_by_side(rows: feature_rows.Rows, tmp_path: Path) -> None:
    np.testing.assert_array_equal(joined([rows, ROWS[:5]], tmp_path), np.concatenate([ROWS, ROWS[:5]]))
    np.testing.assert_array_equal(side_by_side([rows, ROWS], tmp_path), np.concatenate([ROWS, ROWS], axis=1))
    assert side_by_side([rows], tmp_path) is rows


def test_a_saved_file_is_that_of_numpy(rows: feature_rows.Rows, tmp_path: Path) -> None:
    save_rows(tmp_path / "ours.npy", rows)
    np.save(tmp_path / "numpy.npy", ROWS)
    assert (tmp_path / "ours.npy").read_bytes() == (tmp_path / "numpy.npy").read_bytes()
