"""The training side of an evaluation: features of every usable clip, clean and altered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from ei_toolkit.config import Settings
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.errors import DataError
from ei_toolkit.learn.evaluate.clips import CLEAN, Heard, altered, read_windows, under_condition
from ei_toolkit.learn.evaluate.model import Material

Log = Callable[[str], None]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Prepared:
    """A clip and its views: its clean windows first, then each altered copy of them."""

    known: KnownClip
    views: Sequence[Heard]

    @property
    def windows(self) -> int:
        """Number of windows of one view."""
        return len(self.views[0].features)


def prepare_all(
    pool: Executor, clips: Sequence[KnownClip], settings: Settings, copies: int, log: Log
) -> list[Prepared]:
    """Features of all clips that can be used; the others are named with their reason.

    Raises DataError where fewer than two labels are left.
    """
    found = pool.map(partial(_prepare, settings=settings, copies=copies), clips, chunksize=4)
    prepared = []
    for known, one in zip(clips, found, strict=True):
        if isinstance(one, str):
            log(f"skipped {known.clip.name}: {one}")
        else:
            prepared.append(one)
    if len({one.known.clip.label for one in prepared}) < 2:
        raise DataError(
            "an evaluation needs clips of at least two labels", hint="ROOT/rock/*.wav, ROOT/classical/*.wav"
        )
    return prepared


def material(
    prepared: Sequence[Prepared], kept: Sequence[Mask], labels: Sequence[str], views: Iterable[int]
) -> Material:
    """The windows that `kept` leaves in, of the given views, as one training set."""
    features, numbers, groups = [], [], []
    for view in views:
        for one, keep in zip(prepared, kept, strict=True):
            features.append(one.views[view].features[keep])
            numbers.append(np.full(int(keep.sum()), labels.index(one.known.clip.label)))
            groups.extend([one.known.group] * int(keep.sum()))
    return Material(np.concatenate(features), np.concatenate(numbers), groups)


def clean_levels(prepared: Sequence[Prepared], kept: Sequence[Mask]) -> npt.NDArray[np.float64]:
    """Levels of the same windows, clean, in dB."""
    return np.concatenate([one.views[0].level_db[keep] for one, keep in zip(prepared, kept, strict=True)])


def _prepare(known: KnownClip, settings: Settings, copies: int) -> Prepared | str:
    """A clip's views, or why it has none. Runs in a worker."""
    try:
        windows = read_windows(known.clip.path, settings.slice)
    except DataError as error:
        return str(error)
    if not len(windows):
        return "shorter than a window"
    clean = under_condition(windows, CLEAN, settings)
    return Prepared(known, [clean, *(altered(windows, known.clip.name, copy, settings) for copy in range(copies))])
