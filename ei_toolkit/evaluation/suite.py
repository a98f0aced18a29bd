"""Suites: published systems, each measured under its own protocol, by artist and on the fault-filtered test part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.compute import executor
from ei_toolkit.config.settings import ClassifierSettings, FeatureSettings
from ei_toolkit.config.units import counted
from ei_toolkit.dataset.provenance import TrainingProvenance
from ei_toolkit.errors import DataError, UsageError
from ei_toolkit.evaluation.folds import Protocol
from ei_toolkit.evaluation.labelled_rows import LabelledRows, Split, splits
from ei_toolkit.evaluation.scores import grouped_interval
from ei_toolkit.features.fit import TrainingRows, fit_model

HONEST: tuple[Protocol, ...] = ("artist", "fault-filtered")
"""The protocols under which every model is measured, beside the one of its publication."""


@dataclass(frozen=True)
class SuiteModel:
    """A published system: its figure in percent as published, the protocol of that figure, and its classifier."""

    name: str
    published: str
    protocol: Protocol
    classifier: ClassifierSettings


TEN_GENRES = (
    SuiteModel("B1 KNN (10, distance)", "51", "clip", ClassifierSettings("knn")),
    SuiteModel("B2 regression (C 10)", "67.5; 5-fold 62.9", "clip", ClassifierSettings("regression", c=10.0)),
    SuiteModel("regression (C 1)", "", "clip", ClassifierSettings("regression")),
    SuiteModel("SVM (C 10, gamma 0.01)", "", "clip", ClassifierSettings("svm", c=10.0)),
    SuiteModel("random forest (500)", "", "clip", ClassifierSettings("forest")),
    SuiteModel("MLP 146 × 2", "", "clip", ClassifierSettings("mlp", epochs=200, early_stopping=True)),
    SuiteModel("B3 MLP 146 × 3", "72", "clip", ClassifierSettings(
        "mlp", units=(146, 146, 146), batch_normalization=True, dropout=0.3, learning_rate=0.002, batch_size=25)),
    SuiteModel("A6 MLP with dropout", "92.74", "segment", ClassifierSettings(
        "mlp", units=(512, 256, 64), dropout=0.3, weight_decay=0.0, batch_size=32, epochs=60)),
)  # fmt: skip
SUITES: Mapping[str, tuple[SuiteModel, ...]] = MappingProxyType({"ten-genres": TEN_GENRES})


@dataclass(frozen=True)
class Measured:
    """Accuracy of clips (0 to 1) under a protocol: mean over the seeds, of each seed, 95 % interval of the first."""

    protocol: Protocol
    accuracy: float
    by_seed: tuple[float, ...]
    interval: tuple[float, float]
    clips: int
    groups: int


@dataclass(frozen=True)
class SuiteRow:
    """A model with its results by protocol; parameters and bytes are those of its largest training set."""

    model: SuiteModel
    measured: Mapping[Protocol, Measured]
    parameters: int
    size_bytes: int
    remark: str

    @property
    def own_protocol(self) -> Measured:
        """The result under the protocol of the publication, or where the table has no windows, by clip."""
        return self.measured.get(self.model.protocol) or self.measured["clip"]


def chosen_models(suite: str, names: str = "") -> tuple[SuiteModel, ...]:
    """Return the models of a suite whose names start with one of `names`, separated by commas; "" means all.

    Raises UsageError for an unknown suite or a name of no model.
    """
    if suite not in SUITES:
        raise UsageError(f"--suite: there is no suite {suite!r}", hint=f"Suites: {', '.join(SUITES)}.")
    wanted = [name.strip().lower() for name in names.split(",") if name.strip()]
    for name in wanted:
        if not any(model.name.lower().startswith(name) for model in SUITES[suite]):
            own = ", ".join(model.name for model in SUITES[suite])
            raise UsageError(f"--models: the suite {suite} has no model {name!r}", hint=f"Models: {own}.")
    return tuple(m for m in SUITES[suite] if not wanted or m.name.lower().startswith(tuple(wanted)))


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
) -> list[SuiteRow]:
    """Train and test every model under its own protocol, by artist and fault-filtered, with each seed.

    `protocols` replaces these three. Raises DataError where a label has too few clips or artists for the folds.
    """
    tasks = list(_tasks(models, rows, seeds, protocols))
    found: dict[int, _Fitted] = {}
    for number, fitted in _fit_all(models, rows, tasks, jobs):
        found[number] = fitted
        progress(len(found), f"{models[tasks[number].model].name}, {tasks[number].protocol}")
    return [_row(models, number, rows, tasks, found) for number in range(len(models))]


def number_of_trainings(
    models: Sequence[SuiteModel], rows: LabelledRows, seeds: int, protocols: Sequence[Protocol] = ()
) -> int:
    """Return how many models `run_suite` trains."""
    return sum(1 for _ in _tasks(models, rows, seeds, protocols))


def _tasks(
    models: Sequence[SuiteModel], rows: LabelledRows, seeds: int, protocols: Sequence[Protocol]
) -> Iterator[_Task]:
    for number, model in enumerate(models):
        for protocol in protocols or dict.fromkeys((_feasible(model.protocol, rows), *HONEST)):
            for seed in range(seeds):
                yield from (_Task(number, protocol, seed, split) for split in splits(rows, protocol, seed))


def _fit_all(
    models: Sequence[SuiteModel], rows: LabelledRows, tasks: Sequence[_Task], jobs: int
) -> Iterator[tuple[int, _Fitted]]:
    """Yield the number of each task with its result, in the order of completion; one job stays in this process."""
    arguments = [(models[task.model].classifier, rows, task.split, task.seed) for task in tasks]
    if jobs == 1:
        yield from ((number, _fit(*own)) for number, own in enumerate(arguments))
        return
    with executor(jobs) as pool:
        started: dict[Future[_Fitted], int] = {pool.submit(_fit, *own): number for number, own in enumerate(arguments)}
        yield from ((started[done], done.result()) for done in as_completed(started))


def _feasible(protocol: Protocol, rows: LabelledRows) -> Protocol:
    return "clip" if protocol == "segment" and not rows.has_windows else protocol


def _fit(settings: ClassifierSettings, rows: LabelledRows, split: Split, seed: int) -> _Fitted:
    """Train on one fold and return the scores of its test rows. Runs in a worker process."""
    training, testing = split
    material = TrainingRows(rows.values[training], rows.labels[training], TrainingProvenance(frozenset()))
    features: Any = FeatureSettings(rows.extractor)  # type: ignore[arg-type]
    model = fit_model(settings, material, rows.names, features, seed)
    return _Fitted(model.predict(rows.values[testing]), model.parameters, model.size_bytes)


def _row(
    models: Sequence[SuiteModel], number: int, rows: LabelledRows, tasks: Sequence[_Task], found: Mapping[int, _Fitted]
) -> SuiteRow:
    own = [(task, found[place]) for place, task in enumerate(tasks) if task.model == number]
    by_protocol: dict[Protocol, list[tuple[_Task, _Fitted]]] = {}
    for task, fitted in own:
        by_protocol.setdefault(task.protocol, []).append((task, fitted))
    model = models[number]
    without = model.protocol == "segment" and "segment" not in by_protocol
    return SuiteRow(
        model=model,
        measured={protocol: _measured(protocol, rows, results) for protocol, results in by_protocol.items()},
        parameters=max(fitted.parameters for _, fitted in own),
        size_bytes=max(fitted.size_bytes for _, fitted in own),
        remark="same protocol: by clip, because the table has no windows" if without else "",
    )


def _measured(protocol: Protocol, rows: LabelledRows, results: Sequence[tuple[_Task, _Fitted]]) -> Measured:
    seeds = sorted({task.seed for task, _ in results})
    correct = [_correct_clips(rows, [one for one in results if one[0].seed == seed]) for seed in seeds]
    accuracies = tuple(float(np.mean(list(own.values()))) for own in correct)
    group_of = dict(zip(rows.clips, rows.groups, strict=True))
    groups = [group_of[clip] for clip in correct[0]]
    interval = grouped_interval(groups, list(correct[0].values()), 0)
    return Measured(protocol, float(np.mean(accuracies)), accuracies, interval, len(groups), len(set(groups)))


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
