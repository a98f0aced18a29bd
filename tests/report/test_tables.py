from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.markdown import Markdown

from ei_toolkit.report.tables import Table, cell, percent, row_shares, sparkline

TABLE = Table("Clips", ("label", "share"), (("rock", 0.51234), ("a | b\n<i>[red]", None)))


def test_one_table_for_terminal_markdown_and_json() -> None:
    out = io.StringIO()
    Console(file=out, width=60).print(TABLE.rich())
    assert "rock      0.5123" in out.getvalue()
    assert "<i>[red]" in out.getvalue()
    assert TABLE.data()[0] == {"label": "rock", "share": 0.51234}


def test_what_stands_in_a_cell_cannot_break_out_of_markdown() -> None:
    text = TABLE.markdown()
    assert "| a \\| b &lt;i>[red] | – |" in text
    assert len(text.splitlines()) == 6
    out = io.StringIO()
    Console(file=out, width=60).print(Markdown(text))
    assert "0.5123" in out.getvalue()


def test_a_sparkline_has_one_bar_a_value_and_stays_inside() -> None:
    assert sparkline([0, 0.5, 1, 2, -1]) == "▁▅██▁"
    assert sparkline([]) == ""


def test_an_unknown_share_is_a_dash_in_the_table_and_null_in_json() -> None:
    table = Table("", ("share",), ((percent(0.934),), (percent(None),)))
    assert "| 93.4 % |\n| – |" in table.markdown()
    assert table.data() == [{"share": "93.4 %"}, {"share": None}]


def test_a_label_without_windows_has_shares_of_zero() -> None:
    assert row_shares([[3, 1], [0, 0]]) == [[0.75, 0.25], [0.0, 0.0]]


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1, max_size=5))
def test_every_row_of_markdown_has_the_same_number_of_cells(rows: list[tuple[str, str]]) -> None:
    text = Table("", ("a", "b"), tuple(rows)).markdown()
    lines = re.split(r"\r\n?|\n", text.removesuffix("\n"))  # line endings of CommonMark
    assert len(lines) == len(rows) + 2
    assert {len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in lines} == {3}


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.123456, "0.1235"), (12_345.6, "1.235e+04"), (1.0, "1"), (3, "3"), ("", ""), ("x", "x"), (0, "0")],
)
def test_a_cell_as_text(value: str | int | float | None, text: str) -> None:
    assert cell(value) == text


@given(st.lists(st.lists(st.integers(0, 50), min_size=3, max_size=3), min_size=1, max_size=4))
def test_shares_of_a_row_add_up_to_one_or_to_nothing(counts: list[list[int]]) -> None:
    for row, shares in zip(counts, row_shares(counts), strict=True):
        assert sum(shares) == pytest.approx(1 if sum(row) else 0)


@given(st.lists(st.floats(allow_nan=False), max_size=40), st.floats(-1, 1), st.floats(0, 2))
def test_a_sparkline_never_falls_where_the_values_rise(values: list[float], low: float, span: float) -> None:
    drawn = sparkline(sorted(values), low, low + span)
    assert len(drawn) == len(values)
    assert list(drawn) == sorted(drawn)


def test_a_row_of_another_length_than_the_head_is_an_error() -> None:
    with pytest.raises(ValueError, match="argument"):
        Table("", ("a", "b"), (("only one",),)).data()
