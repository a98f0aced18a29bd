from __future__ import annotations

from ei_toolkit.dataset.layout import LabelledSound, Layout
from ei_toolkit.dataset.layout_sources import Rule
from ei_toolkit.dataset.listing import LeftOut
from ei_toolkit.dataset.plan import Row
from ei_toolkit.report.layout_tables import layout_data, layout_text

LAYOUT = Layout(
    (LabelledSound("a.wav", "rock"),),
    (LeftOut("x.wav", "no label"), LeftOut("y.wav", "no label"), LeftOut("z.wav", "not in list.csv")),
    Rule("csv", "column genre of list.csv"),
    notes=("something to know",),
)
ROWS = [Row("classical music", "training", 0, 0, 12, 3, 36.04), Row("rock", "", 0, 0, 5, 5, 1500.0)]


def test_rules_rows_what_is_ignored_and_notes_are_shown() -> None:
    assert layout_text(LAYOUT, ROWS).splitlines() == [
        "labels: column genre of list.csv",
        "splits: chosen by eitk slice, whole groups at a time",
        "groups: each clip is its own; a list of groups or GTZAN's index comes first",
        "  label            split     files  seconds  groups",
        "  classical music  training     12     36.0       3",
        "  rock             –             5   1500.0       5",
        "ignored: 2 files, no label: x.wav …",
        "ignored: 1 file, not in list.csv: z.wav",
        "note: something to know",
    ]


def test_estimated_lengths_are_marked() -> None:
    assert "seconds (estimate)" in layout_text(LAYOUT, ROWS, is_estimate=True)


def test_many_reasons_are_shortened() -> None:
    left_out = tuple(LeftOut(f"{number}.wav", f"reason {number}") for number in range(7))
    lines = layout_text(Layout((), left_out), []).splitlines()
    assert len([line for line in lines if line.startswith("ignored: 1 file")]) == 5
    assert lines[-1] == "ignored: 7 files in all; --json lists all of them"


def test_json_has_every_file_that_is_left_out() -> None:
    data = layout_data(LAYOUT, ROWS)
    assert data["labels_from"] == {"source": "csv", "words": "column genre of list.csv"}
    assert data["rows"][0] == {
        "label": "classical music", "split": "training", "files": 12, "seconds": 36.04, "groups": 3,
    }  # fmt: skip
    assert [one["name"] for one in data["left_out"]] == ["x.wav", "y.wav", "z.wav"]
    assert data["notes"] == ["something to know"]
