"""`eitk nightly`: Retrain from a dataset and run the gate on the model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ei_toolkit.cli.environment import Environment


def nightly(
    context: typer.Context,
    dataset: Annotated[
        str,
        typer.Argument(
            help="For the first night: folder of clips, gtzan (fetched and verified), or synth (made). Later the same."
        ),
    ],
    folder: Annotated[Path, typer.Option("--dir", help="Project folder, kept from night to night.")] = Path("nightly"),
    recipe: Annotated[str, typer.Option(help="Recipe for the first night: robust or reference.")] = "robust",
    board: Annotated[str, typer.Option(help="Board for the first night: emulated or host.")] = "emulated",
) -> None:
    """Retrain from a dataset and run the gate on the model.

    Exit code 7 if the champion stays.
    """
    from ei_toolkit.cli.workflows.nightly import MADE, run_nightly
    from ei_toolkit.errors import GateNotMet

    env = Environment.of(context)
    clips = dataset if dataset in MADE else str(env.cwd / dataset)
    night = run_nightly(clips, env.cwd / folder, env.environ, env.console, recipe=recipe, board=board)
    figures = night.gate.metrics
    since = f"nothing new since run {night.gate.id} of {night.gate.created} ({figures['verdict']}). "
    data = {"new": night.new, "run": night.gate.id, "verdict": figures["verdict"], "published": str(night.published)}
    env.console.result(data, ("" if night.new else since) + str(figures["text"]))
    if not night.passed:
        raise GateNotMet("the champion stays", why="; ".join(figures["reasons"]))
