"""On-device verification of many clips: one open line, one reference model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ei_toolkit.audio.window import samples_in
from ei_toolkit.board.board import BoardContext
from ei_toolkit.board.boards.registry import board_named
from ei_toolkit.board.emulator.microphone import MicStream
from ei_toolkit.board.flash.deployment import pinned
from ei_toolkit.board.transport.link import Link
from ei_toolkit.board.verify.reference import Reference
from ei_toolkit.board.verify.streamed import VerifiedClip, verify_streamed
from ei_toolkit.board.verify.through_air import Air, find_player, verify_through_air
from ei_toolkit.dataset.clip_label import labels_of_clips
from ei_toolkit.errors import BoardError

Verify = Callable[[Path, str], VerifiedClip]


def verify_clips(context: BoardContext, clips: Sequence[Path], advance: Callable[[float], None]) -> list[VerifiedClip]:
    """Play each clip to the configured board: to its microphone stream, or on the computer's loudspeaker."""
    settings = context.settings
    board = board_named(settings.board.name)
    link = board.source(context).first()
    try:
        microphone = board.microphone(context.paths.boards)
        verify = _through_air(context, link) if microphone is None else _streamed(context, link, microphone)
        verified = []
        for clip, label in zip(clips, labels_of_clips(clips, settings, context.paths.root), strict=True):
            verified.append(verify(clip, label))
            advance(1)
        return verified
    finally:
        link.close()


def _through_air(context: BoardContext, link: Link) -> Verify:
    cut = context.settings.slice
    air = Air(link, find_player(context.environ), cut.sample_rate, cut.reading)
    return lambda clip, label: verify_through_air(clip, label, air)


def _streamed(context: BoardContext, link: Link, microphone: MicStream) -> Verify:
    """Raises BoardError if the board runs another model than the one in eitk.lock."""
    settings, lock = context.settings, pinned(context.paths)
    if microphone.model_sha256 and microphone.model_sha256 != lock.model_sha256:
        raise BoardError(
            f"the {microphone.board} board runs another model than the one in eitk.lock",
            why=f"its hash is {microphone.model_sha256[:12]}, the one in eitk.lock is {lock.model_sha256[:12]}",
            hint=f"eitk flash --board {microphone.board}",
        )
    reference = Reference.load(settings, lock.model_path(context.paths.root))
    hop = samples_in(settings.board.hop_ms, settings.slice.sample_rate)
    return lambda clip, label: verify_streamed(clip, label, microphone, link, reference, hop)
