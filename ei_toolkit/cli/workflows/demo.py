"""The demo: run every stage of the pipeline, and show the board's scores beside those of Python, with the cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ei_toolkit.board.boards.registry import virtual_boards
from ei_toolkit.cli.console import Console
from ei_toolkit.cli.workflows.shell import Shell
from ei_toolkit.config import load_config
from ei_toolkit.config.lockfile import read_lock
from ei_toolkit.config.units import kib
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.dataset.plan import clips_root
from ei_toolkit.errors import DataError, MissingToolError
from ei_toolkit.impulse.metrics import TOP_1, thresholded_name
from ei_toolkit.impulse.trained_model import VARIANTS
from ei_toolkit.report.tables import percent

TAIL_LINES = 3
COLOURS = {"rock": "red", "classical": "green"}


@dataclass(frozen=True)
class DemoResult:
    """JSON results of the commands: test, flashed image, cost, and verification of the board."""

    test: dict[str, Any]
    image: dict[str, Any]
    profile: dict[str, Any]
    verification: dict[str, Any]
    tracks: int
    artists: int

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)


def run_demo(
    clips: Path | None,
    folder: Path,
    console: Console,
    *,
    recipe: str,
    board: str | None,
    options: tuple[str, ...] = (),
) -> DemoResult:
    """Run every stage in `folder` on `clips` (None: on synthetic clips that are made there).

    `options` are settings that replace those of the recipe. Raises CommandFailed with the exit code of the command
    that failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shell = Shell(folder, console, options)
    if clips is None:
        shell.run("dataset", "synth", "clips")
    board = board or best_board(console)
    shell.run("init", "--force", "--recipe", recipe, "--board", board, "--clips", str(clips or "clips"))
    for command in ("slice", "upload", "impulse apply", "train --eon"):
        shell.run(*command.split())
    test = shell.json("test", "--no-run")
    profile = shell.json("eon", "profile", _model(folder))
    image = shell.json("flash")
    unseen = unseen_clips(folder)
    shell.run("play", str(unseen[0]))
    shell.run("tail", "--count", str(TAIL_LINES))
    verification = shell.json("verify", *map(str, unseen))
    tracks, artists = held_out(folder)
    return DemoResult(test, image, profile, verification, tracks, artists)


def best_board(console: Console) -> str:
    """Return the first virtual board whose tools are installed; warn about each board that is skipped."""
    for board in virtual_boards():
        missing = board.missing_tools()
        if not missing:
            return board.name
        console.warn(f"the {board.name} board is not used: {' and '.join(missing)} not found")
    raise MissingToolError("no virtual board can be built", hint="See which tools are missing: eitk doctor")


def unseen_clips(folder: Path) -> list[Path]:
    """Return one testing clip of each label. Raises DataError where a label has none."""
    config = load_config(folder, {})
    windows = Manifest.read(config.paths.manifest).windows
    chosen: dict[str, str] = {}
    for window in windows:
        if window.split == "testing":
            chosen.setdefault(window.label, window.clip)
    if missing := {window.label for window in windows} - set(chosen):
        raise DataError(f"no clip of {', '.join(sorted(missing))} is held out", hint="eitk slice")
    root = clips_root(config.settings.dataset, config.paths.root)
    return [root / clip for clip in chosen.values()]


def held_out(folder: Path) -> tuple[int, int]:
    """Return the number of testing clips and the number of their artists."""
    windows = Manifest.read(load_config(folder, {}).paths.manifest).windows
    testing = [window for window in windows if window.split == "testing"]
    return len({window.clip for window in testing}), len({window.group for window in testing})


def _model(folder: Path) -> str:
    lock = read_lock(load_config(folder, {}).paths.lock)
    if lock is None:
        raise DataError("there is no eitk.lock after the build", hint="eitk build")
    return lock.model


def demo_view(result: DemoResult) -> RenderableType:
    """Return a table of the windows and a table of the figures."""
    return Group("", _windows(result.verification["windows"]), "", _figures_table(result))


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


def _figures_table(result: DemoResult) -> Table:
    table = Table(show_header=False, box=None)
    for name, value in figures(result):
        table.add_row(name, value)
    return table


def figures(result: DemoResult) -> list[tuple[str, str]]:
    """Return each figure as (name, value)."""
    summary, profile, image = result.verification["summary"], result.profile, result.image
    clips = "; ".join(f"{clip['clip']} predicted as {clip['winner']}" for clip in result.verification["clips"])
    return [
        ("clips", clips),
        ("board equals Python", f"{summary['equal']} of {summary['windows']} windows"),
        ("tested on", f"{result.tracks} tracks of {result.artists} groups, none in training"),
        *_accuracies(result),
        ("model", f"{kib(profile['flash_bytes'])} of flash, {kib(profile['ram_bytes'])} of RAM ({profile['how']})"),
        ("instructions", f"{profile['instructions']:,} per inference"),
        ("image", f"{kib(image['flash_bytes'])} of flash, {kib(image['ram_bytes'])} of RAM with sketch and features"),
    ]


def _accuracies(result: DemoResult) -> list[tuple[str, str]]:
    """Return the accuracies of the test by name, with the value of each variant."""
    variants = {name: row for name, row in result.test.items() if name in VARIANTS}
    threshold = next((row["threshold"] for row in variants.values()), None)
    return [
        (title, ", ".join(f"{percent(row[key]) or '–'} ({name})" for name, row in variants.items()))
        for title, key in ((thresholded_name(threshold), "thresholded_accuracy"), (TOP_1, "top_1_accuracy"))
    ]
