"""Collecting the predictions of a streamed clip: order, missing windows, warnings and errors of either side."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.board.protocol.events import Prediction
from ei_toolkit.board.transport.link import LinkLost
from ei_toolkit.board.verify import streamed
from ei_toolkit.board.verify.reference import Reference
from ei_toolkit.board.verify.streamed import VerifiedClip, VerifiedWindow, verified_window, verify_streamed
from ei_toolkit.config import Settings, SliceSettings
from ei_toolkit.errors import BoardError, DataError

SETTINGS = Settings(slice=SliceSettings(window_ms=1000, hop_ms=500))
RUNNING = b'{"eitk":1,"state":"running"}\n'


class FakeReference(Reference):
    """Scores that are the end of the window in seconds, so that their order shows."""

    def scores(self, samples: Any, ends: Any) -> Any:
        return np.array([[end // 16_000, -1] for end in ends], np.int8)


REFERENCE = FakeReference(SETTINGS, SimpleNamespace())  # type: ignore[arg-type]


class Microphone:
    """Records what was streamed; fails if asked to."""

    def __init__(self, error: BoardError | None = None) -> None:
        self.error, self.streamed = error, threading.Event()
        self.samples = 0

    def stream_pcm(self, samples: Any, advance: Any = None) -> int:
        if self.error:
            raise self.error
        self.samples = len(samples)
        self.streamed.set()
        return len(samples)


def prediction_line(end: int, q: int | None = None) -> bytes:
    value = end // 16_000 if q is None else q
    scores = {"a": (value + 128) / 256, "b": (128 - value) / 256}
    made = {"eitk": 1, "end": end, "scores": scores, "winner": "uncertain", "q": [value, -value]}
    return json.dumps(made).encode() + b"\n"


def clip(folder: Path, seconds: float) -> Path:
    file = folder / "rock.1.wav"
    file.write_bytes(wav_bytes(np.zeros(round(16_000 * seconds), np.int16), 16_000))
    return file


def verify(folder: Path, link: Any, microphone: Any = None, *, seconds: float = 2.0, hop: int = 8000) -> VerifiedClip:
    return verify_streamed(clip(folder, seconds), "rock", microphone or Microphone(), link, REFERENCE, hop)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed, "DISCARD_TIMEOUT_S", 0.001)
    monkeypatch.setattr(streamed, "OUTPUT_TIMEOUT_S", 0.1)


def test_each_window_of_the_clip_has_its_prediction_in_order(scripted: Any, tmp_path: Path) -> None:
    link = scripted(b"", RUNNING, prediction_line(24_000), prediction_line(16_000), prediction_line(32_000))
    microphone = Microphone()
    found = verify(tmp_path, link, microphone)
    assert [window.end_ms for window in found.windows] == [1000, 1500, 2000]
    assert [window.board_q[0] for window in found.windows] == [1, 1, 2]
    assert [window.python_q for window in found.windows] == [(1, -1), (1, -1), (2, -1)]
    assert (found.clip, found.label, microphone.samples) == ("rock.1.wav", "rock", 32_000)


def test_output_from_before_the_start_is_acknowledged_and_not_taken(scripted: Any, tmp_path: Path) -> None:
    old = prediction_line(16_000, q=99) + b"ERR: old\n"
    link = scripted(
        old, b"", prediction_line(16_000, q=98), RUNNING, b"ERR: PDM buffer overrun\n", prediction_line(16_000)
    )
    found = verify(tmp_path, link, seconds=1.0)
    assert [window.board_q[0] for window in found.windows] == [1]
    assert found.warnings == ("ERR: PDM buffer overrun",)
    assert link.acknowledged == 2 + 1 + 3


def test_missing_predictions_are_counted_with_the_warnings(scripted: Any, tmp_path: Path) -> None:
    link = scripted(b"", RUNNING, b"ERR: overrun\n", prediction_line(16_000))
    with pytest.raises(BoardError, match=r"^2 of 3 predictions of the board are missing \(ERR: overrun\)$"):
        verify(tmp_path, link)


def test_predictions_between_the_windows_do_not_matter(scripted: Any, tmp_path: Path) -> None:
    link = scripted(b"", RUNNING, prediction_line(16_001), prediction_line(16_000))
    assert len(verify(tmp_path, link, seconds=1.0).windows) == 1


def test_a_lost_connection_names_the_clip(scripted: Any, tmp_path: Path) -> None:
    with pytest.raises(BoardError, match=r"the board stopped during the verification of rock\.1\.wav \(gone\)"):
        verify(tmp_path, scripted(b"", RUNNING, LinkLost("gone")))


def test_an_error_of_the_microphone_ends_the_wait(scripted: Any, tmp_path: Path) -> None:
    with pytest.raises(BoardError, match="another clip is being streamed"):
        verify(tmp_path, scripted(b"", RUNNING), Microphone(BoardError("another clip is being streamed")))


def test_a_clip_shorter_than_a_window_is_not_streamed(scripted: Any, tmp_path: Path) -> None:
    microphone = Microphone()
    with pytest.raises(DataError, match=r"rock\.1\.wav is shorter than a window"):
        verify(tmp_path, scripted(), microphone, seconds=0.9)
    assert not microphone.streamed.is_set()


def test_a_clip_shorter_than_a_window_is_padded_where_the_project_pads_its_clips(scripted: Any, tmp_path: Path) -> None:
    microphone = Microphone()
    padding = FakeReference(replace(SETTINGS, slice=replace(SETTINGS.slice, short="pad")), SimpleNamespace())  # type: ignore[arg-type]
    link = scripted(b"", RUNNING, prediction_line(16_000))
    verified = verify_streamed(clip(tmp_path, 0.9), "rock", microphone, link, padding, 8000)
    assert (microphone.samples, [window.end_ms for window in verified.windows]) == (16_000, [1000])
    assert verified.equal == 1


def window(board_q: tuple[int, ...], python_q: tuple[int, ...], **scores: float) -> VerifiedWindow:
    return verified_window("c", "a", Prediction(scores, "a", "eitk", q=board_q, end=24_000), python_q, 16_000)


def test_windows_are_equal_where_each_score_is() -> None:
    assert window((1, -1), (1, -1)).equal
    assert not window((1, -1), (1, -2)).equal
    assert not window((1, -1), ()).equal  # the recorded samples are not known
    assert window((), ()).end_ms == 1500


def test_a_clip_has_the_label_with_the_highest_mean_score() -> None:
    windows = (window((1,), (1,), a=0.9, b=0.1), window((1,), (2,), a=0.2, b=0.8), window((1,), (1,), a=0.3, b=0.7))
    clip = VerifiedClip("c", "a", windows, ())
    assert (clip.winner, clip.equal) == ("b", 2)
