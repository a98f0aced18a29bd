"""`eitk listen` over many clips: one open line, one reference model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ei_toolkit.board.flash import pinned
from ei_toolkit.board.labels import label_of
from ei_toolkit.board.link import open_stand_in, running_state
from ei_toolkit.board.listen import HeardClip, listen
from ei_toolkit.board.reference import Reference
from ei_toolkit.config import ProjectPaths, Settings
from ei_toolkit.errors import BoardError


def listen_to_all(
    settings: Settings, paths: ProjectPaths, clips: Sequence[Path], advance: Callable[[float], None]
) -> list[HeardClip]:
    """Let the configured board hear each clip. Raises BoardError if it runs another model than eitk.lock names."""
    lock = pinned(paths)
    state = running_state(paths.boards, settings.board.name)
    if state.model_sha256 and state.model_sha256 != lock.model_sha256:
        raise BoardError(
            f"the {state.board} board runs another model than eitk.lock names",
            why=f"{state.model_sha256[:12]} against {lock.model_sha256[:12]}",
            hint="eitk flash",
        )
    reference = Reference.load(settings, lock.model_path(paths.root))
    hop = settings.board.hop_ms * settings.slice.sample_rate // 1000
    link = open_stand_in(paths.boards, settings.board.name)
    heard = []
    try:
        for clip in clips:
            label = label_of(clip, settings.project.labels)
            heard.append(listen(clip, label, state, link, reference, hop, lambda _: None))
            advance(1)
    finally:
        link.close()
    return heard
