"""The part of `eitk train` that trains a classifier of summary features, on this machine and without a studio."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.feature_rows import compute_table, rows_of
from ei_toolkit.compute import cores
from ei_toolkit.config import Config
from ei_toolkit.config.units import counted, kib
from ei_toolkit.dataset.folder import Clip
from ei_toolkit.dataset.folder_names import Split
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.dataset.index import load_index
from ei_toolkit.dataset.plan import clips_root
from ei_toolkit.dataset.provenance import TrainingProvenance
from ei_toolkit.dataset.split import split_clips
from ei_toolkit.errors import DataError
from ei_toolkit.evaluation.clips import find_known_clips
from ei_toolkit.evaluation.labelled_rows import LabelledRows
from ei_toolkit.evaluation.scores import grouped_interval
from ei_toolkit.features.fit import TrainingRows, fit_model
from ei_toolkit.features.model import FeatureModel, write_model
from ei_toolkit.features.table import FeatureTable, read_table
from ei_toolkit.impulse.metrics import interval_text
from ei_toolkit.report.tables import Table, percent


def train_classifier(env: Environment, config: Config, table_file: Path | None, *, dry_run: bool) -> None:
    """Train on the training clips, test on the testing clips of the project's split, and write the model."""
    settings = config.settings
    table, hashes = _read(env, config, table_file) if table_file else _compute(env, config)
    rows = rows_of(env, table, settings)
    split = _split(rows, hashes, config)
    training, testing = (
        np.flatnonzero([split.get(clip) == part for clip in rows.clips]) for part in ("training", "testing")
    )
    clips = {
        part: len({rows.clips[row] for row in own}) for part, own in (("training", training), ("testing", testing))
    }
    env.console.note(f"training {settings.classifier.kind} on {counted(clips['training'], 'clip')}")
    if dry_run:
        env.console.result({"dry_run": True, **clips}, "nothing is trained (--dry-run)")
        return
    seen = sorted({rows.clips[row] for row in training})
    provenance = TrainingProvenance(
        frozenset(hashes[clip] for clip in seen if hashes.get(clip)), frozenset(rows.groups[row] for row in training)
    )
    material = TrainingRows(rows.values[training], rows.labels[training], provenance)
    model = fit_model(settings.classifier, material, rows.names, settings.features, settings.training.seed)
    write_model(config.paths.classifier, model)
    data = _tested(model, rows, testing.tolist()) | {
        "classifier": settings.classifier.kind, "training_clips": clips["training"], "labels": list(model.labels),
        "parameters": model.parameters, "size_bytes": model.size_bytes, "file": str(config.paths.classifier),
    }  # fmt: skip
    env.console.result(data, _table(data).rich())


def _compute(env: Environment, config: Config) -> tuple[FeatureTable, dict[str, str]]:
    """Compute the features of the project's clips; return them with the hash of each clip."""
    root = clips_root(config.settings.dataset, config.paths.root)
    known = find_known_clips(root, config.settings, config.paths.root)
    table = compute_table(env, known, config.settings.features, cores())
    names = {one.clip.name: one.track.track if one.track else one.clip.name for one in known}
    return table, {names[one.clip.name]: one.sha256 for one in known}


def _read(env: Environment, config: Config, file: Path) -> tuple[FeatureTable, dict[str, str]]:
    table = read_table(env.cwd / file, config.settings.features.extractor)
    return table, {name: track.sha256 for name, track in load_index().tracks.items()}


def _split(rows: LabelledRows, hashes: Mapping[str, str], config: Config) -> dict[str, Split]:
    """Return the split of each clip. Raises DataError if a label would be in one split only."""
    tracks, settings = load_index().tracks, config.settings.dataset
    known = {
        clip: KnownClip(Clip(Path(clip), clip, rows.names[label]), hashes.get(clip) or clip, group, tracks.get(clip))
        for clip, label, group in zip(rows.clips, rows.labels.tolist(), rows.groups, strict=True)
    }
    split = split_clips(list(known.values()), settings.split, settings.test_fraction, settings.seed)
    for part in ("training", "testing"):
        there = Counter(known[clip].clip.label for clip, own in split.items() if own == part)
        if missing := [name for name in rows.names if not there[name]]:
            raise DataError(f"the label {missing[0]} has no {part} clip", hint="Add clips, or change [dataset] split.")
    return split


def _tested(model: FeatureModel, rows: LabelledRows, testing: list[int]) -> dict[str, Any]:
    """Return the accuracy of the testing clips by the mean of the scores of their rows, with its interval."""
    total: dict[str, Any] = {}
    for row, scores in zip(testing, model.predict(rows.values[testing]), strict=True):
        total[rows.clips[row]] = total.get(rows.clips[row], 0) + scores
    of = {rows.clips[row]: (rows.labels[row], rows.groups[row]) for row in testing}
    correct = [int(scores.argmax()) == of[clip][0] for clip, scores in total.items()]
    groups = [of[clip][1] for clip in total]
    return {
        "accuracy": float(np.mean(correct)), "interval": list(grouped_interval(groups, correct, 0)),
        "testing_clips": len(correct), "testing_groups": len(set(groups)),
    }  # fmt: skip


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
