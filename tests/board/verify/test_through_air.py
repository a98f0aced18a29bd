"""On-device verification of a board with a real microphone: a simulated board prints predictions during playback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.cli.app import run
from ei_toolkit.cli.console import Console
from ei_toolkit.cli.environment import Environment

LINE = (
    '{"eitk":1,"seq":SEQ,"end":48000,"model":"0123456789ab","scores":{"classical":0.25,"rock":0.75},'
    '"winner":"rock","led":"red","dsp_us":9,"nn_us":2,"overruns":0}'
)


def silent_player(folder: Path, seconds: float) -> Path:
    """Write a test double of aplay that takes as long as the clip and plays no sound."""
    folder.mkdir()
    program = folder / "aplay"
    program.write_text(f'#!/bin/sh\ntest -s "$2" && exec /bin/sleep {seconds}\n')
    program.chmod(0o755)
    return folder


def test_a_clip_is_played_and_the_predictions_are_counted(
    project: Any, simulate: Callable[..., Any], tmp_path: Path
) -> None:
    import io

    bench = simulate("--line", LINE, "--rate", "4")
    clip = tmp_path / "rock.1.wav"
    clip.write_bytes(wav_bytes(np.zeros(16000, np.int16), 16000))
    out, err = io.StringIO(), io.StringIO()
    environ = {"PATH": str(silent_player(tmp_path / "bin", 1.0))}
    arguments = ["verify", "--board", "nano33ble", "--port", bench.ports()[0].device, "--json", str(clip)]
    assert run(arguments, Environment(Console(out, err), project.root, environ)) == 0, err.getvalue()
    summary = json.loads(out.getvalue())["summary"]
    assert summary["right_tracks"] == summary["tracks"] == 1
    assert summary["windows"] >= 3
    assert summary["compared"] == 0  # Python does not have the recorded samples


def test_without_a_player_the_error_names_the_package(
    project: Any, simulate: Callable[..., Any], tmp_path: Path
) -> None:
    bench = simulate("--line", LINE)
    port = bench.ports()[0].device
    assert project.eitk("verify", "--board", "nano33ble", "--port", port, str(tmp_path / "x.wav")) == 3
    assert "alsa-utils" in project.stderr
