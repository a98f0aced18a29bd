"""The table of figures has the names that commands print and the keys that their results have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ei_toolkit.client.results import Evaluation
from ei_toolkit.impulse.metrics import CLIP_ACCURACY, MAJORITY, TOP_1, thresholded_name
from ei_toolkit.report.result_tables import BASELINE_NAMES, score_table

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "figures.md").read_text(encoding="utf-8")
DEFINED = re.findall(r"^\| ([^|]+) \|", PAGE, re.MULTILINE)
TESTED = Evaluation("int8", ("classical", "rock"), ("classical", "rock", "uncertain"), ((8, 1, 1), (0, 9, 1)),
                    thresholded_accuracy=0.85, top_1_accuracy=0.9, loss=0.2, auc=0.9, threshold=0.6)  # fmt: skip


@pytest.mark.parametrize("name", [thresholded_name(0.6), TOP_1, CLIP_ACCURACY, MAJORITY, BASELINE_NAMES["majority"]])
def test_every_accuracy_is_defined_under_its_name(name: str) -> None:
    assert DEFINED.count(name) == 1


def test_every_row_of_the_table_of_scores_is_defined() -> None:
    defined = re.findall(r"[\w1-]+(?: [\w.]+)*", " | ".join(DEFINED))
    for name, *_ in score_table("test", [TESTED]).rows:
        plain = str(name).removesuffix(" (weighted)").replace("area under ROC", "area under the ROC")
        assert any(plain in one for one in defined) or plain == "windows", name


def test_the_keys_that_the_page_names_are_in_the_results() -> None:
    for key in ("thresholded_accuracy", "top_1_accuracy", "majority", "accuracy"):
        assert key in TESTED.data()
        assert f"`{key}`" in PAGE
