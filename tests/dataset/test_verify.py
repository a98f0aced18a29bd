from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.dataset.index import Track, load_index
from ei_toolkit.dataset.verify import Finding, damage, judge, verify_folder, wanted_tracks
from ei_toolkit.errors import UsageError

SAMPLES = (3000 * np.sin(np.arange(22_050) / 9)).astype(np.int16)
WAV = wav_bytes(SAMPLES, 22_050)


def track(sha256: str) -> Track:
    return Track("rock.00001", "rock", sha256, "", "", "g", "", "")


def sha(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


def encoded(kind: str, samples: np.ndarray = SAMPLES) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, samples, 22_050, "PCM_16", format=kind)
    return out.getvalue()


def test_the_published_file() -> None:
    assert judge(track(sha(WAV)), WAV).status == "ok"


@pytest.mark.parametrize("kind", ["AU", "FLAC", "AIFF", "WAVEX"])
def test_the_same_samples_in_another_format_are_made_into_the_published_file(kind: str) -> None:
    verdict = judge(track(sha(WAV)), encoded(kind))
    assert verdict.status == "same sound"
    assert verdict.wav == WAV


def test_one_changed_sample_is_an_alteration() -> None:
    other = SAMPLES.copy()
    other[5] += 1
    assert judge(track(sha(WAV)), wav_bytes(other, 22_050)).status == "modified"


def test_without_a_published_hash_nothing_can_be_verified() -> None:
    assert judge(track(""), WAV).status == "unverified"


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"", "100% of its sound is missing"),
        (WAV[:22_000], "50% of its sound is missing"),
        (b"RIFF and then nothing", "not audio that can be read"),
        (encoded("FLAC")[:3000], ""),
    ],
)
def test_what_cannot_be_read_is_corrupt(data: bytes, detail: str) -> None:
    verdict = judge(track(sha(WAV)), data)
    assert verdict.status == "corrupt"
    assert detail in verdict.detail
    assert verdict.wav == b""


def test_a_small_file_that_holds_hours_is_not_decoded() -> None:
    silence = encoded("FLAC", np.zeros((1 << 25) + 1, np.int16))
    assert len(silence) < 1 << 20
    assert judge(track(sha(WAV)), silence).detail == "far longer than a clip"


def test_a_folder_is_held_against_the_index(tmp_path: Path) -> None:
    (tmp_path / "jazz").mkdir()
    (tmp_path / "jazz" / "jazz.00000.flac").write_bytes(encoded("FLAC"))
    (tmp_path / "jazz" / "jazz.00054.wav").write_bytes(WAV[:5000])
    findings = verify_folder(tmp_path, wanted_tracks(load_index(), ["jazz"]), jobs=2)
    by_track = {finding.track: finding for finding in findings}
    assert len(findings) == 100
    assert by_track["jazz.00000"].status == "modified"
    assert by_track["jazz.00054"].status == "corrupt"
    assert "edition most people download" in by_track["jazz.00054"].detail
    assert by_track["jazz.00001"].status == "missing"


def test_a_genre_that_gtzan_does_not_have() -> None:
    with pytest.raises(UsageError, match="no genre polka"):
        wanted_tracks(load_index(), ["rock", "polka"])


def test_missing_tracks_are_no_damage_and_modified_ones_are() -> None:
    ok, missing = Finding("a", "rock", "ok"), Finding("b", "rock", "missing")
    assert damage(Path(), [ok, missing]) is None
    assert "1 tracks" in str(damage(Path(), [ok, Finding("c", "rock", "modified")]))
    assert "there is no GTZAN track" in str(damage(Path(), [missing]))


@pytest.mark.gtzan
def test_real_clips_are_recognised_from_flac(gtzan: Path) -> None:
    tracks = [
        t
        for t in wanted_tracks(load_index(), ["jazz", "pop"])
        if (gtzan / "audio" / t.genre / f"{t.track}.flac").exists()
    ]
    assert {f.status for f in verify_folder(gtzan / "audio", tracks)} == {"same sound"}
