"""Open one stream of a file with the decoder that reads it: libsndfile, miniaudio (other bits of FLAC) or ffmpeg."""

from __future__ import annotations

import hashlib
import io
import math
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ei_toolkit.audio import ffmpeg
from ei_toolkit.audio.decoder_notes import with_notes
from ei_toolkit.audio.stream import TOLERATED_LOSS_S, Coding, PartsFile, Stream
from ei_toolkit.audio.values import Floats
from ei_toolkit.errors import DataError

BLOCK_SECONDS = 2  # small enough for the processor's cache; large blocks cost more in page faults than in work
UNKNOWN_FRAMES = (1 << 63) - 1  # what libsndfile gives for a stream whose header gives no length
SAMPLE_RATES = range(1_000, 800_001)  # a header with another one is damaged
FLOAT_SUBTYPES = ("FLOAT", "DOUBLE")
UNSUPPORTED = (4, 18)  # libsndfile's errors "unsupported encoding" and "unimplemented format"
EXACT_BITS = 24  # of a sample that float32 holds
BUFFER = 1 << 16

Warn = Callable[[str], None]


@dataclass
class Source:
    """An opened stream: `frames` of its header (None if unknown), blocks of shape (n, channels) in −1…1.

    `floats` states that the file holds floating-point numbers, whose range may be another one.
    """

    rate: int
    frames: int | None
    blocks: Iterator[Floats]
    floats: bool = False


def opened(path: Path, stream: Stream, longest: float, warn: Warn) -> AbstractContextManager[Source]:
    """Open one stream of a file. Raises DataError where it cannot be read, or is longer than `longest` seconds."""
    if stream.decoder == "ffmpeg":
        return _through_ffmpeg(path, stream, warn)
    if stream.decoder == "acquisition":
        return _from_acquisition(path, longest)
    if stream.decoder == "miniaudio":
        return _through_miniaudio(path, stream, longest, warn)
    return _through_soundfile(path, stream, longest, warn)


def check_length(path: Path, seconds: float, longest: float) -> None:
    """Raise DataError for a clip longer than `longest` seconds."""
    if seconds > longest:
        raise DataError(
            f"{path.name}: lasts {math.ceil(seconds):,} s or more, and a clip at most {longest:,} s",
            hint="Cut it into shorter clips.",
        )


class _UnsupportedError(Exception):
    """libsndfile knows the container and not the coding within."""


@contextmanager
def _through_soundfile(path: Path, stream: Stream, longest: float, warn: Warn) -> Iterator[Source]:
    noisy = stream.decoder == "mpg123"
    with ExitStack() as stack:
        file: Any = os.fsencode(path)
        if stream.parts:
            raw = stack.enter_context(path.open("rb"))
            file = io.BufferedReader(PartsFile(raw, stream.parts), BUFFER)
        try:
            sound = with_notes(lambda: _sound_file(path, file), []) if noisy else _sound_file(path, file)
        except _UnsupportedError:
            coding = f"this coding of {path.suffix.removeprefix('.') or 'sound'}"
            yield stack.enter_context(_through_ffmpeg(path, replace(stream, format=coding), warn))
            return
        with sound:
            frames = sound.frames if sound.frames < UNKNOWN_FRAMES else stream.frames
            check_length(path, (frames or 0) / sound.samplerate, longest)
            _check_whole(path, sound.frames / sound.samplerate, stream.missing, warn)
            blocks = _blocks(path, sound, frames, noisy, warn)
            promised = 0 if sound.frames == UNKNOWN_FRAMES else sound.frames
            checked = _checked(path, blocks, sound.samplerate, promised, stream.coding, warn)
            yield Source(sound.samplerate, frames, checked, sound.subtype in FLOAT_SUBTYPES)


def _check_whole(path: Path, seconds: float, missing: float, warn: Warn) -> None:
    """Report the part of the promised sound that is `missing` behind the `seconds` that are there."""
    lost = seconds * missing / (1 - missing) if missing < 1 else math.inf
    if lost > TOLERATED_LOSS_S:
        raise _cut_short(path, lost)
    if lost > 0:
        warn(f"{path.name}: cut short, {lost * 1000:.2g} ms of sound are missing; read without them")


def _cut_short(path: Path, lost: float) -> DataError:
    what = f"{lost:.2f} s of sound are missing" if math.isfinite(lost) else "all of the sound is missing"
    hint = f"Fetch it again, or keep what is there: ffmpeg -i {path.name} -c copy FIXED{path.suffix}"
    return DataError(f"{path.name}: cut short, {what}", hint=hint)


@cache
def _forward_only() -> Any:
    """A SoundFile that reads forward only: after each block, the usual one would seek to where it is.

    That disturbs MP3 decoders.
    """
    import soundfile

    class Forward(soundfile.SoundFile):  # type: ignore[misc]
        def seekable(self) -> bool:
            return False

    return Forward


def _sound_file(path: Path, file: Any) -> Any:
    import soundfile

    try:
        sound = _forward_only()(file)
    except (soundfile.LibsndfileError, TypeError, OSError) as error:  # TypeError: a raw format without parameters
        if getattr(error, "code", 0) in UNSUPPORTED:
            raise _UnsupportedError from None
        hint = f"If it is sound, ffmpeg may convert it: ffmpeg -i {path.name} CONVERTED.wav"
        raise DataError(f"{path.name}: not audio that can be read", why=_reason(error), hint=hint) from None
    if sound.samplerate not in SAMPLE_RATES:
        sound.close()
        raise DataError(f"{path.name}: {sound.samplerate} Hz is not a usable sample rate")
    return sound


def _blocks(path: Path, sound: Any, frames: int | None, noisy: bool, warn: Warn) -> Iterator[Floats]:
    """The blocks of a file, never more than `frames`: behind the sound may be what disturbs the decoder."""
    import soundfile

    read, rate = 0, sound.samplerate
    errors: list[str] = []

    def block() -> Floats:
        wanted = _block(rate) if frames is None else min(_block(rate), frames - read)
        found: Floats = sound.read(wanted, dtype="float32", always_2d=True)
        return found

    try:
        while len(samples := with_notes(block, errors) if noisy else block()):
            if errors:
                warn(f"{path.name}: damaged sound after {read / rate:.1f} s ({len(errors)} times: {errors[0]})")
                errors.clear()
            read += len(samples)
            yield samples
    except soundfile.LibsndfileError as error:
        raise DataError(f"{path.name}: damaged after {read / rate:.1f} s", why=_reason(error)) from None


def _block(rate: int) -> int:
    """Samples of one channel in a block."""
    return max(1, round(rate * BLOCK_SECONDS))


def _checked(
    path: Path, blocks: Iterator[Floats], rate: int, promised: int, coding: Coding | None, warn: Warn
) -> Iterator[Floats]:
    """The blocks, whose number of samples is at least `promised`, and whose checksum is that of their coding."""
    md5 = coding.md5 if coding and coding.bits <= EXACT_BITS else b""
    digest = hashlib.md5(usedforsecurity=False) if md5 else None
    read = 0
    for block in blocks:
        read += len(block)
        if digest and coding:
            digest.update(_coded(block, coding.bits))
        yield block
    if (lost := (promised - read) / rate) > TOLERATED_LOSS_S:
        raise _cut_short(path, lost)
    if digest and digest.digest() != md5:
        warn(f"{path.name}: the samples do not have the checksum (MD5) that the header gives")


def _coded(block: Floats, bits: int) -> bytes:
    """The samples as integers of the least number of bytes, little-endian: what the checksum of FLAC is made of."""
    whole = block * np.float32(1 << bits - 1)  # exact: float32 holds EXACT_BITS
    if bits <= 16:
        return whole.astype("<i1" if bits <= 8 else "<i2").tobytes()
    return whole.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


@contextmanager
def _through_miniaudio(path: Path, stream: Stream, longest: float, warn: Warn) -> Iterator[Source]:
    import miniaudio

    assert stream.coding is not None
    coding = stream.coding
    if coding.rate not in SAMPLE_RATES:
        raise DataError(f"{path.name}: {coding.rate} Hz is not a usable sample rate")
    check_length(path, (stream.frames or 0) / coding.rate, longest)
    with path.open("rb") as raw, io.BufferedReader(PartsFile(raw, stream.parts), BUFFER) as file:

        class Bytes(miniaudio.StreamableSource):  # type: ignore[misc]
            def read(self, num_bytes: int) -> bytes:
                return file.read(num_bytes)

            def seek(self, offset: int, origin: Any) -> bool:
                file.seek(offset, io.SEEK_SET if origin == miniaudio.SeekOrigin.START else io.SEEK_CUR)
                return True

        blocks = _miniaudio_blocks(path, Bytes(), coding)
        yield Source(coding.rate, stream.frames, _checked(path, blocks, coding.rate, stream.frames or 0, coding, warn))


def _miniaudio_blocks(path: Path, source: Any, coding: Coding) -> Iterator[Floats]:
    import miniaudio

    try:
        for samples in miniaudio.stream_any(
            source, miniaudio.FileFormat.FLAC, miniaudio.SampleFormat.FLOAT32, coding.channels, coding.rate,
            frames_to_read=_block(coding.rate),
        ):  # fmt: skip
            yield np.frombuffer(samples, np.float32).reshape(-1, coding.channels)
    except miniaudio.DecodeError as error:
        raise DataError(f"{path.name}: not audio that can be read", why=str(error)) from None


@contextmanager
def _through_ffmpeg(path: Path, stream: Stream, warn: Warn) -> Iterator[Source]:
    with ffmpeg.decoded(path, stream.format, BLOCK_SECONDS) as found:
        yield Source(found.rate, None, _ffmpeg_blocks(path, found, stream.missing, warn))


def _ffmpeg_blocks(path: Path, found: ffmpeg.Decoded, missing: float, warn: Warn) -> Iterator[Floats]:
    read = 0
    for block in found.blocks:
        read += len(block)
        yield block
    if found.exit_code:
        why = found.errors[0] if found.errors else f"ffmpeg ended with the exit code {found.exit_code}"
        raise DataError(f"{path.name}: damaged after {read / found.rate:.1f} s", why=why)
    _check_whole(path, read / found.rate, missing, warn)
    if (lost := found.promised_s - read / found.rate) > ffmpeg.PROMISE_S:
        raise _cut_short(path, lost)
    if found.errors:
        more = f" and {len(found.errors) - 1} more" if len(found.errors) > 1 else ""
        warn(f"{path.name}: ffmpeg reports: {found.errors[0]}{more}")


def _reason(error: Exception) -> str:
    return getattr(error, "error_string", str(error)).rstrip(".")


@contextmanager
def _from_acquisition(path: Path, longest: float) -> Iterator[Source]:
    from ei_toolkit.audio.acquisition import sound_of  # here: it imports cbor2, which few clips need

    rate, samples = sound_of(path)
    if rate not in SAMPLE_RATES:
        raise DataError(f"{path.name}: {rate} Hz is not a usable sample rate")
    check_length(path, len(samples) / rate, longest)
    block = BLOCK_SECONDS * rate
    yield Source(rate, len(samples), (samples[start : start + block] for start in range(0, len(samples), block)))
