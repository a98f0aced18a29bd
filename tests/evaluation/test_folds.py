from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ei_toolkit.dataset.folder import Clip
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.dataset.index import load_index
from ei_toolkit.errors import DataError, UsageError
from ei_toolkit.evaluation.folds import FOLDS, TRAINING, assign_folds, clips_of_split
from ei_toolkit.evaluation.run import checked_conditions, checked_protocol


def clips(per_label: int = 12, artists: int = 6) -> list[KnownClip]:
    names = [f"{label}/{i:03d}.wav" for label in ("classical", "rock") for i in range(per_label)]
    return [
        KnownClip(
            Clip(Path(name), name, name.split("/")[0]), f"sha {name}", f"{name.split('/')[0]} {i % artists}", None
        )
        for i, name in enumerate(names)
    ]


def test_artist_folds_keep_artists_whole_and_test_every_window_once() -> None:
    found = clips()
    home = assign_folds("artist-5fold", found, [3] * len(found), seed=0)
    by_artist: dict[str, set[int]] = {}
    for known, folds in zip(found, home, strict=True):
        by_artist.setdefault(known.group, set()).update(folds.tolist())
    assert all(len(folds) == 1 for folds in by_artist.values())
    assert set().union(*by_artist.values()) == set(range(FOLDS))


def test_track_folds_keep_tracks_whole_and_window_folds_do_not() -> None:
    found = clips()
    windows = [10] * len(found)
    assert all(len(set(folds)) == 1 for folds in assign_folds("track", found, windows, seed=0))
    assert any(len(set(folds)) > 1 for folds in assign_folds("window", found, windows, seed=0))


def test_another_seed_folds_otherwise() -> None:
    found = clips()
    one, other = (np.concatenate(assign_folds("artist-5fold", found, [1] * len(found), seed)) for seed in (0, 1))
    assert one.tolist() != other.tolist()


def test_the_published_split_tests_its_test_part_only() -> None:
    tracks = [t for t in load_index().tracks.values() if t.genre in ("rock", "classical")]
    found = [KnownClip(Clip(Path(t.track), t.track, t.genre), t.sha256, t.group, t) for t in tracks]
    home = assign_folds("fault-filtered", found, [1] * len(found), seed=0)
    tested = {known.track.part for known, fold in zip(found, home, strict=True) if fold[0] != TRAINING}
    assert tested == {"test"}
    with pytest.raises(DataError, match="test part"):
        assign_folds("fault-filtered", clips(), [1] * 24, seed=0)


def test_the_fault_filtered_protocol_uses_only_the_clips_of_the_published_lists() -> None:
    tracks = [t for t in load_index().tracks.values() if t.genre in ("rock", "classical")]
    found = [KnownClip(Clip(Path(t.track), t.track, t.genre), t.sha256, t.group, t) for t in tracks]
    used = clips_of_split(found, "fault-filtered")
    assert [known.track.track for known in used if known.track] == [t.track for t in tracks if t.part]
    assert len(used) < len(found)
    assert clips_of_split(found, "artist-5fold") == found


def test_names_of_protocols_and_conditions_are_checked() -> None:
    assert checked_protocol("track") == "track"
    assert checked_conditions("none") == ()
    assert checked_conditions("mic, gain-20") == ("mic", "gain-20")
    with pytest.raises(UsageError, match="protocol"):
        checked_protocol("luck")
    with pytest.raises(UsageError, match="condition"):
        checked_conditions("mic,luck")
