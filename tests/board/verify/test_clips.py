"""On-device verification of many clips and the self-test, with a registered board that is a script."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.board.board import BoardContext
from ei_toolkit.board.boards import registry
from ei_toolkit.board.boards.virtual import HostBoard
from ei_toolkit.board.emulator.microphone import MicStream
from ei_toolkit.board.transport.watch import Source
from ei_toolkit.board.verify import selftest, verify
from ei_toolkit.board.verify.selftest import SelfTest, check_board
from ei_toolkit.board.verify.verify import verify_clips
from ei_toolkit.config import BoardSettings, ProjectPaths, Settings
from ei_toolkit.config.boards import BOARDS, HOST
from ei_toolkit.config.lockfile import Lock, write_lock
from ei_toolkit.errors import BoardError, ConfigurationError, DataError

MODEL = "ab" * 32
CORRECT = SelfTest(1, 2)


class ScriptBoard(HostBoard):
    """A board whose line is a script; `model` runs on it, and with `is_real` its microphone is a real one."""

    spec = replace(HOST, name="script")

    def __init__(self, link: Any, model: str = MODEL, *, is_real: bool = False) -> None:
        self.link, self.model, self.is_real = link, model, is_real

    def source(self, context: BoardContext) -> Source:
        return Source(lambda: self.link)

    def microphone(self, boards: Path) -> Any:
        return None if self.is_real else MicStream(self.name, 1, self.model)


@pytest.fixture
def context(tmp_path: Path) -> Iterator[BoardContext]:
    """A project that pins a model and has the board `script`."""
    paths = ProjectPaths(tmp_path)
    write_lock(paths.lock, Lock(1, 1, "e", "int8", "arduino", "z", "0", "model.tflite", MODEL, "now"))
    (tmp_path / "model.tflite").write_bytes(b"model")
    yield BoardContext(Settings(board=BoardSettings(name="script", hop_ms=250)), paths, {"PATH": ""})
    BOARDS.pop("script", None)
    registry.boards_by_name.pop("script", None)


@pytest.fixture(autouse=True)
def without_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "expected", lambda _reference: CORRECT)
    for module in (selftest, verify):
        monkeypatch.setattr(module.Reference, "load", lambda _settings, model: f"reference of {model.name}")


def test_every_clip_is_verified_with_one_line_and_one_reference(
    context: BoardContext, scripted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(verify, "verify_streamed", lambda *arguments: calls.append(arguments) or len(calls))
    registry.register(ScriptBoard(link := scripted()))
    advanced: list[float] = []
    clips = [tmp_path / "rock" / "a.wav", tmp_path / "jazz" / "b.wav"]
    assert verify_clips(context, clips, advanced.append) == [1, 2]
    assert [(clip, label) for clip, label, *_ in calls] == [(clips[0], "rock"), (clips[1], "jazz")]
    for _, _, microphone, line, reference, hop in calls:
        assert (microphone.board, line, reference, hop) == ("script", link, "reference of model.tflite", 4000)
    assert advanced == [1, 1] and link.is_closed


def test_a_board_with_another_model_is_not_compared(context: BoardContext, scripted: Any) -> None:
    registry.register(ScriptBoard(link := scripted(), "ef" * 32))
    with pytest.raises(BoardError, match=r"the script board runs another model than the one in eitk\.lock") as caught:
        verify_clips(context, [], lambda _step: None)
    assert caught.value.why == "its hash is efefefefefef, the one in eitk.lock is abababababab"
    assert link.is_closed


def test_a_board_that_does_not_know_its_model_is_compared(context: BoardContext, scripted: Any) -> None:
    registry.register(ScriptBoard(scripted(), ""))
    assert verify_clips(context, [], lambda _step: None) == []


def test_a_board_with_a_real_microphone_needs_a_player(context: BoardContext, scripted: Any) -> None:
    registry.register(ScriptBoard(link := scripted(), is_real=True))
    with pytest.raises(ConfigurationError, match="no program that plays sound is installed"):
        verify_clips(context, [], lambda _step: None)
    assert link.is_closed


def test_without_a_pinned_model_nothing_is_verified(context: BoardContext, scripted: Any) -> None:
    registry.register(ScriptBoard(scripted()))
    context.paths.lock.unlink()
    with pytest.raises(ConfigurationError, match="there is no library yet"):
        verify_clips(context, [], lambda _step: None)
    with pytest.raises(ConfigurationError, match="there is no library yet"):
        check_board(context)


def answer(scripted: Any, samples: int, scores: int) -> Any:
    line = json.dumps({"eitk": 1, "selftest": {"ok": True, "samples_crc": samples, "scores_crc": scores}})
    return scripted(answers={b"c\n": line.encode() + b"\n"})


def test_a_board_whose_self_test_equals_python_is_correct(context: BoardContext, scripted: Any) -> None:
    registry.register(ScriptBoard(link := answer(scripted, 1, 2)))
    checked = check_board(context)
    assert checked.as_json() == {"board": "script", "equal": True, **asdict(CORRECT)}
    assert link.is_closed


@pytest.mark.parametrize(("samples", "scores", "what"), [(9, 2, "samples"), (1, 9, "scores"), (9, 9, "samples")])
def test_a_difference_is_named_by_its_first_step(
    context: BoardContext, scripted: Any, samples: int, scores: int, what: str
) -> None:
    registry.register(ScriptBoard(link := answer(scripted, samples, scores)))
    with pytest.raises(
        BoardError, match=f"the self-test of the script board differs from Python in its {what}"
    ) as caught:
        check_board(context)
    assert str(asdict(CORRECT)) in caught.value.why and "eitk flash --board script" in caught.value.hint
    assert link.is_closed


def test_a_model_file_that_is_gone_is_named_before_the_board_is_asked(context: BoardContext, scripted: Any) -> None:
    registry.register(ScriptBoard(link := scripted()))
    (context.paths.root / "model.tflite").unlink()
    with pytest.raises(DataError, match=r"model\.tflite is not there"):
        check_board(context)
    assert link.written == b""
