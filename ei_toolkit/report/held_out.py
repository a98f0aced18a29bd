"""What a model says to the held-out windows, each model through its own way from samples to features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ei_toolkit import dsp
from ei_toolkit.config import AugmentSettings, Config, Settings, SliceSettings
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.dataset.slicing import slice_clips
from ei_toolkit.errors import DataError
from ei_toolkit.learn.infer import Interpreter
from ei_toolkit.learn.metrics import confusion
from ei_toolkit.report.candidate import Candidate
from ei_toolkit.report.paired import Track


@dataclass(frozen=True)
class Outcome:
    """Probabilities (n, labels) of one model for n held-out windows."""

    windows: tuple[Window, ...]
    labels: tuple[str, ...]
    probabilities: npt.NDArray[np.float32]

    @property
    def truth(self) -> npt.NDArray[np.intp]:
        """Index of each window's label."""
        return np.array([self.labels.index(window.label) for window in self.windows])

    def decided(self, threshold: float) -> npt.NDArray[np.bool_]:
        """Whether the board would show the right label: it wins, and with at least `threshold`."""
        right = self.probabilities.argmax(axis=1) == self.truth
        return np.asarray(right & (self.probabilities.max(axis=1) >= threshold))

    def tracks(self, threshold: float) -> list[Track]:
        """Each clip with the share of its windows that the board would name rightly."""
        right: dict[str, list[bool]] = {}
        first: dict[str, Window] = {}
        for window, ok in zip(self.windows, self.decided(threshold), strict=True):
            right.setdefault(window.clip, []).append(bool(ok))
            first.setdefault(window.clip, window)
        return [Track(clip, first[clip].group, first[clip].label, sum(ok) / len(ok)) for clip, ok in right.items()]

    def track_accuracy(self) -> float:
        """Share of clips whose mean probability is highest for their label."""
        clips = list(dict.fromkeys(window.clip for window in self.windows))
        place = np.array([clips.index(window.clip) for window in self.windows])
        total = np.zeros((len(clips), len(self.labels)))
        np.add.at(total, place, self.probabilities)
        truth = np.zeros(len(clips), dtype=int)
        truth[place] = self.truth
        return float((total.argmax(axis=1) == truth).mean())

    def confusion(self) -> list[list[int]]:
        """Windows by label (row) and by what won (column)."""
        counts: list[list[int]] = confusion(self.truth, self.probabilities.argmax(axis=1), len(self.labels)).tolist()
        return counts


def try_model(candidate: Candidate, folder: Path, windows: Sequence[Window]) -> Outcome:
    """Run a model over windows whose files lie in `folder`.

    Raises DataError where a file is not the manifest's, or where the settings no longer describe the model.
    """
    model = Interpreter(candidate.model)
    features = features_of(candidate.settings, read_windows(folder, windows, candidate.settings))
    if features.shape[1] != model.input_size:
        raise DataError(
            f"the model takes {model.input_size} features, the impulse gives {features.shape[1]}",
            why="eitk.toml was changed after the model was trained",
            hint="eitk impulse apply, then eitk train --eon",
        )
    return Outcome(tuple(windows), candidate.labels, model.predict(features))


def read_windows(folder: Path, windows: Sequence[Window], settings: Settings) -> npt.NDArray[np.int16]:
    """Samples (n, window length) of window files. Raises DataError for one that is not as the settings say."""
    import soundfile

    length = settings.slice.sample_rate * settings.slice.window_ms // 1000
    samples = np.empty((len(windows), length), dtype=np.int16)
    for i, window in enumerate(windows):
        try:
            data, _ = soundfile.read(folder / window.file, dtype="int16")
        except (OSError, soundfile.SoundFileError) as error:
            raise DataError(f"{window.file} cannot be read", why=str(error), hint="eitk slice") from None
        if data.shape != (length,):
            raise DataError(f"{window.file} is not {settings.slice.window_ms} ms long", hint="eitk slice")
        samples[i] = data
    return samples


def features_of(settings: Settings, samples: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    """Features (n, f) of windows (n, samples), all blocks of the impulse side by side."""
    rate = settings.slice.sample_rate
    parts = [
        dsp.run_many(block.type, samples, rate, block.implementation_version, **block.params)
        for block in settings.impulse.dsp
    ]
    return np.concatenate(parts, axis=1).astype(np.float32)


def held_out(config: Config, candidate: Candidate) -> tuple[Path, list[Window]]:
    """Folder and windows of the project's testing clips, cut as this candidate's settings want them.

    The project's own windows serve where the settings of `[slice]` are the same; else the clips are cut again.
    """
    folder = config.paths.windows
    if _cut(candidate.settings) != _cut(config.settings):
        folder = config.paths.state / "champion-windows"
        own = replace(config.settings, slice=_cut(candidate.settings))
        slice_clips(own, config.paths.root, folder, 1, lambda _done, _note: None)
    windows = Manifest.read(folder / config.paths.manifest.name).windows
    return folder, [window for window in windows if window.split == "testing" and not window.recipe]


def _cut(settings: Settings) -> SliceSettings:
    """What of [slice] changes a held-out window."""
    return replace(settings.slice, augment=AugmentSettings())
