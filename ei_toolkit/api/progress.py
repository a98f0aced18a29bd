"""Progress of a step that is running, as a callback of the Python API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """The state of a step that is running.

    `stage` names the step. `done` and `total` count clips, windows, bytes or epochs, as the step states; `total` is
    None where the number is not known. `text` is the last clip, or the values of the last epoch.
    """

    stage: str
    done: float = 0.0
    total: float | None = None
    text: str = ""


OnProgress = Callable[[Progress], None]
"""Called with a Progress whenever a step has advanced, from the thread that called the step."""


def ignore_progress(_progress: Progress) -> None:
    """Show no progress: the default of every step."""


def progress_of(stage: str, total: float | None, on_progress: OnProgress) -> Callable[[float, str], None]:
    """Return a function of what is done and a text, which calls `on_progress`."""
    return lambda done, text: on_progress(Progress(stage, done, total, text))
