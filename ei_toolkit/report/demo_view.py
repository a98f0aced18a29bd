"""The table that closes the demo: what the board said beside what the Python model says, and what the model costs."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ei_toolkit.report.demo import DemoResult

COLOURS = {"rock": "red", "classical": "green"}


def demo_view(result: DemoResult) -> RenderableType:
    """Windows, then one line a fact."""
    return Group("", _windows(result.heard["windows"]), "", _facts(result))


def _windows(windows: list[dict[str, Any]]) -> Table:
    table = Table("unseen clip", "end of window", "board", "score", "board int8", "Python int8", "", box=None)
    last = ""
    for window in windows:
        clip = "" if window["clip"] == last else window["clip"]
        last = window["clip"]
        score = max(window["board_scores"].values())
        table.add_row(
            clip,
            f"{window['end_ms'] / 1000:.1f} s",
            Text(window["winner"], COLOURS.get(window["winner"], "blue")),
            f"{score:.3f}",
            _row(window["board_q"]),
            _row(window["python_q"]),
            "equal" if window["equal"] else Text("differs", "bold red"),
        )
    return table


def _row(values: list[int]) -> str:
    return " ".join(f"{value:4d}" for value in values)


def _facts(result: DemoResult) -> Table:
    table = Table(show_header=False, box=None)
    for name, value in facts(result):
        table.add_row(name, value)
    return table


def facts(result: DemoResult) -> list[tuple[str, str]]:
    """Each fact as (name, value), in the order a reader asks for them."""
    summary, profile, image = result.heard["summary"], result.profile, result.image
    clips = "; ".join(f"{clip['clip']} heard as {clip['winner']}" for clip in result.heard["clips"])
    return [
        ("clips", clips),
        ("board equals Python", f"{summary['equal']} of {summary['windows']} windows"),
        (
            "test accuracy",
            f"{_accuracy(result)} ({result.tracks} tracks by {result.artists} artists, none in training)",
        ),
        ("model", f"{profile['flash_bytes']:,} bytes of flash, {profile['ram_bytes']:,} of RAM ({profile['how']})"),
        ("instructions", f"{profile['instructions']:,} per inference"),
        ("image", f"{image['flash_bytes']:,} bytes of flash, {image['ram_bytes']:,} of RAM with sketch and DSP"),
    ]


def _accuracy(result: DemoResult) -> str:
    variants = {name: row for name, row in result.test.items() if name in ("int8", "float32")}
    return ", ".join(f"{100 * row['accuracy']:.1f} % of windows ({name})" for name, row in variants.items())
