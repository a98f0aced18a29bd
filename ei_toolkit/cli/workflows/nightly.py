"""The nightly retrain: eitk's own commands from clips to a verdict, and what they leave for others to fetch."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ei_toolkit.cli.console import Console
from ei_toolkit.cli.workflows.demo import unseen_clips
from ei_toolkit.cli.workflows.shell import CommandFailed, Shell
from ei_toolkit.config import CONFIG_NAME, Config, load_config
from ei_toolkit.config.atomic_write import replace_folder, write_text
from ei_toolkit.config.lockfile import read_lock
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.dataset.plan import clips_root
from ei_toolkit.errors import GateNotMet, UsageError
from ei_toolkit.evaluation.candidate import champion_file
from ei_toolkit.evaluation.run_log import Run, find_same, list_runs
from ei_toolkit.report.nightly_summary import nightly_summary

MADE = {  # datasets that a command fetches or makes; everything else is a folder of clips
    "gtzan": ("dataset", "fetch", "--genre", "classical", "--genre", "rock", "gtzan"),
    "synth": ("dataset", "synth"),
}
PUBLISHED = "published"
COMPLETE = "nightly.json"  # beside the pinned build: `eitk clean` spares it there, and CI keeps it


@dataclass(frozen=True)
class NightlyRun:
    """What a night came to. `new` is False where nothing was left to do; `gate` is the run that the verdict is from."""

    new: bool
    gate: Run
    published: Path

    @property
    def passed(self) -> bool:
        """Whether the challenger passed the gate."""
        return bool(self.gate.metrics["verdict"] == "passed")


def run_nightly(
    dataset: str, folder: Path, environ: Mapping[str, str], console: Console, *, recipe: str, board: str
) -> NightlyRun:
    """Retrain in `folder`, which is made from `recipe` in the first night and keeps the champion from then on.

    `dataset` is a folder of clips, "gtzan" (fetched and verified) or "synth" (made). A night that broke off after the
    gate is finished. Raises UsageError for a folder that is not there or not the project's, CommandFailed with the
    exit code of the command that failed; a refusal of the gate is no failure here.
    """
    clips = _check_clips(dataset, folder, environ)
    folder.mkdir(parents=True, exist_ok=True)
    shell = Shell(folder, console)
    _prepare(shell, dataset, clips, recipe, board)
    shell.run("slice")
    config = load_config(folder, environ)
    standing = _standing(config)
    gate = standing or _train_and_judge(shell, config)
    night = NightlyRun(not _is_complete(config, gate), gate, folder / PUBLISHED)
    if standing and night.new:
        console.note(f"run {gate.id} ({gate.metrics['verdict']}) stands; finishing the night that it is from")
    if night.new:
        _finish(shell, config, night)
    publish(config, night)
    return night


def _check_clips(dataset: str, folder: Path, environ: Mapping[str, str]) -> Path:
    """The folder of clips. Raises UsageError where it is not there, or the project in `folder` has another one."""
    clips = folder / "clips" / dataset if dataset in MADE else Path(dataset)
    if dataset not in MADE and not clips.is_dir():
        raise UsageError(f"there is no folder {clips}", hint=f"Give a folder of clips, or: {', '.join(MADE)}.")
    if (folder / CONFIG_NAME).is_file():
        _check_root(load_config(folder, environ), clips)
    return clips


def _check_root(config: Config, clips: Path) -> None:
    root = clips_root(config.settings.dataset, config.paths.root)
    if root != clips.resolve():
        raise UsageError(
            f"the nights in {config.paths.root} are on other clips than {clips}",
            why=f"dataset.root in its {CONFIG_NAME} is {root}",
            hint="Name that folder, change dataset.root, or begin anew with another --dir.",
        )


def _prepare(shell: Shell, dataset: str, clips: Path, recipe: str, board: str) -> None:
    """Have clips, and an eitk.toml that names them."""
    if dataset in MADE and not clips.is_dir():
        with replace_folder(clips) as partial:  # an interrupted download leaves no incomplete dataset
            shell.run(*MADE[dataset], str(partial))
    if not (shell.folder / CONFIG_NAME).is_file():
        shell.run("init", "--recipe", recipe, "--board", board, "--clips", str(clips))


def _standing(config: Config) -> Run | None:
    """The verdict on the present settings, windows and code; None where the model or champion it left is not there."""
    gate, lock = find_same(config, "gate"), read_lock(config.paths.lock)
    if gate is None or lock is None or lock.model_sha256 != gate.metrics.get("challenger_sha256"):
        return None
    root = config.paths.root
    wanted = [root / lock.zip, root / lock.model]
    if gate.metrics["verdict"] == "passed" or gate.metrics.get("champion_sha256"):
        wanted.append(champion_file(config.paths))
    return gate if all(file.is_file() for file in wanted) else None


def _finish(shell: Shell, config: Config, night: NightlyRun) -> None:
    """All that follows the verdict; at its very end the mark that nothing is left to do."""
    if night.passed:
        shell.run("flash")
        shell.run("verify", *map(str, unseen_clips(shell.folder)))
    shell.run("report")
    shell.run("card")
    if night.passed and shutil.which("arduino-cli"):
        shell.run("flash", "--board", "nano33ble", "--build")
    if mark := _mark(config):
        write_text(mark, json.dumps(_as_mark(night.gate)) + "\n")


def _is_complete(config: Config, gate: Run) -> bool:
    mark = _mark(config)
    try:
        return mark is not None and bool(json.loads(mark.read_text(encoding="utf-8")) == _as_mark(gate))
    except (OSError, ValueError):
        return False


def _mark(config: Config) -> Path | None:
    lock = read_lock(config.paths.lock)
    return (config.paths.root / lock.zip).parent / COMPLETE if lock else None


def _as_mark(gate: Run) -> dict[str, str | int]:
    return {"gate": gate.id, "created": gate.created}


def _train_and_judge(shell: Shell, config: Config) -> Run:
    for command in ("dataset audit", "upload", "impulse apply", "train --eon", "evaluate --seeds 1"):
        shell.run(*command.split())
    try:
        shell.run("gate")
    except CommandFailed as failed:
        if failed.exit_code != GateNotMet.exit_code:
            raise
    return list_runs(config.paths, "gate")[-1]


def publish(config: Config, night: NightlyRun) -> None:
    """Put what others want to have into one folder; library, image and lock only of a model that passed."""
    gates = [run for run in list_runs(config.paths, "gate") if run.id <= night.gate.id]
    labels = Manifest.read(config.paths.manifest).labels
    night.published.mkdir(exist_ok=True)
    summary = nightly_summary(config.settings.project.name, gates, labels, new=night.new)
    write_text(night.published / "summary.md", summary)
    root = config.paths.root
    files = [champion_file(config.paths), root / "MODEL_CARD.md", root / "report.html"]
    if night.passed:
        lock = read_lock(config.paths.lock)
        files += [config.paths.lock, *config.paths.boards.glob("nano33ble/**/*.bin")]
        files += [root / lock.zip] if lock else []
    for file in files:
        if file.is_file():
            shutil.copy2(file, night.published / file.name)
