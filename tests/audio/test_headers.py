"""Detect a file that was cut short from one whose header leaves its length open."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ei_toolkit.audio.decode import probe
from ei_toolkit.audio.headers import missing_part, unpromised_bytes
from ei_toolkit.errors import DataError

KINDS = [("WAV", "LITTLE"), ("WAV", "BIG"), ("WAVEX", "FILE"), ("RF64", "FILE"), ("W64", "FILE"), ("AU", "BIG"),
         ("AU", "LITTLE"), ("AIFF", "BIG"), ("AIFF", "LITTLE"), ("CAF", "FILE"), ("SVX", "FILE")]  # fmt: skip
W64_DATA = bytes.fromhex("64617461f3acd3118cd100c04f8edb8a")


def written(kind: str, endian: str = "FILE") -> bytes:
    file = io.BytesIO()
    samples = np.random.default_rng(1).integers(-9000, 9000, 20_000).astype(np.int16)
    soundfile.write(file, samples, 16_000, "PCM_16", endian, kind)
    return file.getvalue()


def missing(data: bytes) -> float:
    return missing_part(io.BytesIO(data), len(data))


def with_size(data: bytes, chunk: bytes, size: bytes) -> bytes:
    """The same file with another size in the head of a chunk."""
    at = data.index(chunk) + len(chunk)
    return data[:at] + size + data[at + len(size) :]


@pytest.mark.parametrize(("kind", "endian"), KINDS)
def test_a_whole_file_lacks_nothing_and_a_half_one_half(kind: str, endian: str) -> None:
    data = written(kind, endian)
    assert missing(data) == 0
    assert missing(data + bytes(5000)) == 0
    assert missing(data[:-1]) > 0
    assert missing(data[: len(data) - 20_000]) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("size", [0, 0x7EFFFFF8, 0x7FFFEFFF, 0x7FFFF000, 0xFFFFFFFF])  # SoX writes those between
@pytest.mark.parametrize(("kind", "chunk", "order"), [("WAV", b"data", "<"), ("AIFF", b"SSND", ">")])
def test_a_size_left_open_is_no_promise(kind: str, chunk: bytes, order: str, size: int) -> None:
    assert missing(with_size(written(kind), chunk, struct.pack(order + "I", size))) == 0


@pytest.mark.parametrize("size", [0, 24, (1 << 63) - 1, (1 << 64) - 1])
def test_a_size_of_64_bits_left_open_is_no_promise(size: int) -> None:
    assert missing(with_size(written("W64"), W64_DATA, struct.pack("<Q", size))) == 0
    assert missing(with_size(written("CAF"), b"data", struct.pack(">Q", size))) == 0
    if size != 24:
        assert missing(with_size(written("RF64"), b"ds64", struct.pack("<IQQ", 28, 0, size))) == 0


def test_an_rf64_file_may_give_its_size_in_32_bits() -> None:
    data = with_size(written("RF64"), b"ds64", struct.pack("<IQQ", 28, 0, 0))
    narrow = with_size(data, b"data", struct.pack("<I", 40_000))
    assert missing(narrow) == 0
    assert missing(narrow[:-20_000]) == pytest.approx(0.5, abs=0.01)


def test_an_mp4_file_has_the_length_of_its_data_box() -> None:
    begin = struct.pack(">I4s8s", 16, b"ftyp", b"M4A ") + struct.pack(">I4s8x", 16, b"free")
    narrow = begin + struct.pack(">I4s1000x", 1008, b"mdat")
    wide = begin + struct.pack(">I4sQ1000x", 1, b"mdat", 1016)
    open_ended = begin + struct.pack(">I4s1000x", 0, b"mdat")
    for data in (narrow, wide, open_ended, narrow + bytes(50)):
        assert missing(data) == 0
    assert missing(narrow[:-500]) == missing(wide[:-500]) == 0.5
    assert missing(open_ended[:-500]) == 0


@pytest.mark.parametrize("kind", ["WAV", "RF64", "W64", "AIFF", "CAF", "SVX", "FLAC"])
def test_damaged_headers_are_left_to_the_decoder(kind: str) -> None:
    data, rng = written(kind)[:400], np.random.default_rng(3)
    for _ in range(300):
        damaged = np.frombuffer(data[: rng.integers(1, 400)], np.uint8).copy()
        damaged[rng.integers(0, len(damaged), 4)] = rng.choice([0, 1, 127, 128, 255], 4)
        assert 0 <= missing(damaged.tobytes()) <= 1


@pytest.mark.parametrize("length", range(16))
def test_a_file_that_ends_within_its_header_is_not_read(tmp_path: Path, length: int) -> None:
    file = tmp_path / "short.wav"
    file.write_bytes((b"RIFF" + bytes(4) + b"WAVEfmt ")[: length + 1])
    with pytest.raises(DataError, match=r"short\.wav: not audio that can be read"):
        probe(file)


def test_bytes_behind_the_sound_of_au_are_counted() -> None:
    data = written("AU", "BIG")
    assert unpromised_bytes(io.BytesIO(data), len(data)) == 0
    assert unpromised_bytes(io.BytesIO(data + bytes(5000)), len(data) + 5000) == 5000
    streamed = data[:8] + b"\xff" * 4 + data[12:] + bytes(5000)
    assert unpromised_bytes(io.BytesIO(streamed), len(streamed)) == 0
    wav = written("WAV") + bytes(5000)  # chunks may follow
    assert unpromised_bytes(io.BytesIO(wav), len(wav)) == 0
