"""The log of a training at Weights & Biases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ei_toolkit.client.jobs.epochs import Epoch, WriteEpoch
from ei_toolkit.errors import MissingToolError


@contextmanager
def wandb_log(folder: Path, name: str, project: str, settings: Mapping[str, Any]) -> Iterator[WriteEpoch]:
    """Log to a run with this name; the environment variables of wandb choose the account, or `WANDB_MODE=offline`.

    Its own files are written into `folder`. Raises MissingToolError where wandb is not installed.
    """
    try:
        import wandb
    except ImportError as error:
        hint = "pip install 'eitk[wandb]'"
        raise MissingToolError("--log wandb needs the package wandb", why=str(error), hint=hint) from None
    folder.mkdir(parents=True, exist_ok=True)
    run = wandb.init(project=project, name=name, dir=str(folder), config=dict(settings))

    def write(epoch: Epoch) -> None:
        run.log({"epoch": epoch.number, **epoch.values})

    try:
        yield write
    except BaseException:  # KeyboardInterrupt, too: the run would stay marked as running
        run.finish(exit_code=1)
        raise
    run.finish()
