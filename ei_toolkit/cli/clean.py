"""`eitk clean`: Remove files that a command can make again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ei_toolkit.board.boards.registry import virtual_boards
from ei_toolkit.cli.environment import Environment
from ei_toolkit.config import ProjectPaths
from ei_toolkit.config.lockfile import read_lock
from ei_toolkit.config.units import kib
from ei_toolkit.report.tables import Table
from ei_toolkit.studio.lifecycle import stop as stop_studio

SHOWN = 5  # names in the question


@dataclass(frozen=True)
class Leftover:
    """A file or folder that can be removed, and the command that makes it again (empty: none)."""

    path: Path
    bytes: int
    again: str


def find_leftovers(paths: ProjectPaths, *, everything: bool) -> list[Leftover]:
    """Return what can be removed: windows, builds that are not pinned, states of virtual boards that do not run.

    With `everything` also the local studio's data (samples, jobs, its key), the history of runs and the trials of
    `eitk tune`, which nothing makes again. eitk.toml, eitk.lock, the champions and the pinned build always stay.
    """
    return [
        Leftover(path, _size(path), again) for path, again in sorted(_candidates(paths, everything)) if path.exists()
    ]


def remove(paths: ProjectPaths, leftovers: list[Leftover]) -> int:
    """Remove leftovers and return the freed bytes; a studio or virtual board that uses one is stopped first."""
    removed = {leftover.path for leftover in leftovers}
    if paths.studio in removed:
        stop_studio(paths.studio)
    for board in virtual_boards():
        if paths.boards / board.name in removed:
            board.stop(paths.boards)
    for path in removed:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return sum(leftover.bytes for leftover in leftovers)


def _candidates(paths: ProjectPaths, everything: bool) -> Iterator[tuple[Path, str]]:
    yield paths.windows, "eitk slice"
    yield paths.converted, "eitk upload FOLDER"
    yield paths.state / "champion-windows", "eitk gate"
    yield paths.folds, "eitk evaluate"
    yield paths.features, "eitk features"
    yield paths.suite_trainings, "eitk evaluate --suite"
    yield paths.tuner_features, "eitk tune"
    lock = read_lock(paths.lock)
    pinned = (paths.root / lock.zip).parent if lock else None
    for build in paths.builds.glob("*"):
        if build != pinned:
            yield build, "eitk build"
    running = {board.name for board in virtual_boards() if board.find(paths.boards, ())}
    for folder in paths.boards.glob("*"):
        if everything or folder.name not in running:
            yield folder, "eitk flash"
    if everything:
        yield paths.studio, ""
        yield paths.runs, ""
        yield paths.tuner_search, ""


def _size(path: Path) -> int:
    if not path.is_dir():
        return path.stat().st_size if path.exists() else 0
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file() and not file.is_symlink())


def clean(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also the local studio's data and the runs.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report what would be removed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
) -> None:
    """Remove files that a command can make again.

    These are windows, builds that are not pinned, and states of virtual boards that do not run.
    """
    env = Environment.of(context)
    paths = env.config().paths
    found = find_leftovers(paths, everything=everything)
    rows = [(str(x.path.relative_to(paths.root)), kib(x.bytes), x.again or "nothing") for x in found]
    if found and not (yes or dry_run) and not env.console.confirm(_question(found)):
        env.console.note("nothing was removed")
        raise typer.Exit(1)
    freed = 0 if dry_run else remove(paths, found)
    data = {"removed": [] if dry_run else [row[0] for row in rows], "found": [row[0] for row in rows], "bytes": freed}
    table = Table("", ("would be removed" if dry_run else "removed", "size", "made again by"), tuple(rows))
    env.console.result(data, table.rich() if rows else "there is nothing to remove")


def _question(found: list[Leftover]) -> str:
    names = ", ".join(leftover.path.name for leftover in found[:SHOWN]) + (", …" if len(found) > SHOWN else "")
    lost = ", with data that no command makes again" if any(not leftover.again for leftover in found) else ""
    return f"remove {kib(sum(leftover.bytes for leftover in found))} ({names}){lost}?"
