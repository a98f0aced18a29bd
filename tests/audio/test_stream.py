"""A file made of parts is read like the joined parts, wherever one reads it."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest

from ei_toolkit.audio.stream import ByteRange, Damage, Part, PartsFile, joined

SOURCE = np.random.default_rng(0).bytes(5000)
PARTS: tuple[Part, ...] = (b"head", ByteRange(100, 50), b"", ByteRange(3000, 1500), b"tail" * 10, ByteRange(0, 7))
WHOLE = b"head" + SOURCE[100:150] + SOURCE[3000:4500] + b"tail" * 10 + SOURCE[:7]


@pytest.fixture
def file() -> PartsFile:
    return PartsFile(io.BytesIO(SOURCE), PARTS)


def test_it_is_read_whole(file: PartsFile) -> None:
    assert io.BufferedReader(file).read() == WHOLE


def test_random_pieces_are_those_of_the_joined_parts(file: PartsFile) -> None:
    rng = np.random.default_rng(1)
    for at, count in zip(rng.integers(0, len(WHOLE) + 50, 300), rng.integers(0, 700, 300), strict=True):
        assert file.seek(int(at)) == at
        assert file.read(int(count)) == WHOLE[at : at + count]
        assert file.tell() == at + len(WHOLE[at : at + count])


def test_positions_may_be_relative_and_from_the_end(file: PartsFile) -> None:
    assert file.seek(-7, io.SEEK_END) == len(WHOLE) - 7
    assert file.read(100) == SOURCE[:7]
    assert file.seek(-3, io.SEEK_CUR) == len(WHOLE) - 3
    assert file.seek(-10_000, io.SEEK_CUR) == 0
    assert file.readable()
    assert file.seekable()


def test_a_source_that_ends_early_ends_the_file() -> None:
    file = PartsFile(io.BytesIO(SOURCE), (ByteRange(4990, 50), b"tail"))
    assert file.read(100) == SOURCE[4990:]


def test_ranges_that_touch_are_one() -> None:
    ranges = [ByteRange(0, 10), ByteRange(10, 5), ByteRange(20, 5), ByteRange(25, 1)]
    assert joined(iter(ranges)) == (ByteRange(0, 15), ByteRange(20, 6))


def test_damage_is_described_with_its_time_and_what_is_missing() -> None:
    assert str(Damage(1.5, 0.25, "damaged")) == "damaged at 1.50 s, 0.25 s of sound are missing"
    assert str(Damage(1.5, math.inf, "cut short")) == "cut short at 1.50 s, the rest is missing"
