"""What tests of many folders share: import it with `from support import ...`."""

from __future__ import annotations

import io
import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile

from ei_toolkit.cli.app import run
from ei_toolkit.cli.console import Console
from ei_toolkit.cli.environment import Environment

CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), None)
"""The browser of tests: the headless shell takes 40 % less processor time than the whole browser."""
NO_CHROMIUM = "no Chromium: apt install chromium-headless-shell, or chromium"


class Outcome(NamedTuple):
    """What one command line did."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The JSON object on stdout; None where nothing was printed."""
        return json.loads(self.out) if self.out else None


def eitk(folder: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> Outcome:
    """Run one command line in `folder`, in this process, with no environment variables but `environ`."""
    out, err = io.StringIO(), io.StringIO()
    code = run(arguments, Environment(Console(out, err), folder, dict(environ or {})))
    return Outcome(code, out.getvalue(), err.getvalue())


def has_ended(pid: int, within_s: float = 5.0) -> bool:
    """Wait until a process has ended with all of its threads; return False if it is still there after that time.

    A killed process is a zombie until its parent reads its exit code, and its threads may end a little later.
    """
    folder, end = Path(f"/proc/{pid}"), time.monotonic() + within_s
    while time.monotonic() < end:
        try:
            is_zombie = (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
            if is_zombie and len(list((folder / "task").iterdir())) == 1:
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


def write_clips(folder: Path, clips: int = 8, seconds: float = 6.0, rate: int = 16_000) -> None:
    """Write clips of classical and rock, each by an artist of its own: a low and a high hum in noise."""
    random, time_s = np.random.default_rng(5), np.arange(int(rate * seconds)) / rate
    for label, pitch in (("classical", 220), ("rock", 1760)):
        (folder / label).mkdir(parents=True)
        for i in range(clips):
            sound = 0.2 * np.sin(2 * np.pi * (pitch + 20 * i) * time_s) + 0.05 * random.standard_normal(len(time_s))
            soundfile.write(folder / label / f"{label}.{i}.wav", sound, rate)
