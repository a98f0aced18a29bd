"""The nightly run: the commands from clips to the verdict of the gate, and the files that are published then."""

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
from ei_toolkit.evaluation.champions import champion_file
from ei_toolkit.evaluation.run_log import Run, find_same, list_runs
from ei_toolkit.report.nightly_summary import nightly_summary

MADE = {  # datasets that a command fetches or synthesises; every other name is a folder of clips
    "gtzan": ("dataset", "fetch", "--genre", "classical", "--genre", "rock", "gtzan"),
    "synth": ("dataset", "synth"),
}
PUBLISHED = "published"
COMPLETE = "nightly.json"  # in the folder of the pinned build, which `eitk clean` and the cache of CI keep


@dataclass(frozen=True)
class NightlyRun:
    """The result of a nightly run. `new` is False if nothing was left to do; `gate` is the run with the verdict."""

    new: bool
    gate: Run
    published: Path

    @property
    def passed(self) -> bool:
        """Whether the challenger passed the gate."""
        return bool(self.gate.metrics["verdict"] == "passed")


def run_nightly(
    dataset: str,
    folder: Path,
    environ: Mapping[str, str],
    console: Console,
    *,
    recipe: str,
    board: str,
    options: tuple[str, ...] = (),
) -> NightlyRun:
    """Retrain in the project in `folder`; the first run makes it from `recipe`, later runs keep its champion.

    `dataset` is a folder of clips, "gtzan" (fetched and verified) or "synth" (synthesised). `options` are settings
    that replace those of eitk.toml. A run that was interrupted after the gate is completed. Raises UsageError if the
    folder of clips does not exist or is not that of the project, and CommandFailed with the exit code of the command
    that failed. A challenger that does not pass is no error.
    """
    clips = _check_clips(dataset, folder, environ)
    folder.mkdir(parents=True, exist_ok=True)
    shell = Shell(folder, console, options)
    _prepare(shell, dataset, clips, recipe, board)
    shell.run("slice")
    config = load_config(folder, environ, options=options)
    earlier = _earlier_verdict(config)
    gate = earlier or _train_and_judge(shell, config)
    nightly = NightlyRun(not _is_complete(config, gate), gate, folder / PUBLISHED)
    if earlier and nightly.new:
        console.note(f"the verdict of run {gate.id} ({gate.metrics['verdict']}) is valid; completing that nightly run")
    if nightly.new:
        _finish(shell, config, nightly)
    publish(config, nightly)
    return nightly


def _check_clips(dataset: str, folder: Path, environ: Mapping[str, str]) -> Path:
    """Return the folder of clips. Raises UsageError if it does not exist or the project in `folder` has another one."""
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
            f"the project in {config.paths.root} has other clips than {clips}",
            why=f"dataset.root in its {CONFIG_NAME} is {root}",
            hint="Give that folder, change dataset.root, or start a new project with another --dir.",
        )


def _prepare(shell: Shell, dataset: str, clips: Path, recipe: str, board: str) -> None:
    """Fetch or synthesise the clips and write eitk.toml, unless they exist."""
    if dataset in MADE and not clips.is_dir():
        with replace_folder(clips) as partial:  # an interrupted download leaves no incomplete dataset
            shell.run(*MADE[dataset], str(partial))
    if not (shell.folder / CONFIG_NAME).is_file():
        shell.run("init", "--recipe", recipe, "--board", board, "--clips", str(clips))


def _earlier_verdict(config: Config) -> Run | None:
    """Return the gate run with the present settings, windows and code; None if its model or champion is missing."""
    gate, lock = find_same(config, "gate"), read_lock(config.paths.lock)
    if gate is None or lock is None or lock.model_sha256 not in _pinned_after(gate):
        return None
    root = config.paths.root
    required = [root / lock.zip, root / lock.model]
    if gate.metrics["verdict"] == "passed" or gate.metrics.get("champion_sha256"):
        required.append(champion_file(config.paths))
    return gate if all(file.is_file() for file in required) else None


def _pinned_after(gate: Run) -> tuple[str | None, ...]:
    """Return the models that eitk.lock may name after a verdict: a refused one gives way to the champion."""
    names = ("challenger_sha256",) if gate.metrics["verdict"] == "passed" else ("challenger_sha256", "champion_sha256")
    return tuple(gate.metrics.get(name) for name in names)


def _finish(shell: Shell, config: Config, nightly: NightlyRun) -> None:
    """Flash, verify and report, then write the mark of a complete run."""
    if nightly.passed:
        shell.run("flash")
        shell.run("verify", *map(str, unseen_clips(shell.folder)))
    shell.run("report")
    shell.run("card")
    if nightly.passed and shutil.which("arduino-cli"):
        shell.run("flash", "--board", "nano33ble", "--build")
    if mark := _mark_file(config):
        write_text(mark, json.dumps(_mark_of(nightly.gate)) + "\n")


def _is_complete(config: Config, gate: Run) -> bool:
    mark = _mark_file(config)
    try:
        return mark is not None and bool(json.loads(mark.read_text(encoding="utf-8")) == _mark_of(gate))
    except (OSError, ValueError):
        return False


def _mark_file(config: Config) -> Path | None:
    lock = read_lock(config.paths.lock)
    return (config.paths.root / lock.zip).parent / COMPLETE if lock else None


def _mark_of(gate: Run) -> dict[str, str | int]:
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


def publish(config: Config, nightly: NightlyRun) -> None:
    """Copy the results into one folder; library, image and lock only if the model passed the gate."""
    gates = [run for run in list_runs(config.paths, "gate") if run.id <= nightly.gate.id]
    labels = Manifest.read(config.paths.manifest).labels
    nightly.published.mkdir(exist_ok=True)
    summary = nightly_summary(config.settings.project.name, gates, labels, new=nightly.new)
    write_text(nightly.published / "summary.md", summary)
    root = config.paths.root
    files = [champion_file(config.paths), root / "MODEL_CARD.md", root / "report.html"]
    if nightly.passed:
        lock = read_lock(config.paths.lock)
        files += [config.paths.lock, *config.paths.boards.glob("nano33ble/**/*.bin")]
        files += [root / lock.zip] if lock else []
    for file in files:
        if file.is_file():
            shutil.copy2(file, nightly.published / file.name)
