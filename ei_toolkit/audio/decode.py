"""From a file of almost any kind to mono int16 at one sample rate.

`read_blocks` keeps a few seconds in memory however long the clip is. `read_clip` keeps it whole and so has a limit.
Only what goes through ffmpeg is decoded whole in either case.
"""

from __future__ import annotations

import io
import logging
import math
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.audio.examine import examine
from ei_toolkit.audio.headers import missing_part
from ei_toolkit.audio.stream import TOLERATED_LOSS_S, Damage, Examined, PartsFile, Stream
from ei_toolkit.audio.values import Floats, ValueChecks
from ei_toolkit.config.settings import Reading
from ei_toolkit.errors import DataError

BLOCK_SECONDS = 2  # small enough for the processor's cache; large blocks cost more in page faults than in work
LONGEST_CLIP_SECONDS = 3 * 3600  # of `read_clip`: 350 MB at 16 kHz, and the same again while its blocks are joined
UNKNOWN_FRAMES = (1 << 63) - 1  # what libsndfile gives for a stream whose header gives no length
SAMPLE_RATES = range(1_000, 800_001)  # a header with another one is damaged
FLOAT_SUBTYPES = ("FLOAT", "DOUBLE")

Warn = Callable[[str], None]


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
        with _opened(path, stream, math.inf, _log_nothing) as source:
            seconds += (source.frames if source.frames < UNKNOWN_FRAMES else stream.frames or 0) / source.rate
            rates.append(source.rate)
    return Description(seconds, rates[0])


@dataclass(frozen=True)
class Description:
    """Length of a clip in seconds, and the sample rate of its first stream in Hz."""

    seconds: float
    rate: int


@dataclass
class _Source:
    """An opened stream: `frames` of its header, blocks of shape (n, channels), whether the file holds floats."""

    rate: int
    frames: int
    blocks: Iterator[Floats]
    floats: bool = False


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
    import soxr

    checks = ValueChecks(path.name, reading)
    read_any = False
    for stream in _checked(path, warn).streams:
        with _opened(path, stream, longest, warn) as source:
            checks.floats = source.floats
            resample = soxr.ResampleStream(source.rate, sample_rate, 1, dtype="float32", quality="HQ")
            same = source.rate == sample_rate
            waiting: Floats | None = None
            for block in checks.mono(_limited(path, source, longest)):
                if waiting is not None:
                    yield _to_int16(waiting if same else resample.resample_chunk(waiting))
                waiting = block
            if waiting is not None:
                read_any = True
                yield _to_int16(waiting if same else resample.resample_chunk(waiting, last=True))
    if not read_any:
        raise DataError(f"{path.name}: holds no samples")
    for warning in checks.at_the_end():
        warn(f"{path.name}: {warning}")


def _limited(path: Path, source: _Source, longest: float) -> Iterator[Floats]:
    """The blocks, as long as they keep to `longest` seconds, whatever the header promised."""
    read = 0
    for block in source.blocks:
        read += len(block)
        _check_length(path, read / source.rate, longest)
        yield block


def _check_length(path: Path, seconds: float, longest: float) -> None:
    if seconds > longest:
        raise DataError(
            f"{path.name}: lasts {math.ceil(seconds):,} s or more, and a clip at most {longest:,} s",
            hint="Cut it into shorter clips.",
        )


def _opened(path: Path, stream: Stream, longest: float, warn: Warn) -> AbstractContextManager[_Source]:
    if stream.decoder == "ffmpeg":
        return _through_ffmpeg(path, longest, warn)
    return _through_soundfile(path, stream, longest, warn)


@contextmanager
def _through_soundfile(path: Path, stream: Stream, longest: float, warn: Warn) -> Iterator[_Source]:
    with path.open("rb") as raw:
        file = io.BufferedReader(PartsFile(raw, stream.parts), 1 << 16) if stream.parts else os.fsencode(path)
        with _sound_file(path, file) as sound:
            known = sound.frames < UNKNOWN_FRAMES
            _check_length(path, (sound.frames if known else stream.frames or 0) / sound.samplerate, longest)
            if not stream.parts:
                _check_whole(path, sound.frames / sound.samplerate, warn)
            blocks = _blocks(path, sound, sound.frames if known else 0)
            yield _Source(sound.samplerate, sound.frames, blocks, sound.subtype in FLOAT_SUBTYPES)


def _check_whole(path: Path, seconds: float, warn: Warn) -> None:
    """Compare the length with the promise of the header, for the formats that libsndfile shortens silently."""
    with path.open("rb") as stream:
        missing = missing_part(stream, path.stat().st_size)
    lost = seconds * missing / (1 - missing) if missing < 1 else math.inf
    if lost > TOLERATED_LOSS_S:
        raise _cut_short(path, lost)
    if lost:
        warn(f"{path.name}: cut short, {lost * 1000:.2g} ms of sound are missing; read without them")


def _cut_short(path: Path, lost: float) -> DataError:
    what = f"{lost:.2f} s of sound are missing" if math.isfinite(lost) else "all of the sound is missing"
    hint = f"Fetch it again, or keep what is there: ffmpeg -i {path.name} -c copy FIXED{path.suffix}"
    return DataError(f"{path.name}: cut short, {what}", hint=hint)


def _sound_file(path: Path, file: Any) -> Any:
    import soundfile

    class Forward(soundfile.SoundFile):  # type: ignore[misc]
        """Read forward only: after each block, soundfile would seek to where it is, which disturbs MP3 decoders."""

        def seekable(self) -> bool:
            return False

    try:
        sound = Forward(file)
    except (soundfile.LibsndfileError, TypeError, OSError) as error:  # TypeError: a raw format without parameters
        raise DataError(f"{path.name}: not audio that can be read", why=_reason(error)) from None
    if sound.samplerate not in SAMPLE_RATES:
        sound.close()
        raise DataError(f"{path.name}: {sound.samplerate} Hz is not a usable sample rate")
    return sound


def _blocks(path: Path, sound: Any, promised: int) -> Iterator[Floats]:
    import soundfile

    read, rate = 0, sound.samplerate
    try:
        while len(block := sound.read(rate * BLOCK_SECONDS, dtype="float32", always_2d=True)):
            read += len(block)
            yield block
    except soundfile.LibsndfileError as error:
        raise DataError(f"{path.name}: damaged after {read / rate:.1f} s", why=_reason(error)) from None
    if (lost := (promised - read) / rate) > TOLERATED_LOSS_S:
        raise _cut_short(path, lost)


@contextmanager
def _through_ffmpeg(path: Path, longest: float, warn: Warn) -> Iterator[_Source]:
    if not shutil.which("ffmpeg") or not shutil.which("ffprobe"):
        raise DataError(f"{path.name}: this format needs ffmpeg, which is not installed", hint="apt install ffmpeg")
    from pydub import AudioSegment
    from pydub.exceptions import CouldntDecodeError

    if longest < math.inf:
        _check_length(path, _seconds_by_ffprobe(path), longest)
    try:
        segment = AudioSegment.from_file(path)
    except (CouldntDecodeError, IndexError, KeyError) as error:  # the latter two: no audio stream inside
        raise DataError(f"{path.name}: not audio that ffmpeg can read", why=str(error).split("\n")[0]) from None
    samples = np.asarray(segment.get_array_of_samples(), dtype=np.float32).reshape(-1, segment.channels)
    samples /= np.float32(1 << (8 * segment.sample_width - 1))
    _check_whole(path, len(samples) / segment.frame_rate, warn)
    yield _Source(segment.frame_rate, len(samples), iter([samples] if len(samples) else []))


def _seconds_by_ffprobe(path: Path) -> float:
    """Length of a clip by its container; 0 where it gives none. A raw .aac has none, ffprobe only guesses."""
    from pydub.utils import mediainfo_json

    if path.suffix.lower() == ".aac":
        return 0.0
    try:
        return float(mediainfo_json(path)["format"]["duration"])
    except (IndexError, KeyError, TypeError, ValueError):
        return 0.0


def _reason(error: Exception) -> str:
    return getattr(error, "error_string", str(error)).rstrip(".")


def _to_int16(samples: Floats) -> NDArray[np.int16]:
    scaled: Floats = np.rint(samples * np.float32(32768))
    return np.clip(scaled, -32768, 32767, out=scaled).astype(np.int16)
