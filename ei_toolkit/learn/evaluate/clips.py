"""The clips of an evaluation, and each clip's windows as features: clean, altered, or under a condition."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ei_toolkit import dsp
from ei_toolkit.audio.augment import augment_window
from ei_toolkit.audio.conditions import apply_condition
from ei_toolkit.audio.decode import read_clip
from ei_toolkit.audio.level import apply_level
from ei_toolkit.config import Settings, SliceSettings
from ei_toolkit.dataset.folder import find_clips
from ei_toolkit.dataset.groups import KnownClip, identify
from ei_toolkit.dataset.gtzan import load_index
from ei_toolkit.dataset.plan import own_groups

Samples = npt.NDArray[np.int16]
Features = npt.NDArray[np.float32]
CLEAN = "clean"


@dataclass(frozen=True)
class Heard:
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
    length, hop = (slicing.sample_rate * ms // 1000 for ms in (slicing.window_ms, slicing.hop_ms))
    starts = range(0, len(samples) - length + 1, hop)
    return np.array([samples[start : start + length] for start in starts], np.int16).reshape(-1, length)


def under_condition(windows: Samples, condition: str, settings: Settings) -> Heard:
    """Features of windows under a condition of audio.conditions, or `clean`; seeded by the window's number."""
    if condition == CLEAN:
        return _heard(windows, settings)
    rate = settings.slice.sample_rate
    return _heard([apply_condition(condition, w, rate, i) for i, w in enumerate(windows)], settings)


def altered(windows: Samples, clip: str, copy: int, settings: Settings) -> Heard:
    """Features of one augmented copy of each window, as `eitk slice` alters them; seeded by clip, window and copy."""
    augment, rate, name = settings.slice.augment, settings.slice.sample_rate, zlib.crc32(clip.encode())
    seeds = ([augment.seed, name, number, copy] for number in range(len(windows)))
    copies = [
        augment_window(window, rate, augment, np.random.default_rng(seed))[0]
        for window, seed in zip(windows, seeds, strict=True)
    ]
    return _heard(copies, settings)


def _heard(windows: Samples | Sequence[Samples], settings: Settings) -> Heard:
    cut = settings.slice
    levelled = np.array([apply_level(w, cut.level, cut.target_dbfs, cut.max_gain_db) for w in windows])
    return Heard(impulse_features(levelled, settings), _level_db(windows))


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
