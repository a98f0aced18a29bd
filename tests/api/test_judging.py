"""Gate, champions, runs, reports, classifiers and recordings in Python, as the commands do them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from recording_board import RecordingBoard

import ei_toolkit as eitk
from ei_toolkit.board import recording
from ei_toolkit.board.boards.nano33ble import Nano33Ble
from ei_toolkit.board.transport.watch import Source
from ei_toolkit.config import Config
from ei_toolkit.dataset.provenance import TrainingProvenance
from ei_toolkit.evaluation.candidate import Candidate
from ei_toolkit.evaluation.champions import promote
from ei_toolkit.evaluation.run_log import record_run

RATE = 16_000


def test_without_windows_the_gate_names_the_missing_step(tmp_path: Path) -> None:
    with pytest.raises(eitk.MissingStepError, match="no windows"):
        eitk.gate(eitk.open_project(tmp_path))


def test_an_earlier_champion_is_restored(project: Callable[..., Config]) -> None:
    config = project()
    nobody = TrainingProvenance(frozenset(), frozenset())
    for number, model in enumerate((b"TFL3 old", b"TFL3 new")):
        candidate = Candidate(model, ("a", "b"), config.settings, nobody)
        promoted = {"promoted": f"2026-11-2{number}T10:00:00+00:00", "figures": {"thresholded_accuracy": 0.9}}
        promote(config.paths, candidate, promoted)
    own = eitk.open_project(config.paths.root, environ={})
    old, new = eitk.list_champions(own).champions
    assert (old.is_champion, new.is_champion, new.accuracy) == (False, True, 0.9)
    found = eitk.restore_champion(own)
    assert [one.name for one in found.champions if one.is_champion] == [old.name]
    assert len(found.records()) == len(found.to_dict()["champions"]) == 2
    with pytest.raises(eitk.UsageError, match="no champion x"):
        eitk.restore_champion(own, "x")


def test_runs_are_listed_with_their_results(project: Callable[..., Config]) -> None:
    config = project()
    for kind in ("train", "gate"):
        record_run(config, kind, {"verdict": kind})  # type: ignore[arg-type]
    own = eitk.open_project(config.paths.root, environ={})
    found = eitk.list_runs(own)
    assert [row["kind"] for row in found.records()] == ["train", "gate"]
    assert found.metrics(2)["verdict"] == "gate"
    assert [run.id for run in eitk.list_runs(own, "gate").runs] == [2]
    with pytest.raises(eitk.UsageError, match="no run 7"):
        found.metrics(7)
    with pytest.raises(eitk.UsageError, match="no kind of run 'dance'"):
        eitk.list_runs(own, "dance")


def test_report_and_card_are_written(sliced: Config, tmp_path: Path) -> None:
    own = eitk.open_project(sliced.paths.root, environ={})
    page = eitk.write_report(own, tmp_path / "out/report.html")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert eitk.write_card(own, tmp_path / "out/card.md").read_text(encoding="utf-8").startswith("---\n")
    with pytest.raises(eitk.UsageError, match="is a folder"):
        eitk.write_card(own, tmp_path)


def test_a_project_without_a_classifier_trains_none(tmp_path: Path) -> None:
    with pytest.raises(eitk.UsageError, match="no \\[classifier\\]"):
        eitk.train_classifier(eitk.open_project(tmp_path))


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> RecordingBoard:
    """A board that records noise with a clipped half."""
    for name in ("QUIET_S", "ANSWER_TIMEOUT_S", "NO_SAMPLES_TIMEOUT_S"):
        monkeypatch.setattr(recording, name, 0.01)
    sound = np.random.default_rng(1).normal(size=RATE) * 3000
    sound[RATE // 2 :] = 32767
    found = RecordingBoard(sound.astype(np.int16))
    monkeypatch.setattr(Nano33Ble, "source", lambda *_: Source(lambda: found))
    return found


def test_recordings_have_their_files_and_warnings(board: RecordingBoard, tmp_path: Path) -> None:
    own = eitk.open_project(tmp_path, {"board.name": "nano33ble"})
    seen: list[eitk.Progress] = []
    made = eitk.record(own, "rock", 1.0, count=2, category="training", group="kitchen", on_progress=seen.append)
    assert board.recordings == len(made.files) == len(list(made.folder.rglob("*.wav"))) == 2
    assert made.folder == tmp_path / "recordings"
    assert {row["label"] for row in made.records()} == {"rock"} and made.files[0]["group"] == "kitchen"
    assert any("clipped" in text for text in made.warnings)
    assert any(now.total == 1.0 and 0 < now.done <= 1.0 for now in seen)
    assert any("clipped" in now.text for now in seen)
    assert made.to_dict()["recordings"][1]["file"] == made.files[1]["file"]


def test_a_long_recording_is_cut_into_parts(board: RecordingBoard, tmp_path: Path) -> None:
    own = eitk.open_project(tmp_path, {"board.name": "nano33ble"})
    made = eitk.record(own, "rock", 0.25, continuous_s=1.0, folder="parts")
    assert [one["seconds"] for one in made.files] == ["0.25"] * 4


@pytest.mark.parametrize(
    ("label", "seconds", "microphone", "message"),
    [
        (" ", 1.0, (), "the label is empty"),
        ("rock", 1e6, (), "longer than"),
        ("rock", 1.0, ("clip.wav",), "has a real microphone"),
    ],
)
def test_what_cannot_be_recorded_is_refused(
    tmp_path: Path, label: str, seconds: float, microphone: tuple[str, ...], message: str
) -> None:
    own = eitk.open_project(tmp_path, {"board.name": "nano33ble"})
    with pytest.raises(eitk.UsageError, match=message):
        eitk.record(own, label, seconds, microphone=microphone)
