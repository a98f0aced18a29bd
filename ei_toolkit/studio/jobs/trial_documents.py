"""The document of a trial, as the API of the tuner shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ei_toolkit.studio.http.learn import variant_metrics
from ei_toolkit.studio.tuner_space import TrialImpulse

BLOCK_IDS = (1, 2, 3)
"""Of the input, processing and learn block of a trial, before it becomes the impulse of the project."""


def new_document(identity: str, number: int, chosen: Mapping[str, Any], is_custom: bool) -> dict[str, Any]:
    """Return the document of a trial that has just begun."""
    blocks = [
        {"id": id_, "retries": 0, "status": "running", "type": kind}
        for id_, kind in zip(BLOCK_IDS, ("input", "dsp", "learn"), strict=True)
    ]
    return {
        "id": identity, "name": f"Trial {number}", "number": number, "status": "running", "retries": 0,
        "currentEpoch": 0, "blocks": blocks, "impulse": {"inputBlocks": [], "dspBlocks": [], "learnBlocks": []},
        "model": {kind: dict(own) for kind, own in chosen.items() if isinstance(own, Mapping)},
        "log": [], "accuracies": [], **({"experiment": "custom"} if is_custom else {}),
    }  # fmt: skip


def set_blocks(document: dict[str, Any], status: str) -> None:
    """Set the status of all blocks of a trial."""
    document["blocks"] = [{**block, "status": status} for block in document["blocks"]]


def result_fields(
    job: int, impulse: TrialImpulse, summary: Mapping[str, Any],
    tested: Mapping[str, Mapping[str, Any]], cost: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """Return the fields of a trained trial: its impulse with metrics, and what it needs on the device."""
    validation = {name: variant_metrics(name, values, summary) for name, values in summary["variants"].items()}
    test = {name: variant_metrics(name, values, {**summary, "performance": {}}) for name, values in tested.items()}
    listed = [
        {**metrics, "size": summary["sizes"][name], "memory": _memory(summary, name)}
        for name, metrics in validation.items()
    ]
    without = {name: {"accuracy": None} for name in validation}
    learn = {
        "block": impulse.document["learnBlocks"][0],
        "config": dict(impulse.keras_config),
        "metadata": {"modelValidationMetrics": listed, "classNames": summary["labels"]},
        "metrics": {"validation": validation, "test": test or without},
    }
    dsp_block = {
        "block": impulse.document["dspBlocks"][0],
        "config": dict(impulse.dsp_config),
        "estimatedPerformance": {"latency": cost["dspMs"], "ram": cost["ram"]},
    }
    history = summary["history"]
    last = {name: float(values[-1]) for name, values in history.items() if values}
    progress = {
        "epoch": len(history.get("loss", [])), "loss": last.get("loss", 0.0), "val_loss": last.get("val_loss", 0.0),
        "accuracy": last.get("accuracy", 0.0), "val_accuracy": last.get("val_accuracy", 0.0),
    }  # fmt: skip
    return {
        "impulse": {"inputBlocks": impulse.document["inputBlocks"], "dspBlocks": [dsp_block], "learnBlocks": [learn]},
        "metrics": {"validation": validation, **({"test": test} if test else {})},
        "devicePerformance": dict(cost), "progress": progress, "currentEpoch": progress["epoch"],
        "stored": {"document": dict(impulse.document), "dsp": dict(impulse.dsp_config),
                   "keras": dict(impulse.keras_config), "summary": dict(summary), "job": job},
    }  # fmt: skip


def _memory(summary: Mapping[str, Any], variant: str) -> dict[str, dict[str, int]]:
    """Return RAM and ROM of both engines on the first device; empty for a model that cannot be compiled."""
    entries = summary["performance"].get(variant) or []
    return {
        engine: {"ram": entries[0][engine]["ramRequired"], "rom": entries[0][engine]["romRequired"]}
        for engine in ("tflite", "eon")
        if entries
    }
