"""Protocols: which windows are held out, and from which model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.dataset.split import published_part
from ei_toolkit.errors import DataError
from ei_toolkit.impulse.trained_model import label_order
from ei_toolkit.training.split import grouped_folds

Protocol = Literal["artist", "folds", "fault-filtered", "clip", "segment"]
FOLDS = 5
TRAINING = -1
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)
EARLIER_NAMES: Mapping[str, Protocol] = {"artist-5fold": "artist", "track": "clip", "window": "segment"}
"""Names of protocols before 0.4, which are still understood."""
DESCRIPTIONS: Mapping[str, str] = {
    "artist": "trains a model for each fold; all clips of a group, such as an artist, are in one fold",
    "folds": "trains a model for each fold that the data set publishes, as ESC-50 and UrbanSound8K do",
    "clip": "as artist, but only the windows of a clip stay together; overestimates accuracy",
    "segment": "as artist, but nothing stays together; overestimates accuracy most",
    "fault-filtered": "trains one model on the published split of GTZAN",
}
LEAKS: Mapping[str, str] = {
    "segment": "windows of one recording are in training and in testing",
    "clip": "clips of one group, such as an artist, are in training and in testing",
}
"""What the folds of a protocol let a model see of its test clips."""
FoldOf = list[npt.NDArray[np.int64]]


def leak_warning(protocol: str) -> str:
    """Return the warning that belongs to every result of a protocol whose folds leak; "" for the others."""
    if protocol not in LEAKS:
        return ""
    return (
        f"the protocol {protocol} leaks: {LEAKS[protocol]}, so its figure overestimates accuracy;"
        " compare --protocol artist"
    )


def clips_of_split(clips: Sequence[KnownClip], split: str) -> list[KnownClip]:
    """Return the clips that a protocol or a `[dataset] split` uses; `fault-filtered` uses only those in its lists."""
    return [known for known in clips if split != "fault-filtered" or published_part(known)]


def check_folds(protocol: Protocol, clips: Sequence[KnownClip], folds: int) -> None:
    """Raise DataError, with the largest number of folds that works, where a label has fewer groups than folds.

    Under `fault-filtered`, raise it where a label has no track of the published test part, or there are no clips.
    """
    if protocol == "fault-filtered":
        _check_published(clips)
    group_of = {"artist": lambda known: known.group, "clip": lambda known: known.sha256}.get(protocol)
    if group_of is None:
        return
    groups: dict[str, set[str]] = {}
    for known in clips:
        groups.setdefault(known.clip.label, set()).add(group_of(known))
    label, found = min(groups.items(), key=lambda item: (len(item[1]), item[0]))
    if len(found) >= folds:
        return
    kind = "group" if protocol == "artist" else "clip"
    has = f"the label {label} has {len(found)} {kind}{'' if len(found) == 1 else 's'}"
    if len(found) >= 2:
        hint = f"At most {len(found)} folds work: --folds {len(found)}"
    else:
        hint = f"Two {kind}s of each label are needed: add clips of the label {label}"
    if protocol == "artist":
        hint += ", or keep only the clips whole, which overestimates accuracy: --protocol clip"
    raise DataError(f"{folds} folds cannot be made, because {has}", hint=f"{hint}.")


def assign_folds(
    protocol: Protocol, clips: Sequence[KnownClip], windows: Sequence[int], seed: int, folds: int = FOLDS
) -> FoldOf:
    """Return for each clip the fold (0…) that tests each of its windows; TRAINING for windows that are never tested.

    `artist` keeps all windows of an artist in one fold, `clip` those of a clip. `segment` separates the windows
    of a clip and therefore overestimates accuracy. `folds` are those of the data set, whatever `folds` and `seed` are;
    clips without one are never tested. `fault-filtered` is the published split: one fold, the part `test`.
    Raises DataError where a label has too few groups: see `check_folds`.

    The folds are those of `grouped_folds`, not of scikit-learn's StratifiedGroupKFold: on GTZAN both balance the labels
    equally, but their folds differ for the same seed, and recorded evaluations have to stay comparable.
    """
    if protocol == "fault-filtered":
        return _published(clips, windows)
    if protocol == "folds":
        return _folds_of_layout(clips, windows)
    check_folds(protocol, clips, folds)
    labels = label_order(known.clip.label for known in clips)
    rows = [(number, i) for number, n in enumerate(windows) for i in range(n)]
    groups = {
        "artist": [clips[number].group for number, _ in rows],
        "clip": [clips[number].sha256 for number, _ in rows],
        "segment": [f"{number}/{i}" for number, i in rows],
    }[protocol]
    found = np.empty(len(rows), np.int64)
    of = [labels.index(clips[number].clip.label) for number, _ in rows]
    for fold, (_, test) in enumerate(grouped_folds(of, groups, folds, seed)):
        found[test] = fold
    return np.split(found, np.cumsum(windows)[:-1])


def _folds_of_layout(clips: Sequence[KnownClip], windows: Sequence[int]) -> FoldOf:
    names = sorted({known.clip.fold for known in clips if known.clip.fold}, key=lambda fold: (len(fold), fold))
    if len(names) < 2:
        raise DataError(
            "this data set publishes no folds", why="neither a table nor its folders give a fold for its clips",
            hint="Use --protocol artist.",
        )  # fmt: skip
    numbers = [names.index(known.clip.fold) if known.clip.fold else TRAINING for known in clips]
    return [np.full(n, number) for n, number in zip(windows, numbers, strict=True)]


def _published(clips: Sequence[KnownClip], windows: Sequence[int]) -> FoldOf:
    _check_published(clips)
    tested = [published_part(known) == "testing" for known in clips]
    return [np.full(n, 0 if out else TRAINING) for n, out in zip(windows, tested, strict=True)]


def _check_published(clips: Sequence[KnownClip]) -> None:
    labels = {known.clip.label for known in clips}
    if not labels or {known.clip.label for known in clips if published_part(known) == "testing"} != labels:
        raise DataError(
            "these clips do not contain the published test part",
            why="the fault-filtered split lists tracks of GTZAN, and a label has none of its test tracks",
            hint="Use --protocol artist.",
        )
