"""What is compressed and how, and the table of the result: plain data, importable without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from ei_toolkit.errors import DataError, UsageError

METHODS: Mapping[str, str] = MappingProxyType({
    "int8": "int8 after training",
    "qat": "int8, trained with quantisation",
    "pruned": "magnitude pruning, int8",
    "channels": "channel pruning, int8",
    "distilled": "trained with the teacher's scores, int8",
})  # fmt: skip
"""The methods of compression, and what they do."""


@dataclass(frozen=True)
class CompressionData:
    """Windows with features (n, f), the index of each window's label, and the clip and the group that each is of.

    `testing` (n,) marks the windows that are for the accuracies only. `teacher` (n, labels) holds the scores of another
    model, which the methods train with; None where there is no teacher.
    """

    features: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    names: tuple[str, ...]
    clips: tuple[str, ...]
    groups: tuple[str, ...]
    testing: npt.NDArray[np.bool_]
    teacher: npt.NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        counts = {len(part) for part in (self.features, self.labels, self.clips, self.groups, self.testing)}
        if len(counts) != 1 or (self.teacher is not None and self.teacher.shape != (len(self.labels), len(self.names))):
            raise DataError("features, labels, clips, groups, splits and teacher scores have different numbers of rows")
        if self.testing.all() or not self.testing.any():
            raise DataError(
                "training and testing windows are needed",
                why=f"{int(self.testing.sum())} of {len(self.testing)} windows are for testing",
                hint="Mark the split of each window: training or testing.",
            )

    def training_targets(self, teacher_weight: float) -> npt.NDArray[np.float32] | None:
        """Return what the network of a project is trained to (training windows, labels): labels, mixed with the scores.

        None where there is no teacher: only the labels.
        """
        if self.teacher is None:
            return None
        labels = np.eye(len(self.names), dtype=np.float32)[self.labels]
        return ((1 - teacher_weight) * labels + teacher_weight * self.teacher)[~self.testing]


@dataclass(frozen=True)
class CompressionPlan:
    """The methods and their settings.

    `sparsity` is the share of weights that magnitude pruning sets to zero. `instructions` is the share of the
    instructions that channel pruning leaves. `teacher_weight` is the share of the teacher in the loss; its scores, and
    those of the network, are softened with `temperature` (Hinton et al., 2015).
    """

    methods: Sequence[str] = tuple(METHODS)
    sparsity: float = 0.8
    instructions: float = 0.5
    epochs: int = 20
    learning_rate: float = 0.001
    batch_size: int = 64
    teacher_weight: float = 0.5
    temperature: float = 2.0
    seed: int = 7

    def __post_init__(self) -> None:
        if unknown := [name for name in self.methods if name not in METHODS]:
            raise UsageError(f"there is no method {unknown[0]!r}", hint=f"Methods: {', '.join(METHODS)}.")
        for name in ("sparsity", "instructions", "teacher_weight"):
            if not 0 <= (value := getattr(self, name)) <= 1:
                raise UsageError(f"{name} is {value:g}", hint="Give a number from 0 to 1.")


@dataclass(frozen=True)
class Accuracy:
    """Accuracy of testing windows and clips (0 to 1), with the 95 % interval of the clips by group."""

    windows: float
    clips: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Variant:
    """A network before or after compression. Instructions, RAM and flash are of one inference on a Cortex-M4F.

    `compressed_bytes` is the size of the .tflite after zlib, as it would be sent to a device. `nonzero` is the number
    of weights that are not zero. The estimates are None for a network that the compiler cannot translate.
    """

    name: str
    method: str
    parameters: int
    nonzero: int
    size_bytes: int
    compressed_bytes: int
    instructions: int | None
    ram_bytes: int | None
    flash_bytes: int | None
    accuracy: Accuracy
