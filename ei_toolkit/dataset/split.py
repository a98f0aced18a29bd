"""Choose the clips that are held out: whole artists, the published parts, or whole tracks; never single windows."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.errors import ConfigurationError, DataError

Split = Literal["training", "testing"]
Method = Literal["artist", "fault-filtered", "track"]


def split_clips(clips: Sequence[KnownClip], method: Method, test_fraction: float, seed: int) -> dict[str, Split]:
    """Return the split of each clip by name, without clips that the method leaves out (fault-filtered).

    Raises ConfigurationError for a fraction outside 0…1 and DataError if a label cannot be in both splits.
    """
    if not 0 < test_fraction < 1:
        raise ConfigurationError(f"dataset.test_fraction = {test_fraction} is not between 0 and 1")
    if method == "fault-filtered":
        return _by_part(clips)
    unit = {k.clip.name: k.group if method == "artist" else k.sha256 for k in clips}
    held_out = _held_out(clips, unit, test_fraction, seed, method)
    return {name: "testing" if u in held_out else "training" for name, u in unit.items()}


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
    unit = "artist" if method == "artist" else "file"
    return DataError(
        f"the label {label} cannot be split by {method}", why=f"all its clips belong to one {unit}",
        hint='Add clips, or set [dataset] split = "track".' if method == "artist" else "Add clips.",
    )  # fmt: skip
