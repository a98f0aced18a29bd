"""Tables of features: what is written is read, and what cannot be used is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ei_toolkit.audio.summary.columns import EXTRACTORS
from ei_toolkit.errors import DataError, UsageError
from ei_toolkit.features.table import FeatureTable, read_table, write_table


def table(rows: int = 4, extractor: str = "summary-57") -> FeatureTable:
    values = np.random.default_rng(3).normal(size=(rows, len(EXTRACTORS[extractor])))
    names = tuple(f"blues.0000{row}.wav" for row in range(rows))
    return FeatureTable(extractor, names, ("blues",) * rows, ("",) * rows, np.zeros(rows, np.int64), values)


def assert_equal(one: FeatureTable, other: FeatureTable) -> None:
    assert replace(one, starts_ms=other.starts_ms, values=other.values) == other
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_array_equal(one.starts_ms, other.starts_ms)


@pytest.mark.parametrize("ending", [".csv", ".npz"])
@pytest.mark.parametrize("extractor", EXTRACTORS)
def test_a_written_table_is_read_again(tmp_path: Path, ending: str, extractor: str) -> None:
    write_table(tmp_path / f"t{ending}", table(extractor=extractor))
    assert_equal(read_table(tmp_path / f"t{ending}"), table(extractor=extractor))


@pytest.mark.parametrize("ending", [".csv", ".npz"])
def test_windows_of_a_clip_and_groups_are_kept(tmp_path: Path, ending: str) -> None:
    windows = replace(table(2), names=("a", "a"), groups=("x", "x"), starts_ms=np.array([0, 3000]))
    write_table(tmp_path / f"t{ending}", windows)
    assert_equal(read_table(tmp_path / f"t{ending}"), windows)


def test_a_csv_has_the_published_layout(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", table())
    header = (tmp_path / "t.csv").read_text().splitlines()[0].split(",")
    assert header == ["filename", *EXTRACTORS["summary-57"], "label"]


def without(column: str) -> Callable[[str], str]:
    def drop(text: str) -> str:
        rows = [line.split(",") for line in text.splitlines()]
        place = rows[0].index(column)
        return "\n".join(",".join(row[:place] + row[place + 1 :]) for row in rows)

    return drop


def with_value(value: str) -> Callable[[str], str]:
    def put(text: str) -> str:
        head, first, *rest = text.splitlines()
        values = first.split(",")
        return "\n".join([head, ",".join([values[0], value, *values[2:]]), *rest])

    return put


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("filename"), "has no column filename"),
        (without("label"), "has no column label"),
        (without("tempo"), "lacks 1 column of summary-57: tempo"),
        (with_value("nan"), "1 row with features that are not numbers (NaN, infinite or empty): blues.00000.wav"),
        (with_value(""), "1 row with features that are not numbers (NaN, infinite or empty): blues.00000.wav"),
        (with_value("loud"), "row 1: chroma_stft_mean is 'loud', which is not a number"),
        (lambda text: text.splitlines()[0], "has no rows"),
        (lambda _text: "", "has no column filename"),
        (lambda text: text + "\nblues.00009.wav,1", "row 5 has not as many values as the first line has columns (59)"),
        (lambda text: text.replace("blues.00001.wav", ""), "row 2: filename or label is missing"),
        (lambda text: text + "\x00\n\xff", "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_used_is_named(tmp_path: Path, change: Callable[[str], str], message: str) -> None:
    write_table(tmp_path / "t.csv", table())
    (tmp_path / "t.csv").write_text(change((tmp_path / "t.csv").read_text().strip()), encoding="latin-1")
    with pytest.raises(DataError) as caught:
        read_table(tmp_path / "t.csv")
    assert message in caught.value.what
    assert caught.value.hint


def test_a_table_of_another_extractor_is_named(tmp_path: Path) -> None:
    write_table(tmp_path / "t.npz", table(extractor="summary-207"))
    with pytest.raises(DataError, match="has the features of summary-207, and those of summary-57 are needed"):
        read_table(tmp_path / "t.npz", "summary-57")


def test_an_npz_whose_arrays_are_no_columns_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", filename=["a", "b"], label=["x"])
    with pytest.raises(DataError, match="its arrays are not columns of one length"):
        read_table(tmp_path / "t.npz")
    (tmp_path / "t.npz").write_bytes(b"PK damaged")
    with pytest.raises(DataError, match=r"cannot be read \(it is not an \.npz archive\)"):
        read_table(tmp_path / "t.npz")


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"t\.xlsx is not a table of features"):
        read_table(tmp_path / "t.xlsx")
