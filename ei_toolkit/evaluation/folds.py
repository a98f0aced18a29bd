"""Protocols: which windows are held out, and from which model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.dataset.split import published_part
from ei_toolkit.errors import DataError
from ei_toolkit.impulse.trained_model import label_order
from ei_toolkit.training.split import grouped_folds

Protocol = Literal["artist-5fold", "fault-filtered", "track", "window"]
FOLDS = 5
TRAINING = -1
PROTOCOLS = get_args(Protocol)
FoldOf = list[npt.NDArray[np.int64]]


def clips_of_split(clips: Sequence[KnownClip], split: str) -> list[KnownClip]:
    """Return the clips that a protocol or a `[dataset] split` uses; `fault-filtered` uses only those in its lists."""
    return [known for known in clips if split != "fault-filtered" or published_part(known)]


def assign_folds(protocol: Protocol, clips: Sequence[KnownClip], windows: Sequence[int], seed: int) -> FoldOf:
    """Return for each clip the fold (0…) that tests each of its windows; TRAINING for windows that are never tested.

    `artist-5fold` keeps all windows of an artist in one fold, `track` those of a clip. `window` separates the windows
    of a clip and therefore overestimates accuracy. `fault-filtered` is the published split: one fold, the part `test`.
    Raises DataError where a label has too few groups.

    The folds are those of `grouped_folds`, not of scikit-learn's StratifiedGroupKFold: on GTZAN both balance the labels
    equally, but their folds differ for the same seed, and recorded evaluations have to stay comparable.
    """
    if protocol == "fault-filtered":
        return _published(clips, windows)
    labels = label_order(known.clip.label for known in clips)
    rows = [(number, i) for number, n in enumerate(windows) for i in range(n)]
    groups = {
        "artist-5fold": [clips[number].group for number, _ in rows],
        "track": [clips[number].sha256 for number, _ in rows],
        "window": [f"{number}/{i}" for number, i in rows],
    }[protocol]
    found = np.empty(len(rows), np.int64)
    of = [labels.index(clips[number].clip.label) for number, _ in rows]
    for fold, (_, test) in enumerate(grouped_folds(of, groups, FOLDS, seed)):
        found[test] = fold
    return np.split(found, np.cumsum(windows)[:-1])


def _published(clips: Sequence[KnownClip], windows: Sequence[int]) -> FoldOf:
    tested = [published_part(known) == "testing" for known in clips]
    labels = {known.clip.label for known in clips}
    if {known.clip.label for known, out in zip(clips, tested, strict=True) if out} != labels:
        raise DataError(
            "these clips do not contain the published test part",
            why="the fault-filtered split lists tracks of GTZAN, and a label has none of its test tracks",
            hint="Use --protocol artist-5fold.",
        )
    return [np.full(n, 0 if out else TRAINING) for n, out in zip(windows, tested, strict=True)]
