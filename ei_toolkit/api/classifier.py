"""Classifiers of summary features in Python: train the `[classifier]` of a project, without a studio."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ei_toolkit.api.progress import OnProgress, ignore_progress, progress_of
from ei_toolkit.api.project import Project
from ei_toolkit.api.results import Result
from ei_toolkit.config import Config
from ei_toolkit.dataset.folder import Clip
from ei_toolkit.dataset.folder_names import Split
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.dataset.index import load_index
from ei_toolkit.dataset.plan import clips_root
from ei_toolkit.dataset.provenance import TrainingProvenance
from ei_toolkit.dataset.split import split_clips
from ei_toolkit.errors import DataError, UsageError
from ei_toolkit.evaluation.clips import find_known_clips
from ei_toolkit.evaluation.labelled_rows import LabelledRows, labelled_rows
from ei_toolkit.evaluation.scores import grouped_interval
from ei_toolkit.features.extract import Extraction, extract_table
from ei_toolkit.report.tables import Cell


@dataclass(frozen=True)
class TrainedClassifier(Result):
    """A classifier of summary features, and its accuracy on the testing clips of the project's split.

    `accuracy` and its 95 % interval are fractions from 0 to 1 of `testing_clips` clips of `testing_groups` groups.
    """

    file: Path
    labels: tuple[str, ...]
    accuracy: float
    interval: tuple[float, float]
    testing_clips: int
    testing_groups: int
    data: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the results, as `eitk train --json` prints them; `size_bytes` is the size of the model."""
        return dict(self.data)

    def records(self) -> list[dict[str, Cell]]:
        """Return one row with the accuracy from 0 to 1 and the numbers of clips."""
        names = ("classifier", "accuracy", "training_clips", "testing_clips", "parameters", "size_bytes")
        return [{name: self.data[name] for name in names}]


def train_classifier(
    project: Project, *, jobs: int = 1, on_progress: OnProgress = ignore_progress
) -> TrainedClassifier:
    """Train the `[classifier]` of a project on the summary features of its training clips, and test it.

    Args:
        project: A project with `[classifier] kind` and `[dataset] root`.
        jobs: Number of processes that compute features. With more than one, a program that Python runs as a file must
            be below `if __name__ == "__main__":`, because the processes import it.
        on_progress: Called with the number of clips whose features are computed.

    Returns:
        The classifier, which `classify` then uses, and its accuracy.

    Raises:
        UsageError: The project has no `[classifier]`.
        DataError: A label has no training clip or no testing clip, or no clip can be used.
    """
    config = project.config
    if config.settings.classifier.kind == "none":
        raise UsageError("the project has no [classifier]", hint='Set [classifier] kind, such as "knn" or "forest".')
    known = known_clips(config)
    wanted = Extraction(config.settings.features, config.settings.slice.reading)
    cache = config.paths.features if config.file else None
    progress = progress_of(f"computing {config.settings.features.extractor}", len(known), on_progress)
    table, _skipped = extract_table(known, wanted, cache, jobs, progress, config.settings.compute.scheduler)
    rows = labelled_rows(table, leave_out_faults=config.settings.dataset.faults == "leave-out")
    hashes = hashes_of(known)
    data = fit_and_test(config, rows, hashes, divided(rows, hashes, config))
    low, high = data["interval"]
    return TrainedClassifier(
        config.paths.classifier, tuple(data["labels"]), data["accuracy"], (low, high), data["testing_clips"],
        data["testing_groups"], data,
    )  # fmt: skip


def known_clips(config: Config) -> Sequence[KnownClip]:
    """Return the clips of a project."""
    return find_known_clips(clips_root(config.settings.dataset, config.paths.root), config.settings, config.paths.root)


def hashes_of(known: Sequence[KnownClip]) -> dict[str, str]:
    """Return the SHA-256 of each clip, by the name that it has in tables of features."""
    return {one.track.track if one.track else one.clip.name: one.sha256 for one in known}


def divided(rows: LabelledRows, hashes: Mapping[str, str], config: Config) -> dict[Split, list[int]]:
    """Return the numbers of the training rows and of the testing rows. Raises DataError if one lacks a label."""
    tracks, settings = load_index().tracks, config.settings.dataset
    known = {
        clip: KnownClip(Clip(Path(clip), clip, rows.names[label]), hashes.get(clip) or clip, group, tracks.get(clip))
        for clip, label, group in zip(rows.clips, rows.labels.tolist(), rows.groups, strict=True)
    }
    split = split_clips(list(known.values()), settings.split, settings.test_fraction, settings.seed)
    parts: tuple[Split, ...] = ("training", "testing")
    for part in parts:
        there = Counter(known[clip].clip.label for clip, own in split.items() if own == part)
        if missing := [name for name in rows.names if not there[name]]:
            raise DataError(f"the label {missing[0]} has no {part} clip", hint="Add clips, or change [dataset] split.")
    return {part: [row for row, clip in enumerate(rows.clips) if split.get(clip) == part] for part in parts}


def fit_and_test(
    config: Config, rows: LabelledRows, hashes: Mapping[str, str], parts: Mapping[Split, Sequence[int]]
) -> dict[str, Any]:
    """Train on the training rows, write the model into the project, test it, and return the results."""
    # imports scikit-learn, which takes a second
    from ei_toolkit.features.fit import TrainingRows, fit_model
    from ei_toolkit.features.model import write_model

    settings, training = config.settings, list(parts["training"])
    seen = sorted({rows.clips[row] for row in training})
    provenance = TrainingProvenance(
        frozenset(hashes[clip] for clip in seen if hashes.get(clip)), frozenset(rows.groups[row] for row in training)
    )
    material = TrainingRows(rows.values[training], rows.labels[training], provenance)
    model = fit_model(settings.classifier, material, rows.names, settings.features, settings.training.seed)
    write_model(config.paths.classifier, model)
    return _tested(model, rows, parts["testing"]) | {
        "classifier": settings.classifier.kind, "training_clips": len(seen), "labels": list(model.labels),
        "parameters": model.parameters, "size_bytes": model.size_bytes, "file": str(config.paths.classifier),
    }  # fmt: skip


def _tested(model: Any, rows: LabelledRows, testing: Sequence[int]) -> dict[str, Any]:
    """Return the accuracy of the testing clips by the mean of the scores of their rows, with its interval."""
    total: dict[str, Any] = {}
    for row, scores in zip(testing, model.predict(rows.values[list(testing)]), strict=True):
        total[rows.clips[row]] = total.get(rows.clips[row], 0) + scores
    of = {rows.clips[row]: (rows.labels[row], rows.groups[row]) for row in testing}
    correct = [int(scores.argmax()) == of[clip][0] for clip, scores in total.items()]
    groups = [of[clip][1] for clip in total]
    return {
        "accuracy": float(np.mean(correct)), "interval": list(grouped_interval(groups, correct, 0)),
        "testing_clips": len(correct), "testing_groups": len(set(groups)),
    }  # fmt: skip
