"""Make a network smaller and faster, and compare the variants, as `eitk compress` does."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ei_toolkit.api.progress import OnProgress, Progress, ignore_progress
from ei_toolkit.api.project import Project
from ei_toolkit.api.results import Result
from ei_toolkit.compression.data import project_data, read_data, with_teachers
from ei_toolkit.compression.job import make_variant, train_network, write_variant
from ei_toolkit.compression.request import METHODS, CompressionData, CompressionPlan, Variant
from ei_toolkit.compute import executor
from ei_toolkit.config import Config
from ei_toolkit.evaluation.model import project_recipe
from ei_toolkit.report.compression_tables import compression_data
from ei_toolkit.report.tables import Cell

DEFAULT_PLAN = CompressionPlan()


@dataclass(frozen=True)
class CompressedNetwork(Result):
    """A network before and after compression. `variants` has the original first; accuracies are from 0 to 1.

    `folder` has the .tflite of each variant under its name.
    """

    variants: tuple[Variant, ...]
    folder: Path
    data: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return plan, variants and published ratios, as `eitk compress --json` prints them; sizes in bytes."""
        return {**self.data, "folder": str(self.folder)}

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each variant: sizes in bytes, instructions, RAM and accuracies."""
        return [
            {
                "variant": one.name, "parameters": one.parameters, "nonzero": one.nonzero, "size_bytes": one.size_bytes,
                "compressed_bytes": one.compressed_bytes, "instructions": one.instructions, "ram_bytes": one.ram_bytes,
                "window_accuracy": one.accuracy.windows, "clip_accuracy": one.accuracy.clips,
            }
            for one in self.variants
        ]  # fmt: skip


def compress(
    project: Project,
    *,
    model: Path | str | None = None,
    data: Path | str | None = None,
    teachers: Sequence[Path | str] = (),
    plan: CompressionPlan = DEFAULT_PLAN,
    folder: Path | str | None = None,
    on_progress: OnProgress = ignore_progress,
) -> CompressedNetwork:
    """Make a network smaller and faster by each method of the plan, and measure every variant.

    Args:
        project: The project, whose windows are used unless `data` names others.
        model: A .keras file; None trains the network of the project first, with the scores of the teachers.
        data: An .npz with the arrays features, labels, clips, groups, split and perhaps teacher.
        teachers: Models (.tflite), or files (.npz) with the scores of clips by any model; their mean is trained with.
        plan: The methods and their settings.
        folder: Folder for the .tflite of each variant; None means `.eitk/compressed`.
        on_progress: Called with the name of each variant that is measured.

    Returns:
        The variants with sizes, estimated cost and accuracies.

    Raises:
        MissingStepError: The project has no windows yet.
        DataError: Network, data and teachers do not fit together, or a method cannot change the network.
    """
    config = project.config
    windows = read_data(Path(data).expanduser()) if data else project_data(config)
    windows = with_teachers(windows, [Path(teacher).expanduser() for teacher in teachers])
    target = Path(folder).expanduser() if folder else config.paths.compressed
    return compress_network(config, Path(model).expanduser() if model else None, windows, plan, target, on_progress)


def compress_network(
    config: Config,
    model: Path | None,
    windows: CompressionData,
    plan: CompressionPlan,
    folder: Path,
    on_progress: OnProgress,
) -> CompressedNetwork:
    """Compress a .keras network, or the one of the project, in a worker process. Raises as `compress` does."""
    names = ("float32", *(name for name in METHODS if name in plan.methods))
    names = tuple(name for name in names if name != "distilled" or windows.teacher is not None)
    total = len(names) + (model is None)
    found: list[Variant] = []
    with executor(1) as worker, tempfile.TemporaryDirectory(prefix="eitk-compress-") as scratch:
        if model is None:
            on_progress(Progress("compressing", 0, total, "training the network"))
            recipe = project_recipe(config.settings, config.paths.root)
            model = worker.submit(train_network, recipe, windows, plan.teacher_weight, Path(scratch)).result()
        for name in names:
            on_progress(Progress("compressing", total - len(names) + len(found), total, METHODS.get(name, name)))
            variant, tflite = worker.submit(make_variant, model, windows, plan, name).result()
            write_variant(folder, name, tflite, model if name == "float32" else None)
            found.append(variant)
    return CompressedNetwork(tuple(found), folder, compression_data(found, plan, windows))
