"""What the folders of a data set mean: labels, splits, folds, or speakers and other groups."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, TypeVar

Split = Literal["training", "validation", "testing"]
SPLITS: tuple[Split, ...] = ("training", "validation", "testing")
SPLIT_WORDS: Mapping[str, Split] = MappingProxyType(
    {
        "train": "training", "training": "training", "trn": "training",
        "val": "validation", "valid": "validation", "validation": "validation", "validate": "validation",
        "dev": "validation", "development": "validation",
        "test": "testing", "testing": "testing", "tst": "testing", "eval": "testing", "evaluation": "testing",
    }
)  # fmt: skip
COLLECTIONS = frozenset(
    ("audio", "audios", "clips", "data", "dataset", "datasets", "examples", "flac", "mp3", "ogg", "original",
     "originals", "processed", "raw", "recordings", "samples", "set", "sound", "sounds", "wav", "wave", "waves", "wavs")
)  # fmt: skip
"""First words of names of folders that hold a whole data set rather than the clips of a label."""
FOLD = re.compile(r"(?:cv[ _-]?)?fold[ _-]?(\d+)", re.IGNORECASE)
GROUP = re.compile(
    r"(?:speaker|spk|subject|subj|user|person|participant|patient|actor|singer|artist|session|recording|rec|site|room|"
    r"device|machine|unit|mic|id|[psu])[ _-]?\d+",
    re.IGNORECASE,
)
"""Names of folders such as speaker_01, Actor_03, id_00 or p225: what must not be in two splits."""
DEEPEST_SPLIT = 3  # levels of folders in which splits and folds are looked for
Meaning = TypeVar("Meaning", bound=str)
Parts = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class FolderReading:
    """What the folders give for each sound. `base` is the folder that holds all of them.

    `inner` is the first folder below the label. `candidates` are folders that each look like a data set of their own.
    `outside` are sounds beside the folders of splits. `similar` are folder names that every label has.
    """

    base: str
    labels: Mapping[str, str]
    splits: Mapping[str, Split]
    folds: Mapping[str, str]
    groups: Mapping[str, str]
    inner: Mapping[str, str]
    split_folders: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    similar: tuple[str, ...] = ()


@lru_cache(maxsize=10_000)  # the names of folders are few, and those of their files many
def split_of(word: str) -> Split | None:
    """Return the split that a word such as `train`, `val` or `eval` names, also as `audio_train` or `test set`."""
    words = re.split(r"[ _.-]+", word.strip().casefold())
    found = {SPLIT_WORDS[one] for one in words if one in SPLIT_WORDS}
    others = {one for one in words if one not in SPLIT_WORDS}
    return found.pop() if len(found) == 1 and others <= COLLECTIONS else None


def is_collection(folder: str) -> bool:
    """Whether a folder is named as one that holds a data set: `audio`, `audio_8k`, `raw data`."""
    return re.split(r"[ _.-]|\d", folder.casefold())[0] in COLLECTIONS


def read_folders(sounds: Sequence[str], *, with_splits: bool = True, labels: Collection[str] = ()) -> FolderReading:
    """Return what the folders of the sounds mean; `labels` are those that the user named, if any."""
    base, parts = _without_common({name: tuple(name.split("/")[:-1]) for name in sounds})
    splits: Mapping[str, Split] = {}
    folds: Mapping[str, str] = {}
    words: set[str] = set()
    outside: list[str] = []
    if with_splits:
        splits, words, outside, parts = _take_level(parts, split_of)
        folds, _, _, parts = _take_level(parts, _fold_of)
        if splits or folds:
            below, parts = _without_common(parts)
            base = base if base or not below else ""
    parts, groups = _without_groups(parts)
    first = {name: part[0] for name, part in parts.items() if part}
    second = {name: part[1] for name, part in parts.items() if len(part) > 1}
    if labels and not set(first.values()) & set(labels) and set(second.values()) & set(labels):
        groups, first, second = groups or first, second, {}
    candidates = () if set(first.values()) & set(labels) else _candidates(parts)
    if second and all(GROUP.fullmatch(folder) for folder in second.values()):
        groups = groups or second
    return FolderReading(
        base, first, splits, folds, groups, second, tuple(sorted(words)), tuple(outside), candidates, _similar(parts)
    )  # fmt: skip


def _fold_of(word: str) -> str | None:
    found = FOLD.fullmatch(word.strip())
    return found[1] if found else None


def _without_common(parts: Parts) -> tuple[str, Parts]:
    """Remove the folders that all sounds share from the start of their paths, if two or more folders lie below."""
    common: list[str] = []
    rest = parts
    while rest and all(rest.values()) and len({part[0] for part in rest.values()}) == 1:
        common.append(next(iter(rest.values()))[0])
        rest = {name: part[1:] for name, part in rest.items()}
    below = {part[0] for part in rest.values() if part}
    return ("/".join(common), rest) if len(below) > 1 else ("", parts)


def _take_level(
    parts: Parts, meaning: Callable[[str], Meaning | None]
) -> tuple[dict[str, Meaning], set[str], list[str], Parts]:
    """Remove the level of folders whose names have a meaning, if at least two do and most sounds lie in them.

    Returns what each sound has there, the names of the folders, the sounds outside of them, and the other folders.
    """
    for level in range(DEEPEST_SPLIT):
        found = {
            name: value
            for name, part in parts.items()
            if len(part) > level and (value := meaning(part[level])) is not None
        }
        distinct = set(found.values())
        if len(distinct) > 1 and 2 * len(found) >= len(parts) and (distinct - set(SPLITS) or "training" in distinct):
            words = {parts[name][level] for name in found}
            outside = [name for name in parts if name not in found] if level == 0 else []
            rest = {name: _drop(part, level) if name in found else part for name, part in parts.items()}
            return found, words, outside, {name: part for name, part in rest.items() if name not in set(outside)}
    return {}, set(), [], parts


def _drop(part: tuple[str, ...], level: int) -> tuple[str, ...]:
    return part[:level] + part[level + 1 :]


def _without_groups(parts: Parts) -> tuple[Parts, Mapping[str, str]]:
    """Take the first level as groups where all its folders are named as speakers or machines and hold others."""
    deep = parts and all(len(part) > 1 and GROUP.fullmatch(part[0]) for part in parts.values())
    below = {part[1] for part in parts.values()} if deep else set()
    if len(below) < 2 or all(GROUP.fullmatch(folder) for folder in below):
        return parts, {}
    return {name: part[1:] for name, part in parts.items()}, {name: part[0] for name, part in parts.items()}


def _children(parts: Parts) -> Mapping[str, set[str]]:
    children: dict[str, set[str]] = {}
    for part in parts.values():
        if part:
            children.setdefault(part[0], set()).add(part[1] if len(part) > 1 else "")
    return children


def _candidates(parts: Parts) -> tuple[str, ...]:
    children = _children(parts)
    whole = sorted(top for top, below in children.items() if len(below - {""}) > 1)
    return tuple(whole) if len(children) > 1 and any(map(is_collection, whole)) else ()


def _similar(parts: Parts) -> tuple[str, ...]:
    """Return the folders that every top folder has, if all of them have the same two or more."""
    children = _children(parts)
    distinct = {frozenset(below) for below in children.values()}
    if len(children) < 2 or len(distinct) != 1:
        return ()
    below = sorted(next(iter(distinct)) - {""})
    return tuple(below) if len(below) > 1 else ()
