"""An impulse and its changes as tables."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from ei_toolkit.api.impulse.diff import Change, learn_values, structure
from ei_toolkit.api.impulse.state import ImpulseState
from ei_toolkit.report.tables import Table

SHORT = 60  # characters of a value that fit a cell


def impulse_table(state: ImpulseState) -> Table:
    """Every value of an impulse, one a row."""
    rows = list(structure(state).items())
    rows += [(f"{block.name}.{key}", value) for block in state.dsp for key, value in block.config.items()]
    rows += [(f"learn.{key}", _short(value)) for key, value in learn_values(state.learn).items()]
    return Table("", ("setting", "value"), tuple(rows))


def change_table(title: str, changes: Sequence[Change]) -> Table:
    """What is there and what is wanted, side by side; of a script, how many lines differ."""
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
