"""Apple Lossless in CAF has no checksums: damage to the beginning of a packet is found, damage within one is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from audio_files import by_ffmpeg, noise, written

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.errors import DataError

RATE = 44_100


@pytest.fixture(scope="module", params=["ALAC_16", "ALAC_24"])
def alac(request: pytest.FixtureRequest) -> bytes:
    return written(noise(3, RATE, 2), RATE, format="CAF", subtype=request.param)


def problem(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(DataError) as caught:
        read_clip(path, RATE)
    return str(caught.value)


def test_a_whole_file_is_read_as_ffmpeg_reads_it(tmp_path: Path, alac: bytes) -> None:
    (tmp_path / "a.caf").write_bytes(alac)
    warnings: list[str] = []
    got = read_clip(tmp_path / "a.caf", RATE, warn=warnings.append)
    assert warnings == []
    assert np.abs(got - by_ffmpeg(tmp_path / "a.caf")[: len(got)]).max() <= 1


@pytest.mark.parametrize("content", ["random", "zeros"])
def test_damage_of_more_than_a_packet_is_found_with_its_time(tmp_path: Path, alac: bytes, content: str) -> None:
    middle, length = len(alac) // 2, 45_000
    put = bytes(length) if content == "zeros" else np.random.default_rng(1).bytes(length)
    message = problem(tmp_path / "a.caf", alac[:middle] + put + alac[middle + length :])
    assert message.startswith("a.caf: damaged at 1.")


@pytest.mark.parametrize("cut", [1, 5000])
def test_bytes_that_are_missing_in_the_middle_move_all_later_packets(tmp_path: Path, alac: bytes, cut: int) -> None:
    middle = len(alac) // 2
    assert "of sound are missing" in problem(tmp_path / "a.caf", alac[:middle] + alac[middle + cut :])


def test_a_file_that_ends_early_is_cut_short(tmp_path: Path, alac: bytes) -> None:
    assert "cut short" in problem(tmp_path / "a.caf", alac[: len(alac) // 2])


def test_other_codings_in_caf_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.caf").write_bytes(written(noise(1, RATE), RATE, format="CAF", subtype="PCM_24"))
    assert len(read_clip(tmp_path / "a.caf", RATE)) == RATE
