"""Sound files of many kinds, an independent decoder for them, and damaged copies: for tests/audio and scripts/bench."""

from __future__ import annotations

import io
import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import soundfile
from fastcrc import crc8, crc16
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
MP3_MODES = {"CBR": ("-b:a", "64k"), "VBR": ("-q:a", "4"), "ABR": ("-abr", "1", "-b:a", "64k")}
OTHERS = ("flac", "ogg", "aiff", "w64", "rf64", "caf", "au")
OTHER_SHAPES = ((8_000, 1), (16_000, 2), (24_000, 1), (44_100, 2), (48_000, 1))
FURTHER = (("opus", 48_000, 1), ("opus", 48_000, 2), ("flac", 96_000, 2))  # ffmpeg decodes every Opus at 48 kHz
FLAC_BLOCK = 4096
TOLERANCES = {"opus": 40.0}
"""Largest difference in steps of int16 where a format leaves the decoder some freedom."""


def noise(seconds: float, rate: int, channels: int = 1, seed: int = 0) -> Floats:
    """Noise with a falling spectrum, shape (n, channels), so that lossy coders keep most of it."""
    steps = np.random.default_rng(seed).normal(0, 1, (int(seconds * rate), channels))
    shaped = np.cumsum(steps, axis=0) - np.cumsum(np.pad(steps, ((40, 0), (0, 0)))[: len(steps)], axis=0)
    return 0.5 * shaped / np.abs(shaped).max()


def written(samples: Floats, rate: int, **kind: Any) -> bytes:
    """A file as libsndfile writes it."""
    out = io.BytesIO()
    soundfile.write(out, samples, rate, **kind)
    return out.getvalue()


def by_suffix(suffix: str) -> dict[str, str]:
    """What `written` needs to write a file with a suffix."""
    return {"format": "OGG", "subtype": "OPUS"} if suffix == "opus" else {"format": suffix.upper()}


def encoded(samples: Floats, rate: int, *options: str, suffix: str) -> bytes:
    """A file as ffmpeg writes it."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "f32le", "-ar", str(rate)]
    command += ["-ac", str(samples.shape[1]), "-i", "-", *options, "-f", suffix, "-"]
    return subprocess.run(command, input=samples.astype("<f4").tobytes(), capture_output=True, check=True).stdout


def by_ffmpeg(path: Path) -> Floats:
    """The mean of the channels as ffmpeg decodes a file, in steps of int16; empty where it cannot."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "quiet", "-i", str(path), "-map", "0:a:0", "-c:a", "pcm_f32be"]
    found = subprocess.run([*command, "-f", "au", "-"], capture_output=True, check=False, timeout=60).stdout
    if len(found) < 24:
        return np.empty(0)
    start, channels = int.from_bytes(found[4:8], "big"), int.from_bytes(found[20:24], "big")
    count = (len(found) - start) // (4 * channels) * channels
    values = np.frombuffer(found, ">f4", count, start)
    return values.reshape(-1, channels).mean(axis=1, dtype=np.float64) * 32768


@dataclass(frozen=True)
class Kind:
    """A kind of file: `options` are those of ffmpeg's MP3 encoder, empty for what libsndfile writes."""

    suffix: str
    rate: int
    channels: int
    options: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return "-".join([self.suffix, str(self.rate), str(self.channels), *(one.strip("-") for one in self.options)])

    def write(self, folder: Path, seconds: float, seed: int = 0) -> Path:
        """Write a file of this kind."""
        samples = noise(seconds, self.rate, self.channels, seed)
        path = folder / f"{self}.{self.suffix}"
        if self.options:
            path.write_bytes(encoded(samples, self.rate, *self.options, suffix=self.suffix))
        else:
            path.write_bytes(written(samples, self.rate, **by_suffix(self.suffix)))
        return path


def kinds() -> list[Kind]:
    """200 kinds: MP3 of every mode, rate and channel mode with and without a Xing frame, and the other formats."""
    mp3 = [
        Kind("mp3", rate, channels, (*MP3_MODES[mode], "-joint_stereo", joint, "-write_xing", xing))
        for mode in MP3_MODES
        for rate in MP3_RATES
        for channels, joint in ((1, "0"), (2, "0"), (2, "1"))
        for xing in ("0", "1")
    ]
    shapes = [(suffix, rate, channels) for suffix in OTHERS for rate, channels in OTHER_SHAPES]
    return mp3 + [Kind(*shape) for shape in (*shapes, *FURTHER)]


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """The content of a file with one to three random changes."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        if not out:
            break
        _change(out, rng)
    return bytes(out)


def _change(data: bytearray, rng: np.random.Generator) -> None:
    at, length = int(rng.integers(len(data))), int(rng.integers(1, 5000))
    kind = int(rng.integers(9))
    if kind == 0:
        data[at] ^= 1 << int(rng.integers(8))
    elif kind == 1:  # a byte of the header
        data[at % 100 % len(data)] = int(rng.integers(256))
    elif kind == 2:  # four bytes of the header, as a size or a rate
        at = at % 100
        data[at : at + 4] = rng.choice([0, 0xFF, 0x7F, 0x80], 4).astype(np.uint8).tobytes()[: len(data[at : at + 4])]
    elif kind == 3:
        data[at : at + length] = rng.bytes(len(data[at : at + length]))
    elif kind == 4:
        data[at : at + length] = bytes(len(data[at : at + length]))
    elif kind == 5:
        del data[at : at + length]
    elif kind == 6:
        data[at:at] = rng.bytes(length)
    elif kind == 7:
        del data[at:]
    else:
        data[at:at] = data[at : at + length]


BLOCK_S = 0.01


def recovered(original: Floats, found: Floats, rate: int, *shifts: int) -> float:
    """Seconds of the original that a decoder's output holds, shifted by nothing, to the same end, or by `shifts`."""
    block = int(BLOCK_S * rate)
    count = len(original) // block
    reference = original[: count * block].reshape(count, block)
    limit = 0.1 * np.sqrt(np.mean(np.square(original))) + 1
    same = np.zeros(count, bool)
    for shift in (0, len(original) - len(found), *shifts):
        moved = np.full(len(original), np.nan)
        source, target = max(0, -shift), max(0, shift)
        length = max(0, min(len(found) - source, len(original) - target))
        moved[target : target + length] = found[source : source + length]
        difference = np.sqrt(np.mean(np.square(moved[: count * block].reshape(count, block) - reference), axis=1))
        same |= difference < limit
    return float(same.sum()) * BLOCK_S


def best_shift(original: Floats, found: Floats) -> int:
    """The shift of `found` at which it correlates most with the original."""
    size = 1 << (len(original) + len(found)).bit_length()
    if not len(found) or not np.isfinite(found).all():
        return 0
    correlation = np.fft.irfft(np.fft.rfft(original, size) * np.conj(np.fft.rfft(found, size)), size)
    shift = int(correlation.argmax())
    return shift if shift < len(original) else shift - size


def flac(samples: NDArray[np.int64], bits: int, rate: int, *, md5: bytes = bytes(16)) -> bytes:
    """FLAC without compression (verbatim subframes), for numbers of bits that no encoder at hand writes."""
    count, channels = samples.shape
    packed = rate << 44 | (channels - 1) << 41 | (bits - 1) << 36 | count
    info = struct.pack(">HH", FLAC_BLOCK, FLAC_BLOCK) + bytes(6) + packed.to_bytes(8, "big") + md5
    starts = range(0, count, FLAC_BLOCK)
    frames = [_flac_frame(samples[at : at + FLAC_BLOCK], bits, number) for number, at in enumerate(starts)]
    return b"fLaC" + bytes([0x80, 0, 0, len(info)]) + info + b"".join(frames)


def _flac_frame(samples: NDArray[np.int64], bits: int, number: int) -> bytes:
    count, channels = samples.shape
    head = bytes([0xFF, 0xF8, 0x70, (channels - 1) << 4, number]) + struct.pack(">H", count - 1)
    head += bytes([crc8.smbus(head)])
    verbatim = [0, 0, 0, 0, 0, 0, 1, 0]
    shifts = np.arange(bits - 1, -1, -1)
    subframes = [np.append(verbatim, (samples[:, one, None] >> shifts & 1).ravel()) for one in range(channels)]
    frame = head + np.packbits(np.concatenate(subframes).astype(np.uint8)).tobytes()
    return frame + struct.pack(">H", crc16.umts(frame))


class CountedBytes(bytes):
    """Bytes that count how many of them are read by slices."""

    read = 0

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        self.read += len(found) if isinstance(key, slice) else 1
        return found
