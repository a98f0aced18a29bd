"""Magnitude pruning: the smallest weights of each layer become zero while the network is trained further.

The share of zeros rises with the cube of the remaining time, s * (1 - (1 - t)^3), from 0 to `sparsity` (Zhu and Gupta,
2017), so that early epochs remove much and the last ones little. Zeros do not make a dense kernel faster; they make
the compressed file smaller.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

PRUNED = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D)
RISING = 0.75  # share of the steps in which the sparsity rises; it stays for the rest
STEPS_BETWEEN = 5  # training steps between two choices of the weights that are zero


def scheduled_sparsity(time: float, sparsity: float) -> float:
    """Return the share of zeros at a time from 0 to 1 of the rising part."""
    return sparsity * (1 - (1 - min(1.0, time)) ** 3)


def magnitude_mask(kernel: npt.NDArray[np.floating[Any]], sparsity: float) -> npt.NDArray[np.bool_]:
    """Return which weights remain: all but the `sparsity` share with the smallest magnitude."""
    removed = round(kernel.size * sparsity)
    mask = np.ones(kernel.size, bool)
    mask[np.argsort(np.abs(kernel), axis=None, kind="stable")[:removed]] = False
    return mask.reshape(kernel.shape)


class MagnitudePruning(keras.callbacks.Callback):  # type: ignore[misc]
    """Set the smallest weights of each dense and convolution layer to zero, more of them from step to step."""

    def __init__(self, sparsity: float, steps: int) -> None:
        super().__init__()
        self._sparsity, self._rising_steps = sparsity, max(1, round(steps * RISING))
        self._step = 0
        self._masks: list[tuple[Any, npt.NDArray[np.bool_]]] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Choose the weights anew every STEPS_BETWEEN steps while the sparsity rises, and set them to zero."""
        self._step += 1
        if self._step <= self._rising_steps and (self._step % STEPS_BETWEEN == 0 or self._step == self._rising_steps):
            share = scheduled_sparsity(self._step / self._rising_steps, self._sparsity)
            kernels = [layer.kernel for layer in self.model.layers if isinstance(layer, PRUNED)]
            self._masks = [(kernel, magnitude_mask(kernel.numpy(), share)) for kernel in kernels]
        for kernel, mask in self._masks:
            kernel.assign(kernel * mask)
