"""`eitk explore`: Explore summary features: labels, correlations, outliers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from ei_toolkit.audio.fingerprint import Match, find_matches
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.feature_rows import compute_table, rows_of
from ei_toolkit.cli.output_file import check_output
from ei_toolkit.compute import cores, map_items
from ei_toolkit.config.address import place_of
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.units import counted
from ei_toolkit.dataset.audit import measure_clip
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.dataset.plan import clips_root
from ei_toolkit.evaluation.clips import find_known_clips
from ei_toolkit.evaluation.exploration import exploration_data
from ei_toolkit.evaluation.exploration import explore as explore_rows
from ei_toolkit.features.table import read_table
from ei_toolkit.report.html.page import build_exploration_page
from ei_toolkit.report.tables import Table


def explore(
    context: typer.Context,
    clips: Annotated[Path | None, typer.Argument(help="Folder, zip or address; default: the project's.")] = None,
    features: Annotated[
        Path | None, typer.Option(help="Table of summary features, .csv or .npz, instead of clips.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="HTML file to write.")] = Path("exploration.html"),
    data: Annotated[Path | None, typer.Option("--data", help="Write all figures as JSON to this file.")] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Number of processes; default: the number of cores.")
    ] = None,
) -> None:
    """Explore summary features: labels, correlations, outliers.

    The page has densities by label, correlations before and after leaving out correlated features, principal
    components, the similarity of labels by MFCC and by the rest, outliers, duplicates and artists by label. With clips,
    repeated recordings are found by their fingerprints, too.
    """
    env = Environment.of(context)
    page, numbers = check_output(env.cwd / output), check_output(env.cwd / data) if data else None
    config = env.config()
    known: list[KnownClip] = []
    if features is None:
        dataset = config.settings.dataset
        named = replace(dataset, root=place_of(clips, env.cwd)) if clips else dataset
        known = find_known_clips(clips_root(named, config.paths.root), config.settings, config.paths.root)
    computed = config.settings.features
    table = read_table(env.cwd / features) if features else compute_table(env, known, computed, jobs or cores())
    rows = rows_of(env, table, config.settings)
    found = explore_rows(rows, table.columns)
    repeated = _repeated(env, known, jobs or cores())
    env.console.note(f"drawing the figures of {page.name}")
    write_text(page, build_exploration_page(config.settings.project.name, found, repeated))
    everything = exploration_data(found) | {"same_recordings": [vars(match) for match in repeated], "file": str(output)}
    if numbers:
        write_text(numbers, json.dumps(everything) + "\n")
    shown = Table("", ("label", "clips", "artists", "largest artist", "its clips"), found.artists)
    lines = (
        f"{len(found.kept)} of {len(found.columns)} features remain without correlated ones; {found.kept_components}"
        " principal components keep 95 % of the variance",
        f"{counted(len(found.pairs), 'pair')} of clips with nearly equal features,"
        f" {counted(len(repeated), 'pair')} with the same recording; wrote {output}",
    )
    env.console.result(everything, Group(shown.rich(), *map(Text, lines)))


def _repeated(env: Environment, known: Sequence[KnownClip], jobs: int) -> list[Match]:
    """Return the pairs of clips with the same recording, by their fingerprints."""
    measure = partial(measure_clip, reading=env.config().settings.slice.reading)
    measured = zip(known, map_items(measure, [one.clip.path for one in known], jobs if known else 1), strict=True)
    return find_matches({one.clip.name: found.landmarks for one, found in measured if found.landmarks})
