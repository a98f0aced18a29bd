"""From a file of almost any kind to mono int16 at one sample rate, in blocks, so that length costs no memory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.audio.headers import missing_part
from ei_toolkit.errors import DataError

BLOCK_SECONDS = 2  # small enough for the processor's cache; large blocks cost more in page faults than in work
SAMPLE_RATES = range(1_000, 800_001)  # outside of it a header is damaged or hostile
NEEDS_FFMPEG = {  # offset and beginnings of what is handed to ffmpeg; it would also follow a playlist by any name
    ".m4a": (4, (b"ftyp",)),
    ".mp4": (4, (b"ftyp",)),
    ".aac": (0, (b"\xff\xf1", b"\xff\xf9", b"ID3")),
    ".wma": (0, (b"\x30\x26\xb2\x75",)),
}


def read_clip(path: Path, sample_rate: int) -> NDArray[np.int16]:
    """A whole clip as int16 samples, shape (n,), at `sample_rate` Hz.

    Channels are averaged, the rate is changed by soxr (HQ), values outside 16 bits are clipped.
    Raises DataError with a short reason: empty, not audio, cut short, no samples, values that are not numbers.
    """
    return np.concatenate([np.empty(0, np.int16), *read_blocks(path, sample_rate)])


def read_blocks(path: Path, sample_rate: int) -> Iterator[NDArray[np.int16]]:
    """The same samples as `read_clip`, block by block. Raises what `read_clip` raises, at the latest at the end."""
    import soxr

    source, blocks = _open(path)
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
    """Length of a clip in seconds as its header tells, without decoding it. Raises DataError like `read_clip`."""
    _check(path)
    if path.suffix.lower() in NEEDS_FFMPEG:
        source, blocks = _open(path)
        return sum(map(len, blocks)) / source
    with _sound_file(path) as sound:
        return float(sound.frames / sound.samplerate)


def _check(path: Path) -> None:
    try:
        size = path.stat().st_size
        if size == 0:
            raise DataError(f"{path.name}: the file is empty")
        with path.open("rb") as stream:
            missing = missing_part(stream, size)
    except OSError as error:
        raise DataError(f"{path.name}: cannot be opened", why=error.strerror or "") from None
    if missing:
        raise DataError(f"{path.name}: cut short, {missing:.0%} of the sound that its header promises is missing")


def _open(path: Path) -> tuple[int, Iterator[NDArray[np.float32]]]:
    """Sample rate and mono float32 blocks in −1…1."""
    _check(path)
    if path.suffix.lower() in NEEDS_FFMPEG:
        return _through_ffmpeg(path)
    with _sound_file(path) as sound:
        rate = int(sound.samplerate)
    return rate, _blocks(path, rate * BLOCK_SECONDS)


def _sound_file(path: Path) -> Any:
    import soundfile

    try:
        sound = soundfile.SoundFile(path)
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


def _through_ffmpeg(path: Path) -> tuple[int, Iterator[NDArray[np.float32]]]:
    if not shutil.which("ffmpeg") or not shutil.which("ffprobe"):
        raise DataError(f"{path.name}: {path.suffix} needs ffmpeg, which is not installed", hint="apt install ffmpeg")
    offset, beginnings = NEEDS_FFMPEG[path.suffix.lower()]
    with path.open("rb") as stream:
        if not stream.read(16)[offset:].startswith(beginnings):
            raise DataError(f"{path.name}: not audio that can be read")
    from pydub import AudioSegment
    from pydub.exceptions import CouldntDecodeError

    try:
        segment = AudioSegment.from_file(path)
    except (CouldntDecodeError, IndexError, KeyError) as error:  # the latter two: no audio stream inside
        raise DataError(f"{path.name}: not audio that ffmpeg can read", why=str(error).split("\n")[0]) from None
    samples = np.asarray(segment.get_array_of_samples(), dtype=np.float32).reshape(-1, segment.channels)
    scaled = samples.mean(axis=1, dtype=np.float32) / np.float32(1 << (8 * segment.sample_width - 1))
    return segment.frame_rate, iter([scaled] if len(scaled) else [])


def _reason(error: Exception) -> str:
    return getattr(error, "error_string", str(error)).rstrip(".")


def _to_int16(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    scaled: NDArray[np.float32] = np.rint(samples * np.float32(32768))
    return np.clip(scaled, -32768, 32767, out=scaled).astype(np.int16)
