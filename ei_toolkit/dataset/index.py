"""What is known of GTZAN's 1,000 tracks: checksums, artists, the fault-filtered split, faults. Never the audio."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Literal, cast

from ei_toolkit.config.project import bundled

Part = Literal["train", "valid", "test", ""]


@dataclass(frozen=True)
class Track:
    """One track. `sha256` is that of the published WAV file, empty where it is not known."""

    track: str
    genre: str
    sha256: str
    artist: str
    title: str
    group: str
    part: Part
    fault: str


@dataclass(frozen=True)
class Index:
    """All tracks by name."""

    tracks: Mapping[str, Track]

    @cached_property
    def by_hash(self) -> Mapping[str, tuple[Track, ...]]:
        """The tracks of each file hash; one hash stands for two tracks."""
        found: dict[str, tuple[Track, ...]] = {}
        for track in self.tracks.values():
            if track.sha256:
                found[track.sha256] = (*found.get(track.sha256, ()), track)
        return found

    def find(self, clip: str, label: str, sha256: str) -> Track | None:
        """The track that a clip is: by its content, else by GTZAN's file name in a folder of the same genre.

        `clip` is a path whose stem may be a track name; converted copies (FLAC, AU) keep the name and lose the hash.
        """
        same = self.by_hash.get(sha256, ())
        for track in same:
            if track.genre == label:
                return track
        named = self.tracks.get(PurePosixPath(clip).stem)
        if not same and named and named.genre == label:
            return named
        return same[0] if same else None


@lru_cache(maxsize=1)
def load_index() -> Index:
    """The index that eitk carries."""
    file = bundled("datasets") / "gtzan" / "index.csv"
    with file.open(encoding="utf-8", newline="") as stream:
        tracks = [_track(row) for row in csv.DictReader(stream)]
    return Index(MappingProxyType({track.track: track for track in tracks}))


def _track(row: dict[str, str]) -> Track:
    part = cast(Part, row.pop("part"))
    return Track(part=part, **row)
