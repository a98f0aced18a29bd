"""Summary features of clips, and published classifiers of them under several protocols, as `eitk features` and
`eitk evaluate --suite` compute them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ei_toolkit.api.progress import OnProgress, ignore_progress, progress_of
from ei_toolkit.api.project import Project
from ei_toolkit.api.results import Result
from ei_toolkit.audio.summary.columns import EXTRACTORS
from ei_toolkit.config.settings import FeatureSettings
from ei_toolkit.dataset.plan import clips_root
from ei_toolkit.errors import UsageError
from ei_toolkit.evaluation.clips import find_known_clips
from ei_toolkit.evaluation.labelled_rows import labelled_rows
from ei_toolkit.evaluation.run import checked_protocol
from ei_toolkit.evaluation.suite import SuiteRow, number_of_trainings, run_suite
from ei_toolkit.evaluation.suite_models import measurable_models
from ei_toolkit.features.extract import Extraction, extract_table
from ei_toolkit.features.table import FeatureTable, read_table
from ei_toolkit.report.suite_tables import suite_data
from ei_toolkit.report.tables import Cell

SHORTEST_WINDOW_MS = 1000


@dataclass(frozen=True)
class SummaryFeatures(Result):
    """Summary features of clips or of windows of clips. `skipped` has the reason of each clip that cannot be used.

    `values` has the shape (rows, features) and the type float64; rows of one name are windows of one clip.
    """

    table: FeatureTable
    skipped: dict[str, str]
    axes: tuple[str, str] = ("row", "feature")

    @property
    def values(self) -> npt.NDArray[np.float64]:
        """The features, shape (rows, features)."""
        return self.table.values

    @property
    def columns(self) -> tuple[str, ...]:
        """The name of each feature, in the order of the second axis."""
        return self.table.columns

    @property
    def labels(self) -> npt.NDArray[np.str_]:
        """The label of each row, shape (rows,)."""
        return np.array(self.table.labels, np.str_)

    @property
    def groups(self) -> npt.NDArray[np.str_]:
        """The group of each row, such as an artist, shape (rows,); "" where none is known."""
        return np.array(self.table.groups, np.str_)

    def to_dict(self) -> dict[str, Any]:
        """Return the names of rows and columns and the values as plain data; times are in milliseconds."""
        return {"extractor": self.table.extractor, "columns": list(self.columns), "rows": self.records(),
                "skipped": dict(self.skipped)}  # fmt: skip

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each clip or window: its clip, its start in milliseconds, its features and its label."""
        table = self.table
        return [
            {"filename": name, "start_ms": start, **dict(zip(self.columns, row, strict=True)), "label": label}
            for name, start, row, label in zip(
                table.names, table.starts_ms.tolist(), table.values.tolist(), table.labels, strict=True
            )
        ]


@dataclass(frozen=True)
class SuiteEvaluation(Result):
    """Accuracies of clips of several classifiers, each under several protocols, as fractions from 0 to 1."""

    suite: str
    rows: tuple[SuiteRow, ...]
    seeds: int

    def to_dict(self) -> dict[str, Any]:
        """Return the results as `eitk evaluate --suite --json` prints them."""
        return suite_data(self.suite, self.rows, self.seeds)

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each classifier: its accuracy of clips, from 0 to 1, under each protocol."""
        return [
            {"model": row.model.name, **{name: one.accuracy for name, one in row.measured.items()}} for row in self.rows
        ]


def summary_features(
    project: Project,
    extractor: Literal["summary-57", "summary-207"] = "summary-57",
    *,
    window_ms: int = 0,
    hop_ms: int = 0,
    jobs: int = 1,
    on_progress: OnProgress = ignore_progress,
) -> SummaryFeatures:
    """Compute summary features of the clips of a project, as librosa defines them.

    Args:
        project: A project with `[dataset] root`. The features of each clip are kept in it.
        extractor: `summary-57`, the features that are published with GTZAN, or `summary-207`.
        window_ms: Length of the windows in milliseconds, at least 1000; 0 means whole clips.
        hop_ms: Distance between the starts of two windows in milliseconds; 0 means no overlap.
        jobs: Number of processes. With more than one, a program that Python runs as a file must be below
            `if __name__ == "__main__":`, because the processes import it.
        on_progress: Called with the number of clips that are done.

    Returns:
        The features, shape (rows, features), with the label and the group of each row.

    Raises:
        UsageError: There is no such extractor, or the windows are too short.
        DataError: No clip can be used.
    """
    if extractor not in EXTRACTORS:
        raise UsageError(f"there is no extractor {extractor!r}", hint=f"Extractors: {', '.join(EXTRACTORS)}.")
    if 0 < window_ms < SHORTEST_WINDOW_MS:
        raise UsageError(f"windows of {window_ms} ms are too short", hint=f"Give at least {SHORTEST_WINDOW_MS} ms.")
    config = project.config
    known = find_known_clips(clips_root(config.settings.dataset, config.paths.root), config.settings, config.paths.root)
    wanted = Extraction(FeatureSettings(extractor, window_ms, hop_ms), config.settings.slice.reading)
    cache = config.paths.features if config.file else None
    progress = progress_of(f"computing {extractor}", len(known), on_progress)
    table, skipped = extract_table(known, wanted, cache, jobs, progress)
    return SummaryFeatures(table, skipped)


def read_summary_features(file: Path | str) -> SummaryFeatures:
    """Read a table of summary features, such as the `features_30_sec.csv` that is published with GTZAN.

    Args:
        file: A .csv or .npz, as `eitk features` writes it.

    Returns:
        The features, shape (rows, features).

    Raises:
        UsageError: The file is of another kind.
        DataError: It cannot be read, columns are missing, or a feature is not a finite number.
    """
    return SummaryFeatures(read_table(Path(file).expanduser()), {})


def evaluate_suite(
    features: SummaryFeatures,
    models: Sequence[str] = (),
    *,
    suite: str = "ten-genres",
    protocols: Sequence[str] = (),
    seeds: int = 1,
    jobs: int = 2,
    on_progress: OnProgress = ignore_progress,
) -> SuiteEvaluation:
    """Measure published classifiers on summary features, under the protocols of their publications and by artist.

    Args:
        features: The features, of clips or of windows.
        models: Beginnings of the names of models of the suite; empty means all of them.
        suite: Name of the suite.
        protocols: What is held out, such as `segment`, `clip` and `artist`; empty means the protocol of the
            publication, `artist` and `fault-filtered`.
        seeds: Number of seeds of folds and trainings; the accuracies are means over them.
        jobs: Number of processes. A program that Python runs as a file must be below
            `if __name__ == "__main__":`, because the processes import it.
        on_progress: Called with the number of trainings that are done.

    Returns:
        The accuracy of clips of each model under each protocol.

    Raises:
        UsageError: There is no such suite, model or protocol.
        DataError: A label has too few clips or groups for the folds.
    """
    chosen, _ = measurable_models(suite, ",".join(models), ["features"])
    held_out = [checked_protocol(name) for name in protocols]
    rows = labelled_rows(features.table)
    total = number_of_trainings(chosen, seeds, held_out)
    found = run_suite(chosen, rows, seeds, jobs, progress_of("training", total, on_progress), held_out)
    return SuiteEvaluation(suite, tuple(found), seeds)
