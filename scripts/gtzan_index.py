#!/usr/bin/env python3
"""Make datasets/gtzan/index.csv from a list of tracks.

    scripts/gtzan_index.py TRACKS_CSV > datasets/gtzan/index.csv

TRACKS_CSV has the columns track, genre, sha256_wav, artist, title (Sturm's index) and fault_filtered (the part in the
split of Kereliuk et al.). The index adds what must stay on one side of a split: `group` joins the tracks of one
artist under all spellings, of artists who play together, and of recordings known to be one.
"""

from __future__ import annotations

import csv
import re
import sys
from collections import Counter
from pathlib import Path

SAME_PERFORMER = (("classical.00042", "classical.00053"), ("classical.00044", "classical.00048"),
                  ("classical.00000", "classical.00001", "classical.00002"))  # fmt: skip
SAME_RECORDING = (("classical.00051", "classical.00080"), ("rock.00016", "metal.00058"))
BROKEN = {"jazz.00054": "cannot be read in the edition most people download"}
COLUMNS = ("track", "genre", "sha256", "artist", "title", "group", "part", "fault")


class Joined:
    """Disjoint sets: things that were joined have one root."""

    def __init__(self) -> None:
        self.above: dict[str, str] = {}

    def root(self, item: str) -> str:
        """What stands for the set of `item`."""
        while (above := self.above.get(item, item)) != item:
            item = above
        return item

    def join(self, a: str, b: str) -> None:
        """Make the sets of `a` and `b` one."""
        self.above[self.root(a)] = self.root(b)


def folded(artist: str) -> str:
    """`Earth, Wind & Fire` and `Earth Wind and Fire` are one name."""
    return re.sub(r"[^a-z0-9]+", "-", artist.lower().replace("&", " and ")).strip("-")


def players(artist: str) -> list[str]:
    """The folded names that a joint credit is made of."""
    return [folded(part) for part in re.split(r", | & | and ", artist)]


def groups(rows: list[dict[str, str]]) -> dict[str, str]:
    """Track -> name of its group: the artist with most tracks in it, or the track itself where nobody is named."""
    joined = Joined()
    artist = {row["track"]: folded(row["artist"]) or row["track"] for row in rows}
    known = set(artist.values())
    for row in rows:
        for player in {*players(row["artist"])} & known:
            joined.join(artist[row["track"]], player)
    for first, *others in (*SAME_PERFORMER, *SAME_RECORDING):
        for other in others:
            joined.join(artist[other], artist[first])
    tracks_of = Counter(artist.values())
    name: dict[str, str] = {}
    for one in sorted(known, key=lambda a: (-tracks_of[a], a)):
        name.setdefault(joined.root(one), one)
    return {track: name[joined.root(one)] for track, one in artist.items()}


def fault(row: dict[str, str]) -> str:
    """What is known to be wrong with a track."""
    same = [f"same recording as {other}" for pair in SAME_RECORDING if row["track"] in pair for other in pair
            if other != row["track"]]  # fmt: skip
    left_out = [] if row["fault_filtered"] else ["left out of the fault-filtered split"]
    return "; ".join([*filter(None, [BROKEN.get(row["track"])]), *same, *left_out])


def main() -> int:
    """Write the index to stdout."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with Path(sys.argv[1]).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    group = groups(rows)
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(COLUMNS)
    for row in rows:
        out.writerow([row["track"], row["genre"], row["sha256_wav"], row["artist"], row["title"], group[row["track"]],
                      row["fault_filtered"], fault(row)])  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
