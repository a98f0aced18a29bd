from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ei_toolkit.dataset.folder import Clip
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.dataset.index import load_index
from ei_toolkit.dataset.split import split_clips
from ei_toolkit.errors import ConfigurationError, DataError


def known(label: str, number: int, group: str) -> KnownClip:
    name = f"{label}/{number}.wav"
    return KnownClip(Clip(Path(name), name, label), name, group, None)


def gtzan(*genres: str) -> list[KnownClip]:
    return [
        KnownClip(Clip(Path(), f"{t.genre}/{t.track}.wav", t.genre), t.sha256 or t.track, t.group, t)
        for t in load_index().tracks.values()
        if t.genre in genres
    ]


LABELS = st.sampled_from(["a", "b", "c"])
GROUPED = st.lists(st.tuples(LABELS, st.integers(0, 8)), min_size=6, max_size=80)


@given(GROUPED, st.floats(0.05, 0.6), st.integers(0, 1000))
def test_no_artist_is_on_both_sides_and_every_label_is(pairs: list[tuple[str, int]], part: float, seed: int) -> None:
    clips = [known(label, i, f"{label}{group}") for i, (label, group) in enumerate(pairs)]
    assume(all(len({k.group for k in clips if k.clip.label == label}) > 1 for label in {k.clip.label for k in clips}))
    splits = split_clips(clips, "artist", part, seed)
    of_group = {(k.group, splits[k.clip.name]) for k in clips}
    assert len(of_group) == len({group for group, _ in of_group})
    assert {(k.clip.label, split) for k in clips for split in ("training", "testing")} == {
        (k.clip.label, splits[k.clip.name]) for k in clips
    }


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("method", ["artist", "track"])
def test_about_the_asked_part_of_each_genre_is_held_out(seed: int, method: str) -> None:
    splits = split_clips(gtzan("rock", "classical"), method, 0.2, seed)  # type: ignore[arg-type]
    out = Counter(name.split("/")[0] for name, split in splits.items() if split == "testing")
    assert all(out[genre] == pytest.approx(20, abs=3) for genre in ("rock", "classical"))


def test_an_artist_with_two_genres_is_on_one_side() -> None:
    clips = gtzan("rock", "metal")  # Queen is in both
    splits = split_clips(clips, "artist", 0.2, 7)
    assert len({splits[k.clip.name] for k in clips if k.group == "queen"}) == 1


def test_the_seed_decides() -> None:
    clips = gtzan("rock", "classical")
    assert split_clips(clips, "artist", 0.2, 1) == split_clips(list(reversed(clips)), "artist", 0.2, 1)
    assert split_clips(clips, "artist", 0.2, 1) != split_clips(clips, "artist", 0.2, 2)


def test_equal_files_stay_together_when_split_by_track() -> None:
    clips = [KnownClip(Clip(Path(), f"a/{i}", "a"), f"hash{i // 2}", f"a/{i}", None) for i in range(20)]
    splits = split_clips(clips, "track", 0.3, 0)
    assert all(splits[f"a/{i}"] == splits[f"a/{i + 1}"] for i in range(0, 20, 2))


def test_fault_filtered_is_the_published_split() -> None:
    splits = split_clips(gtzan("rock", "classical"), "fault-filtered", 0.2, 7)
    assert Counter(splits.values()) == {"training": 136, "testing": 63}


def test_one_artist_only_cannot_be_split() -> None:
    clips = [known("a", i, "solo") for i in range(5)] + [known("b", i, f"g{i}") for i in range(5)]
    with pytest.raises(DataError, match="the label a cannot be split by group"):
        split_clips(clips, "artist", 0.2, 7)


def test_an_artist_held_out_for_one_label_may_leave_another_without_training() -> None:
    clips = [known("a", 0, "x"), known("a", 1, "y"), known("b", 0, "x"), known("b", 1, "y")]
    assert set(split_clips(clips, "artist", 0.5, 7).values()) == {"training", "testing"}


@pytest.mark.parametrize("part", [0.0, 1.0, -0.2])
def test_a_part_that_cannot_be(part: float) -> None:
    with pytest.raises(ConfigurationError, match="test_fraction"):
        split_clips([known("a", 0, "x")], "artist", part, 7)


def given_by_layout(label: str, number: int, split: str | None = None, fold: str = "") -> KnownClip:
    name = f"{label}/{number}.wav"
    return KnownClip(Clip(Path(name), name, label, split, fold=fold), name, name, None)  # type: ignore[arg-type]


def test_the_splits_of_the_layout_are_kept_whatever_the_method_is() -> None:
    words = ("training", "validation", "testing")
    clips = [given_by_layout(label, i, words[i % 3]) for label in "ab" for i in range(9)]
    for method in ("artist", "track"):
        splits = split_clips(clips, method, 0.5, 1)  # type: ignore[arg-type]
        assert all(splits[known.clip.name] == known.clip.split for known in clips)


def test_of_a_label_without_testing_clips_some_are_held_out_of_training_only() -> None:
    clips = [given_by_layout("a", i, "training" if i < 5 else "testing") for i in range(10)]
    clips += [given_by_layout("b", i, "training" if i < 8 else "validation") for i in range(10)]
    splits = split_clips(clips, "artist", 0.25, 1)
    assert all(splits[known.clip.name] == known.clip.split for known in clips[:10])
    assert Counter(splits[known.clip.name] for known in clips[10:]) == {"training": 6, "testing": 2, "validation": 2}
    assert [splits["b/8.wav"], splits["b/9.wav"]] == ["validation", "validation"]


def test_a_clip_that_the_splits_leave_out_is_for_training() -> None:
    clips = [given_by_layout(label, i, "testing" if i == 0 else "training") for label in "ab" for i in range(3)]
    splits = split_clips([*clips, given_by_layout("a", 3)], "artist", 0.2, 1)
    assert splits["a/3.wav"] == "training"


@pytest.mark.parametrize(
    ("folds", "fraction", "held_out"),
    [(5, 0.2, {"5"}), (10, 0.2, {"9", "10"}), (10, 0.01, {"10"}), (2, 0.9, {"2"}), (3, 0.5, {"2", "3"})],
)
def test_whole_folds_the_last_ones_are_held_out(folds: int, fraction: float, held_out: set[str]) -> None:
    clips = [given_by_layout(label, fold, fold=str(fold)) for label in "ab" for fold in range(1, folds + 1)]
    splits = split_clips(clips, "artist", fraction, 7)
    assert {known.clip.fold for known in clips if splits[known.clip.name] == "testing"} == held_out


def test_one_fold_is_no_split() -> None:
    clips = [given_by_layout(label, i, fold="1") for label in "ab" for i in range(5)]
    assert Counter(split_clips(clips, "artist", 0.2, 7).values()) == {"training": 8, "testing": 2}


def test_the_published_split_of_gtzan_comes_before_that_of_the_layout() -> None:
    clips = [
        KnownClip(replace(known.clip, split="testing"), known.sha256, known.group, known.track)
        for known in gtzan("rock")
    ]
    assert set(split_clips(clips, "fault-filtered", 0.2, 7).values()) == {"training", "testing"}


def test_artist_is_another_word_for_group() -> None:
    clips = [known(label, i, f"{label}{i // 2}") for label in "ab" for i in range(12)]
    assert split_clips(clips, "artist", 0.3, 5) == split_clips(clips, "group", 0.3, 5)
