"""`eitk tune`: Search for a better impulse and network under the limits of the board."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.output_file import check_output
from ei_toolkit.config.atomic_write import write_bytes
from ei_toolkit.config.file_lock import acquire_lock
from ei_toolkit.config.units import counted, kib, percent
from ei_toolkit.dataset.plan import clips_root
from ei_toolkit.errors import ConfigurationError, MissingStepError, UsageError
from ei_toolkit.evaluation.clips import find_known_clips
from ei_toolkit.evaluation.model import project_recipe
from ei_toolkit.evaluation.tune import TunePlan, TuneRun, open_search, tune_plan
from ei_toolkit.report.tuning_tables import front_figure, search_data, search_view
from ei_toolkit.tuning.apply import applied, write_applied
from ei_toolkit.tuning.candidate import candidate
from ei_toolkit.tuning.cost import board_faults
from ei_toolkit.tuning.search import Search, Trial, import_optuna, trial_of

group = typer.Typer(help="Search for a better impulse and network under the limits of the board.")
LOCK = "lock"
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, help="Trials at once, each in a process with one core.")]
Trials = Annotated[int | None, typer.Option(min=1, help="Candidates to train, instead of [tune] trials.")]


@group.callback(invoke_without_command=True)
def tune(
    context: typer.Context,
    trials: Trials = None,
    jobs: Jobs = 2,
    restart: Annotated[bool, typer.Option("--restart", help="Delete the stored search and start a new one.")] = False,
) -> None:
    """Search for a better impulse and network under the limits of the board.

    The space is in [tune] of eitk.toml. A candidate that does not fit the board is refused before it trains. The search
    can be interrupted at any time: the same command, or eitk tune resume, continues it.
    """
    if context.invoked_subcommand is not None:
        return
    env = Environment.of(context)
    _run(env, trials, jobs, restart=restart)


@group.command()
def resume(context: typer.Context, trials: Trials = None, jobs: Jobs = 2) -> None:
    """Continue the stored search, or train more candidates with --trials."""
    env = Environment.of(context)
    _require_search(env)
    _run(env, trials, jobs)


@group.command()
def show(
    context: typer.Context,
    with_all: Annotated[bool, typer.Option("--all", help="Also the other complete trials.")] = False,
    plot: Annotated[Path | None, typer.Option(help="File for a figure of accuracy and time: .png.")] = None,
) -> None:
    """Show the front of the search, the report on unseen artists, importances, and why trials ended."""
    env = Environment.of(context)
    search, plan = _require_search(env), _plan(env, jobs=1)
    file = _checked_plot(env, plot) if plot else None
    data = search_data(search, plan.options, plan.search.clips)
    env.console.result(data, search_view(data, with_all=with_all))
    if file:
        if not any(trial["state"] == "complete" for trial in data["trials"]):
            raise UsageError("--plot: no trial is complete yet", hint="eitk tune resume")
        write_bytes(file, front_figure(data).png())
        env.console.note(f"wrote {file}")


@group.command("apply")
def apply_(
    context: typer.Context,
    trial: Annotated[int, typer.Argument(help="Number of a complete trial.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be written.")] = False,
) -> None:
    """Write the window, the block, the network and the training of a trial into eitk.toml."""
    env = Environment.of(context)
    config = env.config()
    search = _require_search(env)
    found = trial_of(search.trials(), trial)
    if found.state != "complete":
        why = f"it is {found.state}" + (f": {found.reason}" if found.reason else "")
        raise UsageError(f"trial {trial} cannot be applied", why=why, hint="eitk tune show lists the complete trials.")
    searched = search.attribute("identity")["tune"]  # [tune] may have been changed since then
    tune_settings = replace(config.settings.tune, epochs=searched["epochs"], seed=searched["seed"])
    done = applied(candidate(replace(config.settings, tune=tune_settings), found.parameters))
    data = {"trial": trial, "tables": done.tables, "script": done.script_name, "dry_run": dry_run}
    if not dry_run:
        write_applied(config.paths.root, done)
    verb = "would be written" if dry_run else "is written"
    env.console.result(
        data, f"trial {trial} {verb} into eitk.toml, with {done.script_name}. Next: eitk slice, eitk train --eon"
    )


def _run(env: Environment, trials: int | None, jobs: int, *, restart: bool = False) -> None:
    config = env.config(tune__trials=trials)
    if config.file is None:
        raise MissingStepError(f"there is no eitk.toml in {env.cwd} or above", hint="eitk init --clips FOLDER")
    if faults := board_faults(config.settings):
        raise ConfigurationError(f"the {config.settings.board.name} board can run no candidate", why="; ".join(faults))
    import_optuna()
    paths = config.paths
    plan = _plan(env, jobs, trials)
    with _lock(paths.tuner):
        if restart:
            shutil.rmtree(paths.tuner_features, ignore_errors=True)
            paths.tuner_search.unlink(missing_ok=True)
        search = open_search(paths.tuner_search, plan)
        _note_start(env, plan, search)
        with env.console.progress("trials", plan.options.trials) as progress:

            def show_trials(found: list[Trial]) -> None:
                trained = sum(trial.is_trained for trial in found)
                progress.to(trained, _progress_note(found))
                progress.draw_below(_live_table(found))

            TuneRun(plan, search, env.console.note, show_trials).run()
    data = search_data(search, plan.options, plan.search.clips)
    env.console.result(data, search_view(data, with_all=False))


def _plan(env: Environment, jobs: int, trials: int | None = None) -> TunePlan:
    config = env.config(tune__trials=trials)
    settings, root = config.settings, config.paths.root
    clips = find_known_clips(clips_root(settings.dataset, root), settings, root)
    recipe = project_recipe(settings, root)  # its folder of noise recordings is an absolute path
    has_impulse = settings.impulse.dsp and (recipe.script or settings.impulse.layers)
    return tune_plan(recipe.settings, recipe if has_impulse else None, clips, config.paths.tuner_features, jobs)


def _note_start(env: Environment, plan: TunePlan, search: Search) -> None:
    limits, stored = plan.limits, search.trials()
    ram = kib(limits.ram_bytes) if limits.ram_bytes else "not limited"
    flash = kib(limits.flash_bytes) if limits.flash_bytes else "not limited"
    time = f"{limits.total_ms:g} ms" if limits.total_ms else "not limited"
    env.console.note(
        f"{counted(len(plan.search.clips), 'clip')}, limits of the {limits.board} board: RAM {ram}, flash {flash},"
        f" time {time}"
    )
    if stored:
        env.console.note(f"continuing the search with {counted(len(stored), 'stored trial')}")


def _progress_note(trials: Sequence[Trial]) -> str:
    refused = sum(trial.state == "refused" for trial in trials)
    return f"{refused} refused" if refused else ""


def _live_table(trials: Sequence[Trial]) -> Any:
    from ei_toolkit.report.tables import Table

    rows = tuple((trial.number, trial.state, _values(trial), trial.reason[:60] or None) for trial in trials[-8:])
    return Table("", ("trial", "state", "objectives", "reason"), rows).rich()


def _values(trial: Trial) -> str | None:
    return ", ".join(percent(v) if v <= 1 else f"{v:,.0f}" for v in trial.values) or None


def _require_search(env: Environment) -> Search:
    """Return the stored search. Raises MissingStepError if there is none."""
    import_optuna()
    search = Search.open(env.config().paths.tuner_search)
    if search is None:
        raise MissingStepError("there is no search in this project", hint="eitk tune")
    return search


def _checked_plot(env: Environment, plot: Path) -> Path:
    if plot.suffix.lower() != ".png":
        raise UsageError(f"--plot: {plot.name} is no figure", hint="Name a file that ends in .png.")
    return check_output(env.cwd / plot)


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
