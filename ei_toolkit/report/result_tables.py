"""Results of training, test and profile as tables, in the shape of the reference project's tables 2, 3 and 4."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table as RichTable

from ei_toolkit.client.impulse.apply import Change, learn_values, structure
from ei_toolkit.client.impulse.state import ImpulseState
from ei_toolkit.client.results import DeviceProfile, Evaluation
from ei_toolkit.eon.profile import Profile
from ei_toolkit.report.tables import Cell, Table, percent


def score_table(title: str, evaluations: Sequence[Evaluation]) -> Table:
    """Return accuracy, loss, AUC and weighted averages, a column for each variant."""
    rows: tuple[tuple[Cell, ...], ...] = (
        ("accuracy", *(_percent(e.accuracy) for e in evaluations)),
        ("loss", *(_number(e.loss) for e in evaluations)),
        ("area under ROC curve", *(_number(e.auc) for e in evaluations)),
        ("precision (weighted)", *(_number(e.average("precision")) for e in evaluations)),
        ("recall (weighted)", *(_number(e.average("recall")) for e in evaluations)),
        ("F1 (weighted)", *(_number(e.average("f1")) for e in evaluations)),
        ("windows", *(e.windows for e in evaluations)),
    )
    return Table(title, ("", *(e.variant for e in evaluations)), rows)


def confusion_table(title: str, evaluation: Evaluation) -> Table:
    """Return counts and shares of the predicted labels for each actual label, and the label's F1."""
    rows: list[tuple[Cell, ...]] = []
    for score, counts in zip(evaluation.scores, evaluation.confusion, strict=True):
        parts = (f"{count} ({count / score.support:.1%})" if score.support else "0" for count in counts)
        rows.append((score.label, *parts, _number(score.f1)))
    return Table(title, ("actual \\ predicted", *evaluation.columns, "F1"), tuple(rows))


def evaluation_tables(name: str, evaluations: Sequence[Evaluation]) -> list[Table]:
    """Return the scores, then a confusion matrix for each variant. `name` is `validation` or `test`."""
    if not evaluations:
        return []
    matrices = [confusion_table(f"{name}, {e.variant}", e) for e in evaluations]
    return [score_table(name, evaluations), *matrices]


def profile_table(profiles: Sequence[DeviceProfile]) -> Table:
    """Return latency, RAM and ROM of each variant, device and engine."""
    rows = tuple(
        (p.variant, p.name, engine.engine, _ms(p.latency_ms), _kb(engine.ram), _kb(engine.rom), _kb(engine.arena))
        for p in profiles
        for engine in p.engines
    )
    return Table("on the device (estimates)", ("model", "device", "engine", "latency", "RAM", "ROM", "arena"), rows)


def _percent(value: float) -> str:
    return f"{value:.2%}"


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}"


def _ms(value: float | None) -> str | None:
    return None if value is None else f"{value:.0f} ms"


def _kb(value: int) -> str | None:
    return f"{value / 1024:.1f}K" if value else None


def condition_table(evaluation: Mapping[str, Any], title: str = "") -> Table:
    """Return window and clip accuracy of an evaluation, clean and under each condition."""
    conditions = {"clean": evaluation["clean"], **evaluation.get("conditions", {})}
    rows = tuple(
        (name, percent(row.get("window_accuracy")), percent(row.get("track_accuracy")))
        for name, row in conditions.items()
    )
    return Table(title, ("condition", "correct windows", "correct clips"), rows)


def evaluation_view(data: Mapping[str, Any]) -> RenderableType:
    """Return window and clip accuracies in percent, a row for each condition, for the model and the baselines."""
    clean = data["clean"]
    names = [f"{name} (baseline)" for name in data["baselines"]]
    table = RichTable("condition", "model, int8", *names, box=None, title="window / clip accuracy in %")
    table.add_row("clean", _pair(clean), *(_pair(b) for b in data["baselines"].values()))
    for condition, row in data["conditions"].items():
        beside = (_pair(b["conditions"][condition]) for b in data["baselines"].values())
        table.add_row(condition, _pair(row), *beside)
    return Group(table, "", _by_label(clean), *_sentences(data))


def _by_label(clean: Mapping[str, Any]) -> RichTable:
    """Return the confusion matrix without any change to the sound, with the recall of each label."""
    labels = list(clean["recall"])
    table = RichTable("actual \\ predicted", *labels, "recall", box=None)
    for label, counts in zip(labels, clean["confusion_matrix"], strict=True):
        table.add_row(label, *map(str, counts), f"{100 * clean['recall'][label]:.1f} %")
    return table


def _sentences(data: Mapping[str, Any]) -> list[str]:
    clean, (low, high) = data["clean"], data["clean"]["interval"]
    worst = clean["worst_artist"]
    lines = [
        "",
        f"{data['recipe']}, {data['protocol']}, {data['seeds']} seed(s): {clean['tracks']} clips by "
        f"{clean['artists']} artists, {clean['windows']} windows",
        f"95 % interval of the clip accuracy, by artist: {100 * low:.1f} to {100 * high:.1f}",
        f"three-window mean: {100 * clean['three_window_accuracy']:.1f} % correct; calibration error {clean['ece']:.3f}"
        + (f"; float32 minus int8: {100 * data['int8_drop']:+.2f} points" if data["int8_drop"] is not None else ""),
        f"lowest accuracy by artist: {worst['artist']}, {100 * worst['window_accuracy']:.0f} % of the windows",
    ]
    if len(clean["recall"]) > 2:
        lines.append(f"actual label among the two most probable: {100 * clean['top_2_accuracy']:.1f} % of the windows")
    collapsed = sum(any("collapsed" in warning for warning in model["warnings"]) for model in data["models"])
    if collapsed:
        lines.append(
            f"{collapsed} of {len(data['models'])} trainings did not learn (accuracy of chance); they are included"
        )
    return lines


def _pair(row: Mapping[str, float]) -> str:
    return f"{100 * row['window_accuracy']:.1f} / {100 * row['track_accuracy']:.1f}"


def deployment_table(lock: Mapping[str, Any]) -> Table:
    """Return the content of eitk.lock."""
    rows = (
        ("version", lock["deployment_version"]),
        ("target", lock["target"]),
        ("engine", f"{lock['engine']}, {lock['model_type']}"),
        ("library", lock["zip"]),
        ("model", lock["model"]),
        ("model hash", lock["model_sha256"][:12]),
    )
    return Table("library", ("", ""), rows)


SHORT = 60  # characters of a value that fit into a cell


def impulse_table(state: ImpulseState) -> Table:
    """Return every value of an impulse, one per row."""
    rows = list(structure(state).items())
    rows += [(f"{block.name}.{key}", value) for block in state.dsp for key, value in block.config.items()]
    rows += [(f"learn.{key}", _short(value)) for key, value in learn_values(state.learn).items()]
    return Table("", ("setting", "value"), tuple(rows))


def change_table(title: str, changes: Sequence[Change]) -> Table:
    """Return present and requested values side by side; for a script, the number of lines that differ."""
    return Table(title, ("setting", "studio", "eitk.toml"), tuple(map(_row, changes)))


def _row(change: Change) -> tuple[str, str, str]:
    if change.key == "learn.script":
        old, new = change.there.splitlines(), change.wanted.splitlines()
        marks = [line[0] for line in difflib.ndiff(old, new)]
        return change.key, f"{len(old)} lines", f"{len(new)} lines (+{marks.count('+')} −{marks.count('-')})"
    return change.key, _short(change.there) or "–", _short(change.wanted) or "–"


def _short(value: str) -> str:
    line = value.split("\n", 1)[0]
    return line if len(line) <= SHORT and line == value else f"{line[:SHORT]}…"


def profile_view(profile: Profile) -> RichTable:
    """Return a profile as a table: a row for each layer, the totals below."""
    error = round(profile.latency_error * 100)
    title = (
        f"{profile.instructions:,} instructions ({profile.how}), about {profile.latency_ms} ms ± {error} % at 64 MHz"
    )
    caption = (
        f"flash {profile.flash_bytes:,} B · RAM {profile.ram_bytes:,} B (arena {profile.arena_bytes:,}, "
        f"at least {profile.arena_lower_bound:,}) · stack {profile.stack_bytes:,} B"
    )
    table = RichTable(title=title, caption=caption)
    for column, justify in (("layer", "left"), ("output", "left"), ("MACs", "right"), ("instructions", "right")):
        table.add_column(column, justify="right" if justify == "right" else "left")
    table.add_column("per MAC", justify="right")
    for layer in profile.layers:
        shape = "x".join(map(str, layer.output[1:]))
        ratio = layer.instructions_per_mac
        table.add_row(
            layer.title,
            shape,
            f"{layer.macs:,}",
            f"{layer.instructions:,}" if layer.instructions else "in the layer above",
            "" if not ratio else f"{ratio:.2f}",
        )
    return table
