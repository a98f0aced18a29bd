"""The catalogued faults of GTZAN's tracks: which clips a project leaves out, and the sentence that counts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ei_toolkit.config.units import counted
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.dataset.index import Track, load_index

BROKEN, REPEATED, FILTERED = (
    "the published file is broken",
    "the recording of an earlier track",
    "a repetition, a wrong label or a distortion",
)
"""Kinds of faults; the last are the tracks that the fault-filtered split of Kereliuk et al. leaves out."""
SAME_RECORDING = "same recording as "


def fault_of(track: Track | None) -> str:
    """Return the kind of fault for which a track is left out; "" for none.

    Of two tracks with the same recording only the second by name has a fault, unless the first is left out anyway.
    """
    if track is None or not track.fault:
        return ""
    notes = track.fault.split("; ")
    if any(note.startswith("cannot be read") for note in notes):
        return BROKEN
    if not track.part:
        return FILTERED
    others = [note.removeprefix(SAME_RECORDING) for note in notes if note.startswith(SAME_RECORDING)]
    tracks = load_index().tracks
    return REPEATED if any(other < track.track and tracks[other].part for other in others) else ""


def without_faults(clips: Iterable[KnownClip]) -> list[KnownClip]:
    """Return the clips that have no catalogued fault."""
    return [known for known in clips if not fault_of(known.track)]


def faults_text(tracks: Sequence[Track | None], *, left_out: bool) -> str:
    """Return the sentence about the faulty tracks among these, counted by kind; "" without any."""
    counts = Counter(filter(None, map(fault_of, tracks)))
    if not counts:
        return ""
    kinds = "; ".join(f"{count}: {kind}" for kind, count in sorted(counts.items()))
    done = 'left out ([dataset] faults = "leave-out")' if left_out else 'kept ([dataset] faults = "keep")'
    return f"{counted(counts.total(), 'track')} with a catalogued fault of GTZAN {done}: {kinds}"
