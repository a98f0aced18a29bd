"""The event files of TensorBoard, written without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ei_toolkit.client.jobs.epochs import Epoch, WriteEpoch
from ei_toolkit.errors import MissingToolError

PARTS = ("train", "validation")


@contextmanager
def tensorboard_log(folder: Path) -> Iterator[WriteEpoch]:
    """Write event files into `folder`; the tags are those of Keras' own callback, so one chart shows runs of both.

    Raises MissingToolError where tensorboardX is not installed.
    """
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        hint = "pip install 'eitk[tensorboard]'"
        raise MissingToolError("--log tensorboard needs tensorboardX", why=str(error), hint=hint) from None
    writers = {part: SummaryWriter(str(folder / part), flush_secs=1) for part in PARTS}

    def write(epoch: Epoch) -> None:
        for name, value in epoch.values.items():
            part = PARTS[name.startswith("val_")]
            writers[part].add_scalar(f"epoch_{name.removeprefix('val_')}", value, epoch.number - 1)

    try:
        yield write
    finally:
        for writer in writers.values():
            writer.close()
