"""The tuner in Python: search for a better impulse and network under the limits of the board, and apply a candidate."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ei_toolkit.api.progress import OnProgress, Progress, ignore_progress
from ei_toolkit.api.project import Project
from ei_toolkit.api.results import Result, shown
from ei_toolkit.config import Config
from ei_toolkit.config.file_lock import acquire_lock
from ei_toolkit.dataset.plan import clips_root
from ei_toolkit.errors import ConfigurationError, MissingStepError, UsageError
from ei_toolkit.evaluation.clips import find_known_clips
from ei_toolkit.evaluation.model import project_recipe
from ei_toolkit.evaluation.tune import TunePlan, TuneRun, open_search, tune_plan
from ei_toolkit.report.tables import Cell
from ei_toolkit.report.tuning_tables import front_figure, search_data
from ei_toolkit.tuning.apply import Applied, applied, write_applied
from ei_toolkit.tuning.candidate import candidate
from ei_toolkit.tuning.cost import board_faults
from ei_toolkit.tuning.search import Search, Trial, import_optuna, trial_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOCK = "lock"
Begin = Callable[[TunePlan, Search], None]
Note = Callable[[str], None]
ShowTrials = Callable[[list[Trial]], None]


@dataclass(frozen=True)
class TuningSearch(Result):
    """A search and its trials. `data` has everything that `eitk tune show --json` prints."""

    data: Mapping[str, Any]

    @property
    def front(self) -> tuple[int, ...]:
        """The numbers of the trials that no other trial surpasses in all objectives."""
        return tuple(self.data["front"])

    @property
    def chosen(self) -> int | None:
        """The number of the trial of the front with the highest accuracy; None while no trial is complete."""
        number: int | None = self.data["chosen"]
        return number

    def to_dict(self) -> dict[str, Any]:
        """Return trials, front, report and importances; accuracies are fractions from 0 to 1, memory is in bytes."""
        return dict(self.data)

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each trial: number, state, accuracy from 0 to 1, RAM and flash in bytes, milliseconds."""
        return [
            {
                "trial": one["number"], "state": one["state"], "accuracy": one.get("accuracy"),
                **{key: (one["cost"] or {}).get(key) for key in ("ram_bytes", "flash_bytes", "total_ms")},
                "reason": one["reason"],
            }
            for one in self.data["trials"]
        ]  # fmt: skip

    def figure(self) -> Figure:
        """Return the accuracy of each complete trial against its time in milliseconds; the front is marked."""
        return shown(front_figure(self.data))


def tune(
    project: Project,
    *,
    trials: int | None = None,
    jobs: int = 2,
    restart: bool = False,
    on_progress: OnProgress = ignore_progress,
) -> TuningSearch:
    """Search for a better impulse and network under the limits of the board; an interrupted search is continued.

    A program that Python runs as a file must be below `if __name__ == "__main__":`, because processes are started.

    Args:
        project: The project; `[tune]` has the space and the objectives.
        trials: Number of candidates to train, instead of `[tune] trials`.
        jobs: Trials at once, each in a process with one core.
        restart: Whether the stored search is deleted first.
        on_progress: Called with the number of candidates that were trained.

    Returns:
        The search with all of its trials.

    Raises:
        MissingStepError: The project has no eitk.toml.
        MissingToolError: The extra `tune` is not installed.
        ConfigurationError: The board can run no candidate, or the stored search is of another space.
        DataError: A label has too few groups for the folds and the report.
        UsageError: Another process works on this search.
    """

    def show(found: list[Trial]) -> None:
        trained = sum(trial.is_trained for trial in found)
        on_progress(Progress("searching", trained, trials or project.settings.tune.trials))

    def note(text: str) -> None:
        on_progress(Progress("searching", 0, trials or project.settings.tune.trials, text))

    config = project.with_settings({"tune.trials": trials}).config if trials else project.config
    return TuningSearch(run_search(config, jobs, restart=restart, note=note, show=show))


def read_search(project: Project) -> TuningSearch:
    """Return the stored search of a project.

    Args:
        project: The project.

    Returns:
        The search with all of its trials.

    Raises:
        MissingStepError: There is no search.
        MissingToolError: The extra `tune` is not installed.
        DataError: The file of the search is damaged.
    """
    search, plan = stored_search(project.config), plan_of(project.config, jobs=1)
    return TuningSearch(search_data(search, plan.options, plan.search.clips))


def apply_trial(project: Project, trial: int) -> Project:
    """Write the window, the block, the network and the training of a trial into eitk.toml.

    Args:
        project: A project with a search.
        trial: Number of a complete trial.

    Returns:
        The project with the new settings. Cut the windows and train next.

    Raises:
        MissingStepError: There is no search.
        UsageError: There is no such trial, or it is not complete.
        ConfigurationError: eitk.toml cannot be read.
    """
    write_applied(project.folder, applied_trial(project.config, trial))
    return project.with_settings({})


def run_search(
    config: Config,
    jobs: int,
    *,
    restart: bool,
    note: Note,
    show: ShowTrials,
    begin: Begin = lambda _plan, _search: None,
) -> dict[str, Any]:
    """Search, and return the result as plain data. `begin` is called before the first trial. Raises as `tune` does."""
    if config.file is None:
        raise MissingStepError(
            f"there is no eitk.toml in {config.paths.root} or above", hint="eitk init --clips FOLDER"
        )
    if faults := board_faults(config.settings):
        raise ConfigurationError(f"the {config.settings.board.name} board can run no candidate", why="; ".join(faults))
    import_optuna()
    paths, plan = config.paths, plan_of(config, jobs)
    with _lock(paths.tuner):
        if restart:
            shutil.rmtree(paths.tuner_features, ignore_errors=True)
            paths.tuner_search.unlink(missing_ok=True)
        search = open_search(paths.tuner_search, plan)
        if begin is not None:
            begin(plan, search)
        TuneRun(plan, search, note, show).run()
    return search_data(search, plan.options, plan.search.clips)


def plan_of(config: Config, jobs: int) -> TunePlan:
    """Return the plan of a search with the clips of a project."""
    settings, root = config.settings, config.paths.root
    clips = find_known_clips(clips_root(settings.dataset, root), settings, root)
    recipe = project_recipe(settings, root)  # its folder of noise recordings is an absolute path
    has_impulse = settings.impulse.dsp and (recipe.script or settings.impulse.layers)
    return tune_plan(recipe.settings, recipe if has_impulse else None, clips, config.paths.tuner_features, jobs)


def stored_search(config: Config) -> Search:
    """Return the stored search. Raises MissingStepError if there is none."""
    import_optuna()
    search = Search.open(config.paths.tuner_search)
    if search is None:
        raise MissingStepError("there is no search in this project", hint="eitk tune")
    return search


def applied_trial(config: Config, number: int) -> Applied:
    """Return what a trial would write into eitk.toml. Raises UsageError for one that is not complete."""
    search = stored_search(config)
    found = trial_of(search.trials(), number)
    if found.state != "complete":
        why = f"it is {found.state}" + (f": {found.reason}" if found.reason else "")
        raise UsageError(f"trial {number} cannot be applied", why=why, hint="eitk tune show lists the complete trials.")
    searched = search.attribute("identity")["tune"]  # [tune] may have been changed since then
    tune_settings = replace(config.settings.tune, epochs=searched["epochs"], seed=searched["seed"])
    return applied(candidate(replace(config.settings, tune=tune_settings), found.parameters))


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Hold the lock of the search. Raises UsageError if another process holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with acquire_lock(folder / LOCK):
            yield
    except BlockingIOError:
        raise UsageError(
            "another eitk tune works on this search", hint="Wait for its end, or stop it with Ctrl-C."
        ) from None
