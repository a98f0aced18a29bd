"""`eitk tune`: Search for a better impulse and network under the limits of the board."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from ei_toolkit.api.project import Project
from ei_toolkit.api.tuning import applied_trial, read_search, run_search, stored_search
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.output_file import check_output
from ei_toolkit.config.atomic_write import write_bytes
from ei_toolkit.config.units import counted, kib, percent
from ei_toolkit.errors import UsageError
from ei_toolkit.evaluation.tune import TunePlan
from ei_toolkit.report.tuning_tables import front_figure, search_view
from ei_toolkit.tuning.apply import write_applied
from ei_toolkit.tuning.search import Search, Trial

group = typer.Typer(help="Search for a better impulse and network under the limits of the board.")
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
    stored_search(env.config())
    _run(env, trials, jobs)


@group.command()
def show(
    context: typer.Context,
    with_all: Annotated[bool, typer.Option("--all", help="Also the other complete trials.")] = False,
    plot: Annotated[Path | None, typer.Option(help="File for a figure of accuracy and time: .png.")] = None,
) -> None:
    """Show the front of the search, the report on unseen artists, importances, and why trials ended."""
    env = Environment.of(context)
    search = read_search(Project(env.config(), env.environ))
    file = _checked_plot(env, plot) if plot else None
    data = search.to_dict()
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
    done = applied_trial(config, trial)
    data = {"trial": trial, "tables": done.tables, "script": done.script_name, "dry_run": dry_run}
    if not dry_run:
        write_applied(config.paths.root, done)
    verb = "would be written" if dry_run else "is written"
    env.console.result(
        data, f"trial {trial} {verb} into eitk.toml, with {done.script_name}. Next: eitk slice, eitk train --eon"
    )


def _run(env: Environment, trials: int | None, jobs: int, *, restart: bool = False) -> None:
    config = env.config(tune__trials=trials)
    with env.console.progress("trials", config.settings.tune.trials) as progress:

        def show_trials(found: list[Trial]) -> None:
            trained = sum(trial.is_trained for trial in found)
            progress.to(trained, _progress_note(found))
            progress.draw_below(_live_table(found))

        begin = partial(_note_start, env)
        data = run_search(config, jobs, restart=restart, note=env.console.note, show=show_trials, begin=begin)
    env.console.result(data, search_view(data, with_all=False))


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


def _checked_plot(env: Environment, plot: Path) -> Path:
    if plot.suffix.lower() != ".png":
        raise UsageError(f"--plot: {plot.name} is no figure", hint="Name a file that ends in .png.")
    return check_output(env.cwd / plot)
