"""The loss of distillation: the labels and the scores of a teacher, which is any model or the mean of several."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

LEAST_SCORE = 1e-7  # of a teacher: the logarithm of 0 is not defined


def soften(scores: Any, temperature: float) -> Any:
    """Return scores (n, labels) at a temperature: the softmax of log(scores) / temperature."""
    return keras.ops.softmax(keras.ops.log(keras.ops.maximum(scores, LEAST_SCORE)) / temperature)


class DistillationLoss(keras.losses.Loss):  # type: ignore[misc]
    """Cross-entropy with the labels and, weighted, with the softened scores of the teacher.

    The targets are (n, 2 * labels): one-hot labels, then the teacher's scores. The second part is multiplied by the
    square of the temperature, by which its gradients shrink (Hinton et al., 2015).
    """

    def __init__(self, weight: float, temperature: float) -> None:
        super().__init__()
        self._weight, self._temperature = weight, temperature

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each row."""
        labels, teacher = keras.ops.split(y_true, 2, axis=-1)
        hard = keras.losses.categorical_crossentropy(labels, y_pred)
        soft = keras.losses.categorical_crossentropy(
            soften(teacher, self._temperature), soften(y_pred, self._temperature)
        )
        return (1 - self._weight) * hard + self._weight * self._temperature**2 * soft


def targets(labels: npt.NDArray[np.int64], teacher: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the targets of the loss for indices of labels (n,) and scores of a teacher (n, labels)."""
    return np.hstack([np.eye(teacher.shape[1], dtype=np.float32)[labels], teacher])
