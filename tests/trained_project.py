"""A trained project in milliseconds: `from trained_project import make_trained`."""

from __future__ import annotations

from typing import Any

import numpy as np
from studio_pages import Project
from tiny_model import classifier

from ei_toolkit.impulse import dsp
from ei_toolkit.studio.store import Store

RATE, WINDOW_MS = 16000, 500
LABELS = ["high", "low"]
FEATURES = int(np.prod(dsp.output_shape("mfe", RATE * WINDOW_MS // 1000, RATE, 4)))
REPORT = {label: {"precision": 0.5, "recall": 0.5, "f1-score": 0.5, "support": 2} for label in LABELS}
FIGURES = {"loss": 0.7, "accuracy": 0.5, "confusion_matrix": [[1, 1], [1, 1]], "report": REPORT, "auc": 0.5}


def model() -> bytes:
    """A float32 model with weights that no training has made."""
    return classifier(FEATURES, len(LABELS), seed=3)


def make_trained(project: Project, labels: list[str] | None = None) -> None:
    """Give a project an impulse with a model, as a training stores it."""
    window = {"windowSizeMs": WINDOW_MS, "windowIncreaseMs": WINDOW_MS, "frequencyHz": RATE, "padZeros": True}
    impulse: dict[str, Any] = {
        "inputBlocks": [{"id": 1, "type": "time-series", **window}],
        "dspBlocks": [{"id": 2, "type": "mfe", "axes": ["audio"], "implementationVersion": 4}],
        "learnBlocks": [{"id": 3, "type": "keras", "dsp": [2]}],
    }
    project.call("POST", "/impulse", json=impulse)
    store = Store.open(project.studio.data)
    summary = {
        "labels": labels or LABELS, "featureCount": FEATURES, "variants": {"float32": FIGURES}, "history": {},
        "performance": {}, "unsupported": {},
    }  # fmt: skip
    store.artifacts.put_model(project.id, 3, {"tflite-float32": store.blobs.put(model())}, summary)
    store.close()
