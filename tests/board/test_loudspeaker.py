"""The loudspeaker of this computer, and the simulated one of a virtual board."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ei_toolkit.board.emulator.microphone import MicStream
from ei_toolkit.board.loudspeaker import LEAD_S, TAIL_S, Loudspeaker, SimulatedSound
from ei_toolkit.errors import BoardError, MissingToolError

SOUND = np.arange(-1000, 1000, dtype=np.int16)


class PortAudioError(Exception):
    """As in sounddevice."""


def test_sounddevice_plays_if_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    device = SimpleNamespace(
        play=lambda samples, rate: calls.append(f"{len(samples)} at {rate}"),
        stop=lambda: calls.append("stop"),
        PortAudioError=PortAudioError,
    )
    monkeypatch.setitem(sys.modules, "sounddevice", device)
    with Loudspeaker({}).playing(SOUND):
        calls.append("inside")
    assert calls == ["2000 at 48000", "inside", "stop"]

    def fail(*_: object) -> None:
        raise PortAudioError("Error querying device -1")

    device.play = fail
    with (
        pytest.raises(BoardError, match=r"the loudspeaker .* cannot be used .Error querying device"),
        Loudspeaker({}).playing(SOUND),
    ):
        pass


def test_a_player_program_plays_without_sounddevice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)  # an import then fails
    with pytest.raises(MissingToolError, match="no program that plays sound"), Loudspeaker({"PATH": ""}).playing(SOUND):
        pass
    player = tmp_path / "aplay"
    player.write_text(f'#!/bin/sh\ncp "$2" {tmp_path}/played.wav\n: > {tmp_path}/done\n')
    player.chmod(0o755)
    with Loudspeaker({"PATH": f"{tmp_path}:/bin:/usr/bin"}).playing(SOUND):
        while not (tmp_path / "done").exists():
            pass
    assert (tmp_path / "played.wav").read_bytes()[44:] == SOUND.tobytes()


def test_the_recording_is_longer_than_the_sound() -> None:
    assert Loudspeaker({}).recorded_samples(48_000) == (1 + LEAD_S + TAIL_S) * 16_000
    sound = SimulatedSound(MicStream("host", 0, ""))
    assert sound.recorded_samples(len(SOUND)) == len(sound.at_the_microphone(SOUND))


def test_a_room_is_the_same_every_time_and_others_differ() -> None:
    first, again, other = (
        SimulatedSound(MicStream("host", 0, ""), room).at_the_microphone(np.tile(SOUND, 8)) for room in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 50
