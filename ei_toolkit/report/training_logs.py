"""Logs of a training for other programs, from the log of the studio's job, so that TensorFlow is not needed."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

from ei_toolkit.client.jobs.epochs import MEASURES, Epoch, WriteEpoch
from ei_toolkit.report.tensorboard_log import tensorboard_log
from ei_toolkit.report.wandb_log import wandb_log


class LogKind(StrEnum):
    """The programs that a log is for. Typer takes no list of `Literal`."""

    CSV = "csv"
    TENSORBOARD = "tensorboard"
    WANDB = "wandb"


def open_training_log(
    kind: LogKind, folder: Path, name: str, project: str, settings: Mapping[str, Any]
) -> AbstractContextManager[WriteEpoch]:
    """Open a log in `folder`; `name` is that of the training, `settings` are those of the project.

    Raises MissingToolError where the package that writes the log is not installed.
    """
    if kind is LogKind.CSV:
        return csv_log(folder / f"{name}.csv")
    if kind is LogKind.TENSORBOARD:
        return tensorboard_log(folder / name)
    return wandb_log(folder, name, project, settings)


@contextmanager
def csv_log(file: Path) -> Iterator[WriteEpoch]:
    """Write a line for each epoch as soon as it has ended."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(["epoch", *MEASURES])

        def write(epoch: Epoch) -> None:
            rows.writerow([epoch.number, *(epoch.values.get(name, "") for name in MEASURES)])
            stream.flush()

        yield write
