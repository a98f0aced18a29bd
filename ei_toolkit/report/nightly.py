"""The nightly retrain: eitk's own commands from clips to a verdict, and what they leave for others to fetch."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ei_toolkit.config import CONFIG_NAME, Config, load_config
from ei_toolkit.config.lockfile import read_lock
from ei_toolkit.console import Console
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.errors import GateNotMet
from ei_toolkit.report.candidate import champion_file
from ei_toolkit.report.demo import unseen_clips
from ei_toolkit.report.runs import Run, find_same, list_runs
from ei_toolkit.report.shell import CommandFailed, Shell
from ei_toolkit.report.summary import night_summary
from ei_toolkit.report.write import write_text

MADE = {  # datasets that a command fetches or makes; everything else is a folder of clips
    "gtzan": ("dataset", "fetch", "--genre", "classical", "--genre", "rock", "gtzan"),
    "synth": ("dataset", "synth"),
}
PUBLISHED = "published"


@dataclass(frozen=True)
class Night:
    """What a night came to. `new` is False where nothing had changed; `gate` is the run that the verdict is from."""

    new: bool
    gate: Run
    published: Path

    @property
    def passed(self) -> bool:
        """Whether the challenger passed the gate."""
        return bool(self.gate.metrics["verdict"] == "passed")


def run_night(
    dataset: str, folder: Path, environ: Mapping[str, str], console: Console, *, recipe: str, board: str
) -> Night:
    """Retrain in `folder`, which is made from `recipe` in the first night and keeps the champion from then on.

    `dataset` is a folder of clips, "gtzan" (fetched and verified) or "synth" (made). Raises CommandFailed with the
    exit code of the command that failed; a refusal of the gate is no failure here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shell = Shell(folder, console)
    _prepare(shell, dataset, recipe, board)
    shell.run("slice")
    config = load_config(folder, environ)
    same = find_same(config, "gate") if champion_file(config.paths).is_file() else None
    if same is None:
        _train_and_judge(shell)
    gate = same or list_runs(config.paths, "gate")[-1]
    night = Night(same is None, gate, folder / PUBLISHED)
    if night.new and night.passed:
        shell.run("flash")
        shell.run("listen", *map(str, unseen_clips(folder)))
    if night.new:
        shell.run("report")
        shell.run("card")
        if night.passed and shutil.which("arduino-cli"):
            shell.run("flash", "--board", "nano33ble", "--build")
    publish(config, night)
    return night


def _prepare(shell: Shell, dataset: str, recipe: str, board: str) -> None:
    """Have clips, and an eitk.toml that names them."""
    clips = shell.folder / "clips" if dataset in MADE else Path(dataset)
    if dataset in MADE and not clips.is_dir():
        shell.run(*MADE[dataset], str(clips))
    if not (shell.folder / CONFIG_NAME).is_file():
        shell.run("init", "--recipe", recipe, "--board", board, "--clips", str(clips))


def _train_and_judge(shell: Shell) -> None:
    for command in ("dataset audit", "upload", "impulse apply", "train --eon", "evaluate --seeds 1"):
        shell.run(*command.split())
    try:
        shell.run("gate")
    except CommandFailed as failed:
        if failed.exit_code != GateNotMet.exit_code:
            raise


def publish(config: Config, night: Night) -> None:
    """Put what others want to have into one folder; library, image and lock only of a model that passed."""
    gates = [run for run in list_runs(config.paths, "gate") if run.id <= night.gate.id]
    labels = Manifest.read(config.paths.manifest).labels
    night.published.mkdir(exist_ok=True)
    summary = night_summary(config.settings.project.name, gates, labels, new=night.new)
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
