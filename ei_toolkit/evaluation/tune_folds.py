"""Measure a recipe on folds of clips for the tuner: features that all trials share, one fold at a time."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.config import Settings
from ei_toolkit.config.atomic_write import replace_file
from ei_toolkit.config.code_version import code_version
from ei_toolkit.config.file_lock import acquire_lock
from ei_toolkit.config.settings import plain
from ei_toolkit.config.units import counted
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.errors import DataError
from ei_toolkit.evaluation.clips import (
    CLEAN,
    FeatureSet,
    Prepared,
    material,
    prepare_all,
    read_windows,
    under_condition,
)
from ei_toolkit.evaluation.folds import TRAINING, assign_folds
from ei_toolkit.evaluation.model import Recipe, train_model
from ei_toolkit.evaluation.scores import grouped_interval
from ei_toolkit.impulse.features import Features
from ei_toolkit.impulse.trained_model import label_order

LARGEST_CACHE_BYTES = 4 * 2**30


@dataclass(frozen=True)
class FoldPlan:
    """Clips and the fold of each: `TRAINING` is trained on in every fold.

    `cache` is the folder of the shared features, `conditions` are those under which each fold is tested as well.
    """

    clips: tuple[KnownClip, ...]
    fold_of: tuple[int, ...]
    cache: Path
    conditions: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the labels in the order of the outputs of the models."""
        return tuple(label_order(known.clip.label for known in self.clips))


def split_artists(
    clips: Sequence[KnownClip], folds: int, report_fraction: float, seed: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return two folds for each clip: of the search, where clips of the report are left out (-2), and of the report.

    Whole groups are left out for the report; the others are split in folds by group. Raises DataError where a label has
    too few groups.
    """
    label, groups = _fewest_groups(clips)
    if groups < folds + 1:
        raise DataError(
            f"the label {label} has {counted(groups, 'group')}, and {folds} folds and the report need {folds + 1}",
            hint="Add clips of other artists" + (f", or set tune.folds = {groups - 1}." if groups > 2 else "."),
        )
    parts = min(max(2, round(1 / report_fraction)), groups)
    reported = np.concatenate(assign_folds("artist", clips, [1] * len(clips), seed, parts)) == 0
    rest = [known for known, out in zip(clips, reported, strict=True) if not out]
    own = iter(np.concatenate(assign_folds("artist", rest, [1] * len(rest), seed, folds)))
    search = tuple(LEFT_OUT if out else int(next(own)) for out in reported)
    return search, tuple(0 if out else TRAINING for out in reported)


def _fewest_groups(clips: Sequence[KnownClip]) -> tuple[str, int]:
    """Return the label with the fewest groups, and their number."""
    groups: dict[str, set[str]] = {}
    for known in clips:
        groups.setdefault(known.clip.label, set()).add(known.group)
    label = min(groups, key=lambda name: (len(groups[name]), name))
    return label, len(groups[label])


LEFT_OUT = -2
Counts = dict[str, list[int]]
"""For each tested clip, by its name, the windows that are predicted correctly, and all of them."""


def run_fold(recipe: Recipe, plan: FoldPlan, fold: int) -> tuple[dict[str, Any], bytes]:
    """Train on the other folds and test on one; return counts for each condition and the seconds, and the int8 model.

    Runs in a worker process. Raises DataError for clips that cannot be used, ConfigurationError for a recipe.
    """
    started = time.monotonic()
    settings = recipe.settings
    used = [(k, f) for k, f in zip(plan.clips, plan.fold_of, strict=True) if f != LEFT_OUT]
    prepared = shared_features([known for known, _ in used], settings, plan.cache)
    homes = {known.clip.name: home for known, home in used}
    kept = [np.full(one.windows, homes[one.known.clip.name] != fold) for one in prepared]
    features_s = time.monotonic() - started
    training = material(prepared, kept, plan.labels, range(len(prepared[0].views)))
    with tempfile.TemporaryDirectory() as folder:
        trained = train_model(recipe, plan.labels, training, 0, Path(folder), lambda _line: None)
    tested = [one for one in prepared if homes[one.known.clip.name] == fold]
    found = {name: _counts(trained.int8, tested, name, plan, settings) for name in (CLEAN, *plan.conditions)}
    seconds = {"features": round(features_s, 2), "training": round(trained.seconds, 2)}
    data = {"counts": found, "seconds": seconds, "warnings": list(trained.warnings), "parameters": trained.parameters}
    return data, trained.int8


def _counts(
    tflite: bytes, tested: Sequence[Prepared], condition: str, plan: FoldPlan, settings: Settings
) -> Counts:  # fmt: skip
    # needs an optional dependency, which only the worker processes load
    from ei_toolkit.impulse.interpreter import Interpreter

    model, found = Interpreter(tflite), Counts()
    for one in tested:
        rows = one.distinct[:, 0]
        if not rows.any():
            continue
        features = one.views[0].features if condition == CLEAN else _condition_features(one, condition, settings, plan)
        predicted = model.predict(features[rows]).argmax(axis=1)
        right = predicted == plan.labels.index(one.known.clip.label)
        found[one.known.clip.name] = [int(right.sum()), int(rows.sum())]
    return found


def shared_features(clips: Sequence[KnownClip], settings: Settings, cache: Path) -> list[Prepared]:
    """Return the features of clips, computed once for all trials with the same window and processing block.

    Raises DataError where fewer than two labels are left.
    """
    file = cache / f"{_key(clips, settings)}.npz"
    cache.mkdir(parents=True, exist_ok=True)
    with acquire_lock(file.with_suffix(".lock"), wait=True):
        if file.is_file():
            return _read(file, clips)
        with ThreadPoolExecutor(1) as here:
            prepared = prepare_all(here, clips, settings, settings.slice.augment.copies, lambda _line: None)
        _trim(cache)
        _write(file, prepared)
    return prepared


def _key(clips: Sequence[KnownClip], settings: Settings) -> str:
    parts = [plain(settings.slice), plain(settings.impulse.dsp), [known.sha256 for known in clips], code_version()]
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _write(file: Path, prepared: Sequence[Prepared]) -> None:
    views = range(len(prepared[0].views))
    arrays: dict[str, npt.NDArray[Any]] = {
        "names": np.array([one.known.clip.name for one in prepared]),
        "windows": np.array([one.windows for one in prepared]),
        "distinct": np.concatenate([one.distinct for one in prepared]),
        "sha256": np.concatenate([one.sha256 for one in prepared]),
    }
    for view in views:
        arrays[f"features{view}"] = np.concatenate([one.views[view].features for one in prepared])
        arrays[f"level{view}"] = np.concatenate([one.views[view].level_db for one in prepared])
    with replace_file(file) as partial, partial.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]


def _read(file: Path, clips: Sequence[KnownClip]) -> list[Prepared]:
    known = {one.clip.name: one for one in clips}
    with np.load(file, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    file.touch()  # the oldest files are removed first
    ends = np.cumsum(arrays["windows"])[:-1]
    parts = {name: np.split(array, ends) for name, array in arrays.items() if name not in ("names", "windows")}
    views = sum(name.startswith("features") for name in parts)
    return [
        Prepared(
            known[str(name)],
            [FeatureSet(parts[f"features{view}"][i], parts[f"level{view}"][i]) for view in range(views)],
            parts["sha256"][i],
            parts["distinct"][i],
        )
        for i, name in enumerate(arrays["names"])
    ]


def _condition_features(one: Prepared, condition: str, settings: Settings, plan: FoldPlan) -> Features:
    """Return the features of the windows of a clip under a condition, computed once for all trials."""
    key = _key([one.known], settings)
    file = plan.cache / condition / f"{key}.npy"
    if file.is_file():
        found: Features = np.load(file, allow_pickle=False)
        return found
    windows = read_windows(one.known.clip.path, one.known.sha256, settings.slice)
    features = under_condition(windows, condition, settings).features
    file.parent.mkdir(parents=True, exist_ok=True)
    with replace_file(file) as partial, partial.open("wb") as stream:
        np.save(stream, features)
    return features


def _trim(cache: Path) -> None:
    """Remove the files that were not used for the longest time while the cache is too large."""
    files = sorted((file for file in cache.rglob("*.np[yz]")), key=lambda file: file.stat().st_mtime)
    size = sum(file.stat().st_size for file in files)
    for file in files:
        if size <= LARGEST_CACHE_BYTES:
            return
        size -= file.stat().st_size
        file.unlink(missing_ok=True)


@dataclass(frozen=True)
class Accuracy:
    """Top-1 accuracy of windows, its 95 % interval by bootstrap over groups, and the accuracies under conditions."""

    accuracy: float
    interval: tuple[float, float]
    conditions: Mapping[str, float]
    windows: int
    groups: int

    @property
    def worst_condition(self) -> float:
        """Return the smallest accuracy under a condition; the clean one where there are none."""
        return min(self.conditions.values(), default=self.accuracy)

    def data(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {
            "accuracy": self.accuracy, "interval": list(self.interval), "conditions": dict(self.conditions),
            "worst_condition": self.worst_condition, "windows": self.windows, "groups": self.groups,
        }  # fmt: skip


def accuracy_of(folds: Sequence[Mapping[str, Any]], clips: Sequence[KnownClip]) -> Accuracy:
    """Return the accuracy over the results of folds."""
    group_of = {known.clip.name: known.group for known in clips}
    clean: Counts = {name: counts for fold in folds for name, counts in fold["counts"][CLEAN].items()}
    groups = np.repeat([group_of[name] for name in clean], [total for _, total in clean.values()])
    correct = np.concatenate([np.arange(total) < right for right, total in clean.values()])
    conditions = {name: _share(folds, name) for name in folds[0]["counts"] if name != CLEAN}
    return Accuracy(
        _share(folds, CLEAN),
        grouped_interval(groups.tolist(), correct.tolist(), 0),
        conditions,
        len(correct),
        len(set(groups.tolist())),
    )


def _share(folds: Sequence[Mapping[str, Any]], condition: str) -> float:
    counts = np.array([each for fold in folds for each in fold["counts"][condition].values()])
    return float(counts[:, 0].sum() / counts[:, 1].sum())
