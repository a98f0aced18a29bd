"""The clips of an evaluation, and each clip's windows as features: clean, altered, or under a condition."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.audio.effects.augment import augment_window
from ei_toolkit.audio.effects.conditions import apply_condition
from ei_toolkit.audio.level import apply_level
from ei_toolkit.audio.window import samples_in
from ei_toolkit.config import Settings, SliceSettings
from ei_toolkit.dataset.folder import find_clips
from ei_toolkit.dataset.groups import KnownClip, identify
from ei_toolkit.dataset.index import load_index
from ei_toolkit.dataset.plan import own_groups
from ei_toolkit.errors import DataError
from ei_toolkit.evaluation.model import Material
from ei_toolkit.impulse import dsp

Samples = npt.NDArray[np.int16]
Features = npt.NDArray[np.float32]
CLEAN = "clean"


@dataclass(frozen=True)
class FeatureSet:
    """A clip's windows as features (n, f), and the level of each before it was evened out, in dB of one step."""

    features: Features
    level_db: npt.NDArray[np.float64]


def find_known_clips(root: Path, settings: Settings, project: Path) -> list[KnownClip]:
    """The clips below `root` with their artists, sorted by name. Raises DataError where there are none to use."""
    clips = find_clips(root, settings.project.labels)
    hashes = {clip.name: hashlib.sha256(clip.path.read_bytes()).hexdigest() for clip in clips}
    dataset = replace(settings.dataset, root=str(root.resolve()))
    return identify(clips, hashes, load_index(), own_groups(dataset, project))


def read_windows(path: Path, slicing: SliceSettings) -> Samples:
    """The windows of a clip, (n, samples), where `eitk slice` cuts them. Raises DataError for an unreadable clip."""
    samples = read_clip(path, slicing.sample_rate)
    length, hop = (samples_in(ms, slicing.sample_rate) for ms in (slicing.window_ms, slicing.hop_ms))
    starts = range(0, len(samples) - length + 1, hop)
    return np.array([samples[start : start + length] for start in starts], np.int16).reshape(-1, length)


def under_condition(windows: Samples, condition: str, settings: Settings) -> FeatureSet:
    """Features of windows under a condition of audio.conditions, or `clean`; seeded by the window's number."""
    if condition == CLEAN:
        return _heard(windows, settings)
    rate = settings.slice.sample_rate
    return _heard([apply_condition(condition, w, rate, i) for i, w in enumerate(windows)], settings)


def altered(windows: Samples, clip: str, copy: int, settings: Settings) -> FeatureSet:
    """Features of one augmented copy of each window, as `eitk slice` alters them; seeded by clip, window and copy."""
    augment, rate, name = settings.slice.augment, settings.slice.sample_rate, zlib.crc32(clip.encode())
    seeds = ([augment.seed, name, number, copy] for number in range(len(windows)))
    copies = [
        augment_window(window, rate, augment, np.random.default_rng(seed))[0]
        for window, seed in zip(windows, seeds, strict=True)
    ]
    return _heard(copies, settings)


def _heard(windows: Samples | Sequence[Samples], settings: Settings) -> FeatureSet:
    cut = settings.slice
    levelled = np.array([apply_level(w, cut.level, cut.target_dbfs, cut.max_gain_db) for w in windows])
    return FeatureSet(impulse_features(levelled, settings), _level_db(windows))


def impulse_features(windows: Samples, settings: Settings) -> Features:
    """Features (n, f) of levelled windows: every processing block of the impulse, side by side."""
    rate = settings.slice.sample_rate
    parts = [
        dsp.run_many(block.type, windows, rate, block.implementation_version, **block.params)
        for block in settings.impulse.dsp
    ]
    return np.concatenate(parts, axis=1).astype(np.float32)


def _level_db(windows: Iterable[Samples]) -> npt.NDArray[np.float64]:
    power = np.array([np.mean(np.square(window, dtype=np.float64)) for window in windows])
    level: npt.NDArray[np.float64] = 10 * np.log10(power + 1)
    return level


Log = Callable[[str], None]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Prepared:
    """A clip and its views: its clean windows first, then each altered copy of them."""

    known: KnownClip
    views: Sequence[FeatureSet]

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
