"""Results of training, test, profile and evaluation as tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from rich.console import RenderableType

from ei_toolkit.client.impulse.apply import Change
from ei_toolkit.client.impulse.state import DspState, ImpulseState, InputState, LearnState
from ei_toolkit.client.results import DeviceProfile, EngineProfile, Evaluation
from ei_toolkit.eon.profile import LayerProfile, Profile
from ei_toolkit.report.result_tables import (
    change_table,
    condition_table,
    deployment_table,
    evaluation_tables,
    evaluation_view,
    impulse_table,
    label_table,
    profile_table,
    profile_view,
    score_table,
)

Shown = Callable[[RenderableType], str]
INT8 = Evaluation("int8", ("a", "b"), ("a", "b", "uncertain"), ((6, 1, 3), (0, 0, 0)), 0.6, 0.75, 0.25, 0.875, 0.7)
FLOAT32 = Evaluation("float32", ("a", "b"), ("a", "b"), ((1, 0), (0, 1)), None, 1.0, None, None)


def test_scores_have_a_column_for_each_variant_and_a_dash_for_the_unknown() -> None:
    table = score_table("test", [INT8, FLOAT32])
    assert table.head == ("", "int8", "float32")
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["accuracy at threshold 0.7"] == ("60.0 %", None)
    assert rows["top-1 accuracy"] == ("75.0 %", "100.0 %")
    assert rows["majority baseline"] == ("100.0 %", "50.0 %")
    assert rows["windows by label"] == ("0 (b) to 10 (a)", "1 each")
    assert rows["loss"] == ("0.250", None)
    assert rows["area under ROC curve"] == ("0.875", None)
    assert rows["recall (weighted)"] == ("0.600", "1.000")
    assert rows["windows"] == (10, 2)


def test_a_row_that_no_variant_has_is_left_out() -> None:
    names = [row[0] for row in score_table("validation", [FLOAT32]).rows]
    assert "loss" not in names
    assert not any(str(name).startswith("accuracy at threshold") for name in names)


def test_windows_with_unknown_labels_are_counted_by_name() -> None:
    table = score_table("test", [replace(INT8, unknown={"noise": 2, "jazz": 3})])
    assert ("windows with unknown labels", "5 (jazz, noise)") in table.rows


def test_each_label_has_its_scores_and_its_windows() -> None:
    table = label_table("labels", INT8)
    assert table.rows == (("a", "1.000", "0.600", "0.750", 10), ("b", "0.000", "0.000", "0.000", 0))


def test_each_variant_has_a_confusion_matrix_and_labels_of_its_own() -> None:
    assert evaluation_tables("test", []) == []
    titles = [table.title for table in evaluation_tables("test", [INT8, FLOAT32])]
    assert titles == ["test", "test, int8: windows, at threshold 0.7", "test, int8: labels, at threshold 0.7",
                      "test, float32: windows", "test, float32: labels"]  # fmt: skip


def test_a_profile_has_a_row_for_each_engine_and_no_size_that_is_not_known() -> None:
    engines = (EngineProfile("eon", 4096, 30_720, 0), EngineProfile("tflite", 8192, 61_440, 2048))
    profiles = [
        DeviceProfile("int8", "nano", "Nano 33", True, 12.6, engines),
        DeviceProfile("float32", "nano", "Nano 33", True, None, engines[:1]),
        DeviceProfile("int8", "other", "Other", False, None, (), "does not fit"),
    ]
    table = profile_table(profiles)
    assert table.title == "on the Nano 33 (estimates)"
    assert table.head == ("model", "engine", "time", "RAM", "ROM", "arena")
    assert table.rows == (
        ("int8", "eon", "13 ms (network only)", "4.0 KiB", "30.0 KiB", None),
        ("int8", "tflite", "13 ms (network only)", "8.0 KiB", "60.0 KiB", "2.0 KiB"),
        ("float32", "eon", None, "4.0 KiB", "30.0 KiB", None),
    )


def test_several_devices_have_a_column() -> None:
    engines = (EngineProfile("eon", 4096, 30_720, 0),)
    two = [DeviceProfile("int8", name, name, True, 12.6, engines) for name in ("nano", "portenta")]
    table = profile_table(two)
    assert (table.title, table.head[1]) == ("on the device (estimates)", "device")
    assert [row[1] for row in table.rows] == ["nano", "portenta"]


@pytest.mark.parametrize(
    ("device", "time"), [("arduino-nano-33-ble", "144 ms (features 131 + network 13)"), ("m7", "13 ms (network only)")]
)
def test_the_time_of_the_features_is_known_for_the_nano_only(device: str, time: str) -> None:
    profile = DeviceProfile("int8", device, device, True, 12.6, (EngineProfile("eon", 1, 1, 1),))
    (row,) = profile_table([profile], 131.0).rows
    assert row[2] == time


ROW = {"window_accuracy": 0.9, "track_accuracy": 0.95}


def test_conditions_follow_the_clean_windows() -> None:
    evaluation = {"clean": ROW, "conditions": {"mic": {"window_accuracy": 0.5, "track_accuracy": None}}}
    table = condition_table(evaluation, "title")
    assert table.head == ("condition", "top-1 accuracy", "accuracy at threshold", "clip accuracy")
    assert table.rows == (("clean", "90.0 %", None, "95.0 %"), ("mic", "50.0 %", None, None))
    assert condition_table({"clean": ROW, "threshold": 0.6}).head[2] == "accuracy at threshold 0.6"


def evaluation(labels: tuple[str, ...] = ("a", "b"), **changes: Any) -> dict[str, Any]:
    size = len(labels)
    clean = ROW | {
        "windows_by_label": dict.fromkeys(labels, 80), "thresholded_accuracy": 0.85, "majority": 0.5,
        "interval": [0.8, 1.0], "recall": dict.fromkeys(labels, 0.875),
        "by_label": {key: {"precision": 0.75, "recall": 0.875, "f1-score": 0.8, "support": 80} for key in labels},
        "tracks": 40, "artists": 12, "windows": 160,
        "confusion_matrix": [[7 if i == j else 1 for j in range(size)] for i in range(size)], "ece": 0.0625,
        "three_window_accuracy": 0.975, "top_2_accuracy": 0.99,
        "worst_artist": {"artist": "Queen", "window_accuracy": 0.25},
    }  # fmt: skip
    baseline = ROW | {"conditions": {"mic": ROW}}
    return {"clean": clean, "conditions": {"mic": ROW}, "baselines": {"level": baseline}, "recipe": "eitk.toml",
            "protocol": "artist", "folds": 5, "seeds": 3, "threshold": 0.6, "int8_drop": -0.0125,
            "models": [{"warnings": []}, {"warnings": ["the training collapsed"]}], **changes}  # fmt: skip


def test_an_evaluation_shows_accuracies_in_percent_for_the_model_and_the_baselines(on_terminal: Shown) -> None:
    lines = [line.split() for line in on_terminal(evaluation_view(evaluation())).splitlines()]
    assert ["clean", "90.0", "/", "95.0", "90.0", "/", "95.0"] in lines
    assert ["mic", "90.0", "/", "95.0", "90.0", "/", "95.0"] in lines
    assert [line for line in lines if line[:2] in (["a", "7"], ["b", "1"])]
    assert ["label", "precision", "recall", "F1", "windows"] in lines
    assert ["a", "0.750", "0.875", "0.800", "80"] in lines


def test_an_evaluation_states_what_was_tested_and_how_certain_it_is(on_terminal: Shown) -> None:
    text = on_terminal(evaluation_view(evaluation()))
    assert "eitk.toml, artist, 5 folds, 3 seeds: 40 clips of 12 groups, 160 windows (80 each)" in text
    assert (
        "top-1 accuracy 90.0 %, accuracy at threshold 0.6 85.0 %, clip accuracy 95.0 %; majority baseline 50.0 %"
    ) in text
    assert "clip accuracy: 95 % interval by group 80.0 % to 100.0 %" in text
    assert "calibration error 0.062; float32 minus int8: -1.25 points" in text
    assert "lowest accuracy by group: Queen, 25 % of the windows" in text
    assert "1 of 2 trainings did not learn (accuracy of chance); they are included" in text


def test_what_does_not_apply_to_an_evaluation_is_left_out(on_terminal: Shown) -> None:
    text = on_terminal(evaluation_view(evaluation(int8_drop=None, models=[])))
    assert "float32 minus int8" not in text
    assert "did not learn" not in text
    assert "two most probable" not in text
    assert "two most probable: 99.0 % of the windows" in on_terminal(evaluation_view(evaluation(("a", "b", "c"))))


def test_a_deployment_is_shown_with_the_start_of_its_hash(on_terminal: Shown) -> None:
    lock = {"deployment_version": 4, "target": "arduino", "engine": "tflite-eon", "model_type": "int8",
            "zip": "builds/4/a.zip", "model": "builds/4/model.tflite", "model_sha256": "ab" * 32}  # fmt: skip
    rows = dict(deployment_table(lock).rows)
    assert rows["version"] == 4
    assert rows["engine"] == "tflite-eon, int8"
    assert rows["model hash"] == "abababababab"


def test_a_long_value_of_a_change_is_cut_and_a_missing_one_a_dash() -> None:
    changes = [Change("learn", "learn.epochs", "", "30"), Change("dsp", "x", "y" * 61, "z" * 60)]
    table = change_table("changes", changes)
    assert table.rows == (("learn.epochs", "–", "30"), ("x", "y" * 60 + "…", "z" * 60))


@pytest.mark.parametrize(
    ("there", "wanted", "shown_as"),
    [("a\nb\n", "a\nc\nd\n", ("2 lines", "3 lines (+2 −1)")), ("", "a\n", ("0 lines", "1 lines (+1 −0)")),
     ("a\n", "", ("1 lines", "0 lines (+0 −1)"))],
)  # fmt: skip
def test_a_change_of_a_script_is_the_number_of_lines_that_differ(
    there: str, wanted: str, shown_as: tuple[str, str]
) -> None:
    (row,) = change_table("", [Change("learn", "learn.script", there, wanted)]).rows
    assert row == ("learn.script", *shown_as)


def test_an_impulse_has_a_row_for_each_value_and_one_line_of_its_script() -> None:
    learn = LearnState("expert", (), "import keras\nmodel = 1\n", 30, 0.005, 32, 0.2, "artist", False, False, True, 7)
    state = ImpulseState(InputState(3000, 1500, 16_000.0), (DspState("mfe", "MFE", 4, {"num_filters": "40"}),), learn)
    rows = dict(impulse_table(state).rows)
    assert rows["input.window_ms"] == "3000"
    assert rows["dsp[0]"] == "mfe version 4 “MFE”"
    assert rows["MFE.num_filters"] == "40"
    assert rows["learn.script"] == "import keras…"
    assert rows["learn.seed"] == "7"


CONV = LayerProfile("conv", "Conv2D 8 filters", 0, 1000, 2500, (1, 4, 8), 3600)
POOL = LayerProfile("pool", "MaxPool", 0, 0, 0, (1, 2, 8))
PROFILE = Profile("emulated", 30_000, 12_000, 512, 3000, 2800, 2000, 1000, 2500, 0.06, 0.05, (CONV, POOL), cycles=3600)


def test_a_profile_has_units_and_the_layers_that_run_together(on_terminal: Shown) -> None:
    text = on_terminal(profile_view(PROFILE))
    words = " ".join(text.split())
    start = "2,500 instructions (emulated), estimated 3,600 cycles, at 64 MHz: 0.1 ms (network only) ± 5 %"
    assert start in words
    assert "flash 29.3 KiB · RAM 11.7 KiB (arena 2.9 KiB, at least 2.7 KiB) · stack 0.5 KiB" in words
    conv, pool = (line for line in text.splitlines() if "Conv2D" in line or "MaxPool" in line)
    assert [cell.strip() for cell in conv.strip("│").split("│")] == [
        "Conv2D 8 filters",
        "4x8",
        "1,000",
        "2,500",
        "2.50",
        "3,600",
    ]
    assert [cell.strip() for cell in pool.strip("│").split("│")] == [
        *("MaxPool", "2x8", "0", "in the layer above", "", ""),
    ]


def test_an_estimate_is_marked_as_such(on_terminal: Shown) -> None:
    assert "(cost model)" in on_terminal(profile_view(replace(PROFILE, how="cost model")))
