"""`eitk dataset`: Clips: synthesise, fetch, verify, audit, describe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.options import checked_by
from ei_toolkit.compute import cores
from ei_toolkit.config.units import counted
from ei_toolkit.dataset.audit import audit as audit_clips
from ei_toolkit.dataset.fetch import REFUSED, REFUSED_HINT, fetch_gtzan, published_sources
from ei_toolkit.dataset.index import load_index
from ei_toolkit.dataset.plan import clips_root, plan_slices
from ei_toolkit.dataset.synthesis import write_demo_clips
from ei_toolkit.dataset.verify import DAMAGED, Finding, damage, genres_in, verify_folder, wanted_tracks
from ei_toolkit.report.audit import as_data, as_text, write_audit
from ei_toolkit.report.cards import data_card

Genres = Annotated[
    list[str] | None,
    typer.Option(
        "--genre",
        help="Only this genre; may be repeated.",
        callback=checked_by(lambda genres: wanted_tracks(load_index(), genres)),
    ),
]
SHOWN = 10  # tracks named without --verbose

group = typer.Typer(no_args_is_help=True, help="Clips: synthesise, fetch, verify, audit, describe.")


@group.command()
def synth(
    context: typer.Context,
    dest: Annotated[Path, typer.Argument(help="Folder to write DEST/<genre>/*.wav and DEST/groups.csv to.")],
    clips: Annotated[int, typer.Option(min=8, help="Clips for each genre.")] = 24,
    seed: Annotated[int, typer.Option(help="Seed of the random generator; another seed gives other clips.")] = 7,
) -> None:
    """Write synthetic demo clips: two textures called rock and classical. They are not music."""
    env = Environment.of(context)
    folder = env.cwd / dest
    paths = write_demo_clips(folder, seed=seed, clips_per_genre=clips)
    data = {"folder": str(folder), "clips": len(paths), "synthetic": True}
    env.console.result(data, f"wrote {len(paths)} synthetic clips to {folder}")


@group.command()
def fetch(
    context: typer.Context,
    name: Annotated[Literal["gtzan"], typer.Argument(help="Data set to fetch.")],
    dest: Annotated[Path, typer.Argument(help="Folder to write DEST/<genre>/<track>.wav to.")] = Path("gtzan"),
    origin: Annotated[
        str, typer.Option("--from", help="Address, archive (tar.gz, zip) or folder to take it from.")
    ] = "",
    genre: Genres = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only report which tracks are there and which are missing.")
    ] = False,
) -> None:
    """Fetch GTZAN and check every track against the index. An interrupted fetch is resumed."""
    env = Environment.of(context)
    folder = env.cwd / dest
    if dry_run:
        _show(
            env, verify_folder(folder, wanted_tracks(load_index(), genre or ())), {"folder": str(folder), "written": 0}
        )
        return
    local = origin if "://" in origin or not origin else str(env.cwd / Path(origin).expanduser())
    sources = published_sources(env.config().settings.dataset.sources)
    with env.console.progress(f"fetching {name}") as progress:
        report = fetch_gtzan(folder, local, sources, genre or (), progress.to)
    if report.refused:
        names = ", ".join(report.refused[:SHOWN])
        env.console.warn(f"{counted(len(report.refused), 'track')} refused ({names}): {REFUSED}. {REFUSED_HINT}")
    data = {"folder": str(folder), "written": report.written, "refused": list(report.refused)}
    _show(env, report.findings, data)


@group.command()
def verify(
    context: typer.Context,
    clips: Annotated[
        Path | None, typer.Argument(help="Folder of GTZAN clips; default: dataset.root of eitk.toml.")
    ] = None,
    genre: Genres = None,
) -> None:
    """Check GTZAN clips against the index. Exit code 1 if one is modified or corrupt."""
    env = Environment.of(context)
    config = env.config()
    folder = env.cwd / clips if clips else clips_root(config.settings.dataset, config.paths.root)
    findings = verify_folder(folder, wanted_tracks(load_index(), genre or genres_in(folder)))
    _show(env, findings, {"folder": str(folder)})
    if error := damage(folder, findings):
        raise error


@group.command()
def audit(
    context: typer.Context,
    split: Annotated[
        Literal["group", "artist", "fault-filtered", "track"] | None,
        typer.Option(help="Audit this split instead of the configured one."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Number of processes; default: the number of cores.")
    ] = None,
) -> None:
    """Analyse all clips and report leaks between the splits: groups, recordings, faults, loudness."""
    env = Environment.of(context)
    config = env.config(dataset__split=split)
    workers = jobs or cores()
    plan = plan_slices(config.settings, config.paths.root, workers)
    with env.console.progress("analysing clips", len(plan.tasks)) as progress:
        found = audit_clips(plan, config.settings.slice.reading, workers, progress.to)
    if split is None:
        write_audit(config.paths, as_data(found), as_text(found))
    env.console.result(as_data(found), as_text(found))
    if found.leaks:
        env.console.warn("testing clips leak into training: results on this split overestimate the accuracy")


@group.command()
def card(context: typer.Context) -> None:
    """Print a data card of the project's clips in Markdown."""
    env = Environment.of(context)
    config = env.config()
    text = data_card(config.settings, plan_slices(config.settings, config.paths.root))
    if env.console.json_output:
        env.console.result({"card": text})
    else:
        env.console.line(text.rstrip())


def _show(env: Environment, findings: Sequence[Finding], extra: dict[str, object]) -> None:
    counts = Counter(finding.status for finding in findings)
    wrong = [finding for finding in findings if finding.status in DAMAGED]
    for finding in wrong if env.console.verbose else wrong[:SHOWN]:
        env.console.warn(f"{finding.track} is {finding.status}: {finding.detail}")
    lines = [f"{status:12} {number}" for status, number in counts.most_common()]
    env.console.result({**extra, "counts": counts, "tracks": [asdict(f) for f in findings]}, "\n".join(lines))
