"""`eitk evaluate`: Measure a recipe on held-out groups, beside baselines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ei_toolkit.api.evaluating import evaluate as evaluate_held_out
from ei_toolkit.api.project import Project
from ei_toolkit.cli import complete
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.options import checked_by, known_recipe
from ei_toolkit.config.address import place_of
from ei_toolkit.config.recipes.write import load_recipe
from ei_toolkit.errors import UsageError
from ei_toolkit.evaluation.folds import DESCRIPTIONS, FOLDS
from ei_toolkit.evaluation.run import (
    PINNED,
    PINNED_DESCRIPTION,
    checked_conditions,
    checked_protocol,
)
from ei_toolkit.report.result_tables import evaluation_view

ALL_PROTOCOLS: dict[str, str] = {**DESCRIPTIONS, PINNED: PINNED_DESCRIPTION}
PROTOCOL_HELP = "; ".join(f"{name} {text}" for name, text in ALL_PROTOCOLS.items()) + "."


def evaluate(
    context: typer.Context,
    protocol: Annotated[
        str,
        typer.Option(
            help=PROTOCOL_HELP,
            metavar="NAME",
            callback=checked_by(lambda name: name == PINNED or checked_protocol(name)),
        ),
    ] = "artist",
    recipe: Annotated[
        str | None,
        typer.Option(
            help="A shipped recipe; default: this project's eitk.toml.",
            autocompletion=complete.recipes,
            callback=known_recipe,
        ),
    ] = None,
    clips: Annotated[Path | None, typer.Option(help="Folder, zip or address; default: the project's.")] = None,
    folds: Annotated[int, typer.Option(min=2, help="Number of folds; each label needs as many groups.")] = FOLDS,
    seeds: Annotated[
        int, typer.Option(min=1, help="Number of seeds for folds and training; scores are means over them.")
    ] = 1,
    epochs: Annotated[int | None, typer.Option(min=1, help="Training epochs, instead of the recipe's.")] = None,
    conditions: Annotated[
        str,
        typer.Option(
            help="Test conditions, separated by commas; or all, or none.",
            metavar="NAMES",
            callback=checked_by(checked_conditions),
        ),
    ] = "all",
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Train and test only the first fold, without conditions; the result is not kept."),
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Processes for features and inference.")] = 2,
    suite: Annotated[
        str | None,
        typer.Option(
            help="Measure the models of a suite instead, on --features, --log-mel or both: ten-genres.", metavar="NAME"
        ),
    ] = None,
    features: Annotated[
        Path | None, typer.Option(help="Table of summary features, .csv or .npz, with a row for each clip or window.")
    ] = None,
    log_mel: Annotated[
        Path | None,
        typer.Option(
            "--log-mel", help="Log-mel spectra of clips for the networks of a suite: a .npz, or GTZAN's folder of them."
        ),
    ] = None,
    models: Annotated[
        str, typer.Option(help="Models of the suite, by the beginnings of their names, separated by commas.")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File for the results of a suite: .md or .json.")
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(
            help="File (.npz) for scores of the training clips by the one model of --models, which has not learned"
            " from their artists: a teacher for eitk compress. The model is not measured."
        ),
    ] = None,
) -> None:
    """Measure a recipe on held-out groups, beside baselines.

    The result has top-1 accuracy, accuracy at the board's threshold and clip accuracy, baselines, and the accuracy
    under gain, noise and a simulated microphone. An evaluation that was interrupted continues with the folds that are
    not trained yet.
    """
    env = Environment.of(context)
    if suite is not None:
        # imports scikit-learn, which takes most of a second
        from ei_toolkit.cli.evaluate_suite import SuiteInputs, evaluate_suite, write_training_scores

        inputs = SuiteInputs(features, log_mel)
        if scores:
            write_training_scores(env, suite, inputs, models, seeds, scores)
        else:
            evaluate_suite(env, suite, inputs, models, seeds, jobs, output)
        return
    if models or output or log_mel or scores:
        raise UsageError(
            "--models, --log-mel, --scores and --output are for --suite",
            hint="Add --suite ten-genres, or leave them out.",
        )
    chosen = load_recipe(recipe)[0] if recipe else env.config().settings
    if features is not None or chosen.classifier.kind != "none":
        from ei_toolkit.cli.evaluate_suite import evaluate_classifier

        evaluate_classifier(env, chosen, protocol, clips, features, seeds, jobs)
        return
    place = place_of(clips, env.cwd) if clips else None
    evaluated = evaluate_held_out(
        Project(env.config(), env.environ), protocol=protocol, recipe=recipe, clips=place,
        folds=folds, seeds=seeds, epochs=epochs, conditions=checked_conditions(conditions), quick=quick, jobs=jobs,
        on_progress=lambda progress: env.console.note(progress.text),
    )  # fmt: skip
    env.console.result(evaluated.data, evaluation_view(evaluated.data))
    for warning in evaluated.warnings:
        env.console.warn(warning)
