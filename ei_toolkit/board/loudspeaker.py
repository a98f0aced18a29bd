"""Playing a clip into the room, for a board whose microphone is a real one."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.errors import MissingToolError

PLAYERS = (
    ("pw-play",),
    ("paplay",),
    ("aplay", "-q"),
    ("afplay",),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"),
)


def find_player(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The command that plays a WAV file on this computer. Raises MissingToolError without one."""
    for name, *options in PLAYERS:
        found = shutil.which(name, path=environ.get("PATH"))
        if found:
            return (found, *options)
    raise MissingToolError(
        "this computer has no program that plays sound",
        why="a board with a real microphone hears through the air; looked for "
        + ", ".join(name for name, *_ in PLAYERS),
        hint="apt-get install alsa-utils, or use a board on this machine: --board emulated",
    )


@contextmanager
def playing(player: tuple[str, ...], samples: NDArray[np.int16], rate: int) -> Iterator[subprocess.Popen[bytes]]:
    """Play int16 samples, shape (n,), in the background; it ends with the block at the latest."""
    with tempfile.TemporaryDirectory(prefix="eitk-play-") as folder:
        file = Path(folder) / "clip.wav"
        file.write_bytes(wav_bytes(samples, rate))
        with subprocess.Popen([*player, str(file)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                yield process
            finally:
                process.terminate()
