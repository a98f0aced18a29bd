"""What the commands share that work on summary features: compute a table of clips, and note what is in a table."""

from __future__ import annotations

from collections.abc import Sequence

from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.outcomes import warn_of_some
from ei_toolkit.config import Settings
from ei_toolkit.config.settings import FeatureSettings
from ei_toolkit.config.units import counted
from ei_toolkit.dataset.faults import faults_text
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.evaluation.labelled_rows import LabelledRows, find_track, labelled_rows
from ei_toolkit.features.table import FeatureTable


def compute_table(env: Environment, known: Sequence[KnownClip], settings: FeatureSettings, jobs: int) -> FeatureTable:
    """Return the features of clips, which are kept in a project; warn of the clips that cannot be used."""
    config = env.config()
    cache = config.paths.features if config.file else None
    with env.console.progress(f"computing {settings.extractor}", len(known)) as progress:
        # librosa takes most of a second to import, and a table that is read needs none
        from ei_toolkit.features.extract import Extraction, extract_table

        wanted = Extraction(settings, config.settings.slice.reading)
        table, skipped = extract_table(known, wanted, cache, jobs, progress.to, config.settings.compute.scheduler)
    warn_of_some(env, [f"skipped {name}: {reason}" for name, reason in skipped.items()])
    return table


def rows_of(env: Environment, table: FeatureTable, settings: Settings) -> LabelledRows:
    """Return the rows of a table; note their number, catalogued faults, and labels of unequal size."""
    leave_out = settings.dataset.faults == "leave-out"
    rows = labelled_rows(table, leave_out_faults=leave_out)
    env.console.note(
        f"{counted(len(rows.clips), 'row')} of {counted(len(set(rows.clips)), 'clip')} and"
        f" {counted(len(set(rows.groups)), 'artist')}, {counted(len(rows.names), 'label')}, {table.extractor}"
    )
    if text := faults_text([find_track(name) for name in dict.fromkeys(table.names)], left_out=leave_out):
        env.console.note(text)
    counts = {name: int((rows.labels == number).sum()) for number, name in enumerate(rows.names)}
    few, many = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    if counts[many] > 2 * counts[few]:
        env.console.warn(
            f"labels of unequal size: {many} has {counted(counts[many], 'row')}, {few} has {counts[few]};"
            " accuracies depend more on the frequent labels"
        )
    return rows
