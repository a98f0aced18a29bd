"""`eitk evaluate`: Measure a recipe on held-out groups, beside baselines."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from ei_toolkit.cli import complete
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.options import checked_by, known_recipe
from ei_toolkit.config.lockfile import read_lock
from ei_toolkit.config.recipes.write import load_recipe
from ei_toolkit.config.units import counted
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.dataset.plan import clips_root
from ei_toolkit.dataset.provenance import TrainingProvenance
from ei_toolkit.errors import MissingStepError, UsageError
from ei_toolkit.evaluation.candidate import labels_of_model, trained_on
from ei_toolkit.evaluation.clips import find_known_clips
from ei_toolkit.evaluation.folds import DESCRIPTIONS, EARLIER_NAMES, FOLDS, leak_warning
from ei_toolkit.evaluation.held_out import exclude_seen, held_out_clips
from ei_toolkit.evaluation.model import Recipe, project_recipe, with_training
from ei_toolkit.evaluation.plausibility import majority_warning
from ei_toolkit.evaluation.run import (
    PINNED,
    PINNED_DESCRIPTION,
    Plan,
    Run,
    checked_conditions,
    checked_protocol,
    run_model,
    run_plan,
)
from ei_toolkit.evaluation.scores import outcome
from ei_toolkit.evaluation.trained_folds import TrainedFolds
from ei_toolkit.impulse.metrics import TOP_1, unscored
from ei_toolkit.report.project_summary import write_evaluation
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
    clips: Annotated[Path | None, typer.Option(help="Folder or zip of clips; default: the project's.")] = None,
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
        typer.Option(help="Measure the models of a suite instead, on --features: ten-genres.", metavar="NAME"),
    ] = None,
    features: Annotated[
        Path | None, typer.Option(help="Table of summary features, .csv or .npz, with a row for each clip or window.")
    ] = None,
    models: Annotated[
        str, typer.Option(help="Models of the suite, by the beginnings of their names, separated by commas.")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File for the results of a suite: .md or .json.")
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
        from ei_toolkit.cli.evaluate_suite import evaluate_suite

        evaluate_suite(env, suite, features, models, seeds, jobs, output)
        return
    if models or output:
        raise UsageError("--models and --output are for --suite", hint="Add --suite ten-genres, or leave them out.")
    chosen = load_recipe(recipe)[0] if recipe else env.config().settings
    if features is not None or chosen.classifier.kind != "none":
        from ei_toolkit.cli.evaluate_suite import evaluate_classifier

        evaluate_classifier(env, chosen, protocol, clips, features, seeds, jobs)
        return
    protocol = EARLIER_NAMES.get(protocol, protocol)
    if protocol == PINNED:
        run = _run_pinned(env, "none" if quick else conditions, jobs)
    else:
        plan = _plan(env, protocol, recipe, clips, epochs, "none" if quick else conditions, jobs)
        trained = TrainedFolds(env.config().paths.folds) if env.config().file else None
        plan = replace(plan, seeds=1 if quick else seeds, folds=folds, only_first=quick, trained=trained)
        env.console.note(
            f"{counted(len(plan.clips), 'clip')} of {counted(len({known.group for known in plan.clips}), 'group')}"
        )
        run = run_plan(plan, env.console.note)
    data = outcome(run, protocol)
    if leak := leak_warning(protocol):
        env.console.warn(leak)
    if recipe is None and not quick:
        write_evaluation(env.config(), data)
    env.console.result(data, evaluation_view(data))
    clean = data["clean"]
    if warning := majority_warning(TOP_1, clean["window_accuracy"], clean["windows_by_label"]):
        env.console.warn(warning)


def _run_pinned(env: Environment, conditions: str, jobs: int) -> Run:
    """Test the pinned model on the testing clips whose label it has."""
    plan = _plan(env, "artist", None, None, None, conditions, jobs)
    model, labels, held_out = _pinned(env)
    if unknown := Counter(known.clip.label for known in plan.clips if known.clip.label not in labels):
        env.console.note(unscored(unknown, "clip"))
    plan = replace(plan, clips=[known for known in plan.clips if known.clip.label in labels])
    return run_model(plan, model, held_out, env.console.note)


def _pinned(env: Environment) -> tuple[bytes, tuple[str, ...], set[str]]:
    """Return the pinned model, its labels, and the names of the testing clips that it was not trained on.

    Raises MissingStepError if there is no model, DataError if it was trained on other windows and its training clips
    are not known.
    """
    config = env.config()
    lock = read_lock(config.paths.lock)
    if lock is None:
        raise MissingStepError("no model is pinned yet", hint="eitk train --eon")
    manifest = Manifest.read(config.paths.manifest)
    provenance = trained_on(config, manifest, lock)
    if provenance is None:
        env.console.warn(f"the training clips of {lock.model} are not known; those of the present manifest are assumed")
    seen = provenance or TrainingProvenance.of_manifest(manifest)
    held_out = exclude_seen(held_out_clips(manifest), seen, config.settings.dataset)
    model = lock.model_path(config.paths.root).read_bytes()
    return model, labels_of_model(manifest, seen), {clip.name for clip in held_out}


def _plan(
    env: Environment,
    protocol: str,
    recipe: str | None,
    clips: Path | None,
    epochs: int | None,
    conditions: str,
    jobs: int,
) -> Plan:
    chosen = with_training(_recipe(env, recipe), epochs=epochs)
    names = checked_conditions(conditions)
    held_out = checked_protocol(protocol)
    config = env.config()
    named = replace(config.settings.dataset, root=str(env.cwd / clips)) if clips else config.settings.dataset
    found = find_known_clips(clips_root(named, config.paths.root), chosen.settings, config.paths.root)
    return Plan(chosen, found, held_out, conditions=names, jobs=jobs)


def _recipe(env: Environment, name: str | None) -> Any:
    if name is None:
        return project_recipe(env.config().settings, env.config().paths.root)
    settings, script = load_recipe(name)
    return Recipe(name, settings, script)
