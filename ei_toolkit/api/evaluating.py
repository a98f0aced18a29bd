"""Measure a project on groups that a model was not trained on, as `eitk evaluate` does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ei_toolkit.api.progress import OnProgress, Progress, ignore_progress
from ei_toolkit.api.project import Project
from ei_toolkit.api.results import Result, shown
from ei_toolkit.audio.effects.conditions import CONDITIONS
from ei_toolkit.config import Config
from ei_toolkit.config.address import place_of
from ei_toolkit.config.lockfile import read_lock
from ei_toolkit.config.recipes.write import load_recipe
from ei_toolkit.config.units import counted
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.dataset.plan import clips_root
from ei_toolkit.dataset.provenance import TrainingProvenance
from ei_toolkit.errors import MissingStepError, UsageError
from ei_toolkit.evaluation.candidate import labels_of_model, trained_on
from ei_toolkit.evaluation.clips import find_known_clips
from ei_toolkit.evaluation.folds import EARLIER_NAMES, FOLDS, leak_warning
from ei_toolkit.evaluation.held_out import exclude_seen, held_out_clips
from ei_toolkit.evaluation.model import Recipe, project_recipe, with_training
from ei_toolkit.evaluation.plausibility import majority_warning
from ei_toolkit.evaluation.run import (
    PINNED,
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
from ei_toolkit.report import figures
from ei_toolkit.report.project_summary import write_evaluation
from ei_toolkit.report.tables import Cell

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Say = Callable[[str], None]


@dataclass(frozen=True)
class HeldOutEvaluation(Result):
    """The accuracy of a recipe on held-out groups, beside baselines. All accuracies are fractions from 0 to 1.

    `data` has all figures by the names of `eitk evaluate --json`. `warnings` state what limits their meaning.
    """

    data: dict[str, Any]
    warnings: tuple[str, ...] = ()

    @property
    def window_accuracy(self) -> float:
        """The top-1 accuracy of single windows, int8, 0 to 1."""
        return float(self.data["clean"]["window_accuracy"])

    @property
    def clip_accuracy(self) -> float:
        """The accuracy of whole clips by the mean of the scores of their windows, int8, 0 to 1."""
        return float(self.data["clean"]["track_accuracy"])

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the clip accuracy, from resampling whole groups."""
        low, high = self.data["clean"]["interval"]
        return float(low), float(high)

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain data."""
        return dict(self.data)

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each condition, of the model and of each baseline: accuracies from 0 to 1."""
        models = {"model": {"clean": self.data["clean"], **self.data["conditions"]}}
        models |= {name: {"clean": row, **row["conditions"]} for name, row in self.data["baselines"].items()}
        return [
            {
                "model": model, "condition": condition, "window_accuracy": row["window_accuracy"],
                "thresholded_accuracy": row["thresholded_accuracy"], "clip_accuracy": row["track_accuracy"],
            }
            for model, conditions in models.items()
            for condition, row in conditions.items()
        ]  # fmt: skip

    def figure(self) -> Figure:
        """Return a bar chart of the top-1 accuracy of windows under each condition."""
        return shown(figures.accuracy_by_condition(self.data))


def evaluate(
    project: Project,
    *,
    protocol: str = "artist",
    recipe: str | None = None,
    clips: Path | str | None = None,
    folds: int = FOLDS,
    seeds: int = 1,
    epochs: int | None = None,
    conditions: Sequence[str] = CONDITIONS,
    quick: bool = False,
    jobs: int = 2,
    on_progress: OnProgress = ignore_progress,
) -> HeldOutEvaluation:
    """Train a model for each fold and test it on groups that it was not trained on, beside baselines.

    An evaluation that was interrupted continues with the folds that are not trained yet.

    Args:
        project: The project; its recipe is measured unless `recipe` names another one.
        protocol: What is held out: `artist`, `folds`, `clip`, `segment`, `fault-filtered`, or `test`, which trains
            nothing and tests the pinned model.
        recipe: Name of a shipped recipe.
        clips: Folder, zip or address of clips; None means those of the project.
        folds: Number of folds; each label needs as many groups.
        seeds: Number of seeds of folds and trainings; the accuracies are means over them.
        epochs: Training epochs, instead of those of the recipe.
        conditions: Names of test conditions, such as `gain-20` and `mic`; empty means clean windows only.
        quick: Whether only the first fold is trained and tested, without conditions; the result is not kept.
        jobs: Number of processes. A program that Python runs as a file must be below `if __name__ == "__main__":`,
            because the processes import it.
        on_progress: Called with a text for each step.

    Returns:
        The figures. Those of the project's own recipe are also kept for the report.

    Raises:
        UsageError: There is no such protocol, condition or recipe, or the project has a [classifier].
        DataError: The clips do not suffice for the folds.
        MissingStepError: No model is pinned (protocol `test`).
    """
    place = place_of(Path(clips).expanduser(), Path.cwd()) if clips else None
    plan = _plan(project, protocol, recipe, place, epochs, () if quick else conditions, jobs)
    if plan.recipe.settings.classifier.kind != "none":
        raise UsageError(
            "the recipe is a classifier of summary features, and not a network", hint="Use the command eitk evaluate."
        )

    def note(text: str) -> None:
        on_progress(Progress("evaluating", text=text))

    config = project.config
    name = EARLIER_NAMES.get(protocol, protocol)
    warnings: list[str] = []
    if name == PINNED:
        run = _run_pinned(config, plan, note, warnings.append)
    else:
        trained = TrainedFolds(config.paths.folds) if config.file else None
        plan = replace(plan, seeds=1 if quick else seeds, folds=folds, only_first=quick, trained=trained)
        groups = {known.group for known in plan.clips}
        note(f"{counted(len(plan.clips), 'clip')} of {counted(len(groups), 'group')}")
        run = run_plan(plan, note)
    data = outcome(run, name)
    if recipe is None and not quick:
        write_evaluation(config, data)
    clean = data["clean"]
    majority = majority_warning(TOP_1, clean["window_accuracy"], clean["windows_by_label"])
    return HeldOutEvaluation(data, tuple(filter(None, (*warnings, leak_warning(name), majority))))


def _plan(
    project: Project,
    protocol: str,
    recipe: str | None,
    clips: str | None,
    epochs: int | None,
    conditions: Sequence[str],
    jobs: int,
) -> Plan:
    config = project.config
    chosen = with_training(_recipe(config, recipe), epochs=epochs)
    names = checked_conditions(",".join(conditions) or "none")
    held_out = checked_protocol("artist" if protocol == PINNED else protocol)
    dataset = config.settings.dataset
    named = replace(dataset, root=clips) if clips else dataset
    found = find_known_clips(clips_root(named, config.paths.root), chosen.settings, config.paths.root)
    return Plan(chosen, found, held_out, conditions=names, jobs=jobs, scheduler=config.settings.compute.scheduler)


def _recipe(config: Config, name: str | None) -> Recipe:
    if name is None:
        return project_recipe(config.settings, config.paths.root)
    settings, script = load_recipe(name)
    return Recipe(name, settings, script)


def _run_pinned(config: Config, plan: Plan, note: Say, warn: Say) -> Run:
    """Test the pinned model on the testing clips whose label it has."""
    model, labels, held_out = pinned_model(config, warn)
    if unknown := Counter(known.clip.label for known in plan.clips if known.clip.label not in labels):
        note(unscored(unknown, "clip"))
    plan = replace(plan, clips=[known for known in plan.clips if known.clip.label in labels])
    return run_model(plan, model, held_out, note)


def pinned_model(config: Config, warn: Say) -> tuple[bytes, tuple[str, ...], set[str]]:
    """Return the pinned model, its labels, and the names of the testing clips that it was not trained on.

    Raises MissingStepError if there is no model, DataError if it was trained on other windows and its training clips
    are not known.
    """
    lock = read_lock(config.paths.lock)
    if lock is None:
        raise MissingStepError("no model is pinned yet", hint="eitk train --eon")
    manifest = Manifest.read(config.paths.manifest)
    provenance = trained_on(config, manifest, lock)
    if provenance is None:
        warn(f"the training clips of {lock.model} are not known; those of the present manifest are assumed")
    seen = provenance or TrainingProvenance.of_manifest(manifest)
    held_out = exclude_seen(held_out_clips(manifest), seen, config.settings.dataset)
    model = lock.model_path(config.paths.root).read_bytes()
    return model, labels_of_model(manifest, seen), {clip.name for clip in held_out}
