"""Results of training, test and profile as tables, in the shape of the reference project's tables 2, 3 and 4."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from ei_toolkit.client.impulse.apply import Change, learn_values, structure
from ei_toolkit.client.impulse.state import ImpulseState
from ei_toolkit.client.results import NANO, DeviceProfile, Evaluation
from ei_toolkit.config.units import classification_time, counted, kib
from ei_toolkit.config.untrusted_text import printable
from ei_toolkit.eon.blockers import Blocker, group_blockers, rejection
from ei_toolkit.eon.check import Check, Cost
from ei_toolkit.eon.memory_use import MemoryStep
from ei_toolkit.eon.profile import LATENCY_ERROR, Profile
from ei_toolkit.impulse.metrics import CLIP_ACCURACY, MAJORITY, TOP_1, interval_text, thresholded_name
from ei_toolkit.report.confusion import ConfusionMatrix
from ei_toolkit.report.tables import Cell, Table, percent


def score_table(title: str, evaluations: Sequence[Evaluation]) -> Table:
    """Return the scores of each variant of a model, a column for each."""
    return recorded_scores(title, {evaluation.variant: evaluation.data() for evaluation in evaluations})


def recorded_scores(title: str, columns: Mapping[str, Mapping[str, Any]]) -> Table:
    """Return accuracies with the majority baseline, loss, AUC and weighted averages; `columns` are `Evaluation.data()`.

    docs/figures.md defines each figure. A row that no column has is left out.
    """
    found = list(columns.values())
    name = thresholded_name(next((one["threshold"] for one in found if one.get("threshold") is not None), None))
    rows: tuple[tuple[Cell, ...], ...] = (
        (name, *(percent(one.get("thresholded_accuracy")) for one in found)),
        (TOP_1, *(percent(one.get("top_1_accuracy")) for one in found)),
        (MAJORITY, *(percent(one.get("majority")) for one in found)),
        ("loss", *(_number(one.get("loss")) for one in found)),
        ("area under ROC curve", *(_number(one.get("auc")) for one in found)),
        ("precision (weighted)", *(_number(one.get("precision")) for one in found)),
        ("recall (weighted)", *(_number(one.get("recall")) for one in found)),
        ("F1 (weighted)", *(_number(one.get("f1")) for one in found)),
        ("windows", *(one.get("windows") for one in found)),
        ("windows by label", *(label_range(_support(one)) for one in found)),
        ("windows with unknown labels", *(_unknown(one.get("unknown_labels", {})) for one in found)),
    )
    kept = tuple(row for row in rows if any(value is not None for value in row[1:]))
    return Table(title, ("", *columns), kept)


def _support(evaluation: Mapping[str, Any]) -> dict[str, int]:
    return {label: int(scores["support"]) for label, scores in evaluation.get("report", {}).items()}


def label_range(windows: Mapping[str, int]) -> str | None:
    """Return the smallest and the largest label, which show how imbalanced the windows are; None without windows."""
    if not windows:
        return None
    (least, few), (most, many) = (pick(windows.items(), key=lambda item: item[1]) for pick in (min, max))
    return f"{few} each" if few == many else f"{few} ({least}) to {many} ({most})"


def _unknown(counts: Mapping[str, int]) -> str | None:
    return f"{sum(counts.values())} ({', '.join(sorted(counts))})" if counts else None


def label_table(title: str, evaluation: Evaluation) -> Table:
    """Return precision, recall and F1 of each label."""
    return recorded_label_table(title, evaluation.data()["report"])


def recorded_label_table(title: str, report: Mapping[str, Mapping[str, float]]) -> Table:
    """Return precision, recall and F1 of each label; `report` is that of `Evaluation.data()`."""
    rows = tuple(
        (label, *(_number(row[key]) for key in ("precision", "recall", "f1-score")), int(row["support"]))
        for label, row in report.items()
    )
    return Table(title, ("label", "precision", "recall", "F1", "windows"), rows)


def evaluation_tables(name: str, evaluations: Sequence[Evaluation]) -> list[Table | ConfusionMatrix]:
    """Return the scores, then a confusion matrix and the labels for each variant. `name` is the set of windows."""
    tables: list[Table | ConfusionMatrix] = [score_table(name, evaluations)] if evaluations else []
    for evaluation in evaluations:
        title = f"{name}, {evaluation.variant}"
        at = f", at threshold {evaluation.threshold:g}" if evaluation.threshold is not None else ""
        tables.append(ConfusionMatrix(f"{title}: windows{at}", evaluation.labels, evaluation.confusion))
        tables.append(label_table(f"{title}: labels{at}", evaluation))
    return tables


def profile_table(profiles: Sequence[DeviceProfile], features_ms: float | None = None) -> Table:
    """Return the time of one classification, RAM and ROM of each variant, device and engine.

    `features_ms` is the time of the features, which the studio does not include in its latency; it is only for the
    Nano 33 BLE, so it is added to that device's times. Where all rows are about one device, the title names it.
    """
    rows = tuple(
        (p.variant, p.name, engine.engine, _time(p, features_ms), _size(engine.ram), _size(engine.rom),
         _size(engine.arena))
        for p in profiles
        for engine in p.engines
    )  # fmt: skip
    head = ("model", "device", "engine", "time", "RAM", "ROM", "arena")
    devices = {row[1] for row in rows}
    if len(devices) != 1:
        return Table("on the device (estimates)", head, rows)
    title = f"on the {devices.pop()} (estimates)"
    return Table(title, (head[0], *head[2:]), tuple((row[0], *row[2:]) for row in rows))


def _time(profile: DeviceProfile, features_ms: float | None) -> str | None:
    if profile.latency_ms is None:
        return None
    return classification_time(features_ms if NANO in profile.device else None, profile.latency_ms)


def _size(value: int) -> str | None:
    return kib(value) if value else None


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}"


BASELINE_NAMES = {
    "majority": "most frequent training label",
    "level": "level only",
    "logistic": "logistic regression",
}  # of `evaluation.baselines`; the first one may be below the majority baseline, which counts the tested windows


def condition_table(evaluation: Mapping[str, Any], title: str = "") -> Table:
    """Return the accuracies of an evaluation, clean and under each condition."""
    conditions = {"clean": evaluation["clean"], **evaluation.get("conditions", {})}
    rows = tuple(
        (name, *(percent(row.get(key)) for key in ("window_accuracy", "thresholded_accuracy", "track_accuracy")))
        for name, row in conditions.items()
    )
    return Table(title, ("condition", TOP_1, thresholded_name(evaluation.get("threshold")), CLIP_ACCURACY), rows)


def evaluation_view(data: Mapping[str, Any]) -> RenderableType:
    """Return top-1 and clip accuracies in percent, a row for each condition, for the model and the baselines."""
    clean = data["clean"]
    names = [f"{BASELINE_NAMES.get(name, name)} (baseline)" for name in data["baselines"]]
    table = RichTable("condition", "model, int8", *names, box=None, title=f"{TOP_1} of windows / {CLIP_ACCURACY}, in %")
    table.add_row("clean", _pair(clean), *(_pair(b) for b in data["baselines"].values()))
    for condition, row in data["conditions"].items():
        beside = (_pair(b["conditions"][condition]) for b in data["baselines"].values())
        table.add_row(condition, _pair(row), *beside)
    matrix = ConfusionMatrix("windows, clean, top-1", list(clean["recall"]), clean["confusion_matrix"])
    by_label = recorded_label_table("labels, clean, top-1", clean["by_label"]).rich()
    return Group(table, "", matrix, "", by_label, *_sentences(data))


def _sentences(data: Mapping[str, Any]) -> list[str]:
    clean = data["clean"]
    worst = clean["worst_artist"]
    lines = [
        "",
        f"{data['recipe']}, {data['protocol']}, {counted(data['folds'], 'fold')}, "
        f"{counted(data['seeds'], 'seed')}: "
        f"{clean['tracks']} clips of {clean['artists']} groups, "
        f"{clean['windows']} windows ({label_range(clean['windows_by_label'])})",
        f"{TOP_1} {percent(clean['window_accuracy'])}, {thresholded_name(data['threshold'])} "
        f"{percent(clean['thresholded_accuracy'])}, {CLIP_ACCURACY} {percent(clean['track_accuracy'])}; "
        f"{MAJORITY} {percent(clean['majority'])}",
        f"{CLIP_ACCURACY}: {interval_text(clean['interval'], clean['tracks'], clean['artists'])}",
        f"three-window mean: {100 * clean['three_window_accuracy']:.1f} % correct; calibration error {clean['ece']:.3f}"
        + (f"; float32 minus int8: {100 * data['int8_drop']:+.2f} points" if data["int8_drop"] is not None else ""),
        f"lowest accuracy by group: {worst['artist']}, {100 * worst['window_accuracy']:.0f} % of the windows",
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
        f"{profile.instructions:,} instructions ({profile.how}), estimated {profile.cycles:,} cycles, at 64 MHz: "
        f"{classification_time(None, profile.latency_ms)} ± {error} %"
    )
    caption = (
        f"flash {kib(profile.flash_bytes)} · RAM {kib(profile.ram_bytes)} (arena {kib(profile.arena_bytes)}, "
        f"at least {kib(profile.arena_lower_bound)}) · stack {kib(profile.stack_bytes)}"
    )
    table = RichTable(title=title, caption=caption)
    for column, justify in (("layer", "left"), ("output", "left"), ("MACs", "right"), ("instructions", "right")):
        table.add_column(column, justify="right" if justify == "right" else "left")
    table.add_column("per MAC", justify="right")
    table.add_column("cycles", justify="right")
    for layer in profile.layers:
        shape = "x".join(map(str, layer.output[1:]))
        ratio = layer.instructions_per_mac
        table.add_row(
            layer.title,
            shape,
            f"{layer.macs:,}",
            f"{layer.instructions:,}" if layer.instructions else "in the layer above",
            "" if not ratio else f"{ratio:.2f}",
            f"{layer.cycles:,}" if layer.cycles else "",
        )
    return table


def check_view(check: Check) -> RenderableType:
    """Return the check of a model: operators, blockers with remedies, memory over time, and where the model fits."""
    uses = Table("operators", ("operator", "number", "not supported"), tuple(
        (use.kind, use.count, use.blocked or None) for use in check.operators
    ))  # fmt: skip
    parts: list[RenderableType] = [uses.rich()]
    if check.blockers:
        parts.append(Text(_blocker_text(check.blockers)))
    if check.cost is not None:
        parts += [_memory_table(check.cost).rich(), _fit_table(check.cost).rich(), _cost_line(check.cost)]
    return Group(*parts)


def _blocker_text(blockers: Sequence[Blocker]) -> str:
    """Return each reason with all of its operators, and what to change."""
    lines = [
        f"  {rejection(group, len(group))}: {group[0].problem}\n    change: {group[0].remedy}"
        for group in group_blockers(blockers)
    ]
    return printable("\n".join(["blockers", *lines]))


PICTURE = 40  # characters for the whole arena
MOST_STEPS = 60  # in the picture of a network; loops have many


def _memory_table(cost: Cost) -> Table:
    steps = shown_steps(cost)
    rows = tuple(
        (
            step.step,
            step.title,
            kib(step.used_bytes),
            memory_picture(step, cost.arena_bytes),
            "peak" * (step == cost.peak),
        )
        for step in steps
    )
    some = f", {len(steps)} of {len(cost.memory)} steps" if len(steps) < len(cost.memory) else ""
    return Table(f"arena over time, from its first byte to its last{some}", ("step", "layers", "in use", "", ""), rows)


def shown_steps(cost: Cost) -> tuple[MemoryStep, ...]:
    """Return the steps of the picture: of many steps the first, the last, and those around the peak."""
    count = len(cost.memory)
    if count <= MOST_STEPS or cost.peak is None:
        return cost.memory
    part, peak = MOST_STEPS // 6, cost.memory.index(cost.peak)
    shown = {*range(2 * part), *range(max(0, peak - part), min(count, peak + part)), *range(count - 2 * part, count)}
    return tuple(cost.memory[i] for i in sorted(shown))


def memory_picture(step: MemoryStep, arena_bytes: int) -> str:
    """Return a line of characters for the arena: blocks where memory is in use at this step, dots elsewhere."""
    size = max(arena_bytes, 1)
    used = [False] * PICTURE
    for begin, end in step.ranges:
        for i in range(begin * PICTURE // size, -(-end * PICTURE // size)):
            used[i] = True
    return "".join("█" if one else "·" for one in used)


def _fit_table(cost: Cost) -> Table:
    rows = tuple(
        (
            fit.board,
            "yes" if fit.fits else "no",
            kib(fit.flash_bytes),
            None if fit.flash_limit is None else kib(fit.flash_limit),
            kib(fit.ram_bytes),
            None if fit.ram_limit is None else kib(fit.ram_limit),
        )
        for fit in cost.fits
    )
    return Table("boards (estimated)", ("board", "fits", "flash", "of", "RAM", "of"), rows)


def _cost_line(cost: Cost) -> str:
    state = f", {kib(cost.state_bytes)} of it state" if cost.state_bytes else ""
    return (
        f"estimated {cost.instructions:,} instructions, {classification_time(None, cost.latency_ms)} at 64 MHz "
        f"± {round(LATENCY_ERROR * 100)} %; arena {kib(cost.arena_bytes)}{state}, weights {kib(cost.weights_bytes)}"
    )
