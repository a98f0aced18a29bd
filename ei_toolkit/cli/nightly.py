"""`eitk nightly`: Retrain from a dataset and run the gate on the model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.options import known_board, known_recipe
from ei_toolkit.cli.workflows.nightly import MADE, run_nightly
from ei_toolkit.errors import GateNotMet


def nightly(
    context: typer.Context,
    dataset: Annotated[
        str,
        typer.Argument(
            help="Folder of clips, gtzan (fetched and verified) or synth (synthesised); the same in every run."
        ),
    ],
    folder: Annotated[Path, typer.Option("--dir", help="Project folder, used again by every later run.")] = Path(
        "nightly"
    ),
    recipe: Annotated[
        str, typer.Option(help="Recipe of the first run: robust or reference.", callback=known_recipe)
    ] = "robust",
    board: Annotated[
        str, typer.Option(help="Board of the first run: emulated or host.", callback=known_board)
    ] = "emulated",
) -> None:
    """Retrain from a dataset and run the gate on the model.

    Exit code 7 if the champion stays.
    """
    env = Environment.of(context)
    clips = dataset if dataset in MADE else str(env.cwd / dataset)
    done = run_nightly(
        clips, env.cwd / folder, env.environ, env.console, recipe=recipe, board=board, options=env.options
    )
    figures = done.gate.metrics
    unchanged = f"nothing changed since run {done.gate.id} of {done.gate.created} ({figures['verdict']}). "
    data = {"new": done.new, "run": done.gate.id, "verdict": figures["verdict"], "published": str(done.published)}
    env.console.result(data, ("" if done.new else unchanged) + str(figures["text"]))
    if not done.passed:
        raise GateNotMet("the champion stays", why="; ".join(figures["reasons"]))
