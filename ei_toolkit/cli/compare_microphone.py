"""`eitk verify --compare`: how the microphone of a board differs from the files that are played to it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.audio.effects.device import ClipResponse, DeviceProfile, combine, measure_response
from ei_toolkit.board.board import BoardContext
from ei_toolkit.board.boards.registry import board_named
from ei_toolkit.board.loudspeaker import LEAD_S, sound_path
from ei_toolkit.board.recording import BoardLines, identify
from ei_toolkit.board.rerecording import rerecord
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.output_file import check_output
from ei_toolkit.config import Config
from ei_toolkit.config.boards import MICROPHONE_RATE_HZ
from ei_toolkit.errors import BoardError, DataError, RefusedRecordingError
from ei_toolkit.report.tables import Table

SILENCE_S = LEAD_S * 0.8  # before the clip; the loudspeaker may have begun to play at the end of it


def compare_microphone(
    env: Environment, config: Config, clips: Sequence[Path], profile: Path | None, room: int | None
) -> None:
    """Record the clips with the board while they are played, and show and write the differences for each band."""
    output = check_output(env.cwd / profile) if profile else None
    target = board_named(config.settings.board.name)
    path = sound_path(target.microphone(config.paths.boards), env.environ, room)
    reading, responses = config.settings.slice.reading, list[ClipResponse]()
    link = target.source(BoardContext(config.settings, config.paths, env.environ)).first()
    lines = BoardLines(link)
    try:
        lines.stop_and_drain()
        info = identify(lines)
        with env.console.progress("recorded clips", len(clips)) as progress:
            for number, clip in enumerate(clips, 1):
                original, played = (
                    read_clip(env.cwd / clip, rate, reading=reading, warn=env.console.warn)
                    for rate in (MICROPHONE_RATE_HZ, path.rate)
                )
                try:
                    made = rerecord(lines, path, original, played)
                    responses.append(
                        measure_response(original, made.samples, _silence(made.before), MICROPHONE_RATE_HZ)
                    )
                except RefusedRecordingError as error:
                    env.console.warn(f"{clip.name}: {error}")
                progress.to(number, clip.name)
    finally:
        with suppress(BoardError):  # of a board that was unplugged
            lines.command("r")
        link.close()
    if not responses:
        raise DataError(f"none of the {len(clips)} clips could be recorded", hint="Is the loudspeaker muted?")
    found = combine(responses, info.board, info.firmware)
    if output:
        found.write(output)
        env.console.note(f'wrote {output}; to train with it: [slice.augment] profile = "{profile}"')
    env.console.result(asdict(found), _table(found).rich())


def _silence(before: np.ndarray) -> np.ndarray:
    return before[: max(1, min(len(before), round(SILENCE_S * MICROPHONE_RATE_HZ)))]


def _table(profile: DeviceProfile) -> Table:
    rows = [
        (f"{hz:.0f} Hz", f"{gain:+.1f}", f"{spread:.1f}", f"{noise:.0f}")
        for hz, gain, spread, noise in zip(
            profile.bands_hz, profile.gain_db, profile.spread_db, profile.noise_db, strict=True
        )
    ]
    title = (
        f"{profile.board}, {profile.clips} clips: level {profile.level_db:+.1f} dB, tilt"
        f" {profile.tilt_db_per_octave:+.1f} dB an octave, noise {profile.noise_dbfs:.0f} dBFS"
    )
    return Table(title, ("band", "gain dB", "spread dB", "noise dB"), tuple(rows))
