"""Predictions of a model for the held-out clips, with the windows and features of the model's own settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ei_toolkit.config import DatasetSettings, Settings
from ei_toolkit.dataset.cutting import first_occurrences, window_file
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.dataset.provenance import TrainingProvenance
from ei_toolkit.errors import DataError
from ei_toolkit.evaluation.candidate import Candidate
from ei_toolkit.evaluation.clips import CLEAN, read_windows, under_condition
from ei_toolkit.evaluation.gate import Track
from ei_toolkit.impulse.features import check_feature_count
from ei_toolkit.impulse.interpreter import Interpreter
from ei_toolkit.impulse.metrics import confusion_at_threshold, right


@dataclass(frozen=True)
class HeldOut:
    """A testing clip; `name` is relative to the folder of clips."""

    name: str
    artist: str
    label: str
    sha256: str


@dataclass(frozen=True)
class Outcome:
    """Probabilities (n, labels) for n windows; `owner` (n,) is the index in `clips` of each window's clip."""

    clips: tuple[HeldOut, ...]
    labels: tuple[str, ...]
    owner: npt.NDArray[np.intp]
    probabilities: npt.NDArray[np.float32]

    @property
    def actual(self) -> npt.NDArray[np.intp]:
        """Index of each clip's label, shape (clips,)."""
        return np.array([self.labels.index(clip.label) for clip in self.clips])

    def tracks(self, threshold: float) -> list[Track]:
        """Return each clip with the share of its windows that are correct at `threshold`, and their number."""
        correct = right(self.actual[self.owner], self.probabilities, threshold)
        windows = np.bincount(self.owner, minlength=len(self.clips))
        shares = np.bincount(self.owner, weights=correct, minlength=len(self.clips)) / np.maximum(windows, 1)
        return [
            Track(clip.name, clip.artist, clip.label, float(share), int(count))
            for clip, share, count in zip(self.clips, shares, windows, strict=True)
        ]

    def window_accuracy(self, threshold: float = 0.0) -> float:
        """Return the top-1 accuracy, or with a threshold the accuracy at that threshold."""
        return float(right(self.actual[self.owner], self.probabilities, threshold).mean())

    def windows_of(self, label: str) -> int:
        """Return the number of windows with this actual label."""
        return int((self.actual[self.owner] == self.labels.index(label)).sum())

    def track_accuracy(self) -> float:
        """Return the share of clips whose label has the highest mean probability."""
        total = np.zeros((len(self.clips), len(self.labels)))
        np.add.at(total, self.owner, self.probabilities)
        return float((total.argmax(axis=1) == self.actual).mean())

    def confusion(self, threshold: float) -> tuple[tuple[int, ...], ...]:
        """Return window counts by actual label (row) and predicted label (column); the last column is uncertain."""
        counts = confusion_at_threshold(self.actual[self.owner], self.probabilities, threshold)
        return tuple(map(tuple, counts.tolist()))


def held_out_clips(manifest: Manifest) -> tuple[HeldOut, ...]:
    """Return the testing clips in the order of the manifest."""
    clips = (HeldOut(w.clip, w.group, w.label, w.clip_sha256) for w in manifest.windows if w.split == "testing")
    return tuple(dict.fromkeys(clips))


def exclude_seen(clips: Sequence[HeldOut], seen: TrainingProvenance, dataset: DatasetSettings) -> tuple[HeldOut, ...]:
    """Return the clips that a model was not trained on, nor on their artists unless the project is split by track."""
    by_artist = dataset.split != "track"
    return tuple(clip for clip in clips if not seen.has(clip.sha256, clip.artist, by_group=by_artist))


def cut_windows(
    settings: Settings, root: Path, manifest: Manifest, clips: Sequence[HeldOut]
) -> list[npt.NDArray[np.int16]]:
    """The windows (n, samples) of each testing clip below `root`, where `eitk slice` cuts them with these settings.

    Windows that repeat one of another testing clip or of training are left out, as in slicing. Raises DataError for a
    clip that cannot be read.
    """
    training = {window.sha256 for window in manifest.windows if window.split != "testing"}
    testing = held_out_clips(manifest)
    cut = [read_windows(root / clip.name, clip.sha256, settings.slice) for clip in testing]
    hashes = [sha256(window_file(window, settings.slice)).hexdigest() for own in cut for window in own]
    firsts = first_occurrences(hashes)
    keep = np.array([first and found not in training for first, found in zip(firsts, hashes, strict=True)], bool)
    masks = np.split(keep, np.cumsum([len(own) for own in cut])[:-1])
    kept = {clip.name: own[mask] for clip, own, mask in zip(testing, cut, masks, strict=True)}
    return [kept[clip.name] for clip in clips]


def try_model(
    candidate: Candidate,
    clips: Sequence[HeldOut],
    windows: Sequence[npt.NDArray[np.int16]],
    condition: str = CLEAN,
) -> Outcome:
    """Run a model over the windows of each clip, under a condition of `audio.conditions`.

    Raises DataError if the settings no longer describe the model.
    """
    model = Interpreter(candidate.model)
    check_feature_count(candidate.settings, model.input_size)
    features = np.concatenate([under_condition(own, condition, candidate.settings).features for own in windows])
    owner = np.repeat(np.arange(len(clips)), [len(own) for own in windows])
    probabilities = model.predict(features)
    check_outputs(probabilities.shape[1], candidate.labels)
    return Outcome(tuple(clips), candidate.labels, owner, probabilities)


def check_outputs(outputs: int, labels: Sequence[str]) -> None:
    """Raise DataError if a model has another number of outputs than labels."""
    if outputs != len(labels):
        raise DataError(
            f"the model has {outputs} outputs, its training clips have {len(labels)} labels: {', '.join(labels)}",
            why="clips were added, removed or moved to another label after the training",
            hint="eitk upload, then eitk train --eon",
        )
