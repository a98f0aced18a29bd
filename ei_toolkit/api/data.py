"""The data of a project in Python: clips with their splits, windows, and features as arrays with named axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.api.progress import OnProgress, ignore_progress, progress_of
from ei_toolkit.api.project import Project
from ei_toolkit.api.results import Result, shown
from ei_toolkit.api.settings_check import check_files
from ei_toolkit.audio.window import samples_in
from ei_toolkit.config import DspBlock
from ei_toolkit.dataset import slicing
from ei_toolkit.dataset.folder_names import SPLITS, Split
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.dataset.plan import Skipped, clips_root, plan_slices, rows_of_plan, rows_of_windows
from ei_toolkit.dataset.slicing import Warned
from ei_toolkit.dataset.window_store import reader_of
from ei_toolkit.errors import ConfigurationError, DataError, UsageError
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.feature_rows import RowCollector
from ei_toolkit.report import figures
from ei_toolkit.report.tables import Cell

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AXES = ("window", "frame", "bin")
BATCH = 256  # windows that are read at once


@dataclass(frozen=True)
class DatasetClip:
    """A clip of a data set: its file, its name below the folder of clips, and what it is labelled with.

    `group` must not be in two splits: an artist, a speaker, a recording. `seconds` is its length, `sha256` the hash of
    the file in hex.
    """

    path: Path
    name: str
    label: str
    group: str
    split: Split
    seconds: float
    sha256: str


@dataclass(frozen=True)
class Dataset(Result):
    """The clips of a project with their splits; `skipped` are those that cannot be used, with the reason of each.

    `notes` state what else was found, such as groups in two splits.
    """

    folder: Path
    clips: tuple[DatasetClip, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]
    _rows: tuple[dict[str, Cell], ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in alphabetical order."""
        return tuple(sorted({clip.label for clip in self.clips}))

    def of_split(self, split: Split) -> tuple[DatasetClip, ...]:
        """Return the clips of one split.

        Args:
            split: `training`, `validation` or `testing`.

        Returns:
            The clips; none for a split that the data set does not have.
        """
        return tuple(clip for clip in self.clips if clip.split == split)

    def to_dict(self) -> dict[str, Any]:
        """Return folder, clips, skipped clips and notes as plain data; lengths are in seconds."""
        clips = [asdict(clip) | {"path": str(clip.path)} for clip in self.clips]
        skipped = [asdict(one) for one in self.skipped]
        return {"folder": str(self.folder), "clips": clips, "skipped": skipped, "notes": list(self.notes)}

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each label and split: the number of clips and groups, and their length in seconds."""
        return list(self._rows)


def read_dataset(project: Project, jobs: int = 1) -> Dataset:
    """Find, read and split the clips of a project; nothing is written.

    Args:
        project: A project with `[dataset] root`.
        jobs: Number of threads that read.

    Returns:
        The clips with label, group and split, as `eitk slice --dry-run` shows them.

    Raises:
        ConfigurationError: No folder of clips is set, or it does not exist.
        DataError: No split is possible, or a label has no clip that can be used.

    Examples:
        >>> import ei_toolkit as eitk
        >>> dataset = eitk.read_dataset(eitk.create_project("dataset", clips="clips"))
        >>> dataset.labels, len(dataset.clips)
        (('classical', 'rock'), 16)
    """
    config = project.config
    plan = plan_slices(config.settings, config.paths.root, jobs)
    clips = tuple(
        DatasetClip(
            task.known.clip.path, task.known.clip.name, task.known.clip.label, task.known.group, task.split,
            task.seconds, task.known.sha256,
        )
        for task in plan.tasks
    )  # fmt: skip
    rows: tuple[dict[str, Cell], ...] = tuple(
        {"label": row.label, "split": row.split, "clips": row.clips, "groups": row.groups, "seconds": row.seconds}
        for row in rows_of_plan(plan)
    )
    folder = clips_root(config.settings.dataset, config.paths.root)
    return Dataset(folder, clips, plan.skipped, plan.layout.notes, rows)


@dataclass(frozen=True)
class Windows(Result):
    """The windows of a project, which are WAV files in `folder` that the manifest lists.

    `duplicates` counts windows that were left out because another one has the same samples. `reused` states that
    nothing has changed since the last run, so that nothing was cut.
    """

    folder: Path
    windows: tuple[Window, ...]
    skipped: tuple[Skipped, ...] = ()
    warned: tuple[Warned, ...] = ()
    duplicates: int = 0
    reused: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in alphabetical order."""
        return Manifest(self.windows).labels

    def to_dict(self) -> dict[str, Any]:
        """Return the windows of the manifest and what was left out, as plain data; times are in milliseconds."""
        return asdict(self) | {"folder": str(self.folder)}

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each label and split: the number of windows, of augmented ones, of clips and of groups."""
        return [
            {
                "label": row.label, "split": row.split, "windows": row.windows, "augmented": row.augmented,
                "clips": row.clips, "groups": row.groups,
            }
            for row in rows_of_windows(self.windows)
        ]  # fmt: skip


def slice_clips(project: Project, jobs: int = 1, on_progress: OnProgress = ignore_progress) -> Windows:
    """Cut the clips of a project into windows, as `eitk slice` does.

    Args:
        project: A project with `[dataset] root`; `[slice]` has the length, the level and the augmentation.
        jobs: Number of processes. The windows are the same for any number. With more than one, a program that Python
            runs as a file must be below `if __name__ == "__main__":`, because the processes import it.
        on_progress: Called with the number of clips that are cut.

    Returns:
        The windows. Where neither settings nor clips have changed since the last run, nothing is cut.

    Raises:
        ConfigurationError: No folder of clips is set, it does not exist, or a training script is wrong.
        DataError: A label has no window in one of the splits, or the windows cannot be written.

    Examples:
        >>> import ei_toolkit as eitk
        >>> project = eitk.create_project("slices", clips="clips", settings={"slice.augment.copies": 0})
        >>> windows = eitk.slice_clips(project)
        >>> windows.labels, len(windows.windows) == sum(row["windows"] for row in windows.records())
        (('classical', 'rock'), True)
    """
    config = project.config
    check_files(config)
    out = config.paths.windows
    progress = progress_of("slicing clips", None, on_progress)
    done = slicing.slice_clips(config.settings, config.paths.root, out, jobs, progress)
    return Windows(out, done.windows, done.skipped, done.warned, done.duplicates, done.reused)


def read_windows(project: Project) -> Windows:
    """Return the windows that the last `slice_clips`, or `eitk slice`, has cut.

    Args:
        project: The project.

    Returns:
        The windows of the manifest, without the clips that were skipped.

    Raises:
        MissingStepError: No windows were cut.
        DataError: The manifest is damaged.
    """
    return Windows(project.config.paths.windows, Manifest.read(project.config.paths.manifest).windows)


@dataclass(frozen=True)
class Features(Result):
    """The features of windows by one processing block.

    `values` has the shape (windows, frames, bins) and the type float32; `axes` names its axes. `frame_ms` is the
    distance of two frames in milliseconds, for a block whose frames are spread evenly over the window. `windows` are
    empty where the features are not those of the manifest. Values of more than 128 MiB are in a temporary file, as a
    numpy.memmap.
    """

    values: npt.NDArray[np.float32]
    block: str
    frame_ms: float
    windows: tuple[Window, ...] = ()
    axes: tuple[str, str, str] = AXES

    @property
    def labels(self) -> npt.NDArray[np.str_]:
        """The label of each window, shape (windows,)."""
        return np.array([window.label for window in self.windows], np.str_)

    @property
    def splits(self) -> npt.NDArray[np.str_]:
        """The split of each window, shape (windows,)."""
        return np.array([window.split for window in self.windows], np.str_)

    @property
    def groups(self) -> npt.NDArray[np.str_]:
        """The group of each window, shape (windows,), for splits that keep groups apart."""
        return np.array([window.group for window in self.windows], np.str_)

    def flat(self) -> npt.NDArray[np.float32]:
        """Return the values as the network gets them: shape (windows, frames * bins), frame by frame."""
        return self.values.reshape(len(self.values), -1)

    def to_dict(self) -> dict[str, Any]:
        """Return the block, the names and lengths of the axes, and the windows as plain data, without the values."""
        shape = dict(zip(self.axes, self.values.shape, strict=True))
        return {"block": self.block, "axes": shape, "windows": [asdict(window) for window in self.windows]}

    def records(self) -> list[dict[str, Cell]]:
        """Return a row for each axis: its name and its length."""
        return [{"axis": axis, "length": size} for axis, size in zip(self.axes, self.values.shape, strict=True)]

    def figure(self, window: int = 0) -> Figure:
        """Return a picture of the features of one window: frames from left to right, bins from bottom to top.

        Args:
            window: Number of the window, from 0.

        Returns:
            A figure of matplotlib.

        Raises:
            UsageError: There is no such window.
        """
        if not 0 <= window < len(self.values):
            raise UsageError(f"there is no window {window}", hint=f"Give a number from 0 to {len(self.values) - 1}.")
        image = self.values[window].astype(np.float64)
        name = self.windows[window].label if self.windows else f"window {window}"
        return shown(figures.spectrogram(image, len(image) * self.frame_ms / 1000, name))


def compute_features(
    project: Project,
    split: Split | None = None,
    *,
    block: int = 0,
    windows: Sequence[Window] | None = None,
    on_progress: OnProgress = ignore_progress,
) -> Features:
    """Compute the features of the windows of a project, as the studio does before a training.

    Args:
        project: A project whose clips were cut, with a processing block in `[impulse]`.
        split: Only the windows of this split: `training`, `validation` or `testing`; None means all windows.
        block: Number of the processing block in `[impulse]`, from 0.
        windows: These windows instead of all of the manifest.
        on_progress: Called with the number of windows that are done.

    Returns:
        The features, shape (windows, frames, bins), with the label, group and split of each window.

    Raises:
        MissingStepError: No windows were cut.
        ConfigurationError: The project has no such processing block.
        UsageError: There is no such split.
        DataError: A window cannot be read.

    Examples:
        >>> import ei_toolkit as eitk
        >>> project = eitk.create_project("features", clips="clips", settings={"slice.augment.copies": 0})
        >>> windows = eitk.slice_clips(project)
        >>> features = eitk.compute_features(project, "testing")
        >>> features.axes, features.values.shape[0] == len(features.labels)
        (('window', 'frame', 'bin'), True)
    """
    if split is not None and split not in SPLITS:
        raise UsageError(f"there is no split {split!r}", hint=f"Splits: {', '.join(SPLITS)}.")
    manifest = read_windows(project)
    chosen = tuple(one for one in windows or manifest.windows if split is None or one.split == split)
    if not chosen:
        raise DataError(f"there are no windows of the split {split}", hint="Slice the clips: eitk slice")
    progress = progress_of("computing features", len(chosen), on_progress)
    shape, reader = _feature_shape(project, block), reader_of(project.config)
    rows = RowCollector(math.prod(shape), project.config.paths.state)
    for start in range(0, len(chosen), BATCH):
        part = chosen[start : start + BATCH]
        rows.add(features_of(project, np.stack([reader.samples(one) for one in part]), block).flat())
        progress(start + len(part), part[-1].clip)
    return _described(project, rows.rows().reshape(-1, *shape), block, chosen)


def features_of(project: Project, samples: npt.NDArray[np.int16], block: int = 0) -> Features:
    """Compute the features of samples, by a processing block of a project.

    Args:
        project: A project with a processing block in `[impulse]`.
        samples: Windows of 16-bit samples, shape (windows, samples), at the rate and of the length of `[slice]`. The
            level of `[slice]` is not set: these are the samples that the block gets.
        block: Number of the processing block, from 0.

    Returns:
        The features, shape (windows, frames, bins).

    Raises:
        ConfigurationError: The project has no such processing block.
        UsageError: `samples` has another shape.

    Examples:
        >>> import numpy as np
        >>> import ei_toolkit as eitk
        >>> project = eitk.create_project("samples", "reference")
        >>> length = project.settings.slice.window_ms * project.settings.slice.sample_rate // 1000
        >>> features = eitk.features_of(project, np.zeros((2, length), np.int16))
        >>> features.axes, len(features.values)
        (('window', 'frame', 'bin'), 2)
    """
    cut, chosen = project.settings.slice, _block(project, block)
    length = samples_in(cut.window_ms, cut.sample_rate)
    if samples.ndim != 2 or samples.shape[1] != length:
        raise UsageError(
            f"the shape of the samples is {samples.shape}, and must be (windows, {length})",
            hint=f"A window has {cut.window_ms} ms at {cut.sample_rate} Hz.",
        )
    rate, version = float(cut.sample_rate), chosen.implementation_version
    values = dsp.run_many(chosen.type, samples, rate, version, **chosen.params).astype(np.float32)
    return _described(project, values.reshape(len(samples), *_feature_shape(project, block)), block)


def _feature_shape(project: Project, number: int) -> tuple[int, int]:
    """Return the numbers of frames and of bins of a window."""
    cut, block = project.settings.slice, _block(project, number)
    length, rate = samples_in(cut.window_ms, cut.sample_rate), float(cut.sample_rate)
    return dsp.output_shape(block.type, length, rate, block.implementation_version, **block.params)


def _described(
    project: Project, values: npt.NDArray[np.float32], block: int, windows: tuple[Window, ...] = ()
) -> Features:
    frame_ms = project.settings.slice.window_ms / values.shape[1]
    return Features(values, _block(project, block).type, frame_ms, windows)


def _block(project: Project, number: int) -> DspBlock:
    blocks = project.settings.impulse.dsp
    if not 0 <= number < len(blocks):
        raise ConfigurationError(
            f"the impulse has no processing block {number}", why=f"it has {len(blocks)}", hint="See [impulse.dsp]."
        )
    return blocks[number]
