"""`eitk train`: Generate features, train the model and test it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group

from ei_toolkit.api.training import build_and_record, prepare_training, run_prepared, training_warnings
from ei_toolkit.board.budget import known_features_ms
from ei_toolkit.board.early_checks import board_warnings
from ei_toolkit.cli.connection import connect
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.follow import Follower, OnInterrupt
from ei_toolkit.cli.next_step import note_next_step
from ei_toolkit.client.impulse.current import Current
from ei_toolkit.client.jobs.epochs import WriteEpoch
from ei_toolkit.client.jobs.job import start_retrain, start_training
from ei_toolkit.client.project import Studio, require_training
from ei_toolkit.client.train import TrainReport
from ei_toolkit.config import Config
from ei_toolkit.config.settings import plain
from ei_toolkit.errors import UsageError
from ei_toolkit.evaluation.run_log import flatten, record_run
from ei_toolkit.report.confusion import ConfusionMatrix
from ei_toolkit.report.result_tables import deployment_table, evaluation_tables, profile_table
from ei_toolkit.report.tables import Table
from ei_toolkit.report.training_logs import LogKind, open_training_log


def train(
    context: typer.Context,
    eon: Annotated[bool, typer.Option("--eon", help="Also build the library, as eitk build does.")] = False,
    features: Annotated[bool, typer.Option(help="Generate features first.")] = True,
    follow: Annotated[
        bool, typer.Option(help="Wait until the training has ended; otherwise only start one job for all stages.")
    ] = True,
    timeout: Annotated[float | None, typer.Option(min=0, help="Longest time of one job in seconds.")] = None,
    on_interrupt: Annotated[OnInterrupt, typer.Option(help="What happens to the job on Ctrl-C.")] = "ask",
    log: Annotated[
        list[LogKind] | None,
        typer.Option(help="Write the values of each epoch to .eitk/logs, or to Weights & Biases; can be repeated."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check that everything is ready.")] = False,
    table: Annotated[
        Path | None,
        typer.Option(help="Table of summary features, .csv or .npz, for [classifier]; default: those of the clips."),
    ] = None,
) -> None:
    """Generate features, train the model and test it.

    Shows the progress of each job and tables of the results. With a [classifier], a classifier of summary features is
    trained without a studio, and eitk classify uses it.
    """
    env = Environment.of(context)
    config = env.config()
    if config.settings.classifier.kind != "none":
        # imports librosa and scikit-learn, which take seconds
        from ei_toolkit.cli.train_classifier import train_classifier

        train_classifier(env, config, table, dry_run=dry_run)
        return
    if table is not None:
        raise UsageError("--table is for a [classifier]", hint="eitk init --recipe knn, or set [classifier] kind.")
    if log and not follow:
        raise UsageError("--log needs the training to be followed", hint="Leave out --no-follow.")
    for warning in board_warnings(config.settings):
        env.console.warn(warning)
    studio = connect(env, config)
    require_training(studio.transport)
    prepared = prepare_training(studio, config)
    current = prepared.current
    if dry_run:
        env.console.result({"dry_run": True, "impulse": current.impulse_id}, "everything is ready for training")
        return
    if not follow:
        prepared.expect()
        _only_start(env, studio, current, features)
        return
    started = time.monotonic()
    with _training_logs(env, config, log or ()) as logs:
        follower = Follower(env, studio, timeout, on_interrupt, logs)
        report = run_prepared(prepared, follower, features=features)
    warnings = training_warnings(config, report)
    data = report.data() | {"seconds": time.monotonic() - started, "warnings": warnings}
    try:
        if eon:
            lock = asdict(build_and_record(config, studio, current.impulse_id, follower))
            data |= {"deployment_version": lock["deployment_version"], "deployment": lock}
    finally:
        record_run(config, "train", data)
    _show(env, config, report, {"event": "result", **data})
    for warning in warnings:
        env.console.warn(warning)
    note_next_step(env, "build" if eon else "train")


@contextmanager
def _training_logs(env: Environment, config: Config, kinds: Sequence[LogKind]) -> Iterator[list[WriteEpoch]]:
    """Open the logs of a training, under one name."""
    name = f"train-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    project, settings = config.settings.project.name, dict(flatten(plain(config.settings)))
    if kinds:
        env.console.note(f"the values of each epoch are written to {config.paths.logs / name}, as {', '.join(kinds)}")
    with ExitStack() as stack:
        yield [
            stack.enter_context(open_training_log(kind, config.paths.logs, name, project, settings))
            for kind in dict.fromkeys(kinds)
        ]


def _only_start(env: Environment, studio: Studio, current: Current, features: bool) -> None:
    if features:
        started = start_retrain(studio, current.impulse_id)
    else:
        started = start_training(studio, current.learn_id, current.state.learn)
    env.console.result({"job": started.id}, f"job {started.id} has started; eitk jobs follow {started.id}")


def _show(env: Environment, config: Config, report: TrainReport, data: dict[str, Any]) -> None:
    tables: list[Table | ConfusionMatrix] = [
        *evaluation_tables("validation", report.training.validation), *evaluation_tables("test", report.test)
    ]  # fmt: skip
    if main_device := report.training.main_profiles:
        tables.append(profile_table(main_device, known_features_ms(config.settings)))
    if lock := data.get("deployment"):
        tables.append(deployment_table(lock))
    env.console.result(data, Group(*(part for table in tables for part in (table.rich(), ""))))
