from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.audio.effects.conditions import CONDITIONS
from ei_toolkit.dataset.folder import Clip
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.dataset.index import load_index
from ei_toolkit.errors import DataError, UsageError
from ei_toolkit.evaluation.folds import (
    FOLDS,
    PROTOCOLS,
    TRAINING,
    Protocol,
    assign_folds,
    check_folds,
    clips_of_split,
    leak_warning,
)
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
    home = assign_folds("artist", found, [3] * len(found), seed=0)
    by_artist: dict[str, set[int]] = {}
    for known, folds in zip(found, home, strict=True):
        by_artist.setdefault(known.group, set()).update(folds.tolist())
    assert all(len(folds) == 1 for folds in by_artist.values())
    assert set().union(*by_artist.values()) == set(range(FOLDS))


def test_track_folds_keep_tracks_whole_and_window_folds_do_not() -> None:
    found = clips()
    windows = [10] * len(found)
    assert all(len(set(folds)) == 1 for folds in assign_folds("clip", found, windows, seed=0))
    assert any(len(set(folds)) > 1 for folds in assign_folds("segment", found, windows, seed=0))


def test_the_number_of_folds_can_be_chosen() -> None:
    found = clips(artists=3)
    home = assign_folds("artist", found, [1] * len(found), seed=0, folds=3)
    assert set(np.concatenate(home).tolist()) == {0, 1, 2}


def test_too_few_groups_of_a_label_are_named_with_the_folds_that_would_work() -> None:
    found = [*clips(artists=6)[:12], *clips(artists=3)[12:]]
    with pytest.raises(DataError, match="5 folds cannot be made, because the label rock has 3 groups") as caught:
        check_folds("artist", found, 5)
    assert caught.value.hint == (
        "At most 3 folds work: --folds 3, or keep only the clips whole, which overestimates accuracy: --protocol clip."
    )
    check_folds("artist", found, 3)
    check_folds("clip", found, 12)
    check_folds("segment", found, 1000)


@pytest.mark.parametrize(("protocol", "per_label", "artists", "hint"), [
    ("artist", 12, 1, "Two groups of each label are needed: add clips of the label classical, or keep only"),
    ("clip", 1, 1, "Two clips of each label are needed: add clips of the label classical."),
    ("clip", 4, 1, "At most 4 folds work: --folds 4."),
])  # fmt: skip
def test_the_hint_is_about_the_protocol(protocol: Protocol, per_label: int, artists: int, hint: str) -> None:
    with pytest.raises(DataError) as caught:
        check_folds(protocol, clips(per_label, artists), 5)
    assert caught.value.hint.startswith(hint)


def test_another_seed_folds_otherwise() -> None:
    found = clips()
    one, other = (np.concatenate(assign_folds("artist", found, [1] * len(found), seed)) for seed in (0, 1))
    assert one.tolist() != other.tolist()


def test_the_published_split_tests_its_test_part_only() -> None:
    tracks = [t for t in load_index().tracks.values() if t.genre in ("rock", "classical")]
    found = [KnownClip(Clip(Path(t.track), t.track, t.genre), t.sha256, t.group, t) for t in tracks]
    home = assign_folds("fault-filtered", found, [1] * len(found), seed=0)
    tested = {known.track.part for known, fold in zip(found, home, strict=True) if fold[0] != TRAINING}
    assert tested == {"test"}
    with pytest.raises(DataError, match="test part"):
        assign_folds("fault-filtered", clips(), [1] * 24, seed=0)
    for without in (clips(), clips_of_split(clips(), "fault-filtered")):  # before any features are computed
        with pytest.raises(DataError, match="do not contain the published test part"):
            check_folds("fault-filtered", without, 5)


def test_the_fault_filtered_protocol_uses_only_the_clips_of_the_published_lists() -> None:
    tracks = [t for t in load_index().tracks.values() if t.genre in ("rock", "classical")]
    found = [KnownClip(Clip(Path(t.track), t.track, t.genre), t.sha256, t.group, t) for t in tracks]
    used = clips_of_split(found, "fault-filtered")
    assert [known.track.track for known in used if known.track] == [t.track for t in tracks if t.part]
    assert len(used) < len(found)
    assert clips_of_split(found, "artist") == found


def test_names_of_protocols_and_conditions_are_checked() -> None:
    assert checked_protocol("clip") == "clip"


@pytest.mark.parametrize(("earlier", "name"), [("artist-5fold", "artist"), ("track", "clip"), ("window", "segment")])
def test_a_protocol_is_found_by_its_earlier_name(earlier: str, name: str) -> None:
    assert checked_protocol(earlier) == name


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_only_protocols_that_separate_artists_or_clips_warn_of_their_leak(protocol: str) -> None:
    assert ("overestimates accuracy" in leak_warning(protocol)) == (protocol in ("segment", "clip"))
    assert checked_conditions("none") == ()
    assert checked_conditions("mic, gain-20") == ("mic", "gain-20")
    with pytest.raises(UsageError, match="protocol"):
        checked_protocol("luck")
    with pytest.raises(UsageError, match="condition"):
        checked_conditions("mic,luck")


@given(
    st.integers(10, 16), st.integers(5, 8), st.sampled_from(["artist", "clip", "segment"]), st.integers(0, 99),
    st.data(),
)  # fmt: skip
def test_every_window_is_tested_once_and_every_label_in_every_fold(
    per_label: int, artists: int, protocol: Any, seed: int, data: st.DataObject
) -> None:
    found = clips(per_label, artists)
    windows = data.draw(st.lists(st.integers(1, 4), min_size=len(found), max_size=len(found)))
    home = assign_folds(protocol, found, windows, seed)
    assert [len(folds) for folds in home] == windows
    assert all(0 <= fold < FOLDS for folds in home for fold in folds)
    for label in ("classical", "rock"):
        own = [folds for known, folds in zip(found, home, strict=True) if known.clip.label == label]
        assert set(np.concatenate(own).tolist()) == set(range(FOLDS))


@given(st.integers(0, 2**31))
def test_the_same_seed_gives_the_same_folds(seed: int) -> None:
    found = clips()
    one, same = (np.concatenate(assign_folds("clip", found, [2] * len(found), seed)).tolist() for _ in range(2))
    assert one == same


@pytest.mark.parametrize("artists", [1, 2, 4])
def test_a_label_with_fewer_artists_than_folds_is_an_error(artists: int) -> None:
    found = clips(8, artists)
    with pytest.raises(DataError, match=f"5 folds cannot be made, because the label classical has {artists} group"):
        assign_folds("artist", found, [2] * len(found), seed=0)
    assign_folds("clip", found, [2] * len(found), seed=0)


@pytest.mark.parametrize(
    ("text", "conditions"),
    [("all", CONDITIONS), ("none", ()), ("", ()), (" mic ,", ("mic",)), ("mic,mic", ("mic", "mic"))],
)
def test_conditions_are_a_list_with_commas(text: str, conditions: tuple[str, ...]) -> None:
    assert checked_conditions(text) == conditions


def test_an_unknown_name_is_an_error_with_those_that_exist() -> None:
    with pytest.raises(UsageError, match="there is no condition 'echo'") as caught:
        checked_conditions("mic,echo,zoo")
    assert caught.value.hint.endswith(", all, none.")
    with pytest.raises(UsageError, match="there is no protocol 'nowhere'") as caught:
        checked_protocol("nowhere")
    assert caught.value.hint == "Protocols: artist, folds, fault-filtered, clip, segment, test."


def with_folds(*folds: str) -> list[KnownClip]:
    """One clip of each of two labels in each fold."""
    return [
        KnownClip(Clip(Path(), f"{label}/{i}.wav", label, fold=fold), f"{label}{i}", f"{label}{i}", None)
        for i, fold in enumerate(folds)
        for label in ("dog", "rain")
    ]


def test_published_folds_are_taken_as_they_are() -> None:
    home = assign_folds("folds", with_folds("2", "10", "1"), [3] * 6, seed=5, folds=2)
    assert [fold.tolist() for fold in home[::2]] == [[1, 1, 1], [2, 2, 2], [0, 0, 0]]


def test_clips_without_a_fold_are_for_training_only() -> None:
    home = assign_folds("folds", with_folds("1", "2", ""), [1] * 6, seed=0)
    assert [fold.tolist() for fold in home[4:]] == [[TRAINING], [TRAINING]]


@pytest.mark.parametrize("folds", [("", ""), ("1", "1")])
def test_a_data_set_without_folds_names_what_works(folds: tuple[str, ...]) -> None:
    check_folds("folds", with_folds(*folds), 5)
    with pytest.raises(DataError, match="publishes no folds") as caught:
        assign_folds("folds", with_folds(*folds), [1] * 4, seed=0)
    assert caught.value.hint == "Use --protocol artist."
