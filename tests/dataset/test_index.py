from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from ei_toolkit.config.project import bundled
from ei_toolkit.dataset.index import load_index

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "gtzan_index.py"


def test_the_index_knows_all_thousand_tracks() -> None:
    tracks = load_index().tracks.values()
    assert Counter(track.genre for track in tracks) == dict.fromkeys(
        ["blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock"], 100
    )
    assert sum(len(track.sha256) == 64 for track in tracks) == 987
    assert Counter(track.part for track in tracks) == {"train": 443, "test": 290, "valid": 197, "": 70}


def test_rock_and_classical_have_43_groups() -> None:
    groups = {t.group for t in load_index().tracks.values() if t.genre in ("rock", "classical")}
    assert len(groups) == 43


@pytest.mark.parametrize(
    "together",
    [
        ("classical.00051", "classical.00080"),
        ("classical.00042", "classical.00053"),
        ("classical.00044", "classical.00048"),
        ("classical.00000", "classical.00001", "classical.00002"),
        ("rock.00016", "metal.00058"),
    ],
)
def test_known_doubles_are_in_one_group(together: tuple[str, ...]) -> None:
    assert len({load_index().tracks[name].group for name in together}) == 1


def test_a_track_without_an_artist_is_a_group_of_its_own() -> None:
    unknown = [t for t in load_index().tracks.values() if not t.artist and t.sha256]
    assert {t.group for t in unknown} == {t.track for t in unknown}


def test_spellings_and_duets_are_one_group() -> None:
    group = {t.artist: t.group for t in load_index().tracks.values()}
    assert group["Earth Wind and Fire"] == group["Earth, Wind & Fire"]
    assert group["Lauryn Hill and Bob Marley"] == group["Lauryn Hill"] == group["Bob Marley"]


def test_faults_are_named() -> None:
    tracks = load_index().tracks
    assert "cannot be read" in tracks["jazz.00054"].fault
    assert "classical.00080" in tracks["classical.00051"].fault
    assert tracks["rock.00000"].fault == ""


def test_a_clip_is_found_by_its_content_under_any_name() -> None:
    index = load_index()
    track = index.tracks["rock.00000"]
    assert index.find("rock/renamed.wav", "rock", track.sha256) == track


def test_a_converted_copy_is_found_by_its_name_in_the_folder_of_its_genre() -> None:
    index = load_index()
    assert index.find("rock/rock.00000.flac", "rock", "0" * 64) == index.tracks["rock.00000"]
    assert index.find("party/rock.00000.flac", "party", "0" * 64) is None


def test_one_recording_in_two_genres_is_the_track_of_its_folder() -> None:
    index = load_index()
    sha256 = index.tracks["rock.00016"].sha256
    assert [index.find(f"{g}/x.wav", g, sha256).track for g in ("rock", "metal")] == ["rock.00016", "metal.00058"]  # type: ignore[union-attr]


def test_the_script_makes_the_index_that_is_kept(gtzan: Path) -> None:
    made = subprocess.run([sys.executable, SCRIPT, gtzan / "tracks.csv"], capture_output=True, check=True).stdout
    assert made == (bundled("datasets") / "gtzan" / "index.csv").read_bytes()
