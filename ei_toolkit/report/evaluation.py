"""An evaluation as a table, and kept with the project."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from ei_toolkit.config import Config
from ei_toolkit.report.runs import record_run

EVALUATION_NAME = "evaluation.json"


def keep_evaluation(config: Config, data: Mapping[str, Any]) -> None:
    """Write the whole of it to `.eitk/evaluation.json`, and a row without the tracks to the runs."""
    config.paths.state.mkdir(parents=True, exist_ok=True)
    file = config.paths.state / EVALUATION_NAME
    partial = file.with_suffix(".part")
    partial.write_text(json.dumps(data, indent=1), encoding="utf-8")
    partial.replace(file)
    record_run(config, "evaluation", {key: value for key, value in data.items() if key not in ("tracks", "models")})


def evaluation_view(data: Mapping[str, Any]) -> RenderableType:
    """Accuracies in percent, window / track, a row a condition, with the baselines beside the model."""
    clean = data["clean"]
    names = [f"{name} (baseline)" for name in data["baselines"]]
    table = Table("condition", "model, int8", *names, box=None, title="window / track accuracy in %")
    table.add_row("clean", _pair(clean), *(_pair(b) for b in data["baselines"].values()))
    for condition, row in data["conditions"].items():
        beside = (_pair(b["conditions"][condition]) for b in data["baselines"].values())
        table.add_row(condition, _pair(row), *beside)
    return Group(table, "", _by_label(clean), *_sentences(data))


def _by_label(clean: Mapping[str, Any]) -> Table:
    """What windows of each label were taken for, clean."""
    labels = list(clean["recall"])
    table = Table("windows of", *(f"taken for {label}" for label in labels), "right", box=None)
    for label, counts in zip(labels, clean["confusion_matrix"], strict=True):
        table.add_row(label, *map(str, counts), f"{100 * clean['recall'][label]:.1f} %")
    return table


def _sentences(data: Mapping[str, Any]) -> list[str]:
    clean, (low, high) = data["clean"], data["clean"]["interval"]
    worst = clean["worst_artist"]
    lines = [
        "",
        f"{data['recipe']}, {data['protocol']}, {data['seeds']} seed(s): {clean['tracks']} tracks of "
        f"{clean['artists']} artists, {clean['windows']} windows",
        f"95 % interval of the track accuracy, by artist: {100 * low:.1f} to {100 * high:.1f}",
        f"three windows together {100 * clean['three_window_accuracy']:.1f}; calibration error {clean['ece']:.3f}"
        + (f"; int8 costs {100 * data['int8_drop']:+.2f} points" if data["int8_drop"] is not None else ""),
        f"hardest artist: {worst['artist']}, {100 * worst['window_accuracy']:.0f} % of the windows",
    ]
    if len(clean["recall"]) > 2:
        lines.append(f"the label is among the likeliest two: {100 * clean['top_2_accuracy']:.1f} % of the windows")
    collapsed = sum(any("collapsed" in warning for warning in model["warnings"]) for model in data["models"])
    if collapsed:
        lines.append(f"{collapsed} of {len(data['models'])} trainings collapsed to chance, and are counted in")
    return lines


def _pair(row: Mapping[str, float]) -> str:
    return f"{100 * row['window_accuracy']:.1f} / {100 * row['track_accuracy']:.1f}"
