"""The clips of an evaluation and their windows as features: clean, augmented, or under a condition."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ei_toolkit.audio.effects.conditions import apply_condition
from ei_toolkit.audio.window import samples_in
from ei_toolkit.config import Settings, SliceSettings
from ei_toolkit.dataset.cutting import (
    augmented_copies,
    clip_windows,
    first_occurrences,
    reason_of,
    set_level,
    window_file,
    without_name,
)
from ei_toolkit.dataset.faults import without_faults
from ei_toolkit.dataset.folder import find_clips
from ei_toolkit.dataset.groups import KnownClip, identify
from ei_toolkit.dataset.index import load_index
from ei_toolkit.dataset.plan import own_groups
from ei_toolkit.errors import DataError
from ei_toolkit.evaluation.model import Material
from ei_toolkit.impulse.features import Features, impulse_features

Samples = npt.NDArray[np.int16]
CLEAN = "clean"


@dataclass(frozen=True)
class FeatureSet:
    """Windows as features (n, f), and the level of each before it is set, in dB relative to one 16-bit step."""

    features: Features
    level_db: npt.NDArray[np.float64]


def find_known_clips(root: Path, settings: Settings, project: Path) -> list[KnownClip]:
    """Return the clips below `root` with their artists, sorted by name. Raises DataError where there are none.

    With `[dataset] faults = "leave-out"` those with a catalogued fault are left out.
    """
    clips = find_clips(root, settings.project.labels, settings.dataset)
    hashes = {clip.name: hashlib.sha256(clip.path.read_bytes()).hexdigest() for clip in clips}
    dataset = replace(settings.dataset, root=str(root.resolve()))
    known = identify(clips, hashes, load_index(), own_groups(dataset, project))
    return without_faults(known) if dataset.faults == "leave-out" else known


def read_windows(path: Path, clip_sha256: str, settings: SliceSettings) -> Samples:
    """Return the windows (n, samples) that `eitk slice` cuts from a clip, before their level is set.

    Silent windows are left out. Raises DataError for a clip that cannot be read or is shorter than a window.
    """
    return _stack([cut.samples for cut in clip_windows(path, clip_sha256, settings, 0)], settings)


def under_condition(windows: Samples, condition: str, settings: Settings) -> FeatureSet:
    """Return features under `clean` or a condition of audio.effects.conditions, seeded by the window's number."""
    if condition == CLEAN:
        return _feature_set(windows, settings)
    rate = settings.slice.sample_rate
    changed = [apply_condition(condition, window, rate, i) for i, window in enumerate(windows)]
    return _feature_set(_stack(changed, settings.slice), settings)


def _stack(windows: Sequence[Samples], settings: SliceSettings) -> Samples:
    length = samples_in(settings.window_ms, settings.sample_rate)
    return np.array(windows, np.int16).reshape(-1, length)


def _feature_set(windows: Samples, settings: Settings) -> FeatureSet:
    levelled = np.array([set_level(window, settings.slice) for window in windows], np.int16).reshape(windows.shape)
    return FeatureSet(impulse_features(levelled, settings), _level_db(windows))


def _level_db(windows: Iterable[Samples]) -> npt.NDArray[np.float64]:
    power = np.array([np.mean(np.square(window, dtype=np.float64)) for window in windows])
    level: npt.NDArray[np.float64] = 10 * np.log10(power + 1)
    return level


Log = Callable[[str], None]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Prepared:
    """A clip and its views: its windows first, then each augmented copy of them.

    `sha256` are the hashes of the window files as `eitk slice` would write them, `distinct` marks those that no
    earlier window repeats; both have a row for each window and a column for each view. `warnings` are the
    decoder's.
    """

    known: KnownClip
    views: Sequence[FeatureSet]
    sha256: npt.NDArray[np.str_]
    distinct: Mask
    warnings: tuple[str, ...] = ()

    @property
    def windows(self) -> int:
        """Return the number of windows of one view."""
        return len(self.views[0].features)


def prepare_all(
    pool: Executor, clips: Sequence[KnownClip], settings: Settings, copies: int, log: Log
) -> list[Prepared]:
    """Return the features of all clips that can be used; log the others with the reason, and what a decoder warns of.

    Raises DataError where fewer than two labels are left.
    """
    found = pool.map(partial(_prepare, settings=settings, copies=copies), clips, chunksize=4)
    prepared = []
    for known, one in zip(clips, found, strict=True):
        if isinstance(one, str):
            log(f"skipped {known.clip.name}: {one}")
        else:
            prepared.append(one)
            for warning in one.warnings:
                log(f"warning: {known.clip.name}: {warning}")
    if len({one.known.clip.label for one in prepared}) < 2:
        raise DataError(
            "an evaluation needs clips of at least two labels", hint="ROOT/rock/*.wav, ROOT/classical/*.wav"
        )
    return _mark_duplicates(prepared)


def _mark_duplicates(prepared: Sequence[Prepared]) -> list[Prepared]:
    marks = np.array(first_occurrences(str(sha256) for one in prepared for sha256 in one.sha256.flat), bool)
    ends = np.cumsum([one.sha256.size for one in prepared])
    return [
        replace(one, distinct=own.reshape(one.sha256.shape))
        for one, own in zip(prepared, np.split(marks, ends[:-1]), strict=True)
    ]


def material(
    prepared: Sequence[Prepared], kept: Sequence[Mask], labels: Sequence[str], views: Iterable[int]
) -> Material:
    """Return the distinct windows that `kept` selects, of the given views, as one training set."""
    features, numbers, groups = [], [], []
    for view in views:
        for one, keep in zip(prepared, kept, strict=True):
            rows = keep & one.distinct[:, view]
            features.append(one.views[view].features[rows])
            numbers.append(np.full(int(rows.sum()), labels.index(one.known.clip.label)))
            groups.extend([one.known.group] * int(rows.sum()))
    return Material(np.concatenate(features), np.concatenate(numbers), groups)


def clean_levels(prepared: Sequence[Prepared], kept: Sequence[Mask]) -> npt.NDArray[np.float64]:
    """Return the levels of the same windows without augmentation, in dB."""
    return np.concatenate(
        [one.views[0].level_db[keep & one.distinct[:, 0]] for one, keep in zip(prepared, kept, strict=True)]
    )


def _prepare(known: KnownClip, settings: Settings, copies: int) -> Prepared | str:
    """Return a clip's views, or the reason why it has none. Runs in a worker process.

    A clip without augmented copies has its own windows in their place, which `_mark_duplicates` finds.
    """
    warnings: list[str] = []
    own = augmented_copies(known.clip, copies)
    try:
        cuts = list(clip_windows(known.clip.path, known.sha256, settings.slice, own, warnings.append))
    except DataError as error:
        return reason_of(error, known.clip)
    if not cuts:
        return "silent"
    hashes = np.array([hashlib.sha256(window_file(cut.samples, settings.slice)).hexdigest() for cut in cuts])
    views = [
        _feature_set(_stack([cut.samples for cut in cuts if cut.copy == copy], settings.slice), settings)
        for copy in (None, *range(own))
    ]
    views += [views[0]] * (copies - own)
    shaped = np.repeat(hashes.reshape(-1, 1 + own), 1 + copies - own, axis=1)
    named = tuple(without_name(text, known.clip) for text in warnings)
    return Prepared(known, views, shaped, np.ones(shaped.shape, bool), named)
