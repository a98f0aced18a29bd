"""Read a file with ffmpeg where it is installed: as a stream, in flat memory.

Only files whose content begins like one of FFMPEG_MARKS come here, because ffmpeg would also follow a playlist.
"""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from ei_toolkit.audio.formats import HOW_TO_INSTALL, NEEDS_FFMPEG
from ei_toolkit.audio.values import Floats
from ei_toolkit.errors import DataError, MissingToolError

AU_HEADER = struct.Struct(">4sIIIII")  # mark, offset of the samples, their bytes, encoding, rate, channels
BYTES = 4  # of a sample
PROMISE_S = 0.25  # containers give their length less exactly than headers of uncompressed formats


@dataclass
class Decoded:
    """What ffmpeg decodes: blocks of shape (n, channels) in −1…1; the fields behind them are complete at their end."""

    rate: int
    channels: int
    blocks: Iterator[Floats]
    promised_s: float = 0.0
    errors: tuple[str, ...] = ()
    exit_code: int = 0


def find_ffmpeg(environ: Mapping[str, str]) -> str:
    """Return the path of ffmpeg. Raises MissingToolError where it is not installed."""
    found = shutil.which("ffmpeg", path=environ.get("PATH"))
    if not found:
        raise MissingToolError(
            "ffmpeg is not installed", why="it reads MPEG-4, AAC, WebM, WavPack and others", hint=HOW_TO_INSTALL
        )
    return found


def version(ffmpeg: str) -> str:
    """Return the version of an ffmpeg, and its path."""
    run = subprocess.run([ffmpeg, "-version"], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    words = run.stdout.split(maxsplit=3)
    return f"{words[2]} ({ffmpeg})" if words[:2] == ["ffmpeg", "version"] else f"of an unknown version ({ffmpeg})"


@contextmanager
def decoded(path: Path, format_name: str, block_s: float) -> Iterator[Decoded]:
    """Decode the first stream of sound of a file, in blocks of `block_s` seconds.

    Raises DataError where ffmpeg is not installed, or cannot read the file.
    """
    try:
        ffmpeg = find_ffmpeg(os.environ)
    except MissingToolError as error:
        what = f"{path.name}: {format_name} {NEEDS_FFMPEG}"
        raise DataError(what, hint=error.hint) from None
    command = [ffmpeg, "-nostdin", "-hide_banner", "-nostats", "-v", "level+info", "-protocol_whitelist", "file,pipe"]
    source = b"file:" + os.fsencode(path.absolute())
    sink = ["-map", "0:a:0", "-c:a", "pcm_f32be", "-f", "au", "-"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*command, "-i", source, *sink], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log
        )
        with process:
            try:
                yield _decoded(path, process, log, block_s)
            finally:
                process.kill()


def _decoded(path: Path, process: subprocess.Popen[bytes], log: IO[bytes], block_s: float) -> Decoded:
    assert process.stdout is not None
    head = process.stdout.read(AU_HEADER.size)
    if len(head) < AU_HEADER.size:
        process.wait()  # it has closed its output
        _, errors = _reported(log)
        raise DataError(f"{path.name}: not audio that ffmpeg can read", why=errors[0] if errors else "")
    _, start, _, _, rate, channels = AU_HEADER.unpack(head)
    process.stdout.read(start - AU_HEADER.size)
    found = Decoded(rate, channels, iter(()))
    found.blocks = _blocks(found, process, log, max(1, round(block_s * rate)) * channels * BYTES)
    return found


def _blocks(found: Decoded, process: subprocess.Popen[bytes], log: IO[bytes], size: int) -> Iterator[Floats]:
    assert process.stdout is not None
    while data := process.stdout.read(size):
        whole = len(data) // (BYTES * found.channels) * BYTES * found.channels
        yield np.frombuffer(data[:whole], ">f4").astype(np.float32).reshape(-1, found.channels)
    found.exit_code = process.wait()
    found.promised_s, found.errors = _reported(log)


def _reported(log: IO[bytes]) -> tuple[float, tuple[str, ...]]:
    """The length in seconds that the container gives (0 where it gives none), and the errors of a decoding."""
    log.seek(0)
    text = log.read().decode("utf-8", "replace")
    errors = [line for line in text.splitlines() if "[error]" in line or "[fatal]" in line]
    stripped = tuple(re.sub(r"^(\[[^\]]*\] )+", "", line) for line in errors)
    duration = re.search(r"Duration: (\d+):(\d\d):(\d\d\.\d+)", text)
    if not duration or "Estimating duration from bitrate" in text:
        return 0.0, stripped
    hours, minutes, seconds = duration.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds), stripped
