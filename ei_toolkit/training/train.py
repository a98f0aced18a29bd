"""Train a learn block: split, fit, quantise, measure. Needs TensorFlow; runs in the process of a job."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ei_toolkit.config.atomic_write import write_bytes
from ei_toolkit.errors import DataError
from ei_toolkit.impulse.feature_rows import batches
from ei_toolkit.impulse.interpreter import Interpreter
from ei_toolkit.impulse.metrics import classification
from ei_toolkit.impulse.ranges import check_training
from ei_toolkit.impulse.trained_model import model_file
from ei_toolkit.training.fit import Fitted, fit
from ei_toolkit.training.import_tensorflow import import_tensorflow
from ei_toolkit.training.request import ModelFiles, TrainOutcome, TrainRequest
from ei_toolkit.training.split import Indices, given_split, grouped_folds, validation_split

Log = Callable[[str], None]


def train(request: TrainRequest, log: Log) -> TrainOutcome:
    """Train, write the models into `request.out_dir`, and measure them on the validation windows.

    The same request gives the same .tflite bytes on the same machine. Raises ConfigurationError for layers, a script
    or settings that are not valid, DataError for windows that are not valid.
    """
    _check(request)
    start = time.monotonic()
    import_tensorflow(request.script).config.experimental.enable_op_determinism()
    folds = tuple(_fold_accuracies(request, log)) if request.k_folds else ()
    train, validation = _split(request)
    log(f"Training on {len(train)} windows, validating on {len(validation)}")
    fitted = fit(request, train, validation, log)
    log("Finished training")
    files = _export(request, fitted, train, log)
    watched = validation if len(validation) else train
    variants, predicted = _measure(request, files, watched, log)
    return TrainOutcome(
        files=files,
        history=fitted.history,
        variants=variants,
        parameters=int(fitted.model.count_params()),
        train_windows=len(train),
        validation_windows=len(validation),
        seconds=time.monotonic() - start,
        warnings=_warnings(request, fitted, train, validation, log),
        folds=folds,
        measured=watched.tolist(),
        predicted=predicted,
    )


def _split(request: TrainRequest) -> tuple[Indices, Indices]:
    if len(request.validation):
        return given_split(request.validation, request.seed)
    return validation_split(request.labels, request.groups, request.validation_fraction, request.seed)


def _training_rows(request: TrainRequest) -> Indices:
    """Return the windows that may be trained on: those that are not marked for validation only."""
    if not len(request.validation):
        return np.arange(len(request.labels))
    return np.flatnonzero(~np.asarray(request.validation, bool))


def _check(request: TrainRequest) -> None:
    if len(request.validation) not in (0, len(request.labels)):
        raise DataError(f"{len(request.validation)} marks for validation do not fit {len(request.labels)} labels")
    wanted = (len(request.labels), len(request.class_names))
    if request.targets is not None and request.targets.shape != wanted:
        raise DataError(f"{request.targets.shape} targets do not fit {wanted[0]} windows and {wanted[1]} labels")
    counts = np.bincount(np.asarray(request.labels, int)[_training_rows(request)], minlength=len(request.class_names))
    if request.features.ndim != 2 or len(request.features) != len(request.labels) or not len(request.labels):
        raise DataError(f"{request.features.shape} features do not fit {len(request.labels)} labels")
    if not all(np.isfinite(batch).all() for batch in batches(request.features)):
        raise DataError("the features are not all finite numbers", hint="Generate them again.")
    if len(counts) < 2 or not counts.all():
        missing = [name for name, n in zip(request.class_names, counts, strict=True) if not n]
        raise DataError(
            "training needs windows of at least two labels, and of each of them",
            why=f"no window of {', '.join(missing)}" if missing else "there is one label only",
            hint="Upload clips of every label.",
        )
    check_training(
        epochs=request.epochs,
        learning_rate=request.learning_rate,
        batch_size=request.batch_size,
        validation=request.validation_fraction,
        seed=request.seed,
    )


def _fold_accuracies(request: TrainRequest, log: Log) -> list[float]:
    """Return the accuracy on each fold, of models that are not kept."""
    accuracies = []
    rows = _training_rows(request)
    labels = np.asarray(request.labels)[rows].tolist()
    groups = np.asarray(request.groups)[rows].tolist() if len(request.groups) else ()
    folds = [(rows[train], rows[test]) for train, test in grouped_folds(labels, groups, request.k_folds, request.seed)]
    for number, (train, test) in enumerate(folds, 1):
        log(f"Fold {number}/{request.k_folds}: {len(train)} windows to train, {len(test)} to validate")
        model = fit(replace(request, validation_fraction=0.0), train, test, log).model
        scores = np.concatenate([model.predict(batch, verbose=0) for batch in batches(request.features, test)])
        right = scores.argmax(axis=1) == np.asarray(request.labels)[test]
        accuracies.append(float(right.mean()))
        log(f"Fold {number}/{request.k_folds}: accuracy {accuracies[-1]:.4f}")
    log(f"{request.k_folds}-fold accuracy: mean {np.mean(accuracies):.4f}, lowest {min(accuracies):.4f}")
    return accuracies


def _export(request: TrainRequest, fitted: Fitted, train: Indices, log: Log) -> ModelFiles:
    from ei_toolkit.training.convert import float32_model, quantised_model, representative_windows
    from ei_toolkit.training.rounding import round_weights  # imports Keras, which `train` has loaded

    log("Saving the Keras model")
    fitted.model.save(request.out_dir / "model.keras")
    log("Converting TensorFlow Lite float32 model...")
    float32 = _write(request.out_dir / model_file("float32"), float32_model(fitted.model))
    int8 = None
    if request.int8:
        log("Converting TensorFlow Lite int8 quantized model...")
        measured = request.features[train[representative_windows(len(train), request.seed)]]
        network = round_weights(fitted.model, measured, request.seed) if fitted.by_outputs else fitted.model
        model = quantised_model(network, measured, fitted.per_channel)
        int8 = _write(request.out_dir / model_file("int8"), model)
    return ModelFiles(request.out_dir / "model.keras", float32, int8)


def _measure(
    request: TrainRequest, files: ModelFiles, watched: Indices, log: Log
) -> tuple[dict[str, dict[str, Any]], dict[str, list[int]]]:
    """Return the figures of each variant on the watched windows, and the predicted class of each window."""
    variants: dict[str, dict[str, Any]] = {}
    predicted: dict[str, list[int]] = {}
    for name, file in (("float32", files.float32), ("int8", files.int8)):
        if file is not None:
            log(f"Calculating {name} accuracy...")
            interpreter = Interpreter(file.read_bytes())
            probabilities = np.concatenate([interpreter.predict(each) for each in batches(request.features, watched)])
            labels = np.asarray(request.labels)[watched]
            variants[name] = classification(labels, probabilities, request.class_names)
            predicted[name] = probabilities.argmax(axis=1).tolist()
            log(f"{name}: accuracy {variants[name]['accuracy']:.4f}, loss {variants[name]['loss']:.4f}")
    return variants, predicted


def _warnings(request: TrainRequest, fitted: Fitted, train: Indices, validation: Indices, log: Log) -> tuple[str, ...]:
    """Return and log what limits the validity of the figures."""
    found = []
    labels = np.asarray(request.labels)
    majority = np.bincount(labels[train]).max() / len(train)
    reached = fitted.history.get("accuracy", [1.0])[-1]
    if reached < majority + 0.05:
        found.append(
            f"training collapsed to chance (accuracy {reached:.2f}, the most frequent label {majority:.2f}): "
            f"try learning_rate {request.learning_rate / 5:g}, or another seed"
        )
    if not len(validation):
        found.append("there are no validation windows: accuracy is measured on the training windows")
    elif len(set(labels[validation])) < len(request.class_names):
        found.append("validation lacks a label, because it has too few groups")
    for text in found:
        log(f"WARNING: {text}")
    return tuple(found)


def _write(path: Path, data: bytes) -> Path:
    write_bytes(path, data)
    return path
