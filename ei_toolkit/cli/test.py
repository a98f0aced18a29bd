"""`eitk test`: Test the trained model on the test set."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Group

from ei_toolkit.cli.connection import connect
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.follow import Follower, OnInterrupt
from ei_toolkit.client.impulse.current import require_impulse
from ei_toolkit.client.results import tested_variants
from ei_toolkit.client.train import run_test
from ei_toolkit.evaluation.plausibility import majority_warning
from ei_toolkit.impulse.metrics import TOP_1
from ei_toolkit.report.result_tables import evaluation_tables

UNTESTED = "the model was not tested since its last training: eitk test"


def test(
    context: typer.Context,
    run: Annotated[bool, typer.Option(help="Run the test; otherwise show the last one's results.")] = True,
    timeout: Annotated[float | None, typer.Option(help="Longest time of the job in seconds.")] = None,
    on_interrupt: Annotated[OnInterrupt, typer.Option(help="What happens to the job on Ctrl-C.")] = "ask",
) -> None:
    """Test the trained model on the test set.

    Shows accuracy and a confusion matrix for int8 and float32.
    """
    env = Environment.of(context)
    config = env.config()
    studio = connect(env, config)
    current = require_impulse(studio, config.settings.impulse.name)
    follower = Follower(env, studio, timeout, on_interrupt)
    found = run_test(studio, current, follower) if run else tested_variants(studio, current.impulse_id)
    data: dict[str, Any] = {"event": "result", **{evaluation.variant: evaluation.data() for evaluation in found}}
    tables = [table.rich() for table in evaluation_tables("test", found)]
    env.console.result(data, Group(*tables) if tables else UNTESTED)
    for evaluation in found[:1]:
        if warning := majority_warning(TOP_1, evaluation.top_1_accuracy, evaluation.windows_by_label):
            env.console.warn(warning)
