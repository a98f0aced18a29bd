"""Catalogued faults of GTZAN: which tracks are left out, and the sentence that counts them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ei_toolkit.dataset.faults import BROKEN, FILTERED, REPEATED, fault_of, faults_text, without_faults
from ei_toolkit.dataset.folder import Clip
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.dataset.index import load_index

TRACKS = load_index().tracks


@pytest.mark.parametrize(
    ("track", "kind"),
    [
        ("blues.00000", ""), ("jazz.00054", BROKEN), ("metal.00040", FILTERED),
        ("classical.00051", ""), ("classical.00080", REPEATED), ("rock.00016", ""),
    ],
)  # fmt: skip
def test_the_kind_of_fault_of_a_track(track: str, kind: str) -> None:
    assert fault_of(TRACKS[track]) == kind


def test_a_clip_that_is_no_track_of_gtzan_has_no_fault() -> None:
    own = KnownClip(Clip(Path("a.wav"), "rock/a.wav", "rock"), "0" * 64, "a", None)
    assert without_faults([own]) == [own]
    assert faults_text([None], left_out=True) == ""


def test_of_a_thousand_tracks_72_are_left_out() -> None:
    assert Counter(map(fault_of, TRACKS.values())) == {"": 928, FILTERED: 70, BROKEN: 1, REPEATED: 1}
    text = faults_text(list(TRACKS.values()), left_out=True)
    assert text.startswith('72 tracks with a catalogued fault of GTZAN left out ([dataset] faults = "leave-out"): 70: ')
    assert "kept" in faults_text(list(TRACKS.values()), left_out=False)
