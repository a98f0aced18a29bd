"""No table breaks a word: columns as wide as their words, or a list for each row where the terminal is too narrow."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as RichTable

from ei_toolkit.report.fitted_table import FittedTable, fitted_widths
from ei_toolkit.report.tables import Table

WORD = st.text("abcdefghij-/._", min_size=1, max_size=18)
CELL = st.lists(WORD, max_size=5).map(" ".join)


def lines(table: RichTable, columns: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=columns, highlight=False, markup=False).print(FittedTable(table))
    return [line.rstrip() for line in out.getvalue().splitlines()]


@settings(max_examples=60)
@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=4), st.integers(20, 140))
def test_every_word_is_whole_and_every_line_fits(rows: list[tuple[str, str, str]], columns: int) -> None:
    table = Table("a title of several words", ("name", "value", "note"), tuple(rows))
    shown = lines(table.rich(), columns)
    assert max(map(len, shown)) <= columns
    found = [word.rstrip(":") for line in shown for word in line.split()]
    for row in rows:
        for word in " ".join(row).split():
            assert word.rstrip(":") in found


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 40)), min_size=1, max_size=6), st.integers(0, 200)
)  # fmt: skip
def test_widths_fill_what_is_available_and_keep_the_words(pairs: list[tuple[int, int]], available: int) -> None:
    needs = [Measurement(word, word + more) for word, more in pairs]
    widths = fitted_widths(needs, available)
    if widths is None:
        assert sum(need.minimum for need in needs) > available
        return
    assert all(need.minimum <= width <= need.maximum for need, width in zip(needs, widths, strict=True))
    assert sum(widths) == min(available, sum(need.maximum for need in needs))


def test_a_long_text_gives_way_before_a_short_one() -> None:
    needs = [Measurement(3, 8), Measurement(9, 60), Measurement(9, 40)]
    assert fitted_widths(needs, 68) == [8, 30, 30]


TABLE = Table("runs", ("run", "when", "result"), ((3, "2026-11-29 10:00", "top-1 accuracy 93.0 %"), (12, "", "failed")))


def test_a_table_that_fits_is_not_changed() -> None:
    assert lines(TABLE.rich(), 60) == [
        "runs",
        " run  when              result",
        " 3    2026-11-29 10:00  top-1 accuracy 93.0 %",
        " 12                     failed",
    ]


def test_a_column_that_is_not_wrapped_stays_whole() -> None:
    table = TABLE.rich()
    table.columns[1].no_wrap = True
    shown = lines(table, 42)
    assert shown[2:4] == [" 3    2026-11-29 10:00  top-1 accuracy", "                        93.0 %"]


def test_a_terminal_that_is_too_narrow_has_a_list_for_each_row() -> None:
    assert lines(TABLE.rich(), 25) == [
        "runs", "run 3", "  when: 2026-11-29 10:00", "  result: top-1 accuracy", "93.0 %", "run 12", "  result: failed",
    ]  # fmt: skip


def test_rows_without_heads_are_lists_of_values() -> None:
    table = RichTable(show_header=False, box=None)
    table.add_row("instructions", "1,234,567 per inference of the network")
    assert lines(table, 20) == ["instructions:", "1,234,567 per", "inference of the", "network"]


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_brackets_in_a_cell_are_text(columns: int) -> None:
    table = Table("", ("name", "value"), (("[red]", "x " * 70 + "[/]"),))
    assert any("[red]" in line for line in lines(table.rich(), columns))
