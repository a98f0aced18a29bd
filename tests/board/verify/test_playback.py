"""Playing clips for a board with a real microphone: the player, its end, and a board that is silent or gone."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.board.transport.link import LinkLost
from ei_toolkit.board.verify import through_air
from ei_toolkit.board.verify.through_air import PLAYERS, Air, find_player, playing, verify_through_air
from ei_toolkit.config.settings import Reading
from ei_toolkit.errors import BoardError, MissingToolError

ROCK = b'{"eitk":1,"end":16000,"scores":{"a":0.25,"rock":0.75},"winner":"rock","dsp_us":9}\n'


def program(folder: Path, name: str, text: str = "exit 0") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o700)
    return folder / name


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    file = tmp_path / "rock.1.wav"
    file.write_bytes(wav_bytes(np.full(1600, 1000, np.int16), 16_000))
    return file


def verify(clip: Path, link: Any, player: Path) -> Any:
    return verify_through_air(clip, "rock", Air(link, (str(player),), 16_000, Reading()))


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(through_air, "LAST_PREDICTION_S", 0.03)
    monkeypatch.setattr("ei_toolkit.board.transport.watch.READ_TIMEOUT_S", 0.001)
    monkeypatch.setattr("ei_toolkit.board.transport.watch.BATCH_PAUSE_S", 0.0)


def test_players_are_tried_in_order_and_get_their_options(tmp_path: Path) -> None:
    for name in ("ffplay", "aplay", "paplay"):
        program(tmp_path / "bin", name)
    environ = {"PATH": str(tmp_path / "bin")}
    assert find_player(environ) == (str(tmp_path / "bin" / "paplay"),)
    (tmp_path / "bin" / "paplay").unlink()
    assert find_player(environ) == (str(tmp_path / "bin" / "aplay"), "-q")
    (tmp_path / "bin" / "aplay").unlink()
    assert find_player(environ)[1:] == ("-nodisp", "-autoexit", "-loglevel", "error")


def test_without_a_player_those_that_were_looked_for_are_listed(tmp_path: Path) -> None:
    with pytest.raises(MissingToolError, match="no program that plays sound is installed") as caught:
        find_player({"PATH": str(tmp_path)})
    assert all(name in caught.value.why for name, *_ in PLAYERS)


def test_the_player_gets_a_wav_file_that_is_deleted_afterwards(tmp_path: Path) -> None:
    player = program(tmp_path / "bin", "player", f'cp "$1" {tmp_path}/copy.wav; echo "$1" > {tmp_path}/name')
    samples = np.arange(-500, 500, dtype=np.int16)
    with playing((str(player),), samples, 22_050) as process:
        assert process.wait(5) == 0
    with wave.open(str(tmp_path / "copy.wav")) as copy:
        assert (copy.getframerate(), copy.getnframes()) == (22_050, 1000)
        assert np.array_equal(np.frombuffer(copy.readframes(1000), "<i2"), samples)
    assert not Path((tmp_path / "name").read_text().strip()).exists()


def test_a_player_that_still_plays_ends_with_the_block(tmp_path: Path) -> None:
    player = program(tmp_path / "bin", "player", "exec sleep 60")
    with pytest.raises(KeyboardInterrupt), playing((str(player),), np.zeros(1, np.int16), 8000) as process:
        raise KeyboardInterrupt
    assert process.returncode == -15


def test_predictions_are_collected_until_the_clip_has_ended(clip: Path, scripted: Any, tmp_path: Path) -> None:
    link = scripted(b"ERR: overrun\n", ROCK, b"", b"", ROCK)
    found = verify(clip, link, program(tmp_path / "bin", "player", "exec sleep 0.1"))
    assert (found.clip, found.label, len(found.windows), found.warnings) == ("rock.1.wav", "rock", 2, ("ERR: overrun",))
    assert (found.winner, found.equal) == ("rock", 0)  # the recorded samples are not known
    assert link.written == b"s\nr\n"  # the board restarts its recording


def test_a_board_without_predictions_is_explained_with_its_warnings(clip: Path, scripted: Any, tmp_path: Path) -> None:
    link = scripted(b"ERR: one\n", b"ERR: two\n", b"Failed to start PDM\n", b"ERR: four\n")
    with pytest.raises(BoardError, match=r"the board printed no prediction for rock\.1\.wav") as caught:
        verify(clip, link, program(tmp_path / "bin", "player"))
    assert caught.value.why == "ERR: one; ERR: two; Failed to start PDM"


def test_a_lost_connection_stops_the_player(clip: Path, scripted: Any, tmp_path: Path) -> None:
    player = program(tmp_path / "bin", "player", f"echo $$ > {tmp_path}/pid; exec sleep 60")
    link = scripted(ROCK, *[b""] * 100, LinkLost("unplugged"))
    with pytest.raises(BoardError, match=r"the connection was lost while rock\.1\.wav was played \(unplugged\)"):
        verify(clip, link, player)
