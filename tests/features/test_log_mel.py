"""Log-mel spectra: the published files and NPZ, chunks of them, and what is refused."""

from __future__ import annotations

import lzma
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.fft import dct

from ei_toolkit.errors import DataError
from ei_toolkit.features.log_mel import Chunks, LogMel, chunk_features, cosine_transform, read_log_mel

NAMES = ("rock.00000", "pop.00001")


def spectra(bands: int = 128, frames: int = 40) -> LogMel:
    levels = np.random.default_rng(0).integers(0, 256, (2, bands, frames), dtype=np.uint8)
    return LogMel(NAMES, ("rock", "pop"), ("", ""), 100.0, levels, np.array([80.0, 40.0]))


def write_npz(file: Path, **changes: Any) -> Path:
    one = spectra()
    arrays = {
        "filename": one.names, "label": one.labels, "frame_ms": one.frame_ms, "levels": one.levels,
        "range_db": one.range_db,
    }  # fmt: skip
    np.savez(file, **{name: value for name, value in (arrays | changes).items() if value is not None})
    return file


def test_a_value_is_the_level_below_the_loudest_one() -> None:
    one = replace(spectra(), levels=np.array([[[0, 255]], [[0, 255]]], np.uint8))
    np.testing.assert_allclose(one.values(0)[:, 0], [0.5 / 256, 255.5 / 256], atol=1e-6)
    np.testing.assert_allclose(one.values(1)[:, 0], [0.5 + 0.25 / 256, 1 - 0.25 / 256], atol=1e-6)


def test_the_published_files_are_read(tmp_path: Path) -> None:
    np.save(tmp_path / "logmel_u8.npy", spectra().levels)
    (tmp_path / "logmel_tracks.txt").write_text("rock.00000\npop.00001\n")
    (tmp_path / "logmel_scale.csv").write_text("track,range_dB\npop.00001,40.0\nrock.00000,80.0\n")
    plain = read_log_mel(tmp_path)
    (tmp_path / "logmel_u8.npy.xz").write_bytes(lzma.compress((tmp_path / "logmel_u8.npy").read_bytes()))
    (tmp_path / "logmel_u8.npy").unlink()
    packed = read_log_mel(tmp_path)
    for found in (plain, packed):
        assert (found.names, found.labels, found.frame_ms) == (NAMES, ("rock", "pop"), 77.5)
        assert found.range_db.tolist() == [80.0, 40.0]
        np.testing.assert_array_equal(found.levels, spectra().levels)


def test_an_npz_may_give_groups(tmp_path: Path) -> None:
    assert read_log_mel(write_npz(tmp_path / "a.npz")).groups == ("", "")
    assert read_log_mel(write_npz(tmp_path / "b.npz", group=("queen", "abba"))).groups == ("queen", "abba")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"levels": np.zeros((2, 128, 4))}, "levels are float64 (2, 128, 4), and uint8 (clips, bands, frames)"),
        ({"filename": ("rock.00000",)}, "1 names, 2 labels and 2 spectra do not fit together"),
        ({"range_db": np.array([80.0, np.nan])}, "range_db or frame_ms is not a positive number"),
        ({"label": None}, "label is not a file in the archive"),
    ],
)
def test_damaged_files_are_refused_with_the_reason(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    file = write_npz(tmp_path / "s.npz", **changes)
    with pytest.raises(DataError, match=re.escape(f"{file} has no log-mel spectra")) as caught:
        read_log_mel(file)
    assert why in caught.value.why


@pytest.mark.parametrize(
    ("content", "why"), [(b"filename,label\n", "it is not an .npz archive"), (None, "No such file or directory")]
)
def test_a_file_that_is_no_archive_is_refused_with_the_reason(tmp_path: Path, content: bytes | None, why: str) -> None:
    file = tmp_path / "features.csv"
    if content:
        file.write_bytes(content)
    with pytest.raises(DataError, match=re.escape(f"{file} has no log-mel spectra")) as caught:
        read_log_mel(file)
    assert why in caught.value.why


def test_chunks_are_consecutive_around_the_middle() -> None:
    features, clips = chunk_features(spectra(), Chunks(1000, 500, count=3))
    assert (features.shape, clips.tolist()) == ((6, 10 * 128), [0, 0, 0, 1, 1, 1])
    whole = spectra().values(0)
    np.testing.assert_array_equal(features[1].reshape(10, 128), whole[15:25])
    np.testing.assert_array_equal(features[2].reshape(10, 128), whole[20:30])


def test_without_a_length_a_chunk_is_the_whole_clip_and_there_is_one() -> None:
    features, clips = chunk_features(spectra(), Chunks(count=5))
    assert (features.shape, clips.tolist()) == ((2, 40 * 128), [0, 1])


def test_the_count_is_at_most_what_fits() -> None:
    assert len(chunk_features(spectra(), Chunks(1000, 1000, count=99))[0]) == 2 * 4


def test_bands_are_averaged_in_power_and_cepstral_coefficients_are_those_of_scipy() -> None:
    whole = spectra().values(0)
    averaged = chunk_features(spectra(), Chunks(bands=64))[0][0].reshape(40, 64)
    power = (10 ** (8 * whole)).reshape(40, 64, 2).mean(axis=2)
    np.testing.assert_allclose(averaged, np.log10(power) / 8, atol=1e-5)
    cepstrum = chunk_features(spectra(), Chunks(cepstral=13))[0][0].reshape(40, 13)
    np.testing.assert_allclose(cepstrum, dct(whole, axis=1, norm="ortho")[:, :13], atol=1e-4)
    transform = cosine_transform(64, 64)
    np.testing.assert_allclose(transform.T @ transform, np.eye(64), atol=1e-5)


@pytest.mark.parametrize(
    ("chunks", "what"),
    [
        (Chunks(5000), "a chunk of 5000 ms is longer than the clips, which have 4000 ms"),
        (Chunks(bands=48), "128 mel bands cannot be averaged to 48"),
    ],
)
def test_chunks_that_the_clips_do_not_have_are_refused(chunks: Chunks, what: str) -> None:
    with pytest.raises(DataError) as caught:
        chunk_features(spectra(), chunks)
    assert caught.value.what == what


@pytest.mark.gtzan
@pytest.mark.exhaustive
def test_the_published_spectra_of_gtzan_are_read(gtzan: Path) -> None:
    found = read_log_mel(gtzan / "ten-genres")
    assert found.levels.shape == (999, 128, 387)
    assert "jazz.00054" not in found.names
    assert found.values(0).shape == (387, 128)
