"""Results of nightly runs with recorded commands. tests/workflows runs complete ones."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest

from ei_toolkit.cli.console import Console
from ei_toolkit.cli.workflows import nightly
from ei_toolkit.cli.workflows.nightly import NightlyRun, publish, run_nightly
from ei_toolkit.cli.workflows.shell import CommandFailed
from ei_toolkit.config import Config
from ei_toolkit.config.lockfile import Lock, write_lock
from ei_toolkit.errors import UsageError
from ei_toolkit.evaluation.run_log import Run, record_run
from ei_toolkit.report.project_summary import ProjectSummary

FINISH = ["flash", "verify", "report", "card"]


@dataclass
class Commands:
    """Replaces `Shell`: records the commands and writes the files that they would write; `broken` ones fail."""

    config: Config
    trial: dict[str, object]
    verdict: str = "passed"
    broken: set[str] = field(default_factory=set)
    ran: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.config.paths.root

    def run(self, *arguments: str) -> None:
        self.ran.append(arguments[0])
        if arguments[0] in self.broken:
            raise CommandFailed(arguments[0], 3)
        if arguments[0] == "train":
            self._train()
        if arguments[0] == "gate":
            self._judge()

    def _train(self) -> None:
        version = len(list(self.config.paths.builds.glob("*"))) + 1
        model = f"model {version}".encode()
        folder = self.config.paths.builds / str(version)
        folder.mkdir(parents=True)
        for name in ("lib.zip", "model.tflite"):
            (folder / name).write_bytes(model)
        names = [str((folder / name).relative_to(self.folder)) for name in ("lib.zip", "model.tflite")]
        digest = sha256(model).hexdigest()
        write_lock(
            self.config.paths.lock,
            Lock(version, 1, "tflite-eon", "int8", "arduino", names[0], digest, names[1], digest, "2026-11-21"),
        )

    def _judge(self) -> None:
        model = max(self.config.paths.builds.glob("*/model.tflite"), key=lambda file: int(file.parent.name))
        figures = {"verdict": self.verdict, "text": "It was judged.", "reasons": ["it is worse"], "champion": None}
        sha = sha256(model.read_bytes()).hexdigest()
        builds = sorted(self.config.paths.builds.glob("*/model.tflite"))
        champion = sha256(builds[0].read_bytes()).hexdigest() if len(builds) > 1 else None
        shas = {"challenger_sha256": sha, "champion_sha256": champion}
        record_run(self.config, "gate", figures | {"challenger": self.trial, **shas})
        if self.verdict == "passed":
            (self.folder / "champion.json").write_text("{}")
        else:
            raise CommandFailed("eitk gate", 7)

    def nightly(self, dataset: str = "clips") -> tuple[NightlyRun, list[str]]:
        """Make a nightly run; return its result and its commands."""
        self.ran.clear()
        console = Console(io.StringIO(), io.StringIO())
        clips = str(self.folder / dataset)
        return run_nightly(clips, self.folder, {}, console, recipe="robust", board="host"), list(self.ran)


@pytest.fixture
def commands(sliced: Config, trial: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> Commands:
    made = Commands(sliced, trial)
    monkeypatch.setattr(nightly, "Shell", lambda _folder, _console, _options: made)
    monkeypatch.setattr("shutil.which", lambda _tool: None)
    return made


def test_a_run_without_changes_only_slices(commands: Commands) -> None:
    assert commands.nightly()[1][-4:] == FINISH
    done, ran = commands.nightly()
    assert (done.new, ran) == (False, ["slice"])


@pytest.mark.parametrize("broken", FINISH)
def test_a_run_that_was_interrupted_after_the_gate_is_completed_by_the_next(commands: Commands, broken: str) -> None:
    commands.broken = {broken}
    with pytest.raises(CommandFailed):
        commands.nightly()
    with pytest.raises(CommandFailed):
        commands.nightly()
    commands.broken = set()
    done, ran = commands.nightly()
    assert (done.new, ran) == (True, ["slice", *FINISH])
    assert commands.nightly()[1] == ["slice"]


def test_another_model_than_the_judged_one_is_never_flashed_for_it(commands: Commands) -> None:
    commands.broken = {"flash"}
    with pytest.raises(CommandFailed):
        commands.nightly()
    commands.run("train")
    commands.broken = set()
    assert {"train", "gate"} <= set(commands.nightly()[1])


@pytest.mark.parametrize("lost", ["champion.json", "eitk.lock"])
def test_without_the_champion_or_the_lock_the_model_is_trained_again(commands: Commands, lost: str) -> None:
    commands.nightly()
    (commands.folder / lost).unlink()
    assert "gate" in commands.nightly()[1]


def test_a_model_that_did_not_pass_is_not_trained_again_from_the_same_inputs(commands: Commands) -> None:
    commands.verdict = "refused"
    assert commands.nightly()[1][-2:] == ["report", "card"]
    done, ran = commands.nightly()
    assert (done.new, done.passed, ran) == (False, False, ["slice"])


def test_the_champion_in_the_lock_after_a_rejected_model_is_not_trained_again(commands: Commands) -> None:
    commands.nightly()
    champion = commands.config.paths.lock.read_bytes()
    commands.verdict = "refused"
    commands.run("train")
    with pytest.raises(CommandFailed):
        commands.run("gate")
    commands.config.paths.lock.write_bytes(champion)  # as eitk gate does
    assert commands.nightly()[1] == ["slice", "report", "card"]
    assert commands.nightly()[1] == ["slice"]


def test_clips_that_do_not_exist_or_are_not_the_projects_are_an_error(commands: Commands) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        commands.nightly("nowhere")
    (commands.folder / "others").mkdir()
    with pytest.raises(UsageError, match="other clips") as caught:
        commands.nightly("others")
    assert str(commands.folder / "clips") in caught.value.why
    assert "--dir" in caught.value.hint
    assert commands.ran == []


def test_a_first_run_without_clips_makes_no_project(tmp_path: Path) -> None:
    console = Console(io.StringIO(), io.StringIO())
    with pytest.raises(UsageError):
        run_nightly(str(tmp_path / "nowhere"), tmp_path / "new", {}, console, recipe="robust", board="host")
    assert not (tmp_path / "new").exists()


@pytest.fixture
def gate(whole: ProjectSummary) -> Run:
    root = whole.config.paths.root
    for name in ("lib.zip", "champion.json", "report.html", "MODEL_CARD.md"):
        (root / name).write_text(name)
    return whole.of_kind("gate")[-1]


@pytest.mark.parametrize(("verdict", "library"), [("passed", {"eitk.lock", "lib.zip"}), ("refused", set())])
def test_the_library_is_published_only_of_a_model_that_passed(
    whole: ProjectSummary, gate: Run, verdict: str, library: set[str]
) -> None:
    gate.metrics["verdict"] = verdict  # type: ignore[index]
    done = NightlyRun(True, gate, whole.config.paths.root / "published")
    publish(whole.config, done)
    there = {file.name for file in done.published.iterdir()}
    assert there == {"summary.md", "champion.json", "report.html", "MODEL_CARD.md"} | library


def test_the_summary_of_a_run_without_changes_names_the_run_with_the_verdict(whole: ProjectSummary, gate: Run) -> None:
    done = NightlyRun(False, gate, whole.config.paths.root / "published")
    publish(whole.config, done)
    assert f"the same as in run {gate.id}" in (done.published / "summary.md").read_text()


class Making:
    """Replaces `Shell` while clips are synthesised: the first attempt is interrupted."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.attempts = folder, 0

    def run(self, *arguments: str) -> None:
        if arguments[0] == "init":
            (self.folder / "eitk.toml").write_text(f'[dataset]\nroot = "{arguments[-1]}"\n')
            return
        self.attempts += 1
        Path(arguments[-1]).mkdir(parents=True, exist_ok=True)
        if self.attempts == 1:
            raise CommandFailed("eitk dataset", 1)


def test_an_interrupted_download_is_repeated_and_another_dataset_is_an_error(tmp_path: Path) -> None:
    shell, clips = Making(tmp_path), nightly._check_clips("synth", tmp_path, {})
    with pytest.raises(CommandFailed):
        nightly._prepare(shell, "synth", clips, "robust", "host")  # type: ignore[arg-type]
    assert not clips.exists()
    nightly._prepare(shell, "synth", clips, "robust", "host")  # type: ignore[arg-type]
    assert clips.is_dir()
    assert nightly._check_clips("synth", tmp_path, {}) == clips
    with pytest.raises(UsageError, match="other clips"):
        nightly._check_clips("gtzan", tmp_path, {})
