"""An Ogg file is whole if its last page has the flag of a last page."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from ei_toolkit.audio.ogg import examine_ogg


@pytest.fixture(scope="module", params=["VORBIS", "OPUS"])
def whole(request: pytest.FixtureRequest) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(1).normal(0, 0.1, 64_000)
    soundfile.write(file, noise, 16_000, request.param, format="OGG")
    return file.getvalue()


def torn(data: bytes) -> bool:
    examined = examine_ogg(data)
    return examined is None or bool(examined.damage)


def test_a_whole_file_is_not_torn(whole: bytes) -> None:
    assert not torn(whole)
    assert not torn(whole + whole)  # a chain of two streams is a legal file


@pytest.mark.parametrize("part", [0.02, 0.3, 0.5, 0.9, 0.999])
def test_a_part_is_torn(whole: bytes, part: float) -> None:
    assert torn(whole[: int(part * len(whole))])


def test_a_file_that_ends_after_a_page_or_within_the_head_of_one_is_torn(whole: bytes) -> None:
    last = whole.rindex(b"OggS")
    for cut in (last, last + 3, last + 4, last + 20, last + 28, len(whole) - 1):
        assert torn(whole[:cut])


@pytest.mark.parametrize("trail", [b"\0", b"TAG" + bytes(125), b"OggS", bytes(5000), bytes(70_000), b"x" * 100])
def test_what_follows_the_last_page_does_not_matter(whole: bytes, trail: bytes) -> None:
    assert not torn(whole + trail)


@pytest.mark.parametrize("data", [b"", b"Og", b"RIFF" + bytes(100), b"OggS", b"OggS" + b"\xff" * 100])
def test_what_has_no_whole_page_is_not_ogg(data: bytes) -> None:
    assert examine_ogg(data) is None
