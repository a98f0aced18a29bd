"""`eitk listen` over many clips: one open line, one reference model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ei_toolkit.audio.window import samples_in
from ei_toolkit.board.emulator.virtual_boards import VIRTUAL_BOARDS
from ei_toolkit.board.flash.flash import pinned
from ei_toolkit.board.transport.link import Link, running_state
from ei_toolkit.board.transport.ports import Lister
from ei_toolkit.board.transport.watch import source_of
from ei_toolkit.board.verify.reference import Reference
from ei_toolkit.board.verify.streamed import VerifiedClip, listen
from ei_toolkit.board.verify.through_air import Air, find_player, verify_through_air
from ei_toolkit.config import ProjectPaths, Settings
from ei_toolkit.errors import BoardError

Hear = Callable[[Path, str], VerifiedClip]


def verify_clips(
    settings: Settings,
    paths: ProjectPaths,
    clips: Sequence[Path],
    *,
    ports: Lister,
    environ: Mapping[str, str],
    advance: Callable[[float], None],
) -> list[VerifiedClip]:
    """Let the configured board hear each clip: its own microphone line, or the computer's loudspeaker."""
    board, rate = settings.board, settings.slice.sample_rate
    link = source_of(paths.boards, board.name, board.port, ports).first()
    try:
        if board.name in VIRTUAL_BOARDS:
            return _each(clips, settings, advance, _on_this_machine(settings, paths, link))
        air = Air(link, find_player(environ), rate)
        return _each(clips, settings, advance, lambda clip, label: verify_through_air(clip, label, air))
    finally:
        link.close()


def _each(
    clips: Sequence[Path], settings: Settings, advance: Callable[[float], None], hear: Hear
) -> list[VerifiedClip]:
    heard = []
    for clip in clips:
        heard.append(hear(clip, label_of(clip, settings.project.labels)))
        advance(1)
    return heard


def _on_this_machine(settings: Settings, paths: ProjectPaths, link: Link) -> Hear:
    """Raises BoardError if the board runs another model than eitk.lock names."""
    lock = pinned(paths)
    state = running_state(paths.boards, settings.board.name)
    if state.model_sha256 and state.model_sha256 != lock.model_sha256:
        raise BoardError(
            f"the {state.board} board runs another model than eitk.lock names",
            why=f"{state.model_sha256[:12]} against {lock.model_sha256[:12]}",
            hint=f"eitk flash --board {state.board}",
        )
    reference = Reference.load(settings, lock.model_path(paths.root))
    hop = samples_in(settings.board.hop_ms, settings.slice.sample_rate)
    return lambda clip, label: listen(clip, label, state, link, reference, hop)


def label_of(clip: Path, labels: Sequence[str]) -> str:
    """The folder's name, or the file name's first part (`rock.00042.wav`); empty where neither is a label."""
    for name in (clip.resolve().parent.name, clip.name.split(".")[0]):
        if not labels or name in labels:
            return name
    return ""
