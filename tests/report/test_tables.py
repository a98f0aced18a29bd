from __future__ import annotations

import io

from rich.console import Console
from rich.markdown import Markdown

from ei_toolkit.report.tables import Table, percent, row_shares, sparkline

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
