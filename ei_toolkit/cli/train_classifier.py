"""The part of `eitk train` that trains a classifier of summary features, on this machine and without a studio."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ei_toolkit.api.classifier import divided, fit_and_test, hashes_of, known_clips
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.feature_rows import compute_table, rows_of
from ei_toolkit.compute import cores
from ei_toolkit.config import Config
from ei_toolkit.config.units import counted, kib
from ei_toolkit.dataset.index import load_index
from ei_toolkit.features.table import FeatureTable, read_table
from ei_toolkit.impulse.metrics import interval_text
from ei_toolkit.report.tables import Table, percent


def train_classifier(env: Environment, config: Config, table_file: Path | None, *, dry_run: bool) -> None:
    """Train on the training clips, test on the testing clips of the project's split, and write the model."""
    table, hashes = _read(env, config, table_file) if table_file else _compute(env, config)
    rows = rows_of(env, table, config.settings)
    parts = divided(rows, hashes, config)
    clips = {part: len({rows.clips[row] for row in own}) for part, own in parts.items()}
    env.console.note(f"training {config.settings.classifier.kind} on {counted(clips['training'], 'clip')}")
    if dry_run:
        env.console.result({"dry_run": True, **clips}, "nothing is trained (--dry-run)")
        return
    data = fit_and_test(config, rows, hashes, parts)
    env.console.result(data, _table(data).rich())


def _compute(env: Environment, config: Config) -> tuple[FeatureTable, dict[str, str]]:
    """Compute the features of the project's clips; return them with the hash of each clip."""
    known = known_clips(config)
    return compute_table(env, known, config.settings.features, cores()), hashes_of(known)


def _read(env: Environment, config: Config, file: Path) -> tuple[FeatureTable, dict[str, str]]:
    table = read_table(env.cwd / file, config.settings.features.extractor)
    return table, {name: track.sha256 for name, track in load_index().tracks.items()}


def _table(data: Mapping[str, Any]) -> Table:
    interval = interval_text(data["interval"], data["testing_clips"], data["testing_groups"])
    rows = (
        ("classifier", data["classifier"]),
        ("training", counted(data["training_clips"], "clip")),
        ("clip accuracy", f"{percent(data['accuracy'])} of {counted(data['testing_clips'], 'clip')}; {interval}"),
        ("parameters", data["parameters"]),
        ("size", kib(data["size_bytes"])),
        ("file", data["file"]),
    )
    return Table("", ("", ""), rows)
