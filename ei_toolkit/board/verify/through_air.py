"""Play a clip on the loudspeaker of this computer, for a board with a real microphone."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.board.protocol.events import Prediction, Warning
from ei_toolkit.board.protocol.parser import Parser
from ei_toolkit.board.transport.link import Link, LinkLost
from ei_toolkit.board.transport.watch import events
from ei_toolkit.board.verify.streamed import VerifiedClip, VerifiedWindow, verified_window
from ei_toolkit.config.settings import Reading
from ei_toolkit.errors import BoardError, MissingToolError

PLAYERS = (
    ("pw-play",),
    ("paplay",),
    ("aplay", "-q"),
    ("afplay",),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"),
)


def find_player(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the command that plays a WAV file on this computer. Raises MissingToolError if there is none."""
    for name, *options in PLAYERS:
        found = shutil.which(name, path=environ.get("PATH"))
        if found:
            return (found, *options)
    raise MissingToolError(
        "no program that plays sound is installed",
        why="a board with a real microphone records the loudspeaker; looked for "
        + ", ".join(name for name, *_ in PLAYERS),
        hint="apt-get install alsa-utils, or use a virtual board: --board emulated",
    )


@contextmanager
def playing(player: tuple[str, ...], samples: NDArray[np.int16], rate: int) -> Iterator[subprocess.Popen[bytes]]:
    """Play int16 samples, shape (n,), in the background; the player ends with the block at the latest."""
    with tempfile.TemporaryDirectory(prefix="eitk-play-") as folder:
        file = Path(folder) / "clip.wav"
        file.write_bytes(wav_bytes(samples, rate))
        with subprocess.Popen([*player, str(file)], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                yield process
            finally:
                process.terminate()


LAST_PREDICTION_S = 1.0  # the prediction of the last window arrives after the end of the clip


@dataclass(frozen=True)
class Air:
    """The line of a board, the command of the player, the sample rate in Hz, and how clips are read."""

    link: Link
    player: tuple[str, ...]
    rate: int
    reading: Reading


def verify_through_air(clip: Path, label: str, air: Air) -> VerifiedClip:
    """Play `clip` on the loudspeaker and collect the predictions of the board.

    Raises BoardError if there are none, or the connection is lost.
    """
    windows: list[VerifiedWindow] = []
    warnings: list[str] = []
    samples = read_clip(clip, air.rate, reading=air.reading, warn=warnings.append)
    try:
        air.link.write(b"s\nr\n")
        with playing(air.player, samples, air.rate) as process:
            ended: float | None = None
            for event in events(air.link, Parser()):
                if isinstance(event, Prediction):
                    windows.append(verified_window(clip.name, label, event, (), air.rate))
                elif isinstance(event, Warning):
                    warnings.append(event.text)
                if process.poll() is not None:
                    ended = ended or time.monotonic()
                    if time.monotonic() - ended > LAST_PREDICTION_S:
                        break
    except LinkLost as error:
        raise BoardError(
            f"the connection was lost while {clip.name} was played", why=str(error), hint="eitk boards"
        ) from None
    if not windows:
        raise BoardError(
            f"the board printed no prediction for {clip.name}", why="; ".join(warnings[:3]), hint="eitk flash"
        )
    return VerifiedClip(clip.name, label, tuple(windows), tuple(warnings))
