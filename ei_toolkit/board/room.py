"""`eitk listen` for a board with a real microphone: the clip goes through loudspeaker, room and microphone.

No sample is known exactly, so there is nothing to compare bit by bit: what counts is whether the board names the clip.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.board.events import Prediction, Warning
from ei_toolkit.board.link import Link, LinkLost
from ei_toolkit.board.listen import HeardClip, HeardWindow, heard_window
from ei_toolkit.board.loudspeaker import playing
from ei_toolkit.board.parse import Parser
from ei_toolkit.board.watch import events
from ei_toolkit.errors import BoardError

AFTER_S = 1.0  # the last window's answer is still on its way when the sound ends


@dataclass(frozen=True)
class Air:
    """A board's line, the command that plays to it, and the rate to play at."""

    link: Link
    player: tuple[str, ...]
    rate: int


def listen_through_the_air(clip: Path, label: str, air: Air) -> HeardClip:
    """Play `clip` on the computer's loudspeaker and collect what the board says meanwhile.

    Raises BoardError if the board says nothing, or goes away.
    """
    samples = read_clip(clip, air.rate)
    windows: list[HeardWindow] = []
    warnings: list[str] = []
    try:
        air.link.write(b"s\nr\n")
        with playing(air.player, samples, air.rate) as process:
            ended: float | None = None
            for event in events(air.link, Parser()):
                if isinstance(event, Prediction):
                    windows.append(heard_window(clip.name, label, event, (), air.rate))
                elif isinstance(event, Warning):
                    warnings.append(event.text)
                if process.poll() is not None:
                    ended = ended or time.monotonic()
                    if time.monotonic() - ended > AFTER_S:
                        break
    except LinkLost as error:
        raise BoardError("the board went away while it listened", why=str(error), hint="eitk boards") from None
    if not windows:
        raise BoardError(f"the board said nothing about {clip.name}", why="; ".join(warnings[:3]), hint="eitk flash")
    return HeardClip(clip.name, label, tuple(windows), tuple(warnings))
