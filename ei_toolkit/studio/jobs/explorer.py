"""The data explorer: a projection of the features of all windows onto a plane, and what the model predicts for them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.impulse.trained_model import VARIANTS, label_order, model_id
from ei_toolkit.studio.http.classify import predicted_label
from ei_toolkit.studio.http.data_explorer import RESULT
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.learn import keras_settings
from ei_toolkit.studio.impulse import processing_blocks
from ei_toolkit.studio.jobs.features import concatenate_features, features_of_blocks, usable_samples
from ei_toolkit.studio.jobs.task import Task
from ei_toolkit.studio.jobs.testing import predict, trained
from ei_toolkit.studio.jobs.windows import WindowInfo

Floats = npt.NDArray[np.float32]
CATEGORIES = ("training", "validation", "testing")
COMPONENTS_BEFORE_TSNE = 50
PERPLEXITY = 30.0
SEED = 0


def generate(task: Task) -> None:
    """Job: compute and store the points of the data explorer."""
    impulse = task.store.blocks.get(task.project, task.job.spec["impulse"])
    blocks = impulse.blocks("learnBlocks")
    if not blocks:
        raise ApiError("The impulse has no learn block")
    categories = [name for name in CATEGORIES if usable_samples(task.store, task.project, name)]
    if not categories:
        raise ApiError("There are no labelled samples: upload some first")
    dsp_blocks = processing_blocks(task.store, impulse, blocks[0])
    parts = {name: features_of_blocks(task, dsp_blocks, name) for name in categories}
    windows = [(window, name) for name in categories for window in parts[name][0].windows]
    features = np.concatenate([concatenate_features(parts[name], task.store.blobs.incoming) for name in categories])
    technique = str(task.job.spec["technique"])
    task.log(f"Projecting {len(features)} windows of {features.shape[1]} features with {technique}...")
    points = project(features, technique)
    labels = label_order(window.label for window, _ in windows)
    document = {
        "impulse": impulse.id,
        "labels": labels,
        "windows": [_row(window, name, labels) for window, name in windows],
        "points": [[round(float(x), 4), round(float(y), 4)] for x, y in points],
        "predicted": _predicted(task, blocks, features),
    }
    task.store.artifacts.put_result(task.project, RESULT, 0, task.store.blobs.put(json.dumps(document).encode()))
    task.log("Data explorer OK")


def project(features: Floats, technique: str) -> npt.NDArray[np.float64]:
    """Return (n, 2) coordinates of (n, features) rows by principal components, or by t-SNE of their first 50.

    Each feature is centred and divided by its standard deviation first. The same rows give the same points.
    """
    from sklearn.decomposition import PCA
    from threadpoolctl import threadpool_limits

    if len(features) < 2:
        return np.zeros((len(features), 2))
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1)
    wanted = COMPONENTS_BEFORE_TSNE if technique == "tsne" else 2
    count = min(wanted, *scaled.shape)
    reduced = PCA(count, svd_solver="randomized", random_state=SEED).fit_transform(scaled)
    if technique == "tsne" and len(reduced) > 2:
        from sklearn.manifold import TSNE

        perplexity = min(PERPLEXITY, (len(reduced) - 1) / 3)
        with threadpool_limits(1):  # several threads wait for each other in a loop if the cores are busy
            return np.asarray(TSNE(2, perplexity=perplexity, random_state=SEED, init="random").fit_transform(reduced))
    return np.pad(reduced[:, :2], ((0, 0), (0, 2 - min(2, count))))


def _row(window: WindowInfo, category: str, labels: Sequence[str]) -> list[Any]:
    return [window.sample, window.start_ms, window.end_ms, labels.index(window.label), category]


def _predicted(task: Task, blocks: Sequence[Mapping[str, Any]], features: Floats) -> list[str]:
    """Return the label that the trained model predicts for each window; empty if there is no model for the features."""
    try:
        block, model = trained(task, blocks)
    except ApiError:
        task.log("No learn block is trained: the points have no predictions")
        return []
    if features.shape[1] != model.summary["featureCount"]:
        task.log("The impulse has changed since the model was trained: the points have no predictions")
        return []
    variant = next(name for name in VARIANTS if model_id(name) in model.files)
    threshold = keras_settings(task.store.blocks.config(task.project, block["id"]), 0)["minimumConfidenceRating"]
    labels = model.summary["labels"]
    return [predicted_label(scores, labels, threshold) for scores in predict(task, model, variant, features).tolist()]
