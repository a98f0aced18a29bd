"""WAV in its variants: the sound is read where it is, also where the header is wrong about it."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.audio.headers import W64_DATA

RATE = 16_000
SAMPLES = np.random.default_rng(1).integers(-9000, 9000, 2 * RATE).astype(np.int16)
ZERO = "the header gives a length of 0; read to the end of the file"


def written(form: str, endian: str = "FILE", subtype: str = "PCM_16") -> bytes:
    out = io.BytesIO()
    soundfile.write(out, SAMPLES / 32768, RATE, subtype, endian, form)
    return out.getvalue()


def read(path: Path, data: bytes) -> tuple[NDArray[np.int16], list[str]]:
    path.write_bytes(data)
    warnings: list[str] = []
    samples = read_clip(path, RATE, warn=warnings.append)
    return samples, [warning.removeprefix(f"{path.name}: ") for warning in warnings]


def put(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


@pytest.mark.parametrize(("form", "endian"), [("WAV", "FILE"), ("WAV", "BIG"), ("WAVEX", "FILE")])
def test_a_size_that_was_never_written_reaches_to_the_end(tmp_path: Path, form: str, endian: str) -> None:
    data = written(form, endian)
    found, warnings = read(tmp_path / "a.wav", put(data, data.index(b"data") + 4, bytes(4)))
    assert np.array_equal(found, SAMPLES)
    assert warnings == [ZERO]


def test_a_w64_size_that_was_never_written_reaches_to_the_end(tmp_path: Path) -> None:
    data = written("W64")
    found, warnings = read(tmp_path / "a.w64", put(data, data.index(W64_DATA) + 16, struct.pack("<Q", 24)))
    assert np.array_equal(found, SAMPLES)
    assert warnings == [ZERO]


def test_an_rf64_size_that_was_never_written_reaches_to_the_end(tmp_path: Path) -> None:
    data = written("RF64")
    found, _ = read(tmp_path / "a.wav", put(data, data.index(b"ds64") + 16, bytes(8)))
    assert np.array_equal(found, SAMPLES)


@pytest.mark.parametrize("size", [0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF])
def test_a_streamed_wav_has_an_unknown_size_and_no_warning(tmp_path: Path, size: int) -> None:
    data = written("WAV")
    found, warnings = read(tmp_path / "a.wav", put(data, data.index(b"data") + 4, struct.pack("<I", size)))
    assert np.array_equal(found, SAMPLES)
    assert warnings == []


def test_several_data_chunks_are_one_after_the_other_also_with_other_chunks_between(tmp_path: Path) -> None:
    data = written("WAV")
    at = data.index(b"data")
    note = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    found, warnings = read(tmp_path / "a.wav", data + note + data[at:])
    assert np.array_equal(found, np.concatenate([SAMPLES, SAMPLES]))
    assert warnings == ["2 data chunks; read one after the other"]


def test_format_chunks_that_differ_are_warned_of_and_the_first_is_used(tmp_path: Path) -> None:
    data = written("WAV")
    other = bytearray(data[12:36])
    other[12:16] = struct.pack("<I", 8000)
    found, warnings = read(tmp_path / "a.wav", data[:36] + bytes(other) + data[36:])
    assert np.array_equal(found, SAMPLES)
    assert warnings == ["several format chunks that differ; the first is used"]


def test_a_size_of_zero_in_front_of_another_chunk_is_no_sound(tmp_path: Path) -> None:
    data = written("WAV")
    empty = data[:40] + bytes(4)
    whole = empty + b"data" + data[40:]
    found, _ = read(tmp_path / "a.wav", whole)
    assert np.array_equal(found, SAMPLES)


def test_floats_keep_their_format_and_their_fact_chunk(tmp_path: Path) -> None:
    data = written("WAV", subtype="FLOAT")
    found, warnings = read(tmp_path / "a.wav", put(data, data.index(b"data") + 4, bytes(4)))
    assert np.abs(found.astype(int) - SAMPLES).max() <= 1
    assert warnings == [ZERO]


def test_bytes_of_half_a_sample_at_the_end_are_left_out(tmp_path: Path) -> None:
    data = put(written("WAV"), 40, bytes(4))
    found, _ = read(tmp_path / "a.wav", data + b"\x01")
    assert np.array_equal(found, SAMPLES)
