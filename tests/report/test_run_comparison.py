"""Runs are compared by the names of their accuracies, with changes in the units of the results."""

from __future__ import annotations

from typing import Any

from ei_toolkit.evaluation.run_log import Run
from ei_toolkit.report.run_comparison import (
    changes,
    comparison_figure,
    histories,
    named_accuracies,
    results_table,
    settings_table,
)


def run(number: int, config: dict[str, Any] | None = None, **metrics: Any) -> Run:
    return Run(number, "2026-11-29T00:00:00", "train", config or {}, "d" * 64, "code", "print", metrics)


def trained(number: int, accuracy: float, history: list[float], flash_bytes: int) -> Run:
    int8 = {"top_1_accuracy": accuracy, "loss": 1 - accuracy}
    return run(number, test={"int8": int8}, history={"val_accuracy": history}, image={"flash_bytes": flash_bytes})


BEFORE, AFTER = trained(1, 0.75, [0.5, 0.7], 20 * 1024), trained(2, 0.8, [0.5, 0.6, 0.8], 18 * 1024)


def test_results_have_names_units_and_changes() -> None:
    table = results_table([BEFORE, AFTER])
    assert table and table.head == ("result", "run 1", "run 2", "change")
    assert table.rows == (
        ("top-1 accuracy", "75.0 %", "80.0 %", "+5.0 points"),
        ("test.int8.loss", 0.25, 1 - 0.8, "-0.05"),
        ("image.flash_bytes", "20.0 KiB", "18.0 KiB", "-2.0 KiB"),
    )


def test_three_runs_are_compared_with_the_first() -> None:
    table = results_table([BEFORE, AFTER, trained(3, 0.75, [], 20 * 1024)])
    assert table and table.head[-2:] == ("change of run 2", "change of run 3")
    assert table.rows[0][-2:] == ("+5.0 points", "0")


def test_a_training_and_an_evaluation_are_compared_by_the_name_of_the_accuracy() -> None:
    evaluated = run(2, clean={"window_accuracy": 0.5, "track_accuracy": 0.625})
    assert named_accuracies([BEFORE, evaluated]) == {"clip accuracy": [None, 0.625], "top-1 accuracy": [0.75, 0.5]}
    table = results_table([BEFORE, evaluated])
    assert table and ("top-1 accuracy", "75.0 %", "50.0 %", "-25.0 points") in table.rows
    assert ("clip accuracy", None, "62.5 %", None) in table.rows


def test_names_of_older_versions_are_used_only_for_their_runs() -> None:
    old = run(1, test={"int8": {"accuracy": 0.5}})
    new = run(2, test={"int8": {"accuracy": 0.75, "thresholded_accuracy": 0.75}})
    assert named_accuracies([new, new]) == {"accuracy at threshold": [0.75, 0.75]}
    assert named_accuracies([old, new]) == {"accuracy at threshold": [None, 0.75], "test accuracy": [0.5, None]}


def test_values_of_epochs_and_matrices_are_shown_only_on_request() -> None:
    assert not any("history" in str(row[0]) for row in results_table([BEFORE, AFTER]).rows)  # type: ignore[union-attr]
    whole = results_table([BEFORE, AFTER], whole=True)
    assert whole and any(row[0] == "history.val_accuracy.2" for row in whole.rows)


def test_a_change_is_a_number_only_where_both_are() -> None:
    measured = {"a": [1, 3], "b": [1, None], "c": ["x", "y"], "d": [True, False], "e": [2, 2]}
    assert changes(measured) == {"a": [2.0]}


def test_settings_that_are_the_same_are_left_out() -> None:
    table = settings_table(
        [run(1, {"training": {"epochs": 30, "seed": 1}}), run(2, {"training": {"epochs": 5, "seed": 1}})]
    )
    assert table and table.rows == (("training.epochs", 30, 5),)
    assert settings_table([BEFORE, BEFORE]) is None


def test_the_curves_are_those_of_the_validation() -> None:
    without = run(3, history={"accuracy": [0.5]})
    assert histories([BEFORE, without, run(4)], "accuracy") == {"run 1": [0.5, 0.7], "run 3": [0.5]}


def test_the_figure_has_bars_and_curves_of_each_run() -> None:
    figure = comparison_figure([BEFORE, AFTER])
    assert figure is not None
    bars, curves = figure.drawing.axes
    assert [bar.get_width() for bar in bars.patches] == [75.0, 80.0]
    assert [list(line.get_xdata()) for line in curves.lines] == [[1, 2], [1, 2, 3]]
    assert figure.description == "top-1 accuracy: run 1 75.0 %, run 2 80.0 %."
    assert comparison_figure([run(1), run(2)]) is None
