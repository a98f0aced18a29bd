"""Networks of a suite: what each is trained on and how, and one training, with the scripts of the recipes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.recipes.write import load_recipe, with_constants
from ei_toolkit.config.settings import plain
from ei_toolkit.errors import DataError
from ei_toolkit.evaluation.labelled_rows import LabelledRows, find_track, labelled_rows
from ei_toolkit.features.log_mel import Chunks, LogMel, chunk_features
from ei_toolkit.features.table import FeatureTable
from ei_toolkit.features.texture import joined, texture_rows
from ei_toolkit.training.fit import Fitted, fit
from ei_toolkit.training.import_tensorflow import import_tensorflow
from ei_toolkit.training.request import TrainRequest
from ei_toolkit.training.split import validation_split

VALIDATION_FRACTION = 0.1  # of the training rows, in whole clips or artists as the protocol; choose the epoch
BYTES_PER_PARAMETER = 4  # float32
Floats = npt.NDArray[np.float32]
Log = Callable[[str], None]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class NetworkSettings:
    """How a suite trains the network of a recipe.

    `constants` replace those of the recipe's script, and `reduced` states how this differs from the publication.
    """

    recipe: str
    chunks: Chunks
    epochs: int
    learning_rate: float
    batch_size: int
    constants: tuple[tuple[str, object], ...] = ()
    reduced: str = ""

    @property
    def script(self) -> str:
        """The training script with these constants."""
        return with_constants(load_recipe(self.recipe)[1], dict(self.constants))


@dataclass(frozen=True)
class NetworkFold:
    """Features (rows, values), the index of the label of each row, what validation keeps together, and one fold."""

    features: Floats
    labels: Indices
    units: Sequence[str]
    training: Indices
    testing: Indices
    seed: int


@dataclass(frozen=True)
class NetworkScores:
    """Scores (test rows, labels) of one trained network, and its parameters."""

    scores: npt.NDArray[np.float64]
    parameters: int
    epochs: int

    @property
    def size_bytes(self) -> int:
        """Return the size of the weights as float32."""
        return self.parameters * BYTES_PER_PARAMETER


def train_network(settings: NetworkSettings, fold: NetworkFold, names: Sequence[str], log: Log) -> NetworkScores:
    """Train on the training rows and return the scores of the testing rows."""
    fitted = fit_network(settings, fold, names, log)
    scores = fitted.model.predict(fold.features[fold.testing], batch_size=64, verbose=0)
    best = int(np.argmin(fitted.history["val_loss"])) + 1
    return NetworkScores(scores.astype(np.float64), int(fitted.model.count_params()), best)


def fit_network(settings: NetworkSettings, fold: NetworkFold, names: Sequence[str], log: Log) -> Fitted:
    """Train on the training rows, a tenth of which chooses the epoch."""
    import_tensorflow(settings.script)
    labels, units = fold.labels[fold.training].tolist(), [fold.units[row] for row in fold.training]
    own, held = validation_split(labels, units, VALIDATION_FRACTION, fold.seed)
    with tempfile.TemporaryDirectory() as folder:
        request = TrainRequest(
            fold.features, fold.labels.tolist(), names, Path(folder), script=settings.script,
            columns=settings.chunks.columns, epochs=settings.epochs, learning_rate=settings.learning_rate,
            batch_size=settings.batch_size, seed=fold.seed,
        )  # fmt: skip
        return fit(request, fold.training[own], fold.training[held], log)


def network_rows(spectra: LogMel, settings: NetworkSettings, *, leave_out_faults: bool = False) -> LabelledRows:
    """Return the chunks of all clips as rows. Raises DataError for clips that cannot be used, as `labelled_rows`."""
    features, clips = chunk_features(spectra, settings.chunks)
    return labelled_rows(spectra_table(spectra, features, clips), leave_out_faults=leave_out_faults)


def ensemble_rows(spectra: LogMel, summary: LabelledRows, *, leave_out_faults: bool = False) -> LabelledRows:
    """Return texture features and summary features side by side, for the clips that both inputs have.

    Raises DataError where they have no clip in common, the summary features are of windows, or spectra are too short.
    """
    if summary.has_windows:
        raise DataError(
            "the table has several rows of a clip, and one row for each clip is needed beside spectra of whole clips",
            hint="Compute it without --window-ms.",
        )
    clips = [clip for clip, name in enumerate(spectra.names) if _clip_name(name) in summary.clips]
    if not clips:
        raise DataError(
            "the table of features and the spectra have no clip in common", hint="Give those of one data set."
        )
    blocks = texture_rows([spectra.values(clip) for clip in clips])
    place = {clip: row for row, clip in enumerate(summary.clips)}
    blocks["summary"] = summary.values[[place[_clip_name(spectra.names[clip])] for clip in clips]].astype(np.float64)
    values, sizes = joined(blocks)
    table = spectra_table(spectra, values, np.array(clips))
    return replace(labelled_rows(table, leave_out_faults=leave_out_faults), blocks=sizes)


def spectra_table(spectra: LogMel, values: npt.NDArray[Any], clips: Indices) -> FeatureTable:
    """Return rows of features of clips, given by their index in the spectra, as a table."""
    names, labels, groups = (
        tuple(of[clip] for clip in clips) for of in (spectra.names, spectra.labels, spectra.groups)
    )
    return FeatureTable("log-mel", names, labels, groups, np.zeros(len(names), np.int64), values)


def _clip_name(name: str) -> str:
    track = find_track(name)
    return track.track if track else name


def kept_name(settings: NetworkSettings, protocol: str, fold: NetworkFold) -> str:
    """Return the name of the file of one training; it changes with everything that the scores depend on."""
    key = sha256(json.dumps([plain(settings), settings.script, protocol, fold.seed]).encode())
    for array in (fold.features, fold.labels, fold.training, fold.testing):
        key.update(array.tobytes())
    return f"{settings.recipe}-{protocol}-{fold.seed}-{key.hexdigest()[:12]}.json"


def read_scores(file: Path) -> NetworkScores | None:
    """Return the scores of a training; None where it was not trained yet, or its file is damaged."""
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        return NetworkScores(np.array(stored["scores"], np.float64), stored["parameters"], stored["epochs"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_scores(file: Path, trained: NetworkScores) -> None:
    """Keep the scores of a training, with six decimals."""
    stored = {
        "parameters": trained.parameters, "epochs": trained.epochs, "scores": np.round(trained.scores, 6).tolist(),
    }  # fmt: skip
    write_text(file, json.dumps(stored) + "\n")
