"""The published tables are unchanged, with this project's results added; an unknown value is a dash."""

from __future__ import annotations

from ei_toolkit.report.published import OwnResults, like_published

NOTHING = OwnResults(("classical", "rock"), {}, {}, [], {})


def test_the_published_figures_are_shown_without_any_of_ours() -> None:
    split, evaluation, confusion, hardware = like_published(NOTHING)
    assert split.rows[-1] == ("total", 160, 40, 200, 0, 0, 0)
    assert evaluation.rows[0][:4] == ("validation", "int8", "published", 0.9722)
    assert evaluation.rows[1][3:] == (None,) * 6
    assert confusion.rows[0] == ("classical", "95.7 %", "4.3 %", None, None)
    assert hardware.rows[0] == ("latency", "205 ms", "3139 ms", None, None)


def test_the_results_of_this_project_are_added() -> None:
    ours = OwnResults(
        labels=("classical", "rock"),
        clips={"rock": (60, 8), "classical": (58, 10)},
        metrics={("test", "int8"): {"accuracy": 0.95, "loss": 0.2}},
        confusion=[[9, 1], [0, 8]],
        hardware={"RAM": ("12.3 KiB", "40.0 KiB")},
    )
    split, evaluation, confusion, hardware = like_published(ours)
    assert split.rows[0] == ("rock", 80, 20, 100, 60, 8, 68)
    assert evaluation.rows[5] == ("test", "int8", "ours", 0.95, None, None, None, None, 0.2)
    assert confusion.rows[0][3:] == ("90.0 %", "10.0 %")
    assert hardware.rows[1][3:] == ("12.3 KiB", "40.0 KiB")


def test_other_genres_than_the_published_ones_have_rows_too() -> None:
    ours = OwnResults(("jazz", "rock"), {"jazz": (4, 1)}, {}, [[1, 0], [0, 1]], {})
    split, _, confusion, _ = like_published(ours)
    assert ("jazz", None, None, None, 4, 1, 5) in split.rows
    assert confusion.rows[0] == ("jazz", None, None, "100.0 %", "0.0 %")
