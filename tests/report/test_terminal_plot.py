"""Plots of a training on a terminal: the scale, the shape of the lines, and the last values."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from ei_toolkit.report.terminal_plot import HEIGHT, line_plot, training_plot


def rows(values: list[float], width: int = 10, height: int = 4) -> list[str]:
    return line_plot("loss", {"training": values}, width, height).plain.splitlines()


def test_a_falling_line_goes_from_the_top_left_to_the_bottom_right() -> None:
    title, *plot, legend = rows([1.0, 0.0])
    assert title == "loss, epochs 1 to 2"
    drawn = [row[8:] for row in plot]
    assert [row.strip(" ") != "" for row in drawn] == [True] * 4
    first = [len(row) - len(row.lstrip(" ")) for row in drawn]
    assert first == sorted(first) and first[0] == 0
    assert drawn[3].rstrip(" ")[-1] == drawn[3][9]
    assert legend.strip() == "━━ training 0.000"


def test_the_scale_has_the_limits_of_all_series() -> None:
    plot = line_plot("loss", {"training": [1.5, 0.25], "validation": [2.0, 0.5]}, 10, 4).plain.splitlines()
    assert plot[1].split()[0] == "2" and plot[4].split()[0] == "0.25"
    assert plot[-1].split() == ["━━", "training", "0.250", "┅┅", "validation", "0.500"]


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5, 0.5], [float(n) for n in range(500)]])
def test_one_epoch_equal_values_and_many_epochs_are_drawn_inside(values: list[float]) -> None:
    _, *plot, _ = rows(values)
    assert len(plot) == 4
    assert all(len(row) == 18 for row in plot)
    assert any(row[8:].strip(" ") for row in plot)


def test_without_values_there_is_an_empty_plot() -> None:
    assert len(line_plot("loss", {}).plain.splitlines()) >= HEIGHT


def test_both_plots_fit_beside_each_other_in_104_columns() -> None:
    out = io.StringIO()
    history = {"accuracy": [0.5, 0.75], "val_accuracy": [0.5, 0.7], "loss": [1.0, 0.5], "val_loss": [1.0, 0.6]}
    Console(file=out, width=104).print(training_plot(history))
    lines = out.getvalue().splitlines()
    assert max(map(len, map(str.rstrip, lines))) <= 104
    assert "accuracy, epochs 1 to 2" in lines[0] and "loss, epochs 1 to 2" in lines[0]
    assert "validation 0.700" in lines[-1] and "validation 0.600" in lines[-1]
