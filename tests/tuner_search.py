"""A search of the tuner on synthetic clips, in a process that a test can kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from support import write_clips

from ei_toolkit.config.recipes import write_recipe
from ei_toolkit.tuning.search import Search, Trial

SPACE = """
[tune]
trials = 2
folds = 2
epochs = 1
objectives = ["accuracy", "worst_condition", "ram", "flash", "time"]
conditions = ["gain-20"]
sampler = "random"
pruner = "none"
max_flash_kb = 60
window_ms = [1000]
stride = [1.0]
block = ["mfe"]
frame_ms = [100]
frame_stride = [1.0]
fft_length = [256]
filters = [20]
network = ["conv1d", "separable"]
depth = [2]
width = [8, 300]
growth = [1.0]
head = ["pool"]
"""
WITHOUT_ARM_TOOLS = {**os.environ, "PATH": "/nonexistent"}


def project(folder: Path, trials: int = 2) -> Path:
    write_clips(folder / "clips", clips=4, seconds=2.0)
    file = write_recipe("reference", folder, clips=folder / "clips", name=None, force=False)
    text = file.read_text().replace("epochs = 30", "epochs = 1").replace('pool = "each"', 'pool = "last"')
    text = text.replace("window_ms = 3000", "window_ms = 1000").replace("stack = 3", "stack = 1")
    file.write_text(text + SPACE.replace("trials = 2", f"trials = {trials}"))
    return folder


def start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ei_toolkit", "tune", *arguments, "--jobs", "1"]
    with (folder / "log.txt").open("ab") as log:
        return subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, env=WITHOUT_ARM_TOOLS, start_new_session=True
        )


def stored(folder: Path) -> list[Trial]:
    search = Search.open(folder / ".eitk" / "tune" / "search.sqlite")
    return search.trials() if search else []


def kill(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def assert_continued(before: list[Trial], after: list[Trial]) -> None:
    """Compare the trials at an instant with later ones: same parameters, stored folds and ends are kept."""
    assert [trial.number for trial in after] == list(range(len(after)))
    for one, later in zip(before, after, strict=False):
        assert not one.parameters or later.parameters == one.parameters
        assert later.folds[: len(one.folds)] == one.folds
        if one.state != "running":
            assert later == one
