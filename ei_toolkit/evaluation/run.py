"""Evaluate a recipe on a folder of clips: compute features, train a model for each fold, predict under each condition.

Memory holds the training features and otherwise one clip at a time. Features, trainings and predictions run in worker
processes with one core each: several small networks at once train faster than one network on all cores.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ei_toolkit.audio.effects.conditions import CONDITIONS
from ei_toolkit.compute import PROCESSES, executor, pool_size
from ei_toolkit.config.units import counted
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.errors import DataError, UsageError
from ei_toolkit.evaluation.baselines import Baselines, fit_baselines
from ei_toolkit.evaluation.clips import (
    CLEAN,
    FeatureSet,
    Mask,
    Prepared,
    clean_levels,
    material,
    prepare_all,
    read_windows,
    under_condition,
)
from ei_toolkit.evaluation.folds import (
    EARLIER_NAMES,
    FOLDS,
    PROTOCOLS,
    TRAINING,
    FoldOf,
    Protocol,
    assign_folds,
    check_folds,
    clips_of_split,
)
from ei_toolkit.evaluation.held_out import check_outputs
from ei_toolkit.evaluation.model import Material, Recipe, Trained, train_model
from ei_toolkit.evaluation.trained_folds import TrainedFolds
from ei_toolkit.impulse.features import frame_features
from ei_toolkit.impulse.trained_model import label_order

Log = Callable[[str], None]
FLOAT = "float32"
PINNED = "test"  # not a protocol of folds: see run_model
PINNED_DESCRIPTION = "trains nothing: it tests the pinned model on the testing clips"
Probabilities = dict[str, npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Plan:
    """What to evaluate: recipe, clips, protocol, number of seeds, conditions and folds.

    With `only_first` the first fold is trained and tested, and no other. `trained` keeps the models of an evaluation
    that is interrupted; without it, it starts again. `scheduler` is that of [compute].
    """

    recipe: Recipe
    clips: Sequence[KnownClip]
    protocol: Protocol
    seeds: int = 1
    conditions: Sequence[str] = CONDITIONS
    jobs: int = 2
    folds: int = FOLDS
    only_first: bool = False
    trained: TrainedFolds | None = None
    scheduler: str = PROCESSES

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the labels in the order of the outputs of the models."""
        return tuple(label_order(known.clip.label for known in self.clips))


@dataclass(frozen=True)
class Fold:
    """A trained model and the baselines fitted on the same windows."""

    seed: int
    number: int
    trained: Trained
    baselines: Baselines


@dataclass(frozen=True)
class ClipPredictions:
    """Predictions of the models of one seed for the windows of one clip that they were not trained on.

    `probabilities` maps a condition (`clean`, …), `float32` (the float model, clean) or `baseline condition` to
    (windows, classes).
    """

    clip: int
    seed: int
    windows: npt.NDArray[np.int64]
    probabilities: Probabilities


@dataclass(frozen=True)
class Run:
    """The results of an evaluation before they are summarised."""

    plan: Plan
    folds: Sequence[Fold]
    predictions: Sequence[ClipPredictions]


def checked_protocol(name: str) -> Protocol:
    """Return the protocol of this name, or of an earlier name. Raises UsageError for an unknown one."""
    name = EARLIER_NAMES.get(name, name)
    if name not in PROTOCOLS:
        raise UsageError(f"there is no protocol {name!r}", hint="Protocols: " + ", ".join((*PROTOCOLS, PINNED)) + ".")
    return name


def checked_conditions(names: str) -> tuple[str, ...]:
    """Return conditions from a list with commas, `all` or `none`. Raises UsageError for an unknown one."""
    if names in ("all", "none"):
        return CONDITIONS if names == "all" else ()
    chosen = tuple(name.strip() for name in names.split(",") if name.strip())
    if unknown := set(chosen) - set(CONDITIONS):
        raise UsageError(
            f"there is no condition {min(unknown)!r}", hint="Conditions: " + ", ".join(CONDITIONS) + ", all, none."
        )
    return chosen


def run_plan(plan: Plan, log: Log) -> Run:
    """Run the plan. Raises DataError for unusable clips or folds, ConfigurationError for an unusable recipe."""
    settings = plan.recipe.settings
    clips = clips_of_split(plan.clips, plan.protocol)
    check_folds(plan.protocol, clips, plan.folds)
    with _executor(plan) as pool:
        plan = replace(plan, jobs=pool_size(pool, plan.jobs))
        log(f"features of {len(plan.clips)} clips")
        started = time.monotonic()
        prepared = prepare_all(pool, clips, settings, settings.slice.augment.copies, log)
        usable = replace(plan, clips=[one.known for one in prepared])
        windows = [one.windows for one in prepared]
        homes = [assign_folds(plan.protocol, usable.clips, windows, seed, plan.folds) for seed in range(plan.seeds)]
        view_s = (time.monotonic() - started) / len(prepared[0].views)
        folds = _train_and_estimate(pool, usable, prepared, homes, view_s, log)
        tested = [_without_duplicates(home, prepared) for home in homes]
        run = Run(usable, folds, _predict_all(pool, usable, tested, folds, log))
    if plan.trained:
        plan.trained.remove()
    return run


def run_model(plan: Plan, model: bytes, held_out: Collection[str], log: Log) -> Run:
    """Test a finished model on the held-out clips, given by name; the other clips only fit the baselines.

    Raises DataError where no clip of some label is held out, or the model has another number of outputs.
    """
    with _executor(plan) as pool:
        log(f"features of {len(plan.clips)} clips")
        settings = plan.recipe.settings
        prepared = prepare_all(pool, clips_of_split(plan.clips, settings.dataset.split), settings, 0, log)
        usable = replace(plan, clips=[one.known for one in prepared], seeds=1)
        home = [np.full(one.windows, 0 if one.known.clip.name in held_out else TRAINING) for one in prepared]
        tested = {one.known.clip.label for one in prepared if one.known.clip.name in held_out}
        if tested != set(usable.labels):
            raise DataError("no clip of some label is held out", hint="eitk slice, then train on its windows.")
        baselines = _baselines(usable, prepared, [one != 0 for one in home])
        folds = [Fold(0, 0, Trained(model, b"", 0, 0.0, ()), baselines)]
        predictions = _predict_all(pool, usable, [_without_duplicates(home, prepared)], folds, log)
        check_outputs(predictions[0].probabilities[CLEAN].shape[1], usable.labels)
        return Run(usable, folds, predictions)


def _executor(plan: Plan) -> Executor:
    """Return where the plan runs; workers elsewhere must see the clips, and the folder of the models."""
    folders = [plan.trained.folder] if plan.trained else []
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    return executor(plan.jobs, plan.scheduler, [*folders, *(known.clip.path for known in plan.clips[:1])])


def _without_duplicates(home: FoldOf, prepared: Sequence[Prepared]) -> FoldOf:
    """Return the fold that tests each window; duplicates are never tested, as `eitk slice` leaves them out."""
    return [np.where(one.distinct[:, 0], own, TRAINING) for own, one in zip(home, prepared, strict=True)]


def _train_all(
    pool: Executor, plan: Plan, prepared: Sequence[Prepared], homes: Sequence[FoldOf], log: Log
) -> Iterator[Fold]:
    """Train every fold of every seed, in order; at most as many at once as there are workers, to save memory."""
    running: deque[tuple[int, int, Baselines, Future[Trained]]] = deque()
    for seed, home in enumerate(homes):
        for number in _fold_numbers(plan, home):
            if len(running) == plan.jobs:
                yield _finished(*running.popleft(), log)
            kept = [one != number for one in home]
            training = material(prepared, kept, plan.labels, range(len(prepared[0].views)))
            future = pool.submit(_train, plan.recipe, plan.labels, training, seed, plan.trained)
            running.append((seed, number, _baselines(plan, prepared, kept), future))
    while running:
        yield _finished(*running.popleft(), log)


def _fold_numbers(plan: Plan, home: FoldOf) -> list[int]:
    """Return the folds of one seed that are trained and tested."""
    numbers = sorted({int(fold) for one in home for fold in one if fold >= 0})
    return numbers[:1] if plan.only_first else numbers


def _train(
    recipe: Recipe, labels: tuple[str, ...], training: Material, seed: int, known: TrainedFolds | None
) -> Trained:
    """Train one model, or read it if it was trained before an interruption. Runs in a worker process."""
    key = known.key(recipe, labels, training, seed) if known else ""
    if known and (trained := known.read(key)):
        return trained
    with tempfile.TemporaryDirectory() as folder:
        trained = train_model(recipe, labels, training, seed, Path(folder), lambda _line: None)
    if known:
        known.write(key, trained)
    return trained


def _train_and_estimate(
    pool: Executor, plan: Plan, prepared: Sequence[Prepared], homes: Sequence[FoldOf], view_s: float, log: Log
) -> list[Fold]:
    """Train every fold; after the first, log how long the rest will take.

    `view_s` is the time of the features of all clips under one condition.
    """
    total = sum(len(_fold_numbers(plan, home)) for home in homes)
    folds, started = [], time.monotonic()
    for fold in _train_all(pool, plan, prepared, homes, log):
        folds.append(fold)
        if len(folds) == 1 and total > 1:
            predictions_s = view_s * (1 + len(plan.conditions))
            rest_s = remaining_seconds(time.monotonic() - started, total, plan.jobs, predictions_s)
            log(f"about {duration(rest_s)} left: {total - 1} more trainings, then the predictions")
    return folds


def remaining_seconds(first_s: float, trainings: int, jobs: int, predictions_s: float) -> float:
    """Return the estimated seconds after the first of `trainings`, which took `first_s` beside `jobs` - 1 others."""
    return (math.ceil(trainings / jobs) - 1) * first_s + predictions_s


def duration(seconds: float) -> str:
    """Return a time with the unit that suits it: 40 s, 12 min, 1 h 5 min."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _finished(seed: int, number: int, baselines: Baselines, future: Future[Trained], log: Log) -> Fold:
    trained = future.result()
    warnings = "".join(f"; {warning}" for warning in trained.warnings)
    how = "trained before the interruption" if trained.is_reused else f"trained in {trained.seconds:.0f} s"
    log(f"seed {seed + 1}, fold {number + 1}: {how}{warnings}")
    return Fold(seed, number, trained, baselines)


def _baselines(plan: Plan, prepared: Sequence[Prepared], kept: Sequence[Mask]) -> Baselines:
    clean = material(prepared, kept, plan.labels, [0])
    windows = FeatureSet(clean.features, clean_levels(prepared, kept))
    return fit_baselines(windows, clean.labels, len(plan.labels), frame_features(plan.recipe.settings))


def _predict_all(
    pool: Executor, plan: Plan, homes: Sequence[FoldOf], folds: Sequence[Fold], log: Log
) -> list[ClipPredictions]:
    log(f"{counted(len(folds), 'model')} under {counted(1 + len(plan.conditions), 'condition')}")
    predict = partial(_predict_clip, plan=plan, homes=homes, folds=folds)
    return [one for found in pool.map(predict, range(len(plan.clips)), chunksize=4) for one in found]


def _predict_clip(clip: int, plan: Plan, homes: Sequence[FoldOf], folds: Sequence[Fold]) -> list[ClipPredictions]:
    """Predict the windows of a clip with every model that was not trained on them. Runs in a worker process."""
    known = plan.clips[clip]
    windows = read_windows(known.clip.path, known.sha256, plan.recipe.settings.slice)
    features = {name: under_condition(windows, name, plan.recipe.settings) for name in (CLEAN, *plan.conditions)}
    predictions = []
    for fold in folds:
        mine = np.flatnonzero(homes[fold.seed][clip] == fold.number)
        if len(mine):
            predictions.append(ClipPredictions(clip, fold.seed, mine, _predict(fold, features, mine)))
    return predictions


def _predict(fold: Fold, features: dict[str, FeatureSet], rows: npt.NDArray[np.int64]) -> Probabilities:
    # needs an optional dependency, which only the worker processes load
    from ei_toolkit.impulse.interpreter import Interpreter

    model, found = Interpreter(fold.trained.int8), Probabilities()
    if fold.trained.float32:
        found[FLOAT] = Interpreter(fold.trained.float32).predict(features[CLEAN].features[rows]).astype(np.float64)
    for name, one in features.items():
        part = FeatureSet(one.features[rows], one.level_db[rows])
        found[name] = model.predict(part.features).astype(np.float64)
        found.update({f"{baseline} {name}": p for baseline, p in fold.baselines.predict(part).items()})
    return found
