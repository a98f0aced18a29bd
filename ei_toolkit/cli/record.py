"""`eitk record`: Record labelled sound with the microphone of a board, and upload it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from ei_toolkit.api.recording import (
    DEFAULT_SECONDS,
    SILENCE_DBFS,
    Kept,
    RecordingCategory,
    check_recording,
    open_session,
    record_continuously,
    record_one,
)
from ei_toolkit.audio.silence_splitter import SilenceSplitter
from ei_toolkit.board.boards.registry import board_named
from ei_toolkit.board.recording import SketchInfo
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.options import BoardOption, PortOption
from ei_toolkit.cli.tail import parse_duration
from ei_toolkit.cli.upload import UploadRun
from ei_toolkit.client.upload.run import Options
from ei_toolkit.config import Config
from ei_toolkit.config.boards import MICROPHONE_RATE_HZ
from ei_toolkit.config.settings import Category
from ei_toolkit.dataset.recorded import RecordingsFolder
from ei_toolkit.errors import BoardError, UsageError


def record(
    context: typer.Context,
    label: Annotated[str, typer.Option("--label", "-l", help="Label of the recordings.")],
    seconds: Annotated[
        float,
        typer.Option("--seconds", "-s", min=0.1, help="Length of a recording; with --split-silence the longest one."),
    ] = DEFAULT_SECONDS,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Number of recordings.")] = 1,
    continuous: Annotated[
        bool, typer.Option("--continuous", help="Record one after another without a gap, until Ctrl-C or --for.")
    ] = False,
    duration: Annotated[str | None, typer.Option("--for", help="With --continuous: end after 60s, 5m, 1h.")] = None,
    split_silence: Annotated[
        bool, typer.Option("--split-silence", help="With --continuous: cut at silence in place of --seconds.")
    ] = False,
    silence_dbfs: Annotated[
        float, typer.Option(max=0, help="With --split-silence: level of silence, in dB relative to full scale.")
    ] = SILENCE_DBFS,
    category: Annotated[
        RecordingCategory,
        typer.Option(help="Category of the recordings; split: by content, four of five for training."),
    ] = "split",
    group: Annotated[
        str, typer.Option(help="Name of what the recordings have in common (artist, speaker): never in two splits.")
    ] = "",
    folder: Annotated[Path, typer.Option(help="Folder of the recordings, below the project.")] = Path("recordings"),
    upload: Annotated[bool, typer.Option("--upload/--no-upload", help="Upload the folder when it is recorded.")] = True,
    microphone: Annotated[
        list[Path] | None,
        typer.Option(help="Clips that are played to the microphone of a virtual board, one after another."),
    ] = None,
    board: BoardOption = None,
    port: PortOption = None,
) -> None:
    """Record labelled sound with the microphone of a board, and upload it.

    Each recording is kept as a WAV file with board, firmware, gain, level and time in its metadata. Ctrl-C keeps the
    recordings that are complete. A recording of which blocks are lost on the line is repeated.
    """
    env = Environment.of(context)
    check_recording(label, seconds)
    if (duration or split_silence) and not continuous:
        raise UsageError("--for and --split-silence need --continuous", hint="Add --continuous, or use --count.")
    config = env.config(board__name=board, board__port=port)
    board_named(config.settings.board.name).check_port(port)
    destination = RecordingsFolder(config.paths.root / folder)

    def keep(info: SketchInfo) -> Kept:
        return Kept(env.console, destination, label, category, group, info)

    clips = [env.cwd / clip for clip in microphone or []]
    with open_session(config, env.environ, keep, clips, env.console.warn) as session:
        try:
            if continuous:
                splitter = SilenceSplitter(MICROPHONE_RATE_HZ, silence_dbfs, seconds) if split_silence else None
                limit = parse_duration(duration, "--for") if duration else None
                record_continuously(session, seconds, limit, splitter)
            else:
                for number in range(1, count + 1):
                    record_one(session, seconds, f"{number}/{count}")
        except (KeyboardInterrupt, BoardError):
            env.console.note(session.keep.sentence(f"upload them: eitk upload {folder}"))
            raise
    kept = session.keep
    data: dict[str, Any] = {"recordings": kept.files, "folder": str(destination.path)}
    text = kept.sentence("")
    if upload and kept.files:
        sent, sentence = _upload(env, config, destination)
        data, text = {**data, "upload": sent}, f"{text}\n{sentence}"
    env.console.result(data, text)


def _upload(env: Environment, config: Config, folder: RecordingsFolder) -> tuple[dict[str, Any], str]:
    # The decoder takes a third of a second to import, which a recording should not wait for.
    from ei_toolkit.cli.upload_folder import send_folder
    from ei_toolkit.dataset.conversion import ConversionSettings

    cut = config.settings.slice
    # A layout with one split only is not used, so the one category of all recordings is named here.
    category = cast("Category", next(iter(folder.categories))) if len(folder.categories) == 1 else "auto"
    run = UploadRun(env, config, Options(), None, None, False)
    return send_folder(run, folder.path, "", ConversionSettings(cut.sample_rate, cut.reading, category=category), None)
