"""Classify files of any length with a trained model, as `eitk classify` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ei_toolkit.api.progress import OnProgress, Progress, ignore_progress
from ei_toolkit.api.project import Project
from ei_toolkit.api.results import Result, shown
from ei_toolkit.audio.formats import SUFFIXES
from ei_toolkit.audio.summary.spectra import RATE
from ei_toolkit.compute import map_items
from ei_toolkit.config import Config
from ei_toolkit.config.lockfile import read_lock
from ei_toolkit.config.settings import BoardSettings, Reading
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.dataset.provenance import PROVENANCE_NAME, TrainingProvenance, read_provenance
from ei_toolkit.errors import DataError, MissingStepError, UsageError
from ei_toolkit.evaluation.candidate import labels_of_model
from ei_toolkit.evaluation.classify import (
    Classified,
    NetworkScorer,
    Scorer,
    SummaryScorer,
    classify_file,
    timeline_data,
)
from ei_toolkit.features.extract import whole_features
from ei_toolkit.features.model import read_model
from ei_toolkit.impulse.interpreter import Interpreter
from ei_toolkit.report import figures
from ei_toolkit.report.tables import Cell

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Classification(Result):
    """Files with their labels and their scores over time. `skipped` states the files that could not be classified.

    `labels` are in the order of the scores, which are from 0 to 1.
    """

    labels: tuple[str, ...]
    files: tuple[Classified, ...]
    skipped: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return each file with its scores over time, as `eitk classify --json` prints them; times in milliseconds."""
        files = [timeline_data(one, self.labels) for one in self.files]
        return {"labels": list(self.labels), "files": files, "skipped": list(self.skipped)}

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each file: its length in seconds, its label (None for none), and the best two scores."""
        return [
            {
                "file": one.file, "seconds": one.seconds, "label": one.genre or None, "best": one.best,
                "score": one.score, "second": one.second, "second_score": one.second_score,
            }
            for one in self.files
        ]  # fmt: skip

    def figure(self, file: int = 0) -> Figure:
        """Return a picture of the smoothed scores of one file over time, with a row for each label.

        Args:
            file: Number of the file, from 0.

        Returns:
            A figure of matplotlib.

        Raises:
            UsageError: There is no such file.
        """
        if not 0 <= file < len(self.files):
            raise UsageError(f"there is no file {file}", hint=f"Give a number from 0 to {len(self.files) - 1}.")
        line = self.files[file].timeline
        starts_s = [start / 1000 for start in line.starts_ms]
        return shown(figures.scores_over_time(starts_s, line.scores, self.labels, Path(self.files[file].file).name))


def classify(
    project: Project,
    files: Sequence[Path | str],
    *,
    model: Path | str | None = None,
    labels: Sequence[str] = (),
    on_progress: OnProgress = ignore_progress,
) -> Classification:
    """Classify sound files of any length and format.

    Args:
        project: The project of the model; `[board]` has the threshold and the smoothing.
        files: Sound files, or folders of them.
        model: A .tflite (int8 or float32) or a .npz (summary features); None means the pinned model.
        labels: Labels of a .tflite in the order of its outputs; empty means those that it was trained on.
        on_progress: Called with the number of files that are done.

    Returns:
        The label of each file, and its scores over time.

    Raises:
        MissingStepError: No model is pinned.
        UsageError: There is no such file or model, or a folder has no sound files.
        DataError: No file could be classified, or the model does not fit the impulse of the project.
    """
    paths = list(sound_files([Path(file).expanduser() for file in files]))
    scorer, provenance = open_scorer(project.config, Path(model).expanduser() if model else None, labels)
    return classify_paths(project.config, paths, scorer, provenance, str, on_progress)


def classify_paths(
    config: Config,
    paths: Sequence[Path],
    scorer: Scorer,
    provenance: TrainingProvenance | None,
    named: Callable[[Path], str],
    on_progress: OnProgress,
) -> Classification:
    """Classify sound files, each of which the result names as `named` does. Raises DataError if none can be."""
    settings = config.settings
    do = partial(
        _classified_or_reason,
        scorer=scorer, board=settings.board, reading=settings.slice.reading, provenance=provenance,
    )  # fmt: skip
    found, skipped = [], []
    for path, one in zip(paths, map_items(do, paths, 1, settings.compute.scheduler, paths[:1]), strict=True):
        if isinstance(one, Classified):
            found.append(replace(one, file=named(path)))
        else:
            skipped.append(f"skipped {named(path)}: {one.removeprefix(f'{path.name}: ')}")
        on_progress(Progress("classifying", len(found) + len(skipped), len(paths), path.name))
    if not found:
        raise DataError(
            "no file could be classified",
            why=skipped[0] if skipped else "no file was given",
            hint="Give sound files of a few seconds or more.",
        )
    return Classification(scorer.labels, tuple(found), tuple(skipped))


def _classified_or_reason(
    path: Path, scorer: Scorer, board: BoardSettings, reading: Reading, provenance: TrainingProvenance | None
) -> Classified | str:
    """Return a classified file, or why it could not be classified. Runs in a worker with `[compute] scheduler`."""
    try:
        return classify_file(path, scorer, board, reading, provenance)
    except DataError as error:
        return error.with_hint


def sound_files(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the sound files among the paths and in folders. Raises UsageError where there is none."""
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
            if not inside:
                raise UsageError(
                    f"there are no sound files in {path}", hint="Give a folder with .wav, .flac or .mp3 files."
                )
            yield from inside
        elif path.is_file():
            yield path
        else:
            raise UsageError(f"there is no file {path}", hint="Give sound files, or folders of them.")


def open_scorer(config: Config, model: Path | None, labels: Sequence[str]) -> tuple[Scorer, TrainingProvenance | None]:
    """Return a model, or the pinned one, with what it was trained on. Raises as `classify` does."""
    if model is None:
        lock = read_lock(config.paths.lock)
        if lock is None and config.paths.classifier.is_file():
            return _summary_scorer(config.paths.classifier)
        if lock is None:
            raise MissingStepError(
                "no model is trained and pinned yet", hint="eitk train --eon, or name one: --model FILE"
            )
        model = lock.model_path(config.paths.root)
    if not model.is_file():
        raise UsageError(f"there is no model {model}", hint="Give a .tflite or .npz file.")
    if model.suffix == ".npz":
        return _summary_scorer(model)
    provenance = read_provenance(model.parent / PROVENANCE_NAME)
    names = tuple(labels)
    if not names and config.paths.manifest.is_file():
        names = labels_of_model(Manifest.read(config.paths.manifest), provenance or TrainingProvenance(frozenset()))
    names = names or tuple(sorted(config.settings.project.labels))
    return NetworkScorer(config.settings, names, Interpreter(model.read_bytes())), provenance


def _summary_scorer(file: Path) -> tuple[Scorer, TrainingProvenance]:
    model = read_model(file)
    whole = replace(model.features, window_ms=0)
    return SummaryScorer(model, RATE, partial(whole_features, settings=whole)), model.provenance
