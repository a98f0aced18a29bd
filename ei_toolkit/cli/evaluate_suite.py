"""The part of `eitk evaluate` that measures classifiers of summary features: a suite, or the project's classifier."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Group
from rich.text import Text

from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.feature_rows import compute_table, rows_of
from ei_toolkit.cli.output_file import check_output
from ei_toolkit.compression.clip_scores import ClipScores
from ei_toolkit.config import Settings
from ei_toolkit.config.address import place_of
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.settings import plain
from ei_toolkit.config.units import counted, percent
from ei_toolkit.dataset.plan import clips_root
from ei_toolkit.errors import UsageError
from ei_toolkit.evaluation.clips import find_known_clips
from ei_toolkit.evaluation.folds import FOLDS, LEAKS, leak_warning
from ei_toolkit.evaluation.kernel_ensemble import KernelEnsembleSettings
from ei_toolkit.evaluation.labelled_rows import LabelledRows
from ei_toolkit.evaluation.run import checked_protocol
from ei_toolkit.evaluation.suite import SuiteRow, number_of_trainings, run_suite, training_scores
from ei_toolkit.evaluation.suite_models import SuiteInput, SuiteModel, measurable_models
from ei_toolkit.evaluation.suite_networks import NetworkSettings, ensemble_rows, network_rows
from ei_toolkit.features.log_mel import read_log_mel
from ei_toolkit.features.table import read_table
from ei_toolkit.impulse.metrics import interval_text
from ei_toolkit.report.suite_tables import suite_data, suite_markdown, suite_notes, suite_table

SUFFIXES = (".md", ".json")


@dataclass(frozen=True)
class SuiteInputs:
    """What a suite is measured on: a table of summary features, log-mel spectra, or both."""

    features: Path | None = None
    log_mel: Path | None = None

    @property
    def given(self) -> set[SuiteInput]:
        """The inputs that are there."""
        found: dict[SuiteInput, Path | None] = {"features": self.features, "log-mel": self.log_mel}
        return {name for name, path in found.items() if path}


def evaluate_suite(
    env: Environment, suite: str, inputs: SuiteInputs, models: str, seeds: int, jobs: int, output: Path | None
) -> None:
    """Measure the models of a suite on features and spectra, and print and write the table of results."""
    chosen, others = _measurable(suite, models, inputs)
    if others:
        env.console.note(f"not measured, because their input is not given: {', '.join(one.name for one in others)}")
    file = check_output(env.cwd / output, SUFFIXES) if output else None
    total = number_of_trainings(chosen, seeds)
    env.console.note(f"{counted(len(chosen), 'model')}, {counted(total, 'training')}")
    project = env.config()
    kept = project.paths.suite_trainings if project.file else None
    found: list[SuiteRow] = []
    done = 0
    with env.console.progress("training", total) as progress:
        for own, rows in _rows_by_models(env, chosen, inputs):
            found += run_suite(
                own, rows, seeds, jobs, partial(_advance, progress.to, done), kept=kept,
                scheduler=project.settings.compute.scheduler,
            )  # fmt: skip
            done += number_of_trainings(own, seeds)
    found.sort(key=lambda row: chosen.index(row.model))
    data = suite_data(suite, found, seeds)
    if file:
        write_text(file, suite_markdown(data) if file.suffix == ".md" else json.dumps(data, indent=1) + "\n")
    if project.file:
        write_text(project.paths.suite, json.dumps(data, indent=1) + "\n")
    for protocol in LEAKS:
        if any(protocol in row.measured for row in found):
            env.console.warn(leak_warning(protocol))
    env.console.result(data, Group(suite_table(data).rich(), *(Text(note) for note in suite_notes(data))))


def write_training_scores(
    env: Environment, suite: str, inputs: SuiteInputs, models: str, seeds: int, file: Path
) -> None:
    """Write the scores of the training clips by one model of a suite, as `training_scores` computes them."""
    chosen, _ = _measurable(suite, models, inputs)
    if len(chosen) != 1:
        names = ", ".join(model.name for model in chosen)
        raise UsageError(f"--scores is for one model, and these are chosen: {names}", hint="Name one: --models best")
    target = check_output(env.cwd / file, (".npz",))
    [([model], rows)] = _rows_by_models(env, chosen, inputs)
    project = env.config()
    with env.console.progress("training", seeds * FOLDS) as progress:
        clips, scores = training_scores(
            model, rows, seeds, progress.to, project.paths.suite_trainings if project.file else None
        )
    ClipScores(clips, rows.names, scores.astype(np.float32)).write(target)
    label_of = dict(zip(rows.clips, rows.labels, strict=True))
    right = float(np.mean(scores.argmax(axis=1) == [label_of[clip] for clip in clips]))
    env.console.result(
        {"file": str(target), "model": model.name, "clips": len(clips), "accuracy": right},
        f"{target}: scores of {counted(len(clips), 'clip')} by {model.name}, of which {percent(right)} are right",
    )


def _measurable(suite: str, models: str, inputs: SuiteInputs) -> tuple[tuple[SuiteModel, ...], tuple[SuiteModel, ...]]:
    if not inputs.given:
        raise UsageError(
            "--suite needs a table of features, log-mel spectra, or both",
            hint="eitk features CLIPS -o FILE.csv, then --features FILE.csv",
        )
    return measurable_models(suite, models, inputs.given)


def _rows_by_models(
    env: Environment, models: Sequence[SuiteModel], inputs: SuiteInputs
) -> Iterator[tuple[list[SuiteModel], LabelledRows]]:
    """Yield models with the rows that they are trained on: those of summary features share one table."""
    settings = env.config().settings
    without_faults = settings.dataset.faults == "leave-out"
    table = rows_of(env, read_table(env.cwd / inputs.features), settings) if inputs.features else None
    spectra = read_log_mel(env.cwd / inputs.log_mel) if inputs.log_mel else None
    if table and (own := [model for model in models if model.inputs == ("features",)]):
        yield own, table
    for model in models:
        if spectra and isinstance(model.classifier, NetworkSettings):
            yield [model], network_rows(spectra, model.classifier, leave_out_faults=without_faults)
        elif spectra and table and isinstance(model.classifier, KernelEnsembleSettings):
            yield [model], ensemble_rows(spectra, table, leave_out_faults=without_faults)


def _advance(to: Callable[[float, str], None], done: int, number: float, note: str) -> None:
    to(done + number, note)


def evaluate_classifier(
    env: Environment,
    settings: Settings,
    protocol: str,
    clips: Path | None,
    features: Path | None,
    seeds: int,
    jobs: int,
) -> None:
    """Measure the [classifier] of the settings under one protocol, on a table or on the features of the clips."""
    held_out = checked_protocol(protocol)
    if settings.classifier.kind == "none":
        raise UsageError(
            "--features is for a classifier of summary features, and [classifier] kind is none",
            hint="Add --recipe regression, or --suite ten-genres.",
        )
    if features is None:
        dataset = replace(settings.dataset, root=place_of(clips, env.cwd)) if clips else settings.dataset
        project = env.config().paths.root
        known = find_known_clips(clips_root(dataset, project), replace(settings, dataset=dataset), project)
        table = compute_table(env, known, settings.features, jobs)
    else:
        table = read_table(env.cwd / features, settings.features.extractor)
    rows = rows_of(env, table, settings)
    model = SuiteModel(settings.classifier.kind, "", "clip", settings.classifier)
    total = number_of_trainings([model], seeds, (held_out,))
    with env.console.progress("training", total) as progress:
        scheduler = env.config().settings.compute.scheduler
        [found] = run_suite([model], rows, seeds, jobs, progress.to, (held_out,), scheduler=scheduler)
    if leak := leak_warning(held_out):
        env.console.warn(leak)
    measured = found.measured[held_out]
    data = {"classifier": settings.classifier.kind, "parameters": found.parameters, **plain(measured)}
    interval = interval_text(measured.interval, measured.clips, measured.groups)
    env.console.result(
        data,
        f"{settings.classifier.kind}, {held_out}, {counted(seeds, 'seed')}: clip accuracy {percent(measured.accuracy)}"
        f" of {counted(measured.clips, 'clip')} of {counted(measured.groups, 'group')}; {interval}",
    )
