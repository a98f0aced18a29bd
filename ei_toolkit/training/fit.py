"""Fit a Keras model: of visual layers, or of a user's script (expert mode) with the variables of Edge Impulse's Studio.

The variables of a script are input_length, classes, train_dataset, validation_dataset, X_train, Y_train, callbacks,
train_sample_count, args, BatchLoggerCallback and SpecAugment. It builds, compiles and fits a model and leaves it in
`model`, perhaps with disable_per_channel_quantization, and with round_weights_by_outputs, which is eitk's own
(`rounding.round_weights`). It runs with the rights of this process: whether a studio accepts scripts is an option of
the studio.
"""

from __future__ import annotations

import contextlib
import io
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse.feature_rows import Rows, batches, chosen_rows, is_in_file
from ei_toolkit.impulse.spec_augment import noise_deviation
from ei_toolkit.training.keras_model import build_model, compile_model
from ei_toolkit.training.request import TrainRequest
from ei_toolkit.training.seeds import set_seeds
from ei_toolkit.training.spec_augment import SpecAugment, from_policy
from ei_toolkit.training.split import Indices

SCRIPT_NAME = "training script"


def run_script(text: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Run the script and return its variables.

    Raises ConfigurationError with the line where the script fails, and for a script that does not define `model`.
    """
    _offer_legacy_optimizers()
    scope: dict[str, Any] = {"__name__": "__main__", **variables}
    try:
        exec(compile(text, SCRIPT_NAME, "exec"), scope)
    except (Exception, SystemExit) as error:
        raise ConfigurationError(
            f"the {SCRIPT_NAME} failed{_line(error)}",
            why=f"{type(error).__name__}: {error}",
            hint="Fix the script, or train visual layers.",
        ) from error
    if "model" not in scope:
        raise ConfigurationError(
            f"the {SCRIPT_NAME} defines no model", hint="Leave the trained Keras model in `model`."
        )
    return scope


def _line(error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.filename == SCRIPT_NAME:
        return f" in line {error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == SCRIPT_NAME]
    return f" in line {lines[-1]}" if lines else ""


def _offer_legacy_optimizers() -> None:
    """Provide `tensorflow.keras.optimizers.legacy`, which exported scripts import and Keras 3 does not have."""
    import keras

    name = "tensorflow.keras.optimizers.legacy"
    if name not in sys.modules:
        module = ModuleType(name, "Optimizers of Keras 3 under the name that exported scripts import.")
        module.__dict__.update({key: getattr(keras.optimizers, key) for key in ("Adam", "SGD", "RMSprop", "Adagrad")})
        sys.modules[name] = module


Log = Callable[[str], None]
SHUFFLE_BATCHES = 4  # Edge Impulse shuffles in a buffer of four batches


@dataclass(frozen=True)
class Fitted:
    """A fitted Keras model, its history (metric to value after each epoch), and how to quantise it.

    `by_outputs` is whether the weights are rounded by the error of the outputs (`round_weights`).
    """

    model: Any
    history: Mapping[str, list[float]]
    per_channel: bool = True
    by_outputs: bool = False


def fit(request: TrainRequest, train: Indices, validation: Indices, log: Log) -> Fitted:
    """Fit one model on the windows `train`, watching `validation` (may be empty). Seeded; progress goes to `log`."""
    import keras

    keras.backend.clear_session()
    set_seeds(request.seed)
    request.out_dir.mkdir(parents=True, exist_ok=True)
    best = request.out_dir / "best.weights.h5"
    best.unlink(missing_ok=True)
    history = keras.callbacks.History()
    callbacks = [_learning_rate(), history, _best_weights(best, watched="val_loss" if len(validation) else "loss")]
    with contextlib.redirect_stdout(_Lines(log)), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`shuffle=True` was passed")  # by scripts that Studio exports
        fitted = (_fit_script if request.script else _fit_layers)(request, train, validation, callbacks)
    if best.exists():
        log("Restoring the weights of the epoch with the smallest loss")
        fitted.model.load_weights(best)
        best.unlink()
    kept = {name: [float(v) for v in values] for name, values in history.history.items()}
    return replace(fitted, history=kept or fitted.history)


def _fit_layers(request: TrainRequest, train: Indices, validation: Indices, callbacks: list[Any]) -> Fitted:
    import keras

    x, y = request.features, _targets(request)
    rows = partial(chosen_rows, x, folder=request.out_dir)
    model = build_model(request.visual_layers, x.shape[1], y.shape[1], noise_deviation(request.spec_augment))
    optimizer = keras.optimizers.Adam(request.learning_rate, beta_1=0.9, beta_2=0.999)
    compile_model(
        model,
        optimizer,
        "categorical_crossentropy",
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
        steps_per_execution=-(-len(train) // request.batch_size),  # an epoch without Python between its steps
    )
    data, watched = (_dataset(rows(part), y[part]) for part in (train, validation))
    masks = from_policy(request.spec_augment, _shape(request))
    if masks is not None:
        data = data.map(masks.mapper())
    model.fit(
        data.shuffle(request.batch_size * SHUFFLE_BATCHES, seed=request.seed).batch(request.batch_size),
        epochs=request.epochs,
        validation_data=watched.batch(request.batch_size) if len(validation) else None,
        class_weight=class_weights(request, train) if request.auto_class_weights else None,
        callbacks=callbacks,
        shuffle=False,
        verbose=2,
    )
    return Fitted(model, {})


def _fit_script(request: TrainRequest, train: Indices, validation: Indices, callbacks: list[Any]) -> Fitted:
    x, y = request.features, _targets(request)
    x_train, x_validation = (chosen_rows(x, rows, request.out_dir) for rows in (train, validation))
    left = run_script(
        request.script,
        {
            "input_length": x.shape[1],
            "classes": y.shape[1],
            "train_dataset": _dataset(x_train, y[train]),
            "validation_dataset": _dataset(x_validation, y[validation]),
            "X_train": x_train,
            "Y_train": y[train],
            "callbacks": callbacks,
            "train_sample_count": len(train),
            "args": _arguments(request),
            "BatchLoggerCallback": _batch_logger(),
            "SpecAugment": SpecAugment,
            "class_weights": class_weights(request, train),
        },
    )
    per_channel = not left.get("disable_per_channel_quantization", False)
    return Fitted(left["model"], {}, per_channel, per_channel and bool(left.get("round_weights_by_outputs", False)))


def class_weights(request: TrainRequest, train: Indices) -> dict[int, float]:
    """Return the weight of each class with which all classes count equally; 1 where their windows are equally many."""
    counts = np.bincount(np.asarray(request.labels)[train], minlength=len(request.class_names))
    present = np.count_nonzero(counts)
    return {i: float(len(train) / (present * n)) if n else 0.0 for i, n in enumerate(counts)}


def _arguments(request: TrainRequest) -> SimpleNamespace:
    return SimpleNamespace(
        epochs=request.epochs,
        learning_rate=request.learning_rate,
        batch_size=request.batch_size,
        ensure_determinism=True,
        seed=request.seed,
    )


def _targets(request: TrainRequest) -> npt.NDArray[np.float32]:
    if request.targets is not None:
        return request.targets
    rows: npt.NDArray[np.float32] = np.eye(len(request.class_names), dtype=np.float32)[np.asarray(request.labels)]
    return rows


def _shape(request: TrainRequest) -> tuple[int, int]:
    """Return (frames, bands) of the features, from the request or else from the reshape layer.

    Raises ConfigurationError for masks without either.
    """
    shaped = (int(layer["columns"]) for layer in request.visual_layers if layer.get("type") == "reshape")
    columns, n = request.columns or next(shaped, 0), request.features.shape[1]
    if columns and n % columns == 0:
        return n // columns, columns
    if request.spec_augment.get("enabled"):
        raise ConfigurationError(
            "the number of features in a frame is not known to SpecAugment",
            hint="Add a reshape layer, or switch it off.",
        )
    return n, 1


def _dataset(features: Rows, labels: npt.NDArray[np.float32]) -> Any:
    """Return a data set of the windows in order, which reads features in a file batch by batch."""
    import tensorflow as tf

    if not is_in_file(features):
        return tf.data.Dataset.from_tensor_slices((features, labels))

    def read() -> Iterator[tuple[Rows, npt.NDArray[np.float32]]]:
        first = 0
        for batch in batches(features):
            yield batch, labels[first : first + len(batch)]
            first += len(batch)

    shapes = tuple(tf.TensorSpec((None, array.shape[1]), tf.float32) for array in (features, labels))
    data = tf.data.Dataset.from_generator(read, output_signature=shapes).unbatch()
    return data.apply(tf.data.experimental.assert_cardinality(len(features)))


def _best_weights(path: Path, watched: str) -> Any:
    """Return a callback that keeps the weights with the smallest loss, as Edge Impulse does; a script may omit it."""
    import keras

    return keras.callbacks.ModelCheckpoint(path, monitor=watched, save_best_only=True, save_weights_only=True)


def _learning_rate() -> Any:
    """Return a callback that adds the learning rate to the values of each epoch, which the log and the history get."""
    import keras

    class LearningRate(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            if logs is not None and self.model.optimizer is not None:
                logs["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))

    return LearningRate()


def _batch_logger() -> Any:
    """Return the class that exported scripts add to their callbacks; it does nothing, as progress is logged anyway."""
    import keras

    class BatchLoggerCallback(keras.callbacks.Callback):  # type: ignore[misc]
        def __init__(self, *_batch: Any, **_settings: Any) -> None:
            super().__init__()

    return BatchLoggerCallback


class _Lines(io.TextIOBase):
    """A stream that passes each complete line to `log`."""

    def __init__(self, log: Log) -> None:
        self._log, self._rest = log, ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in filter(str.strip, lines):
            self._log(line.rstrip())
        return len(text)
