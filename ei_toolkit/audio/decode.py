"""From a file of almost any kind to mono int16 at one sample rate.

`read_blocks` keeps a few seconds in memory however long the clip is. `read_clip` keeps it whole and so has a limit.
What goes through ffmpeg (NEEDS_FFMPEG) is decoded whole in either case, and by `probe`: there, length costs memory.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.audio.headers import lacks_last_page, missing_part
from ei_toolkit.errors import DataError

BLOCK_SECONDS = 2  # small enough for the processor's cache; large blocks cost more in page faults than in work
LONGEST_CLIP_SECONDS = 3 * 3600  # of `read_clip`: 350 MB at 16 kHz, and the same again while its blocks are joined
UNKNOWN_FRAMES = (1 << 63) - 1  # what libsndfile says of a stream whose header tells no length
SAMPLE_RATES = range(1_000, 800_001)  # outside of it a header is damaged or hostile
NEEDS_FFMPEG = {  # offset and beginnings of what is handed to ffmpeg; it would also follow a playlist by any name
    ".m4a": (4, (b"ftyp",)),
    ".mp4": (4, (b"ftyp",)),
    ".aac": (0, (b"\xff\xf1", b"\xff\xf9", b"ID3")),
    ".wma": (0, (b"\x30\x26\xb2\x75",)),
}


def read_clip(path: Path, sample_rate: int) -> NDArray[np.int16]:
    """A whole clip of at most LONGEST_CLIP_SECONDS as int16 samples, shape (n,), at `sample_rate` Hz.

    Channels are averaged, the rate is changed by soxr (HQ), values outside 16 bits are clipped.
    Raises DataError with a short reason: empty, not audio, cut short, no samples, values that are not numbers, too
    long; the last before anything is decoded where the header tells the length (a raw .aac file tells none).
    """
    return np.concatenate([np.empty(0, np.int16), *_resampled(path, sample_rate, LONGEST_CLIP_SECONDS)])


def read_blocks(path: Path, sample_rate: int) -> Iterator[NDArray[np.int16]]:
    """The same samples as `read_clip`, block by block and however long the clip is.

    Raises what `read_clip` raises but for the length, at the latest at the end.
    """
    return _resampled(path, sample_rate, math.inf)


def _resampled(path: Path, sample_rate: int, longest: float) -> Iterator[NDArray[np.int16]]:
    import soxr

    source, blocks = _open(path, longest)
    resample = soxr.ResampleStream(source, sample_rate, 1, dtype="float32", quality="HQ")
    waiting: NDArray[np.float32] | None = None
    for block in blocks:
        if not np.isfinite(block).all():
            raise DataError(f"{path.name}: holds values that are not numbers")
        if waiting is not None:
            yield _to_int16(waiting if source == sample_rate else resample.resample_chunk(waiting))
        waiting = block
    if waiting is None:
        raise DataError(f"{path.name}: holds no samples")
    yield _to_int16(waiting if source == sample_rate else resample.resample_chunk(waiting, last=True))


def probe(path: Path) -> float:
    """Length of a clip in seconds as its header tells, without decoding it unless by ffmpeg.

    Raises DataError like `read_blocks`.
    """
    _check(path)
    if path.suffix.lower() in NEEDS_FFMPEG:
        source, blocks = _open(path)
        return sum(map(len, blocks)) / source
    with _sound_file(path) as sound:
        return float(sound.frames / sound.samplerate)


def _check(path: Path) -> None:
    """Raise DataError for a file that is empty, cannot be opened or was cut short."""
    try:
        size = path.stat().st_size
        if size == 0:
            raise DataError(f"{path.name}: the file is empty")
        with path.open("rb") as stream:
            lacking = _lacking(stream, size)
    except OSError as error:
        raise DataError(f"{path.name}: cannot be opened", why=error.strerror or "") from None
    if lacking:
        hint = f"Fetch it again, or keep what is there: ffmpeg -i {path.name} -c copy MENDED{path.suffix}"
        raise DataError(f"{path.name}: cut short, {lacking} is missing", hint=hint)


def _lacking(stream: BinaryIO, size: int) -> str:
    if missing := missing_part(stream, size):
        return f"{missing:.0%} of the sound that its header promises"
    stream.seek(0)
    return "the last page of its stream" if lacks_last_page(stream, size) else ""


def _open(path: Path, longest: float = math.inf) -> tuple[int, Iterator[NDArray[np.float32]]]:
    """Sample rate and mono float32 blocks in −1…1, of at most `longest` seconds in all."""
    _check(path)
    if path.suffix.lower() in NEEDS_FFMPEG:
        rate, blocks = _through_ffmpeg(path, longest)
    else:
        with _sound_file(path) as sound:
            rate = int(sound.samplerate)
            if sound.frames < UNKNOWN_FRAMES:
                _check_length(path, sound.frames / rate, longest)
        blocks = _blocks(path, rate * BLOCK_SECONDS)
    return rate, _limited(path, blocks, rate, longest)


def _limited(
    path: Path, blocks: Iterator[NDArray[np.float32]], rate: int, longest: float
) -> Iterator[NDArray[np.float32]]:
    """The blocks, as long as they keep to `longest` seconds, whatever the header promised."""
    read = 0
    for block in blocks:
        read += len(block)
        _check_length(path, read / rate, longest)
        yield block


def _check_length(path: Path, seconds: float, longest: float) -> None:
    if seconds > longest:
        raise DataError(
            f"{path.name}: lasts {math.ceil(seconds):,} s or more, and a clip at most {longest:,} s",
            hint="Cut it into shorter clips.",
        )


def _sound_file(path: Path) -> Any:
    import soundfile

    try:
        sound = soundfile.SoundFile(os.fsencode(path))  # a name need not be UTF-8
    except (soundfile.LibsndfileError, TypeError, OSError) as error:  # TypeError: a raw format without parameters
        raise DataError(f"{path.name}: not audio that can be read", why=_reason(error)) from None
    if sound.samplerate not in SAMPLE_RATES:
        sound.close()
        raise DataError(f"{path.name}: {sound.samplerate} Hz is not a usable sample rate")
    return sound


def _blocks(path: Path, size: int) -> Iterator[NDArray[np.float32]]:
    import soundfile

    read = 0
    with _sound_file(path) as sound:
        try:
            while len(block := sound.read(size, dtype="float32", always_2d=True)):
                read += len(block)
                yield block[:, 0] if block.shape[1] == 1 else block.mean(axis=1, dtype=np.float32)
        except soundfile.LibsndfileError as error:
            raise DataError(f"{path.name}: damaged after {read / sound.samplerate:.1f} s", why=_reason(error)) from None
        if read < sound.frames:
            raise DataError(f"{path.name}: cut short, {1 - read / sound.frames:.0%} of the promised sound is missing")


def _through_ffmpeg(path: Path, longest: float) -> tuple[int, Iterator[NDArray[np.float32]]]:
    if not shutil.which("ffmpeg") or not shutil.which("ffprobe"):
        raise DataError(f"{path.name}: {path.suffix} needs ffmpeg, which is not installed", hint="apt install ffmpeg")
    offset, beginnings = NEEDS_FFMPEG[path.suffix.lower()]
    with path.open("rb") as stream:
        if not stream.read(16)[offset:].startswith(beginnings):
            raise DataError(f"{path.name}: not audio that can be read")
    from pydub import AudioSegment
    from pydub.exceptions import CouldntDecodeError

    if longest < math.inf:
        _check_length(path, _seconds_by_ffprobe(path), longest)
    try:
        segment = AudioSegment.from_file(path)
    except (CouldntDecodeError, IndexError, KeyError) as error:  # the latter two: no audio stream inside
        raise DataError(f"{path.name}: not audio that ffmpeg can read", why=str(error).split("\n")[0]) from None
    samples = np.asarray(segment.get_array_of_samples(), dtype=np.float32).reshape(-1, segment.channels)
    scaled = samples.mean(axis=1, dtype=np.float32) / np.float32(1 << (8 * segment.sample_width - 1))
    return segment.frame_rate, iter([scaled] if len(scaled) else [])


def _seconds_by_ffprobe(path: Path) -> float:
    """Length of a clip as its container tells; 0 where it does not. A raw .aac has none, ffprobe only guesses."""
    from pydub.utils import mediainfo_json

    if path.suffix.lower() == ".aac":
        return 0.0
    try:
        return float(mediainfo_json(path)["format"]["duration"])
    except (IndexError, KeyError, TypeError, ValueError):
        return 0.0


def _reason(error: Exception) -> str:
    return getattr(error, "error_string", str(error)).rstrip(".")


def _to_int16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    scaled: NDArray[np.float32] = np.rint(samples * np.float32(32768))
    return np.clip(scaled, -32768, 32767, out=scaled).astype(np.int16)
