from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.report.html.charts import HEIGHT, WIDTH, bar_chart, confusion_table, line_chart

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.dictionaries(st.text(), st.lists(NUMBERS, max_size=5), max_size=4))
def test_lines_stay_inside_the_picture_whatever_they_show(series: dict[str, list[float]]) -> None:
    chart = line_chart(series, "epoch")
    for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", " ".join(re.findall(r'points="([^"]*)"', chart))):
        assert 0 <= float(x) <= WIDTH
        assert 0 <= float(y) <= HEIGHT


@pytest.mark.parametrize("chart", [
    line_chart({"a & b": [1, 2], "<c>": [2]}, "epoch"),
    bar_chart({"<mic> & 'room'": 93.1, "clean": 0}, high=100, unit=" %"),
    confusion_table(["<rock>", "classical"], [[3, 1], [0, 0]]),
])  # fmt: skip
def test_charts_are_well_formed(chart: str) -> None:
    ElementTree.fromstring(f"<div>{chart}</div>")


def test_a_confusion_row_without_windows_is_zero_not_an_error() -> None:
    assert "0.0 %" in confusion_table(["rock", "classical"], [[3, 1], [0, 0]])
    assert "75.0 %" in confusion_table(["rock", "classical"], [[3, 1], [0, 0]])
