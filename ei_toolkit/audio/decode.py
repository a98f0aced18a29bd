"""From a file of almost any kind to mono int16 at one sample rate.

`read_blocks` keeps a few seconds in memory however long the clip is. `read_clip` keeps it whole and so has a limit.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.audio.examine import examine
from ei_toolkit.audio.sources import Source, Warn, check_length, opened
from ei_toolkit.audio.stream import TOLERATED_LOSS_S, Damage, Examined
from ei_toolkit.audio.values import Floats, ValueChecks
from ei_toolkit.config.settings import Reading
from ei_toolkit.errors import DataError

LONGEST_CLIP_SECONDS = 3 * 3600  # of `read_clip`: 350 MB at 16 kHz, and the same again while its blocks are joined


def read_clip(
    path: Path, sample_rate: int, *, reading: Reading | None = None, warn: Warn | None = None
) -> NDArray[np.int16]:
    """A whole clip of at most LONGEST_CLIP_SECONDS as int16 samples, shape (n,), at `sample_rate` Hz.

    Channels are averaged unless `reading` names one, the rate is changed by soxr (HQ), values outside 16 bits are
    clipped. `warn` is called with what is wrong but can be read; without it, a logger is. Raises DataError with a short
    reason: empty, not audio, cut short, damaged, no samples, values that are not numbers or have another scale,
    channels that cancel, too long; the last before anything is decoded where the header gives the length.
    """
    blocks = _resampled(path, sample_rate, LONGEST_CLIP_SECONDS, reading or Reading(), warn or _log)
    return np.concatenate([np.empty(0, np.int16), *blocks])


def read_blocks(
    path: Path, sample_rate: int, *, reading: Reading | None = None, warn: Warn | None = None
) -> Iterator[NDArray[np.int16]]:
    """The same samples as `read_clip`, block by block and however long the clip is.

    Raises what `read_clip` raises but for the length, at the latest at the end.
    """
    return _resampled(path, sample_rate, math.inf, reading or Reading(), warn or _log)


def probe(path: Path) -> float:
    """Length of a clip in seconds by its headers, as `describe` finds it."""
    return describe(path).seconds


def describe(path: Path) -> Description:
    """Length and sample rate of a clip by its headers, without decoding it unless by ffmpeg.

    Raises DataError like `read_blocks`.
    """
    seconds, rates = 0.0, []
    for stream in _checked(path, _log_nothing).streams:
        with opened(path, stream, math.inf, _log_nothing) as source:
            frames = source.frames if source.frames is not None else sum(len(block) for block in source.blocks)
            seconds += frames / source.rate
            rates.append(source.rate)
    return Description(seconds, rates[0])


@dataclass(frozen=True)
class Description:
    """Length of a clip in seconds, and the sample rate of its first stream in Hz."""

    seconds: float
    rate: int


def _log(message: str) -> None:
    logging.getLogger(__name__).warning(message)


def _log_nothing(_: str) -> None:
    pass


def _checked(path: Path, warn: Warn) -> Examined:
    """The streams of a file, once what is missing from it is small enough to be read with a warning."""
    examined = examine(path)
    if examined.damage:
        _judge(path, examined.damage, warn)
    for warning in examined.warnings:
        warn(f"{path.name}: {warning}")
    return examined


def _judge(path: Path, damage: tuple[Damage, ...], warn: Warn) -> None:
    lost = sum(one.lost for one in damage)
    first = max(damage, key=lambda one: one.lost)
    if lost > TOLERATED_LOSS_S:
        raise DataError(
            f"{path.name}: {first}",
            why=f"{len(damage)} places are damaged" if len(damage) > 1 else "",
            hint="Fetch it again, or cut the whole part out with an editor.",
        )
    warn(f"{path.name}: {first}; read without it")


def _resampled(
    path: Path, sample_rate: int, longest: float, reading: Reading, warn: Warn
) -> Iterator[NDArray[np.int16]]:
    checks = ValueChecks(path.name, reading)
    read_any = False
    for stream in _checked(path, warn).streams:
        with opened(path, stream, longest, warn) as source:
            checks.floats = source.floats
            for block in _at_rate(checks.mono(_limited(path, source, longest)), source.rate, sample_rate):
                read_any = True
                yield _to_int16(block)
    if not read_any:
        raise DataError(f"{path.name}: holds no samples")
    for warning in checks.at_the_end():
        warn(f"{path.name}: {warning}")


def _at_rate(blocks: Iterator[Floats], rate: int, wanted_rate: int) -> Iterator[Floats]:
    """The blocks at another sample rate; the resampler has to know which one is the last."""
    if rate == wanted_rate:
        yield from blocks
        return
    import soxr

    resample = soxr.ResampleStream(rate, wanted_rate, 1, dtype="float32", quality="HQ")
    waiting: Floats | None = None
    for block in blocks:
        if waiting is not None:
            yield resample.resample_chunk(waiting)
        waiting = block
    if waiting is not None:
        yield resample.resample_chunk(waiting, last=True)


def _limited(path: Path, source: Source, longest: float) -> Iterator[Floats]:
    """The blocks, as long as they keep to `longest` seconds, whatever the header promised."""
    read = 0
    for block in source.blocks:
        read += len(block)
        check_length(path, read / source.rate, longest)
        yield block


def _to_int16(samples: Floats) -> NDArray[np.int16]:
    scaled: Floats = samples * np.float32(32768)
    np.rint(scaled, out=scaled)
    return np.clip(scaled, -32768, 32767, out=scaled).astype(np.int16)
