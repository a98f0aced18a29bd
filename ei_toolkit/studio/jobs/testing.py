"""Testing: classifies the windows of all samples of a category with the trained models."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.impulse.feature_rows import batches
from ei_toolkit.impulse.interpreter import Interpreter
from ei_toolkit.impulse.metrics import classification, thresholded_name, unscored
from ei_toolkit.impulse.trained_model import model_id
from ei_toolkit.studio.http.classify import accuracy
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.learn import keras_settings
from ei_toolkit.studio.impulse import processing_blocks
from ei_toolkit.studio.jobs.features import ComputedFeatures, concatenate_features, features_of_blocks
from ei_toolkit.studio.jobs.task import Task
from ei_toolkit.studio.store.artifacts import Model


def classify(task: Task) -> None:
    """Job: test the requested model variants of the first trained learn block and store the result of each."""
    impulse = task.store.blocks.get(task.project, int(task.job.spec["impulse"]))
    block, model = trained(task, impulse.blocks("learnBlocks"))
    category = str(task.job.spec.get("category", "testing"))
    parts = features_of_blocks(task, processing_blocks(task.store, impulse, block), category)
    features = concatenate_features(parts, task.store.blobs.incoming)
    if features.shape[1] != model.summary["featureCount"]:
        raise ApiError("The impulse has changed since the model was trained: train it again")
    _log_unknown_labels(task, model.summary["labels"], parts[0])
    threshold = keras_settings(task.store.blocks.config(task.project, block["id"]), 0)["minimumConfidenceRating"]
    window = {**impulse.window, "threshold": threshold}
    for variant in task.job.spec["variants"]:
        if model_id(variant) not in model.files:
            task.log(f"There is no {variant} model; this variant is skipped")
            continue
        scores = predict(task, model, variant, features)
        stored = _result(block["id"], model, window, parts[0], scores)
        blob = task.store.blobs.put(json.dumps(stored).encode())
        task.store.artifacts.put_result(task.project, "classify", impulse.id, blob, variant)
        found = accuracy(stored)
        windows = sum(found["totalSummary"].values())
        name = thresholded_name(threshold)
        task.log(f"Calculating {variant} {name}... {100 * found['accuracyScore']:.2f} % of {windows} windows")


def _log_unknown_labels(task: Task, labels: Sequence[str], part: ComputedFeatures) -> None:
    unknown = Counter(window.label for window in part.windows if window.label not in labels)
    if unknown:
        task.log(unscored(unknown))


def trained(task: Task, blocks: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], Model]:
    """Return the first trained learn block and its model. Raises ApiError if no block is trained."""
    for block in blocks:
        if model := task.store.artifacts.model(task.project, block["id"]):
            return block, model
    raise ApiError("No learn block of this impulse is trained yet")


def predict(task: Task, model: Model, variant: str, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the (n, classes) scores of one variant of a stored model."""
    interpreter = Interpreter(task.store.blobs.read(model.files[model_id(variant)]))
    return np.concatenate([interpreter.predict(batch) for batch in (features[:0], *batches(features))])


def _result(
    learn: int, model: Model, window: Mapping[str, Any], part: ComputedFeatures, scores: npt.NDArray[np.float32]
) -> dict[str, Any]:
    """Return the document that `studio.http.classify` reads."""
    samples: dict[int, dict[str, Any]] = {}
    for name, row in zip(part.windows, scores, strict=True):
        empty: dict[str, Any] = {"id": name.sample, "starts": [], "labels": [], "scores": []}
        entry = samples.setdefault(name.sample, empty)
        entry["starts"].append(name.start_ms)
        entry["labels"].append(name.label)
        entry["scores"].append([round(float(score), 6) for score in row])
    return {
        "learn": learn,
        "labels": model.summary["labels"],
        "threshold": window["threshold"],
        "windowMs": window["windowSizeMs"],
        "increaseMs": window["windowIncreaseMs"],
        "samples": list(samples.values()),
        "metrics": _metrics(model.summary["labels"], part, scores),
    }


def _metrics(labels: Sequence[str], part: ComputedFeatures, scores: npt.NDArray[np.float32]) -> dict[str, float | None]:
    """Return metrics of the windows whose label the model has; empty if there is no such window."""
    known = [index for index, window in enumerate(part.windows) if window.label in labels]
    if not known:
        return {}
    actual = [labels.index(part.windows[index].label) for index in known]
    found = classification(actual, scores[known], list(labels))
    weighted = found["report"]["weighted avg"]
    return {
        "Area under ROC Curve": found["auc"],
        "Weighted average Precision": weighted["precision"],
        "Weighted average Recall": weighted["recall"],
        "Weighted average F1 score": weighted["f1-score"],
    }
