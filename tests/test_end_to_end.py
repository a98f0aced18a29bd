"""The whole workflow as a user runs it, from clips to the predictions of a board, without replacements of any part."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ARM = shutil.which("arm-none-eabi-g++") and shutil.which("qemu-system-arm")


ROOT = Path(__file__).resolve().parents[1]
EITK = [sys.executable, "-m", "ei_toolkit"]
DEMO = [ROOT / "scripts/demo"] if (ROOT / ".venv/.eitk-stamp").is_file() else [*EITK, "demo"]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for the demo; the board and the studio that it leaves running for its user end with the test."""
    yield tmp_path
    for command in (["board", "stop"], ["studio", "stop"]):
        subprocess.run([*EITK, *command], cwd=tmp_path / "demo", capture_output=True, check=False)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_from_clips_to_predictions_of_a_board(folder: Path) -> None:
    board = "emulated" if ARM else "host"
    done = subprocess.run(
        [*DEMO, "--dir", "demo", "--board", board, "--json"],
        cwd=folder,
        env=os.environ | {"EITK_TRAINING_EPOCHS": "8", "EITK_SLICE_HOP_MS": "3000"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout)
    verification = result["verification"]
    assert verification["summary"]["windows"] == 38  # two clips of 12 s, a window of 3 s every half second
    assert verification["summary"]["equal"] == 38
    assert [clip["winner"] for clip in verification["clips"]] == [clip["label"] for clip in verification["clips"]]
    assert result["test"]["int8"]["accuracy"] > 0.9
    assert (result["tracks"], result["artists"]) == (12, 4)
    for command in ("init", "slice", "upload", "impulse apply", "train --eon", "flash", "play", "tail", "verify"):
        assert f"$ eitk {command}" in done.stderr
    for words in ("validation, int8", "test, float32", "actual \\ predicted", "(estimates)"):  # of eitk train
        assert words in done.stderr
