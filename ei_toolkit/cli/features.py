"""`eitk features`: Compute summary features of clips as a table."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.options import ChannelOption, ExtractorOption
from ei_toolkit.cli.outcomes import warn_of_some
from ei_toolkit.cli.output_file import check_output
from ei_toolkit.compute import cores
from ei_toolkit.config.address import place_of
from ei_toolkit.config.settings import FeatureSettings
from ei_toolkit.config.units import counted
from ei_toolkit.dataset.plan import clips_root
from ei_toolkit.errors import UsageError
from ei_toolkit.evaluation.clips import find_known_clips
from ei_toolkit.features.block_folder import write_block
from ei_toolkit.features.extract import Extraction, extract_table
from ei_toolkit.features.table import check_table_name, write_table


def features(
    context: typer.Context,
    clips: Annotated[Path | None, typer.Argument(help="Folder, zip or address; default: the project's.")] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Table to write: .csv, as published with GTZAN, or .npz.")
    ] = Path("features.csv"),
    extractor: ExtractorOption = "summary-57",
    window_ms: Annotated[
        int, typer.Option(min=0, help="Length of the windows in milliseconds, at least 1000; 0: the whole clip.")
    ] = 0,
    hop_ms: Annotated[
        int, typer.Option(min=0, help="Milliseconds between the starts of two windows; 0: no overlap.")
    ] = 0,
    normalise: Annotated[bool, typer.Option("--normalise", help="Set the peak of each clip to full scale.")] = False,
    trim: Annotated[bool, typer.Option("--trim", help="Leave out silence at both ends of each clip.")] = False,
    block: Annotated[
        Path | None,
        typer.Option(help="Write the extractor as a custom processing block for Edge Impulse to this folder instead."),
    ] = None,
    plain_librosa: Annotated[
        bool, typer.Option("--plain-librosa", help="Compute by plain calls of librosa, to compare; takes longer.")
    ] = False,
    channel: ChannelOption = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Number of processes; default: the number of cores.")
    ] = None,
) -> None:
    """Compute summary features of clips as a table.

    The features of each clip are kept in the project by the hash of the clip and the settings,
    so a second run computes only what is new.
    """
    env = Environment.of(context)
    if block:
        files = write_block(check_output(env.cwd / block), extractor)
        env.console.result({"folder": str(block), "files": [file.name for file in files]}, f"{extractor} -> {block}")
        return
    if 0 < window_ms < 1000:
        raise UsageError(f"--window-ms {window_ms} is too short", hint="The features need at least 1000 ms.")
    file = check_output(check_table_name(env.cwd / output))
    config = env.config(slice__channel=channel)
    dataset = replace(config.settings.dataset, root=place_of(clips, env.cwd)) if clips else config.settings.dataset
    known = find_known_clips(clips_root(dataset, config.paths.root), config.settings, config.paths.root)
    cache = config.paths.features if config.file else None
    settings = FeatureSettings(cast(Any, extractor), window_ms, hop_ms, normalise, trim)
    with env.console.progress(f"computing {extractor}", len(known)) as progress:
        wanted = Extraction(settings, config.settings.slice.reading, plain_librosa)
        table, skipped = extract_table(
            known, wanted, cache, jobs or cores(), progress.to, config.settings.compute.scheduler
        )
    write_table(file, table)
    warn_of_some(env, [f"skipped {name}: {reason}" for name, reason in skipped.items()])
    rows = Counter(table.labels)
    text = (
        f"{counted(len(table.names), 'row')} of {counted(len(known) - len(skipped), 'clip')} with"
        f" {len(table.columns)} features in {output}"
    )
    data = {
        "file": str(output), "extractor": extractor, "columns": len(table.columns), "rows": dict(sorted(rows.items())),
        "skipped": [{"clip": name, "reason": reason} for name, reason in skipped.items()],
    }  # fmt: skip
    env.console.result(data, text)
