"""What a training log says about how far it is."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

EPOCH = re.compile(r"^\s*Epoch (\d+)\s*/\s*(\d+)")
METRIC = re.compile(r"\b(val_loss|val_accuracy|loss|accuracy): ([0-9.eE+-]+)")
PHASES = (
    (re.compile(r"^Converting .*float32", re.IGNORECASE), "converting to float32"),
    (re.compile(r"^Converting .*int8", re.IGNORECASE), "quantising to int8"),
    (re.compile(r"^Calculating float32 accuracy", re.IGNORECASE), "testing float32"),
    (re.compile(r"^Calculating int8 accuracy", re.IGNORECASE), "testing int8"),
    (re.compile(r"^(Calculating inferencing time|Profiling)", re.IGNORECASE), "profiling"),
    (re.compile(r"^Generating features|^Creating features", re.IGNORECASE), "generating features"),
)


@dataclass(frozen=True)
class TrainingProgress:
    """The newest that a log has told. Epochs count from 1; 0 means that none was named yet."""

    phase: str = ""
    epoch: int = 0
    epochs: int = 0
    loss: float | None = None
    accuracy: float | None = None
    val_loss: float | None = None
    val_accuracy: float | None = None

    @property
    def text(self) -> str:
        """For beside a bar."""
        if not self.epochs or self.phase not in ("", "training"):
            return self.phase
        parts = [f"epoch {self.epoch}/{self.epochs}"]
        parts += [f"loss {self.loss:.3f}"] if self.loss is not None else []
        parts += [f"accuracy {self.accuracy:.1%}"] if self.accuracy is not None else []
        parts += [f"validation {self.val_accuracy:.1%}"] if self.val_accuracy is not None else []
        return " · ".join(parts)


def after(progress: TrainingProgress, line: str) -> TrainingProgress:
    """The progress after one more log line."""
    for pattern, phase in PHASES:
        if pattern.search(line):
            return replace(progress, phase=phase)
    if found := EPOCH.match(line):
        progress = replace(progress, phase="training", epoch=int(found[1]), epochs=int(found[2]))
    numbers: dict[str, Any] = {name: float(value) for name, value in METRIC.findall(line) if _is_number(value)}
    return replace(progress, **numbers) if numbers and progress.phase == "training" else progress


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
