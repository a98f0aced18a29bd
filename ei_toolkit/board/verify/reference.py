"""The scores of the int8 model in Python, for the windows that a board classifies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.audio.window import samples_in
from ei_toolkit.config import Settings
from ei_toolkit.dataset.cutting import set_level
from ei_toolkit.errors import DataError
from ei_toolkit.impulse.features import check_feature_count, impulse_features
from ei_toolkit.impulse.interpreter import Interpreter

BATCH = 32  # windows; all windows of half an hour at once would need gigabytes


@dataclass(frozen=True)
class Reference:
    """Level, processing blocks and int8 model of a project."""

    settings: Settings
    interpreter: Interpreter

    @classmethod
    def load(cls, settings: Settings, model: Path) -> Reference:
        """Load the int8 .tflite in `model`. Raises DataError for a float32 one, or one of another impulse."""
        interpreter = Interpreter(model.read_bytes())
        if not interpreter.is_int8:
            raise DataError(
                "the pinned model is float32; only int8 scores can be compared with a board",
                hint='Set [build] model_type = "int8" in eitk.toml, then: eitk build and eitk flash',
            )
        check_feature_count(settings, interpreter.input_size)
        return cls(settings, interpreter)

    @property
    def window(self) -> int:
        """Samples of a window."""
        return samples_in(self.settings.slice.window_ms, self.settings.slice.sample_rate)

    def scores(self, samples: NDArray[np.int16], ends: Sequence[int]) -> NDArray[np.int8]:
        """Return (windows, classes) int8 scores of the windows of `samples` that end before the samples `ends`."""
        batches = [self._batch(samples, ends[i : i + BATCH]) for i in range(0, len(ends), BATCH)]
        scores: NDArray[np.int8] = np.concatenate(batches)
        return scores

    def _batch(self, samples: NDArray[np.int16], ends: Sequence[int]) -> NDArray[np.int8]:
        windows = np.stack([self.levelled(samples[end - self.window : end]) for end in ends])
        scores: NDArray[np.int8] = self.interpreter.predict_int8(impulse_features(windows, self.settings))
        return scores

    def levelled(self, window: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return a window at the level that the board applies."""
        return set_level(window, self.settings.slice)

    def score_window(self, window: NDArray[np.int16]) -> NDArray[np.int8]:
        """Return (classes,) int8 scores of one window."""
        features = impulse_features(self.levelled(window)[None], self.settings)
        scores: NDArray[np.int8] = self.interpreter.predict_int8(features)[0]
        return scores
