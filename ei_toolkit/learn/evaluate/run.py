"""Evaluate a recipe on a folder of clips: features once, a model a fold, then every clip under every condition.

Memory holds the training features and, of the rest, one clip at a time. Models run in worker processes with the
reference int8 kernels; TensorFlow runs in this process only.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from ei_toolkit.audio.conditions import CONDITIONS
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.errors import DataError, UsageError
from ei_toolkit.learn.evaluate.baselines import Baselines, fit_baselines
from ei_toolkit.learn.evaluate.clips import CLEAN, Heard, altered, read_windows, under_condition
from ei_toolkit.learn.evaluate.folds import PROTOCOLS, FoldOf, Protocol, assign_folds
from ei_toolkit.learn.evaluate.model import Material, Trained, columns_of, train_model
from ei_toolkit.learn.evaluate.recipe import Recipe

Log = Callable[[str], None]
FLOAT = "float32"
Probabilities = dict[str, npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Plan:
    """What to evaluate: the recipe, its clips, the protocol, how many seeds, and under which conditions."""

    recipe: Recipe
    clips: Sequence[KnownClip]
    protocol: Protocol
    seeds: int = 1
    conditions: Sequence[str] = CONDITIONS
    jobs: int = 2

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels in alphabetical order."""
        return tuple(sorted({known.clip.label for known in self.clips}))


@dataclass(frozen=True)
class Fold:
    """A trained model, its baselines, and where each window of each clip stands: tested by this fold or not."""

    seed: int
    number: int
    trained: Trained
    baselines: Baselines


@dataclass(frozen=True)
class Answer:
    """What the models of one seed said to the windows of one clip that they had not seen.

    `probabilities` maps a condition (`clean`, …), `float32` (the float model, clean) or `baseline condition` to
    (windows, classes).
    """

    clip: int
    seed: int
    windows: npt.NDArray[np.int64]
    probabilities: Probabilities


@dataclass(frozen=True)
class Run:
    """All of an evaluation, before it is summed up."""

    plan: Plan
    folds: Sequence[Fold]
    answers: Sequence[Answer]


@dataclass(frozen=True)
class _Prepared:
    """The training views of one clip: clean first, then the altered copies."""

    views: Sequence[Heard]

    @property
    def windows(self) -> int:
        return len(self.views[0].features)


def checked_protocol(name: str) -> Protocol:
    """The protocol of that name. Raises UsageError."""
    if name not in PROTOCOLS:
        raise UsageError(f"there is no protocol {name!r}", hint="Protocols: " + ", ".join(PROTOCOLS) + ".")
    return cast(Protocol, name)


def checked_conditions(names: str) -> tuple[str, ...]:
    """Conditions from a list with commas, `all` or `none`. Raises UsageError."""
    if names in ("all", "none"):
        return CONDITIONS if names == "all" else ()
    chosen = tuple(name.strip() for name in names.split(",") if name.strip())
    if unknown := set(chosen) - set(CONDITIONS):
        raise UsageError(
            f"there is no condition {min(unknown)!r}", hint="Conditions: " + ", ".join(CONDITIONS) + ", all, none."
        )
    return chosen


def run_plan(plan: Plan, log: Log) -> Run:
    """Carry the plan out. Raises DataError for clips or folds that cannot be, ConfigurationError for the recipe."""
    with ProcessPoolExecutor(plan.jobs, get_context("spawn")) as pool:
        log(f"features of {len(plan.clips)} clips")
        prepare = partial(_prepare, settings=plan.recipe)
        prepared = list(pool.map(prepare, plan.clips, chunksize=4))
        _check(plan, prepared)
        homes = [assign_folds(plan.protocol, plan.clips, [p.windows for p in prepared], s) for s in range(plan.seeds)]
        folds = list(_train_all(plan, prepared, homes, log))
        log(f"{len(folds)} models under {1 + len(plan.conditions)} conditions")
        listen = partial(_listen, plan=plan, homes=homes, folds=folds)
        answers = [answer for found in pool.map(listen, range(len(plan.clips)), chunksize=4) for answer in found]
    return Run(plan, folds, answers)


def _prepare(known: KnownClip, settings: Recipe) -> _Prepared:
    windows = read_windows(known.clip.path, settings.settings.slice)
    if not len(windows):
        raise DataError(f"{known.clip.name} is shorter than a window", hint="Remove it from the folder.")
    copies = range(settings.settings.slice.augment.copies)
    clean = under_condition(windows, CLEAN, settings.settings)
    return _Prepared([clean, *(altered(windows, known.clip.name, copy, settings.settings) for copy in copies)])


def _check(plan: Plan, prepared: Sequence[_Prepared]) -> None:
    if len(plan.labels) < 2:
        raise DataError("an evaluation needs clips of at least two labels")
    if not prepared:
        raise DataError("there are no clips")


def _train_all(plan: Plan, prepared: Sequence[_Prepared], homes: Sequence[FoldOf], log: Log) -> Iterator[Fold]:
    for seed, home in enumerate(homes):
        numbers = sorted({int(fold) for one in home for fold in one if fold >= 0})
        for number in numbers:
            log(f"seed {seed + 1}/{plan.seeds}, fold {number + 1}/{len(numbers)}")
            yield _train_fold(plan, prepared, home, seed, number, log)


def _train_fold(plan: Plan, prepared: Sequence[_Prepared], home: FoldOf, seed: int, number: int, log: Log) -> Fold:
    kept = [one != number for one in home]
    views = max(len(p.views) for p in prepared)
    material = _material(plan, prepared, kept, range(views))
    with tempfile.TemporaryDirectory() as folder:
        trained = train_model(plan.recipe, plan.labels, material, seed, Path(folder), lambda _line: None)
    clean = _material(plan, prepared, kept, [0])
    levels = np.concatenate([p.views[0].level_db[keep] for p, keep in zip(prepared, kept, strict=True)])
    bins = columns_of(plan.recipe.settings)
    baselines = fit_baselines(Heard(clean.features, levels), clean.labels, len(plan.labels), bins)
    log(f"trained in {trained.seconds:.0f} s{''.join('; ' + w for w in trained.warnings)}")
    return Fold(seed, number, trained, baselines)


def _material(
    plan: Plan, prepared: Sequence[_Prepared], kept: Sequence[npt.NDArray[np.bool_]], views: Iterable[int]
) -> Material:
    features, labels, groups = [], [], []
    for view in views:
        for known, clip, keep in zip(plan.clips, prepared, kept, strict=True):
            features.append(clip.views[view].features[keep])
            labels.append(np.full(int(keep.sum()), plan.labels.index(known.clip.label)))
            groups.extend([known.group] * int(keep.sum()))
    return Material(np.concatenate(features), np.concatenate(labels), groups)


def _listen(clip: int, plan: Plan, homes: Sequence[FoldOf], folds: Sequence[Fold]) -> list[Answer]:
    """What every model that has not seen windows of this clip says to them. Runs in a worker."""
    windows = read_windows(plan.clips[clip].clip.path, plan.recipe.settings.slice)
    heard = {name: under_condition(windows, name, plan.recipe.settings) for name in (CLEAN, *plan.conditions)}
    answers = []
    for fold in folds:
        mine = np.flatnonzero(homes[fold.seed][clip] == fold.number)
        if len(mine):
            answers.append(Answer(clip, fold.seed, mine, _ask(fold, heard, mine)))
    return answers


def _ask(fold: Fold, heard: dict[str, Heard], rows: npt.NDArray[np.int64]) -> Probabilities:
    from ei_toolkit.learn.infer import Interpreter

    model, exact = Interpreter(fold.trained.int8), Interpreter(fold.trained.float32)
    said: Probabilities = {FLOAT: exact.predict(heard[CLEAN].features[rows]).astype(np.float64)}
    for name, one in heard.items():
        part = Heard(one.features[rows], one.level_db[rows])
        said[name] = model.predict(part.features).astype(np.float64)
        said.update({f"{baseline} {name}": p for baseline, p in fold.baselines.predict(part).items()})
    return said
