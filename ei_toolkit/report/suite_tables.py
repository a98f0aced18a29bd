"""The table of a suite: the published figure beside three measured ones, size, and whether a board runs the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import stdev
from typing import Any

from ei_toolkit.config.units import counted, kib
from ei_toolkit.evaluation.folds import LEAKS
from ei_toolkit.evaluation.suite import HONEST, Measured, SuiteRow
from ei_toolkit.impulse.metrics import has_interval
from ei_toolkit.report.tables import Table

HEAD = (
    "model", "published", "same protocol", "by artist", "fault-filtered", "parameters", "size", "fits the board",
)  # fmt: skip


def suite_data(suite: str, rows: Sequence[SuiteRow], seeds: int) -> dict[str, Any]:
    """Return the results of a suite as plain data, for --json and for the report."""
    return {
        "suite": suite,
        "seeds": seeds,
        "models": [
            {
                "model": row.model.name,
                "published": row.model.published,
                "published_protocol": row.model.protocol,
                "own_protocol": row.own_protocol.protocol,
                "measured": {protocol: _measured(one) for protocol, one in row.measured.items()},
                "parameters": row.parameters,
                "size_bytes": row.size_bytes,
                "fits_board": not row.obstacles,
                "obstacles": dict(row.obstacles),
                "remark": row.remark,
            }
            for row in rows
        ],
    }


def _measured(one: Measured) -> dict[str, Any]:
    return {
        "accuracy": one.accuracy, "row_accuracy": one.row_accuracy, "by_seed": list(one.by_seed),
        "interval": list(one.interval), "clips": one.clips, "groups": one.groups,
    }  # fmt: skip


def suite_table(data: Mapping[str, Any]) -> Table:
    """Return the table of a suite from its plain data; accuracies of clips are in percent."""
    rows = tuple(
        (
            model["model"],
            f"{model['published']} ({model['published_protocol']})" if model["published"] else None,
            _cell(model["measured"][model["own_protocol"]]) + f" ({model['own_protocol']})",
            *(_cell(model["measured"][protocol]) for protocol in HONEST),
            model["parameters"],
            kib(model["size_bytes"]),
            _board(model),
        )
        for model in data["models"]
    )
    return Table(f"Suite {data['suite']}: accuracy of clips in percent, {counted(data['seeds'], 'seed')}", HEAD, rows)


def suite_notes(data: Mapping[str, Any]) -> list[str]:
    """Return what has to be known to read the table: intervals, leaks and what was measured otherwise."""
    first = data["models"][0]["measured"]
    notes = [
        "In brackets: the 95 % interval by artist of the first seed; ± is the standard deviation over the seeds.",
        *(
            f"{protocol}: {one['clips']} clips of {one['groups']} artists are tested."
            for protocol, one in first.items()
        ),
    ]
    used = {model["own_protocol"] for model in data["models"]}
    notes += [
        f"The protocol {name} leaks: {LEAKS[name]}, so it overestimates accuracy." for name in LEAKS if name in used
    ]
    notes += _board_notes(data["models"])
    notes += [text for model in data["models"] if (text := _by_row(model))]
    return notes + [f"{model['model']}: {model['remark']}." for model in data["models"] if model["remark"]]


def _board(model: Mapping[str, Any]) -> str:
    obstacles = ", ".join(model.get("obstacles", ()))
    return "yes" if model["fits_board"] else f"no: {obstacles}" if obstacles else "no"


def _board_notes(models: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return why models do not fit the board, those with the same reason together."""
    models_of: dict[str, list[str]] = {}
    for model in models:
        for obstacle, figures in model.get("obstacles", {}).items():
            models_of.setdefault(f"{obstacle}: {figures}", []).append(model["model"])
    return [f"Does not fit the board, {reason}: {', '.join(names)}." for reason, names in models_of.items()]


def _by_row(model: Mapping[str, Any]) -> str:
    """Return the accuracies of single windows of a model that was published by segment, and the leak."""
    measured = model["measured"]
    if "segment" not in measured or "artist" not in measured:
        return ""
    figures = ", ".join(f"{protocol} {100 * one['row_accuracy']:.1f}" for protocol, one in measured.items())
    leak = 100 * (measured["segment"]["row_accuracy"] - measured["artist"]["row_accuracy"])
    return f"{model['model']}, accuracy of single windows: {figures}; segment minus artist: {leak:.1f} points."


def suite_markdown(data: Mapping[str, Any]) -> str:
    """Return the table with its notes in Markdown."""
    return suite_table(data).markdown() + "\n" + "".join(f"* {note}\n" for note in suite_notes(data))


def _cell(one: Mapping[str, Any]) -> str:
    spread = f" ± {100 * stdev(one['by_seed']):.1f}" if len(one["by_seed"]) > 1 else ""
    low, high = one["interval"]
    is_shown = has_interval(one["interval"], one.get("groups"))
    shown = f"{100 * low:.1f}, {100 * high:.1f}" if is_shown else "too few groups"
    return f"{100 * one['accuracy']:.1f}{spread} [{shown}]"
