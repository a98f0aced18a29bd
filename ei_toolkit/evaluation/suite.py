"""Suites: published systems, each measured under its own protocol, by artist and on the fault-filtered test part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.compute import PROCESSES, executor
from ei_toolkit.config.settings import FeatureSettings
from ei_toolkit.config.units import counted
from ei_toolkit.dataset.provenance import TrainingProvenance
from ei_toolkit.errors import DataError
from ei_toolkit.evaluation.folds import FOLDS, Protocol
from ei_toolkit.evaluation.kernel_ensemble import KernelEnsembleSettings, train_and_score
from ei_toolkit.evaluation.labelled_rows import LabelledRows, Split, chosen_rows, published_split, splits, units_of
from ei_toolkit.evaluation.scores import grouped_interval
from ei_toolkit.evaluation.suite_board import NO_FEATURES, Obstacles, network_obstacles
from ei_toolkit.evaluation.suite_models import SuiteModel
from ei_toolkit.evaluation.suite_networks import (
    NetworkFold,
    NetworkSettings,
    kept_name,
    read_scores,
    train_network,
    write_scores,
)
from ei_toolkit.features.fit import TrainingRows, fit_model
from ei_toolkit.features.model import softmax

TEMPERATURES = np.geomspace(0.5, 8, 25)
LOWEST_SCORE = 1e-6  # before its logarithm
HONEST: tuple[Protocol, ...] = ("artist", "fault-filtered")
"""The protocols under which every model is measured, beside the one of its publication."""


@dataclass(frozen=True)
class Measured:
    """Accuracy of clips (0 to 1) under a protocol: mean over the seeds, of each seed, 95 % interval of the first.

    `row_accuracy` is that of single rows, such as windows; the label of a clip has the largest mean score of its rows.
    """

    protocol: Protocol
    accuracy: float
    row_accuracy: float
    by_seed: tuple[float, ...]
    interval: tuple[float, float]
    clips: int
    groups: int


@dataclass(frozen=True)
class SuiteRow:
    """A model with its results by protocol; parameters and bytes are those of its largest training set.

    `obstacles` prevent that the board runs it.
    """

    model: SuiteModel
    measured: Mapping[Protocol, Measured]
    parameters: int
    size_bytes: int
    obstacles: Obstacles
    remark: str

    @property
    def own_protocol(self) -> Measured:
        """The result under the protocol of the publication, or where the table has no windows, by clip."""
        return self.measured.get(self.model.protocol) or self.measured["clip"]


@dataclass(frozen=True)
class _Task:
    """One training: of a model, for one fold of a protocol and a seed."""

    model: int
    protocol: Protocol
    seed: int
    split: Split


@dataclass(frozen=True)
class _Fitted:
    """Scores (test rows, labels) of one trained model, and its size."""

    scores: npt.NDArray[np.float64]
    parameters: int
    size_bytes: int


Progress = Callable[[float, str], None]


def run_suite(
    models: Sequence[SuiteModel],
    rows: LabelledRows,
    seeds: int,
    jobs: int,
    progress: Progress,
    protocols: Sequence[Protocol] = (),
    kept: Path | None = None,
    scheduler: str = PROCESSES,
) -> list[SuiteRow]:
    """Train and test every model under its own protocol, by artist and fault-filtered, with each seed.

    `protocols` replaces these three. The scores of networks are kept in the folder `kept` and used again. The trainings
    run in `jobs` processes, one job in this one, or on the workers of a `scheduler`. Raises DataError where a label has
    too few clips or artists for the folds.
    """
    tasks = list(_tasks(models, rows, seeds, protocols))
    fit = partial(_fit, models=models, rows=rows, kept=kept)
    found: list[_Fitted] = []
    for task, fitted in zip(tasks, _fit_all(fit, tasks, jobs, scheduler, kept), strict=True):
        found.append(fitted)
        progress(len(found), f"{models[task.model].name}, {task.protocol}")
    return [_row(models, number, rows, tasks, found) for number in range(len(models))]


def training_scores(
    model: SuiteModel, rows: LabelledRows, seeds: int, progress: Progress, kept: Path | None = None
) -> tuple[tuple[str, ...], npt.NDArray[np.float64]]:
    """Return the clips of the published training and validation parts, and their scores (clips, labels) by a model.

    The scores of a clip are those of models that were trained on the other artists of these parts, the mean over its
    rows and over the seeds: a network can learn from them and still be tested on the published test part. They are
    softened with the temperature at which the labels are most probable. Raises DataError for rows that do not contain
    the published parts.
    """
    part = chosen_rows(rows, published_split(rows)[0])
    tasks = list(_tasks([replace(model, folds=0)], part, seeds, ["artist"]))
    total = np.zeros((len(part.clips), len(part.names)))
    for number, task in enumerate(tasks, 1):
        total[task.split[1]] += _fit(task, [model], part, kept).scores
        progress(number, f"{model.name}, scores of fold {number}")
    clips, first, owner = np.unique(part.clips, return_index=True, return_inverse=True)
    scores = np.zeros((len(clips), len(part.names)))
    np.add.at(scores, owner, total)
    return tuple(clips.tolist()), calibrated(scores, part.labels[first])


def calibrated(scores: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return scores (n, labels) at the temperature at which the labels are most probable, a sum of 1 in each row."""
    logarithms = np.log(np.maximum(scores / scores.sum(axis=1, keepdims=True), LOWEST_SCORE))
    softened = [softmax(logarithms / temperature) for temperature in TEMPERATURES]
    likelihood = [np.log(one[np.arange(len(labels)), labels]).sum() for one in softened]
    return softened[int(np.argmax(likelihood))]


def number_of_trainings(models: Sequence[SuiteModel], seeds: int, protocols: Sequence[Protocol] = ()) -> int:
    """Return how many models `run_suite` trains: one for each fold, and one for the fault-filtered split."""
    return seeds * sum(
        1 if protocol == "fault-filtered" else model.folds or FOLDS
        for model in models
        for protocol in protocols or (model.protocol, *HONEST)
    )


def _tasks(
    models: Sequence[SuiteModel], rows: LabelledRows, seeds: int, protocols: Sequence[Protocol]
) -> Iterator[_Task]:
    for number, model in enumerate(models):
        for protocol in protocols or dict.fromkeys((_feasible(model.protocol, rows), *HONEST)):
            for seed in range(seeds):
                folds = splits(rows, protocol, seed)[: model.folds or None]
                yield from (_Task(number, protocol, seed, split) for split in folds)


def _fit_all(
    fit: Callable[[_Task], _Fitted], tasks: Sequence[_Task], jobs: int, scheduler: str, kept: Path | None
) -> Iterator[_Fitted]:
    """Yield the result of each task, in their order."""
    if jobs == 1 and scheduler == PROCESSES:
        yield from map(fit, tasks)
        return
    if kept:
        kept.mkdir(parents=True, exist_ok=True)
    with executor(jobs, scheduler, [kept] if kept else []) as pool:
        yield from pool.map(fit, tasks)


def _feasible(protocol: Protocol, rows: LabelledRows) -> Protocol:
    return "clip" if protocol == "segment" and not rows.has_windows else protocol


def _fit(task: _Task, models: Sequence[SuiteModel], rows: LabelledRows, kept: Path | None) -> _Fitted:
    """Train on one fold and return the scores of its test rows. Runs in a worker process."""
    settings = models[task.model].classifier
    if isinstance(settings, NetworkSettings):
        return _network(settings, rows, task, kept)
    training, testing = task.split
    if isinstance(settings, KernelEnsembleSettings):
        values = rows.values.astype(np.float64)
        found = train_and_score(settings, rows.blocks, values[training], rows.labels[training], values[testing])
        return _Fitted(found.scores, found.parameters, found.size_bytes)
    material = TrainingRows(rows.values[training], rows.labels[training], TrainingProvenance(frozenset()))
    features: Any = FeatureSettings(rows.extractor)  # type: ignore[arg-type]
    model = fit_model(settings, material, rows.names, features, task.seed)
    return _Fitted(model.predict(rows.values[testing]), model.parameters, model.size_bytes)


def _network(settings: NetworkSettings, rows: LabelledRows, task: _Task, kept: Path | None) -> _Fitted:
    """Train a network, which takes minutes to hours, unless the result is already in the folder `kept`."""
    units = units_of(rows, task.protocol)
    fold = NetworkFold(rows.values.astype(np.float32), rows.labels, units, *task.split, task.seed)
    file = kept / kept_name(settings, task.protocol, fold) if kept else None
    if file and (known := read_scores(file)):
        return _Fitted(known.scores, known.parameters, known.size_bytes)
    trained = train_network(settings, fold, rows.names, lambda _line: None)
    if file:
        write_scores(file, trained)
    return _Fitted(trained.scores, trained.parameters, trained.size_bytes)


def _row(
    models: Sequence[SuiteModel], number: int, rows: LabelledRows, tasks: Sequence[_Task], found: Sequence[_Fitted]
) -> SuiteRow:
    own = [(task, fitted) for task, fitted in zip(tasks, found, strict=True) if task.model == number]
    by_protocol: dict[Protocol, list[tuple[_Task, _Fitted]]] = {}
    for task, fitted in own:
        by_protocol.setdefault(task.protocol, []).append((task, fitted))
    model, parameters = models[number], max(fitted.parameters for _, fitted in own)
    remarks = [model.classifier.reduced] if isinstance(model.classifier, NetworkSettings) else []
    if model.folds:
        remarks.append(f"{model.folds} of {FOLDS} folds are trained and tested")
    if model.protocol == "segment" and "segment" not in by_protocol:
        remarks.append("same protocol: by clip, because the table has no windows")
    return SuiteRow(
        model=model,
        measured={protocol: _measured(protocol, rows, results) for protocol, results in by_protocol.items()},
        parameters=parameters,
        size_bytes=max(fitted.size_bytes for _, fitted in own),
        obstacles=_obstacles(model, rows, parameters),
        remark="; ".join(remark for remark in remarks if remark),
    )


def _obstacles(model: SuiteModel, rows: LabelledRows, parameters: int) -> Obstacles:
    if not isinstance(model.classifier, NetworkSettings):
        return NO_FEATURES
    return network_obstacles(model.classifier, rows.values.shape[1], len(rows.names), parameters)


def _measured(protocol: Protocol, rows: LabelledRows, results: Sequence[tuple[_Task, _Fitted]]) -> Measured:
    seeds = sorted({task.seed for task, _ in results})
    correct = [_correct_clips(rows, [one for one in results if one[0].seed == seed]) for seed in seeds]
    accuracies = tuple(float(np.mean(list(own.values()))) for own in correct)
    group_of = dict(zip(rows.clips, rows.groups, strict=True))
    groups = [group_of[clip] for clip in correct[0]]
    interval = grouped_interval(groups, list(correct[0].values()), 0)
    right = [fitted.scores.argmax(axis=1) == rows.labels[task.split[1]] for task, fitted in results]
    by_row = float(np.concatenate(right).mean())
    return Measured(protocol, float(np.mean(accuracies)), by_row, accuracies, interval, len(groups), len(set(groups)))


def _correct_clips(rows: LabelledRows, results: Sequence[tuple[_Task, _Fitted]]) -> dict[str, bool]:
    """Return for each tested clip whether the mean of the scores of its rows is largest for its label."""
    total: dict[str, npt.NDArray[np.float64]] = {}
    label_of = dict(zip(rows.clips, rows.labels.tolist(), strict=True))
    for task, fitted in results:
        for row, scores in zip(task.split[1], fitted.scores, strict=True):
            clip = rows.clips[row]
            total[clip] = total[clip] + scores if clip in total else scores
    if not total:
        raise DataError("no clip is tested", why=f"{counted(len(rows.clips), 'row')} in {len(results)} folds")
    return {clip: int(scores.argmax()) == label_of[clip] for clip, scores in total.items()}
