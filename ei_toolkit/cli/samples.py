"""`eitk samples`: Samples in the studio: list, count, pull, delete, diff."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from ei_toolkit.cli.connection import connect
from ei_toolkit.cli.environment import Environment
from ei_toolkit.client.project import Studio
from ei_toolkit.client.samples import CATEGORIES, Sample, counts_by_label, delete_samples, list_samples, pull_sample
from ei_toolkit.client.upload.plan import Difference, difference, server_samples
from ei_toolkit.config.units import counted
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.errors import DataError, UsageError
from ei_toolkit.report.tables import Table

CategoryOption = Literal["training", "validation", "testing", "all"]
CategoryHelp = "training, validation, testing or all."

group = typer.Typer(no_args_is_help=True, help="Samples in the studio: list, count, pull, delete, diff.")


@group.command("list")
def list_(
    context: typer.Context,
    category: Annotated[CategoryOption, typer.Option(help=CategoryHelp)] = "all",
    label: Annotated[str | None, typer.Option(help="Only this label.")] = None,
    name: Annotated[str, typer.Option(help="Only samples whose name contains this.")] = "",
) -> None:
    """List samples."""
    env = Environment.of(context)
    found = _select(_studio(env), category, label, name)
    rows = tuple((s.id, s.category, s.label or None, s.length_ms / 1000, s.name) for s in found)
    data = [{**asdict(s), "metadata": dict(s.metadata)} for s in found]
    env.console.result(data, Table("", ("id", "category", "label", "seconds", "name"), rows).rich())


@group.command()
def count(context: typer.Context) -> None:
    """Count samples by category and label."""
    env = Environment.of(context)
    counts = counts_by_label(_studio(env))
    data = [{"category": category, "label": label, "samples": n} for (category, label), n in counts.items()]
    rows = tuple((category, label or None, n) for (category, label), n in counts.items())
    env.console.result(data, Table("", ("category", "label", "samples"), rows).rich())


@group.command()
def pull(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder to write FOLDER/<category>/<name>.wav to.")],
    category: Annotated[CategoryOption, typer.Option(help=CategoryHelp)] = "all",
    label: Annotated[str | None, typer.Option(help="Only this label.")] = None,
    name: Annotated[str, typer.Option(help="Only samples whose name contains this.")] = "",
) -> None:
    """Download samples as WAV files. An interrupted download is resumed."""
    env = Environment.of(context)
    folder = env.cwd / folder
    studio = _studio(env)
    found = _select(studio, category, label, name)
    with env.console.progress("downloading samples", len(found)) as progress:
        for sample in found:
            pull_sample(studio, sample, folder)
            progress.advance()
    env.console.result(
        {"samples": len(found), "folder": str(folder)}, f"downloaded {counted(len(found), 'sample')} to {folder}"
    )


@group.command()
def delete(
    context: typer.Context,
    ids: Annotated[list[int] | None, typer.Argument(help="Ids of samples.")] = None,
    stale: Annotated[bool, typer.Option("--stale", help="All samples that the manifest does not have.")] = False,
    category: Annotated[CategoryOption | None, typer.Option(help=f"All samples of: {CategoryHelp}")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report how many would be deleted.")] = False,
) -> None:
    """Delete samples: some ids, those that the manifest does not have, or a whole category."""
    env = Environment.of(context)
    if (bool(ids), stale, category is not None).count(True) != 1:
        raise UsageError("no samples are chosen, or in two ways", hint="Give either ids, or --stale, or --category.")
    studio = _studio(env)
    chosen, unknown = _known(studio, ids) if ids else ([], [])
    if stale:
        chosen = [sample.id for sample in _difference(env, studio, None).foreign]
    if category is not None:
        chosen = [sample.id for sample in _select(studio, category, None, "")]
    question = f"delete {counted(len(chosen), 'sample')} from project {studio.project}?"
    if chosen and not dry_run and not yes and not env.console.confirm(question):
        env.console.note("nothing was deleted")
        raise typer.Exit(1)
    if not dry_run:
        delete_samples(studio, chosen)
    data = {"deleted": 0 if dry_run else len(chosen), "ids": chosen, "unknown": unknown}
    env.console.result(data, f"{'would delete' if dry_run else 'deleted'} {counted(len(chosen), 'sample')}")
    _check_known(studio, unknown)


@group.command()
def diff(
    context: typer.Context,
    manifest: Annotated[Path | None, typer.Argument(help="Manifest of windows; default: the project's.")] = None,
) -> None:
    """Compare the manifest with the studio. Exit code 1 if they differ."""
    env = Environment.of(context)
    found = _difference(env, _studio(env), manifest)
    data = {
        "present": len(found.present),
        "missing": [window.file for window in found.missing],
        "moved": [window.file for window, _ in found.moved],
        "foreign": [{"id": sample.id, "name": sample.name} for sample in found.foreign],
    }
    rows = (
        ("in both", len(found.present)),
        ("only in the manifest", len(found.missing)),
        ("in another category or under another label", len(found.moved)),
        ("only in the studio", len(found.foreign)),
    )
    env.console.result(data, Table("", ("windows", "count"), rows).rich())
    if found.foreign:
        env.console.note("eitk samples delete --stale deletes those that only the studio has")
    if found.missing or found.moved or found.foreign:
        raise typer.Exit(1)


def _select(studio: Studio, category: CategoryOption, label: str | None, name: str) -> list[Sample]:
    categories = CATEGORIES if category == "all" else (category,)
    samples = (sample for each in categories for sample in list_samples(studio, each))
    return [sample for sample in samples if label in (None, sample.label) and name in sample.name]


def _known(studio: Studio, ids: list[int]) -> tuple[list[int], list[int]]:
    """The ids that the studio has and those that it does not have, each once."""
    there = {sample.id for sample in _select(studio, "all", None, "")}
    asked = list(dict.fromkeys(ids))
    return [each for each in asked if each in there], [each for each in asked if each not in there]


def _check_known(studio: Studio, unknown: list[int]) -> None:
    """Raise DataError where there are unknown ids."""
    if unknown:
        named = ", ".join(map(str, unknown))
        raise DataError(f"project {studio.project} has no sample {named}", hint="eitk samples list")


def _difference(env: Environment, studio: Studio, manifest: Path | None) -> Difference:
    file = env.cwd / manifest if manifest else env.config().paths.manifest
    return difference(Manifest.read(file), server_samples(studio))


def _studio(env: Environment) -> Studio:
    return connect(env, env.config())
