"""The windows that a compression trains with and is measured on: those of a project, or a file of arrays."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ei_toolkit.compression.clip_scores import ClipScores
from ei_toolkit.compression.request import CompressionData
from ei_toolkit.config import Config
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.dataset.window_store import reader_of
from ei_toolkit.errors import DataError
from ei_toolkit.features.table import check_npz
from ei_toolkit.impulse.feature_rows import RowCollector
from ei_toolkit.impulse.features import feature_count, impulse_features
from ei_toolkit.impulse.interpreter import Interpreter

WINDOWS_AT_ONCE = 256
ARRAYS = ("features", "labels", "clips", "groups", "split")


def project_data(config: Config) -> CompressionData:
    """Return the windows of a project, with the features of its impulse.

    Raises MissingStepError where `eitk slice` has not run yet, ConfigurationError for an impulse that is not complete.
    """
    windows = Manifest.read(config.paths.manifest).windows
    reader, settings = reader_of(config), config.settings
    rows = RowCollector(feature_count(settings), config.paths.state)
    for first in range(0, len(windows), WINDOWS_AT_ONCE):
        samples = np.stack([reader.samples(window) for window in windows[first : first + WINDOWS_AT_ONCE]])
        rows.add(impulse_features(samples, settings))
    names, labels = np.unique([window.label for window in windows], return_inverse=True)
    return CompressionData(
        features=rows.rows(),
        labels=labels.astype(np.int64),
        names=tuple(names.tolist()),
        clips=tuple(window.clip for window in windows),
        groups=tuple(window.group for window in windows),
        testing=np.array([window.split == "testing" for window in windows]),
    )


def read_data(file: Path) -> CompressionData:
    """Return the windows of an .npz with the arrays ARRAYS, and perhaps `teacher`, scores in the order of the labels.

    Raises DataError for a file that is not one, with the arrays that are missing.
    """
    try:
        check_npz(file)
        with np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{file} cannot be read as .npz", why=str(error), hint="Write it with numpy.savez.") from None
    if missing := [name for name in ARRAYS if name not in arrays]:
        raise DataError(
            f"{file} has no array {', '.join(missing)}",
            hint=f"It needs {', '.join(ARRAYS)}: for each window a row of features, and a text in the others.",
        )
    features = arrays["features"].astype(np.float32)
    if not np.isfinite(features).all():
        row = int(np.flatnonzero(~np.isfinite(features).all(axis=1))[0])
        raise DataError(f"row {row} of the features in {file} has values that are not numbers")
    names, labels = np.unique(arrays["labels"].astype(str), return_inverse=True)
    return CompressionData(
        features=features.reshape(len(features), -1),
        labels=labels.astype(np.int64),
        names=tuple(names.tolist()),
        clips=tuple(arrays["clips"].astype(str).tolist()),
        groups=tuple(arrays["groups"].astype(str).tolist()),
        testing=arrays["split"].astype(str) == "testing",
        teacher=arrays["teacher"].astype(np.float32) if "teacher" in arrays else None,
    )


def with_teachers(data: CompressionData, models: Sequence[Path]) -> CompressionData:
    """Return the data with the mean scores of .tflite models, or of files of `ClipScores`, as those of the teacher.

    Raises DataError for a model with other features or another number of labels, and for scores of other clips.
    """
    if not models:
        return data
    scores = []
    for file in models:
        if file.suffix == ".npz":
            scores.append(ClipScores.read(file).of(data.clips, data.names, ~data.testing))
            continue
        model = Interpreter(file.read_bytes())
        if (model.input_size, model.output_size) != (data.features.shape[1], len(data.names)):
            raise DataError(
                f"the teacher {file} takes {model.input_size} features and has {model.output_size} labels",
                why=f"the windows have {data.features.shape[1]} features and {len(data.names)} labels",
                hint="Give a model of the same impulse, or the scores of clips by any model (.npz).",
            )
        scores.append(model.predict(data.features))
    return replace(data, teacher=np.mean(scores, axis=0, dtype=np.float32))
