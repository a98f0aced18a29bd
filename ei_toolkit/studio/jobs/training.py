"""Training: joins the features of all blocks, trains, and stores the models with their metrics."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ei_toolkit.config import TrainingSettings
from ei_toolkit.impulse.feature_rows import joined
from ei_toolkit.impulse.trained_model import label_order, model_id
from ei_toolkit.studio.code_policy import script_to_run
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.learn import keras_settings
from ei_toolkit.studio.impulse import learn_block, processing_blocks
from ei_toolkit.studio.jobs.features import (
    ComputedFeatures,
    concatenate_features,
    features_of_blocks,
    usable_samples,
)
from ei_toolkit.studio.jobs.profiling import profile_variants
from ei_toolkit.studio.jobs.task import Task
from ei_toolkit.studio.jobs.windows import WindowInfo
from ei_toolkit.studio.store.artifacts import PREDICTIONS
from ei_toolkit.studio.store.blocks import Impulse
from ei_toolkit.studio.store.sample_filter import SampleFilter
from ei_toolkit.training.request import TrainOutcome, TrainRequest
from ei_toolkit.training.train import train


def train_block(task: Task) -> None:
    """Job: train one learn block."""
    impulse, block = learn_block(task.store, task.project, int(task.job.spec["learn"]))
    _train(task, impulse, block)


def retrain(task: Task) -> None:
    """Job: train every learn block of an impulse."""
    impulse = task.store.blocks.get(task.project, int(task.job.spec["impulse"]))
    if not impulse.blocks("learnBlocks"):
        raise ApiError("The impulse has no learn block")
    for block in impulse.blocks("learnBlocks"):
        _train(task, impulse, block)


def _train(task: Task, impulse: Impulse, block: Mapping[str, Any]) -> None:
    parts = features_of_blocks(task, processing_blocks(task.store, impulse, block), "training")
    labels = label_order(window.label for window in parts[0].windows)
    if len(labels) < 2:
        raise ApiError(f"Training needs at least two labels; there is only {', '.join(labels) or 'none'}")
    settings = keras_settings(task.store.blocks.config(task.project, block["id"]), parts[0].bins)
    script = script_to_run(settings, task.job.spec.get("scripts", {}).get(str(block["id"])), task.allow_scripts)
    validation = _validation_features(task, impulse, block, labels)
    with task.scratch() as folder:
        request = training_request(task, settings, script, parts, labels, folder)
        outcome = train(_with_validation(request, validation, labels), task.log)
        windows = [*parts[0].windows, *(validation[0].windows if validation else ())]
        (folder / "predictions.json").write_text(json.dumps(_predictions(outcome, windows)), "utf-8")
        _store(task, block["id"], outcome, parts, labels, folder / "predictions.json")
        task.store.artifacts.clear_results(
            task.project, "classify", impulse.id
        )  # these results are of the previous model
    task.log("Model training complete.")


def _validation_features(
    task: Task, impulse: Impulse, block: Mapping[str, Any], labels: Sequence[str]
) -> list[ComputedFeatures]:
    """Return the features of the samples in the category validation, which training validates on instead of a part.

    The result is empty without such samples. Samples whose label no training sample has are left out.
    """
    if not usable_samples(task.store, task.project, "validation"):
        return []
    parts = features_of_blocks(task, processing_blocks(task.store, impulse, block), "validation")
    strange = frozenset(window.sample for part in parts for window in part.windows if window.label not in labels)
    if strange:
        task.log(
            f"Samples for validation that are left out, because no training sample has their label: {len(strange)}"
        )
    return [part.without(strange) for part in parts]


def _with_validation(request: TrainRequest, parts: Sequence[ComputedFeatures], labels: Sequence[str]) -> TrainRequest:
    """Append the windows of the category validation to a request; without them, it stays as it is."""
    if not parts or not parts[0].windows:
        return request
    windows = parts[0].windows
    groups = [*request.groups, *(f"validation {window.sample}" for window in windows)] if request.groups else []
    return replace(
        request,
        features=joined([request.features, concatenate_features(parts, request.out_dir)], request.out_dir),
        labels=[*request.labels, *(labels.index(window.label) for window in windows)],
        groups=groups,
        validation=[False] * len(request.labels) + [True] * len(windows),
    )


def training_request(
    task: Task, settings: Mapping[str, Any], script: str, parts: Sequence[ComputedFeatures],
    labels: list[str], folder: Path,
) -> TrainRequest:  # fmt: skip
    """Return the request for a training with the settings of a learn block; `script` replaces its layers."""
    windows = parts[0].windows
    return TrainRequest(
        features=concatenate_features(parts, folder),
        labels=[labels.index(window.label) for window in windows],
        class_names=labels,
        out_dir=folder,
        groups=_groups(task, parts[0], settings.get("customValidationMetadataKey", "")),
        visual_layers=settings["visualLayers"],
        script=script,
        columns=parts[0].bins if len(parts) == 1 else 0,
        epochs=settings["trainingCycles"],
        learning_rate=settings["learningRate"],
        batch_size=int(settings["batchSize"]),
        validation_fraction=settings["trainTestSplit"],
        auto_class_weights=settings["autoClassWeights"],
        spec_augment=settings["augmentationPolicySpectrogram"],
        k_folds=int(settings.get("kFoldsValidationConfig", {}).get("numFolds") or 0),
        seed=_seed(settings),
        int8=settings["profileInt8"],
    )


def _groups(task: Task, part: ComputedFeatures, key: str) -> list[str]:
    """Return the group of each window: the value of a metadata key or, without it, the sample.

    All windows of a group are in the same part of the validation split. An empty list means no groups.
    """
    if not key:
        return []
    samples = task.store.samples.select(SampleFilter(task.project, "training"))
    values = {sample.id: sample.metadata.get(key, f"sample {sample.id}") for sample in samples}
    return [values.get(window.sample, "") for window in part.windows]


def _seed(settings: Mapping[str, Any]) -> int:
    text = str((settings.get("customParameters") or {}).get("seed", TrainingSettings().seed))
    if not text.isdigit():
        raise ApiError(f"customParameters.seed must be a whole number, not {text!r}")
    return int(text)


def _predictions(outcome: TrainOutcome, windows: Sequence[WindowInfo]) -> dict[str, Any]:
    """Return what each variant predicted for the windows that it was measured on; labels are indices."""
    measured = [windows[row] for row in outcome.measured]
    return {
        "windows": [[window.sample, window.start_ms, window.end_ms, window.label] for window in measured],
        "predicted": {variant: list(indices) for variant, indices in outcome.predicted.items()},
    }


def _store(
    task: Task,
    block: int,
    outcome: TrainOutcome,
    parts: Sequence[ComputedFeatures],
    labels: list[str],
    predictions: Path,
) -> None:
    paths = {
        "keras": outcome.files.keras,
        model_id("float32"): outcome.files.float32,
        model_id("int8"): outcome.files.int8,
    }
    performance, unsupported = profile_variants(task, paths)
    summary = {
        "labels": labels,
        "featureCount": sum(part.x.shape[1] for part in parts),
        "variants": {name: dict(values) for name, values in outcome.variants.items()},
        "history": {name: list(values) for name, values in outcome.history.items()},
        "folds": list(outcome.folds),
        "warnings": list(outcome.warnings),
        "parameters": outcome.parameters,
        "windows": {"training": outcome.train_windows, "validation": outcome.validation_windows},
        "performance": performance,
        "unsupported": unsupported,
    }
    kept = {**paths, PREDICTIONS: predictions}
    files = {name: task.store.blobs.put_file(path) for name, path in kept.items() if path is not None}
    task.store.artifacts.put_model(task.project, block, files, summary)
