"""`eitk classify`: Classify files and folders of any length with a trained model."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ei_toolkit.api.classifying import classify_paths, open_scorer, sound_files
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.options import ChannelOption
from ei_toolkit.cli.outcomes import warn_of_some
from ei_toolkit.cli.output_file import check_output
from ei_toolkit.config.atomic_write import write_bytes, write_text
from ei_toolkit.config.setting import FRACTIONS
from ei_toolkit.report.tables import Table, percent

if TYPE_CHECKING:
    from ei_toolkit.evaluation.classify import Classified

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
    paths = list(sound_files([env.cwd / file for file in files]))
    named = tuple(label.strip() for label in labels.split(",") if label.strip())
    scorer, provenance = open_scorer(config, env.cwd / model if model else None, named)
    with env.console.progress("classifying", len(paths)) as progress:
        classified = classify_paths(
            config, paths, scorer, provenance, lambda path: _shown(path, env.cwd),
            lambda now: progress.to(now.done, now.text),
        )  # fmt: skip
    warn_of_some(env, classified.skipped)
    for file in outputs[: 1 if table else 0]:
        write_text(file, _csv(classified.files, scorer.labels))
    if picture:
        write_bytes(outputs[-1], _png(classified.files[0], scorer.labels))
    env.console.result(classified.to_dict(), _table(classified.files).rich())


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
