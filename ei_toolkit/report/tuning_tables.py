"""The result of a search as tables, as plain data and as a figure of its front."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from ei_toolkit.config.units import counted, kib, percent
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.evaluation.tune import CURRENT, REPORTS, chosen
from ei_toolkit.evaluation.tune_folds import accuracy_of
from ei_toolkit.report.figures import Figure, points_by_series
from ei_toolkit.report.tables import Table
from ei_toolkit.tuning.candidate import filters
from ei_toolkit.tuning.search import Search, SearchOptions, Trial, front

SHOWN_IMPORTANCES = 8
WORST = "worst condition"


def search_data(search: Search, options: SearchOptions, clips: Sequence[KnownClip]) -> dict[str, Any]:
    """Return everything that `eitk tune show` prints, as plain data."""
    trials = search.trials()
    best = chosen(trials, options)
    current = search.attribute(CURRENT)
    reports = [
        report for report in search.attribute(REPORTS, [])
        if report["model"] != CURRENT or (current and report["key"] == current["key"])
    ]  # fmt: skip
    return {
        "objectives": list(options.objectives),
        "trials": [_trial_data(trial, clips) for trial in trials],
        "front": [trial.number for trial in front(trials, options.maximised)],
        "chosen": None if best is None else best.number,
        "current": _current_data(current, clips) if current else None,
        "reports": [
            {"model": report["model"], **accuracy_of([report["fold"]], clips).data(), "trials": report["trials"]}
            for report in reports
        ],
        "importance": {name: search.importances(number) for number, name in enumerate(options.objectives)},
        "ended": dict(Counter(trial.state for trial in trials)),
    }


def _trial_data(trial: Trial, clips: Sequence[KnownClip]) -> dict[str, Any]:
    measured = accuracy_of(trial.folds, clips).data() if trial.folds else {}
    return {
        "number": trial.number, "state": trial.state, "reason": trial.reason, "parameters": dict(trial.parameters),
        "cost": trial.cost, "folds": len(trial.folds), "values": list(trial.values), **measured,
    }  # fmt: skip


def _current_data(current: Mapping[str, Any], clips: Sequence[KnownClip]) -> dict[str, Any]:
    return {"cost": current["cost"], **accuracy_of(current["folds"], clips).data()}


def search_view(data: Mapping[str, Any], *, with_all: bool) -> RenderableType:
    """Return the tables of a search: its front beside the present impulse, the report, importances, and the ends."""
    tables = [_front_table(data), *_report_tables(data), *_importance_tables(data)]
    ends = _ends_table(data, with_all=with_all)
    counts = ", ".join(f"{count} {state}" for state, count in sorted(data["ended"].items()))
    best = data["chosen"]
    last = f"{counted(len(data['trials']), 'trial')}: {counts or 'none'}"
    if best is not None:
        last += f". The chosen one is trial {best}: eitk tune apply {best}"
    return Group(*(table.rich() for table in (*tables, *ends)), Text(last))


HEAD = ("trial", "accuracy", "interval", WORST, "time", "RAM", "flash", "instructions", "block", "network")


def _front_table(data: Mapping[str, Any]) -> Table:
    on_front = [trial for trial in data["trials"] if trial["number"] in data["front"]]
    rows = [_row(str(trial["number"]), trial, _block(trial), _network(trial)) for trial in on_front]
    if data["current"]:
        rows.append(_row("present impulse", data["current"], "", ""))
    return Table(f"front of {', '.join(data['objectives'])}, on the folds of the search", HEAD, tuple(rows))


def _row(name: str, found: Mapping[str, Any], block: str, network: str) -> tuple[str | int | float | None, ...]:
    cost = found["cost"]
    low, high = found["interval"]
    worst = percent(found["worst_condition"]) if found["conditions"] else None
    return (
        name, percent(found["accuracy"]), f"{percent(low)} to {percent(high)}", worst, f"{cost['total_ms']:.0f} ms",
        kib(cost["ram_bytes"]), kib(cost["flash_bytes"]), f"{cost['instructions']:,}", block, network,
    )  # fmt: skip


def _block(trial: Mapping[str, Any]) -> str:
    own = trial["parameters"]
    stride = round(own["window_ms"] * own["stride"])
    frame = f"{own['frame_ms']}/{round(own['frame_ms'] * own['frame_stride'], 1):g} ms"
    return f"{own['block']} {frame}, window {own['window_ms']}/{stride} ms"


def _network(trial: Mapping[str, Any]) -> str:
    own = trial["parameters"]
    layers = "-".join(map(str, filters(own)))
    return f"{own['network']} {layers}, kernel {own['kernel']}, {own['head']}, {own['augmentation']}"


def _report_tables(data: Mapping[str, Any]) -> list[Table]:
    rows = []
    for report in data["reports"]:
        low, high = report["interval"]
        worst = percent(report["worst_condition"]) if report["conditions"] else None
        name = "present impulse" if report["model"] == CURRENT else report["model"]
        rows.append(
            (name, percent(report["accuracy"]), f"{percent(low)} to {percent(high)}", worst, report["windows"],
             report["groups"])
        )  # fmt: skip
    head = ("model", "accuracy", "interval", WORST, "windows", "artists")
    return [Table("on artists that no trial has seen", head, tuple(rows))] if rows else []


def _importance_tables(data: Mapping[str, Any]) -> list[Table]:
    return [
        Table(
            f"importance of the parameters for {name}",
            ("parameter", "share of the variance"),
            tuple((key, percent(share)) for key, share in list(shares.items())[:SHOWN_IMPORTANCES]),
        )
        for name, shares in data["importance"].items()
        if shares
    ]


def _ends_table(data: Mapping[str, Any], *, with_all: bool) -> list[Table]:
    rows = []
    for trial in data["trials"]:
        if trial["state"] == "complete" and not with_all:
            continue
        accuracy = percent(trial["accuracy"]) if "accuracy" in trial else None
        rows.append((trial["number"], trial["state"], accuracy, trial["reason"] or None))
    title = "all trials" if with_all else "trials that are not complete, and why"
    return [Table(title, ("trial", "end", "accuracy", "reason"), tuple(rows))] if rows else []


def front_figure(data: Mapping[str, Any]) -> Figure:
    """Return the accuracy of each complete trial against its time; the front and the present impulse are marked."""
    complete = [trial for trial in data["trials"] if trial["state"] == "complete"]
    series = {
        "other trials": [_point(trial) for trial in complete if trial["number"] not in data["front"]],
        "front": [_point(trial) for trial in complete if trial["number"] in data["front"]],
        "present impulse": [_point(data["current"])] if data["current"] else [],
    }
    points = {name: found for name, found in series.items() if found}
    return points_by_series(
        "Accuracy and time of the candidates", points, "milliseconds of one classification", "accuracy by artist in %"
    )


def _point(found: Mapping[str, Any]) -> tuple[float, float]:
    return found["cost"]["total_ms"], 100 * found["accuracy"]
