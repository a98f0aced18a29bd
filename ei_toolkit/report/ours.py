"""This project's figures in the terms of the published tables, from its windows and its last training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ei_toolkit.report.facts import Facts
from ei_toolkit.report.published import METRICS, Ours

VARIANTS = ("int8", "float32")


def our_figures(facts: Facts) -> Ours:
    """Clips by label, metrics of validation and test, the confusion matrix and the cost on the board."""
    train = facts.latest("train")
    metrics = {
        (part, variant): {name: found[name] for name in METRICS if isinstance(found.get(name), (int, float))}
        for part in ("validation", "test")
        for variant in VARIANTS
        if (found := train.get(part, {}).get(variant))
    }
    return Ours(
        labels=facts.labels,
        clips={label: (_clips(facts, label, "training"), _clips(facts, label, "testing")) for label in facts.labels},
        metrics=metrics,
        confusion=train.get("validation", {}).get("int8", {}).get("confusion_matrix", []),
        hardware=_hardware(facts, train),
    )


def _clips(facts: Facts, label: str, side: str) -> int:
    return len({window.clip for window in facts.windows if window.label == label and window.split == side})


def _hardware(facts: Facts, train: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    own = [train.get("hardware", {}).get(variant, {}) for variant in VARIANTS]
    if facts.profile is not None:
        own[0] = asdict(facts.profile)
    rows = {
        "latency": [_shown(one.get("latency_ms"), "{:.0f} ms", 1) for one in own],
        "RAM": [_shown(one.get("ram_bytes"), "{:.1f} K", 1 / 1024) for one in own],
        "flash": [_shown(one.get("flash_bytes"), "{:.1f} K", 1 / 1024) for one in own],
        "accuracy": [
            _shown(train.get("test", {}).get(variant, {}).get("accuracy"), "{:.2f} %", 100) for variant in VARIANTS
        ],
    }
    return {name: (int8, float32) for name, (int8, float32) in rows.items()}


def _shown(value: float | None, form: str, factor: float) -> str:
    return "–" if value is None else form.format(value * factor)
