"""The part of `eitk evaluate` that measures classifiers of summary features: a suite, or the project's classifier."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Group
from rich.text import Text

from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.output_file import check_output
from ei_toolkit.config import Settings
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.units import counted
from ei_toolkit.dataset.cutting import cores
from ei_toolkit.dataset.faults import faults_text
from ei_toolkit.errors import UsageError
from ei_toolkit.evaluation.folds import LEAKS, leak_warning
from ei_toolkit.evaluation.labelled_rows import LabelledRows, find_track, labelled_rows
from ei_toolkit.evaluation.suite import chosen_models, number_of_trainings, run_suite
from ei_toolkit.features.table import FeatureTable, read_table
from ei_toolkit.report.suite_tables import suite_data, suite_markdown, suite_notes, suite_table

SUFFIXES = (".md", ".json")


def evaluate_suite(
    env: Environment, suite: str, features: Path | None, models: str, seeds: int, jobs: int, output: Path | None
) -> None:
    """Measure the models of a suite on a table of features, and print and write the table of results."""
    chosen = chosen_models(suite, models)
    if features is None:
        raise UsageError(
            "--suite needs a table of features", hint="eitk features CLIPS -o FILE.csv, then --features FILE.csv"
        )
    file = _checked(env.cwd / output) if output else None
    settings = env.config().settings
    table = read_table(env.cwd / features)
    rows = labelled_rows(table, leave_out_faults=settings.dataset.faults == "leave-out")
    note_rows(env, table, rows, settings)
    total = number_of_trainings(chosen, rows, seeds)
    env.console.note(f"{counted(len(chosen), 'model')}, {counted(total, 'training')}")
    with env.console.progress("training", total) as progress:
        found = run_suite(chosen, rows, seeds, jobs or cores(), progress.to)
    data = suite_data(suite, found, seeds)
    if file:
        write_text(file, suite_markdown(data) if file.suffix == ".md" else json.dumps(data, indent=1) + "\n")
    if env.config().file:
        write_text(env.config().paths.suite, json.dumps(data, indent=1) + "\n")
    for protocol in LEAKS:
        if any(protocol in row.measured for row in found):
            env.console.warn(leak_warning(protocol))
    env.console.result(data, Group(suite_table(data).rich(), *(Text(note) for note in suite_notes(data))))


def note_rows(env: Environment, table: FeatureTable, rows: LabelledRows, settings: Settings) -> None:
    """Note the size of a table, catalogued faults, and labels of unequal size."""
    env.console.note(
        f"{counted(len(rows.clips), 'row')} of {counted(len(set(rows.clips)), 'clip')} and"
        f" {counted(len(set(rows.groups)), 'artist')}, {counted(len(rows.names), 'label')}, {table.extractor}"
    )
    tracks = [find_track(name) for name in dict.fromkeys(table.names)]
    if text := faults_text(tracks, left_out=settings.dataset.faults == "leave-out"):
        env.console.note(text)
    counts = {name: int((rows.labels == number).sum()) for number, name in enumerate(rows.names)}
    few, many = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    if counts[many] > 2 * counts[few]:
        env.console.warn(
            f"labels of unequal size: {many} has {counted(counts[many], 'row')}, {few} has {counts[few]};"
            " accuracies depend more on the frequent labels"
        )


def _checked(file: Path) -> Path:
    if file.suffix not in SUFFIXES:
        raise UsageError(
            f"cannot write {file}",
            why="the ending is not known",
            hint=f"Name a file that ends in {' or '.join(SUFFIXES)}.",
        )
    return check_output(file)
