"""A project that has been through every stage, so that its report has every section."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from ei_toolkit.config import Config
from ei_toolkit.config.lockfile import Lock, write_lock
from ei_toolkit.report.facts import Facts, gather_facts
from ei_toolkit.report.runs import record_run

MEASURED = {"accuracy": 0.93, "precision": 0.94, "recall": 0.93, "f1": 0.93, "auc": 0.97, "loss": 0.2,
            "confusion_matrix": [[20, 2], [1, 19]]}  # fmt: skip
TRIAL = {"decided": 0.93, "track_accuracy": 0.96, "confusion": [[13, 1], [0, 14]],
         "cost": {"ram_bytes": 12_000, "flash_bytes": 30_000, "latency_ms": 12.3, "how": "estimate"}}  # fmt: skip


@pytest.fixture
def whole(sliced: Config, goldens: Path) -> Facts:
    """Facts of a project with a model, a training, an evaluation, a verdict and an image."""
    model = (goldens / "int8/sample_int8.tflite").read_bytes()
    (sliced.paths.root / "model.tflite").write_bytes(model)
    sha = hashlib.sha256(model).hexdigest()
    lock = Lock(3, 1, "tflite-eon", "int8", "arduino", "lib.zip", "0" * 64, "model.tflite", sha, "2026-11-21")
    write_lock(sliced.paths.lock, lock)
    history = {
        "accuracy": [0.5, 0.8, 0.9],
        "val_accuracy": [0.5, 0.7, 0.8],
        "loss": [0.7, 0.4, 0.2],
        "val_loss": [0.7, 0.5, 0.4],
    }
    record_run(sliced, "train", {"validation": {"int8": MEASURED}, "test": {"int8": MEASURED}, "history": history})
    verdict = {"verdict": "refused", "text": "The challenger is refused: <it> is worse.", "reasons": ["it is worse"]}
    record_run(sliced, "gate", verdict | {"challenger": TRIAL, "champion": TRIAL})
    record_run(sliced, "flash", {"board": "emulated", "flash_bytes": 101_000, "ram_bytes": 60_000})
    conditions = {name: {"window_accuracy": 0.9, "track_accuracy": 0.95} for name in ("gain-20", "white10", "mic")}
    clean = {"window_accuracy": 0.95, "track_accuracy": 0.98, "interval": [0.9, 0.99]}
    evaluation = {"protocol": "test", "clean": clean, "conditions": conditions, "baselines": {"majority": 0.5}}
    (sliced.paths.state / "evaluation.json").write_text(json.dumps(evaluation))
    return gather_facts(sliced)
