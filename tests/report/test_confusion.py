"""A confusion matrix has actual rows and predicted columns in every form, and is readable at every width."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import Any

import pytest
from rich.console import Console

from ei_toolkit.report.confusion import ConfusionMatrix, abbreviations, labels_of_counts
from ei_toolkit.report.figures import confusion_matrix

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
TEN = ConfusionMatrix(
    "test, int8", GENRES, [[150 if column == row else (column == 10) * 7 for column in range(11)] for row in range(10)]
)
TWO = ConfusionMatrix("", ("classical", "rock"), [[9, 1, 0], [2, 6, 2]])


def shown(matrix: ConfusionMatrix, width: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width).print(matrix)
    return out.getvalue().splitlines()


def test_two_labels_are_shown_with_counts_and_shares() -> None:
    head, classical, rock = shown(TWO, 80)
    assert head.split() == ["actual", "\\", "predicted", "classical", "rock", "uncertain"]
    assert classical.split() == ["classical", "9", "(90.0", "%)", "1", "(10.0", "%)", "0"]
    assert rock.split()[:3] == ["rock", "2", "(20.0"]


def test_ten_labels_fit_80_columns_with_abbreviated_heads() -> None:
    title, head, first, *_ = shown(TEN, 80)
    assert title.strip() == "test, int8"
    assert head.split() == [
        "actual", "\\", "pred.", "blue", "clas", "coun", "disc", "hiph", "jazz", "meta", "pop", "regg", "rock", "unce",
        "recall",
    ]  # fmt: skip
    assert first.split() == ["blues", "150", *"0" * 9, "7", "95.5", "%"]
    assert all(len(line.rstrip()) <= 80 for line in shown(TEN, 80))
    assert len(shown(TEN, 80)) == 12  # a title, a head, and one line for each label


def test_full_names_are_shown_where_they_fit() -> None:
    assert "classical" in shown(TEN, 200)[1]


def test_below_that_width_there_is_a_list_with_the_largest_mistakes_first() -> None:
    lines = shown(ConfusionMatrix("", ("classical", "rock"), [[9, 1, 0], [2, 6, 4]]), 34)
    assert lines[:2] == ["classical: 9 of 10 correct (90.0 %);", "predicted as rock 1"] or lines[0].startswith(
        "classical"
    )
    text = " ".join(lines)
    assert "rock: 6 of 12 correct (50.0 %); predicted as uncertain 4, classical 2" in " ".join(text.split())


def test_a_label_without_windows_is_zero_and_not_an_error() -> None:
    text = " ".join(shown(ConfusionMatrix("", ("a", "b"), [[1, 0], [0, 0]]), 20))
    assert text.split()[-7:] == ["b:", "0", "of", "0", "correct", "(0.0", "%)"]


@pytest.mark.parametrize(("names", "short"), [
    (("rock", "jazz"), ["rock", "jazz"]),
    (("keyword_yes", "keyword_no"), ["key1", "key2"]),
    (("rock", "rocksteady"), ["rock", "roc2"]),
])  # fmt: skip
def test_abbreviated_heads_differ(names: tuple[str, ...], short: list[str]) -> None:
    assert abbreviations(names) == short


def test_markdown_has_full_names_and_shares() -> None:
    assert TWO.markdown().splitlines()[0] == "| actual \\\\ predicted | classical | rock | uncertain |"
    assert "| rock | 20.0 % | 60.0 % | 20.0 % |" in TWO.markdown()


def test_the_picture_has_the_same_rows_columns_and_shares() -> None:
    drawn = confusion_matrix(TWO.counts, TWO.labels)
    axis = drawn.drawing.axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["classical", "rock"]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["classical", "rock", "uncertain"]
    assert (axis.get_ylabel(), axis.get_xlabel()) == ("actual", "predicted")
    assert [text.get_text() for text in axis.texts][3:] == ["2\n20.0 %", "6\n60.0 %", "2\n20.0 %"]


def test_the_picture_of_ten_labels_has_counts_only_so_that_texts_do_not_overlap() -> None:
    drawing = confusion_matrix(TEN.counts, TEN.labels).drawing
    boxes = [text.get_window_extent() for text in drawing.axes[0].texts]
    assert [text.get_text() for text in drawing.axes[0].texts][:2] == ["150", "0"]
    assert not any(one.overlaps(other) for one, other in pairwise(boxes))


@pytest.mark.parametrize(
    ("known", "labels"),
    [((("a", "b"), ("c", "d")), ("a", "b")), ((None, ["c", "d"]), ("c", "d")),
     ((("a", "b", "c"), ("d", "e")), ("d", "e")),
     ((None, ("a", "b", "c")), ("output 1", "output 2")), ((), ("output 1", "output 2"))],
)  # fmt: skip
def test_counts_have_the_first_labels_that_fit_them(known: tuple[Any, ...], labels: tuple[str, ...]) -> None:
    assert labels_of_counts([[1, 2, 0], [3, 4, 0]], *known) == labels
