"""`eitk classify`: Classify files and folders of any length with a trained model."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ei_toolkit.audio.formats import SUFFIXES
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.options import ChannelOption
from ei_toolkit.cli.outcomes import warn_of_some
from ei_toolkit.cli.output_file import check_output
from ei_toolkit.config import Config
from ei_toolkit.config.atomic_write import write_bytes, write_text
from ei_toolkit.config.lockfile import read_lock
from ei_toolkit.config.settings import FRACTIONS
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.dataset.provenance import PROVENANCE_NAME, TrainingProvenance, read_provenance
from ei_toolkit.errors import DataError, MissingStepError, UsageError
from ei_toolkit.report.tables import Table, percent

if TYPE_CHECKING:
    from ei_toolkit.evaluation.classify import Classified, Scorer

NONE = "none of them"
"""What stands in place of a genre where the mean score of no label reaches the threshold."""


def classify(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Sound files, or folders of them.")],
    model: Annotated[
        Path | None,
        typer.Option(help="Model: .tflite (int8 or float32) or .npz (summary features); default: the pinned model."),
    ] = None,
    labels: Annotated[
        str, typer.Option(help="Labels of a .tflite in the order of its outputs, separated by commas.")
    ] = "",
    threshold: Annotated[
        float | None,
        typer.Option(min=FRACTIONS.low, max=FRACTIONS.high, help="Lowest score that counts, instead of the board's."),
    ] = None,
    table: Annotated[Path | None, typer.Option("--csv", help="Write the scores over time as CSV.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Write the scores of the first file over time as PNG.")] = None,
    channel: ChannelOption = None,
) -> None:
    """Classify files and folders of any length with a trained model.

    Scores over time are smoothed as the board smooths them. The genre of a file is the label with the highest mean
    score, or "none of them" if that is below the threshold. A file that the model was trained on is named.
    """
    env = Environment.of(context)
    outputs = [check_output(env.cwd / file) for file in (table, picture) if file]
    config = env.config(slice__channel=channel, **({} if threshold is None else {"board__threshold": threshold}))
    paths = list(_sounds([env.cwd / file for file in files]))
    scorer, provenance = _scorer(config, env.cwd / model if model else None, labels)
    from ei_toolkit.evaluation.classify import classify_file, timeline_data

    found, skipped = [], []
    with env.console.progress("classifying", len(paths)) as progress:
        for path in paths:
            try:
                one = classify_file(path, scorer, config.settings.board, config.settings.slice.reading, provenance)
                found.append(replace(one, file=_shown(path, env.cwd)))
            except DataError as error:
                skipped.append(f"skipped {_shown(path, env.cwd)}: {error.with_hint.removeprefix(f'{path.name}: ')}")
            progress.advance(1, path.name)
    warn_of_some(env, skipped)
    if not found:
        raise DataError(
            "no file could be classified", why=skipped[0], hint="Give sound files of a few seconds or more."
        )
    for file in outputs[: 1 if table else 0]:
        write_text(file, _csv(found, scorer.labels))
    if picture:
        write_bytes(outputs[-1], _png(found[0], scorer.labels))
    data = {"labels": scorer.labels, "files": [timeline_data(one, scorer.labels) for one in found], "skipped": skipped}
    env.console.result(data, _table(found).rich())


def _sounds(paths: Sequence[Path]) -> Iterator[Path]:
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


def _scorer(config: Config, model: Path | None, labels: str) -> tuple[Scorer, TrainingProvenance | None]:
    """Return the model with what it was trained on."""
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
    from ei_toolkit.evaluation.candidate import labels_of_model
    from ei_toolkit.evaluation.classify import NetworkScorer
    from ei_toolkit.impulse.interpreter import Interpreter

    provenance = read_provenance(model.parent / PROVENANCE_NAME)
    names = tuple(label.strip() for label in labels.split(",") if label.strip())
    if not names and config.paths.manifest.is_file():
        names = labels_of_model(Manifest.read(config.paths.manifest), provenance or TrainingProvenance(frozenset()))
    names = names or tuple(sorted(config.settings.project.labels))
    return NetworkScorer(config.settings, names, Interpreter(model.read_bytes())), provenance


def _summary_scorer(file: Path) -> tuple[Scorer, TrainingProvenance]:
    # librosa takes most of a second to import
    from ei_toolkit.evaluation.classify import SummaryScorer
    from ei_toolkit.features.analysis import RATE
    from ei_toolkit.features.extract import compute_features
    from ei_toolkit.features.model import read_model

    model = read_model(file)
    whole = replace(model.features, window_ms=0)
    return SummaryScorer(model, RATE, lambda samples: compute_features(samples, whole).values[0]), model.provenance


def _shown(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _table(found: Sequence[Classified]) -> Table:
    rows = tuple(
        (
            one.file, f"{one.seconds:.1f} s", one.genre or NONE, f"{one.best} {percent(one.score)}",
            f"{one.second} {percent(one.second_score)}", len(one.timeline.starts_ms), one.trained_on or None,
        )
        for one in found
    )  # fmt: skip
    return Table("", ("file", "length", "genre", "best", "second", "windows", "training"), rows)


def _csv(found: Sequence[Classified], labels: Sequence[str]) -> str:
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("file", "start_ms", "label", *labels))
    for one in found:
        line = one.timeline
        for start, label, scores in zip(line.starts_ms, line.labels, line.scores.tolist(), strict=True):
            rows.writerow((one.file, start, label or NONE, *(f"{score:.4f}" for score in scores)))
    return text.getvalue()


def _png(one: Classified, labels: Sequence[str]) -> bytes:
    from ei_toolkit.report.figures import scores_over_time

    starts_s = [start / 1000 for start in one.timeline.starts_ms]
    return scores_over_time(starts_s, one.timeline.scores, labels, Path(one.file).name).png()
