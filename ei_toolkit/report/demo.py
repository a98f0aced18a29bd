"""The main job, from clips to a board's predictions: eitk's own commands, and a table of what came out."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ei_toolkit.config import load_config
from ei_toolkit.config.lockfile import read_lock
from ei_toolkit.console import Console
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.errors import DataError
from ei_toolkit.report.shell import Shell

TAIL_LINES = 3
EMULATOR_TOOLS = ("arm-none-eabi-g++", "qemu-system-arm")


@dataclass(frozen=True)
class DemoResult:
    """What each command answered, as JSON: the test results, the flashed image, the cost, the windows heard."""

    test: dict[str, Any]
    image: dict[str, Any]
    profile: dict[str, Any]
    heard: dict[str, Any]
    tracks: int
    artists: int

    def as_json(self) -> dict[str, Any]:
        """The same as plain JSON."""
        return asdict(self)


def run_demo(clips: Path | None, folder: Path, console: Console, *, recipe: str, board: str | None) -> DemoResult:
    """Run every stage in `folder` on `clips` (None: on synthetic ones made there).

    Raises CommandFailed with the exit code of the command that failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shell = Shell(folder, console)
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
    heard = shell.json("listen", *map(str, unseen))
    tracks, artists = held_out(folder)
    return DemoResult(test, image, profile, heard, tracks, artists)


def best_board(console: Console) -> str:
    """The emulated board where its tools are, else the host board, said in one line."""
    missing = [tool for tool in EMULATOR_TOOLS if shutil.which(tool) is None]
    if not missing:
        return "emulated"
    console.warn(f"{' and '.join(missing)} not found: the sketch runs on the host board instead of the emulated one")
    return "host"


def unseen_clips(folder: Path) -> list[Path]:
    """One clip of each label that no training window was cut from. Raises DataError where a label has none."""
    config = load_config(folder, {})
    windows = Manifest.read(config.paths.manifest).windows
    chosen: dict[str, str] = {}
    for window in windows:
        if window.split == "testing":
            chosen.setdefault(window.label, window.clip)
    if missing := {window.label for window in windows} - set(chosen):
        raise DataError(f"no clip of {', '.join(sorted(missing))} is held out", hint="eitk slice")
    root = (config.paths.root / config.settings.dataset.root).resolve()
    return [root / clip for clip in chosen.values()]


def held_out(folder: Path) -> tuple[int, int]:
    """Number of clips and of artists behind the test result."""
    windows = Manifest.read(load_config(folder, {}).paths.manifest).windows
    testing = [window for window in windows if window.split == "testing"]
    return len({window.clip for window in testing}), len({window.group for window in testing})


def _model(folder: Path) -> str:
    lock = read_lock(load_config(folder, {}).paths.lock)
    if lock is None:
        raise DataError("there is no eitk.lock after the build", hint="eitk build")
    return lock.model
