"""Choose the clips that are held out: those of the layout, whole groups, the published parts, or whole tracks."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from ei_toolkit.config import DatasetSettings
from ei_toolkit.config.ranges import out_of_range
from ei_toolkit.config.setting import range_of
from ei_toolkit.dataset.folder_names import Split
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.errors import DataError

Method = Literal["group", "artist", "fault-filtered", "track"]


def split_clips(clips: Sequence[KnownClip], method: Method, test_fraction: float, seed: int) -> dict[str, Split]:
    """Return the split of each clip by name, without clips that the method leaves out (fault-filtered).

    The splits of the layout are kept. Where it has folds, whole folds are held out. Of a label that has no
    testing clip in the layout, clips are held out like those of a layout without splits.
    Raises ConfigurationError for a fraction outside 0…1 and DataError if a label cannot be in both splits.
    """
    if test_fraction not in (allowed := range_of(DatasetSettings, "test_fraction")):
        raise out_of_range("dataset.test_fraction", test_fraction, allowed)
    if method == "fault-filtered":
        return _by_part(clips)
    given = _given(clips, test_fraction)
    if given:
        rest = [known for known in clips if known.clip.name not in given]
        return given | (
            split_clips([_without_split(known) for known in rest], method, test_fraction, seed) if rest else {}
        )
    unit = {k.clip.name: k.sha256 if method == "track" else k.group for k in clips}
    held_out = _held_out(clips, unit, test_fraction, seed, method)
    return {name: "testing" if u in held_out else "training" for name, u in unit.items()}


def _given(clips: Sequence[KnownClip], test_fraction: float) -> dict[str, Split]:
    """Return the splits that the layout gives; of a label without testing clips, only its validation clips."""
    splits = {known.clip.name: known.clip.split for known in clips if known.clip.split}
    splits = splits or _by_fold(clips, test_fraction)
    there: dict[str, set[Split]] = defaultdict(set)
    for known in clips:
        if split := splits.get(known.clip.name):
            there[known.clip.label].add(split)
    complete = {label for label, own in there.items() if "testing" in own}
    given: dict[str, Split] = {}
    for known in clips:
        split = splits.get(known.clip.name)
        if split and (known.clip.label in complete or split == "validation"):
            given[known.clip.name] = split
        elif known.clip.label in complete:
            given[known.clip.name] = "training"
    return given


def _by_fold(clips: Sequence[KnownClip], test_fraction: float) -> dict[str, Split]:
    """Hold out whole folds, the last ones, about `test_fraction` of them and at least one."""
    folds = sorted({known.clip.fold for known in clips if known.clip.fold}, key=lambda fold: (len(fold), fold))
    if len(folds) < 2:
        return {}
    held_out = set(folds[-min(len(folds) - 1, max(1, round(test_fraction * len(folds)))) :])
    return {k.clip.name: "testing" if k.clip.fold in held_out else "training" for k in clips if k.clip.fold}


def _without_split(known: KnownClip) -> KnownClip:
    return replace(known, clip=replace(known.clip, split=None, fold=""))


def _by_part(clips: Sequence[KnownClip]) -> dict[str, Split]:
    parts = {known.clip.name: published_part(known) for known in clips}
    return {name: part for name, part in parts.items() if part}


def published_part(known: KnownClip) -> Split | None:
    """The split of a clip in the published fault-filtered lists; None for a clip that these lists leave out."""
    if not (known.track and known.track.part):
        return None
    return "testing" if known.track.part == "test" else "training"


def _held_out(
    clips: Sequence[KnownClip], unit: Mapping[str, str], fraction: float, seed: int, method: Method
) -> set[str]:
    """Units (groups or files) to hold out, label by label, so that each label has about `fraction` of its clips out."""
    sizes: dict[str, Counter[str]] = defaultdict(Counter)
    for known in clips:
        sizes[known.clip.label][unit[known.clip.name]] += 1
    held_out: set[str] = set()
    for label in sorted(sizes):
        if len(sizes[label]) < 2:
            raise _cannot_split(label, method)
        target = max(1, round(fraction * sizes[label].total()))
        held_out |= _choose(sizes[label], held_out, target, random.Random(f"{seed}/{label}"))
    for label, units in sizes.items():
        if not set(units) - held_out:
            raise _cannot_split(label, method)
    return held_out


def _choose(sizes: Counter[str], taken: Iterable[str], target: int, rng: random.Random) -> set[str]:
    """Units whose sizes sum to about `target`, in random order, beginning with those taken for another label."""
    chosen = {unit for unit in taken if unit in sizes}
    total = sum(sizes[unit] for unit in chosen)
    order = sorted(set(sizes) - chosen)
    rng.shuffle(order)
    for unit in order:
        if total + sizes[unit] <= target:
            chosen.add(unit)
            total += sizes[unit]
    rest = [unit for unit in order if unit not in chosen]
    if len(rest) > 1:
        nearest = min(rest, key=lambda unit: sizes[unit])
        if not chosen or total + sizes[nearest] - target < target - total:
            chosen.add(nearest)
    return chosen


def _cannot_split(label: str, method: Method) -> DataError:
    unit = "file" if method == "track" else "group"
    return DataError(
        f"the label {label} cannot be split by {unit}", why=f"all its clips belong to one {unit}",
        hint="Add clips." if method == "track" else 'Add clips, or set [dataset] split = "track".',
    )  # fmt: skip
