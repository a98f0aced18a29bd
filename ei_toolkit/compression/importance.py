"""How much the scores of a network change if a channel is removed, measured on windows of training.

To first order, the logarithm of a score changes by the sum, over all places, of the value of the channel times the
gradient by it. The mean square of this change, for labels that are drawn from the scores themselves, is the Fisher
information of a factor on the channel, which is 1 before and 0 after it is removed (Theis et al., 2018).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from ei_toolkit.compression.channels import MADE, Importance, Layout, Spaces, analyse

LEAST_SCORE = 1e-7  # the logarithm of 0 is not defined
WINDOWS = 2000  # of training on which it is measured
BATCH = 128
Floats = npt.NDArray[np.float64]


def channel_importance(model: Any, windows: npt.NDArray[np.float32], seed: int) -> Importance:
    """Return for each space of channels that can be pruned the importance of each channel; `windows` are (n, f)."""
    spaces, steps = analyse(model)
    users = [step for step in steps if isinstance(step.layer, MADE) and not all(map(spaces.is_fixed, step.inputs[0]))]
    if not users:
        return {}
    graph = keras.Model(model.input, [*(step.layer.input for step in users), model.output])
    layouts = [step.inputs[0] for step in users]
    random = np.random.default_rng(seed)
    chosen = windows[random.permutation(len(windows))[:WINDOWS]]
    importance: dict[int, Floats] = defaultdict(lambda: np.zeros(1))
    for first in range(0, len(chosen), BATCH):
        changes = _changes(graph, chosen[first : first + BATCH], random)
        for space, change in _by_space(spaces, layouts, changes).items():
            importance[space] = importance[space] + np.square(change).sum(axis=0)
    return importance


def _changes(graph: Any, windows: npt.NDArray[np.float32], random: np.random.Generator) -> list[Floats]:
    """Return the changes (n, channels) of the logarithm of a drawn label's score, for each tensor of the graph."""
    with tf.GradientTape() as tape:
        *values, scores = graph(windows, training=False)
        label = _drawn(scores.numpy(), random)
        logarithm = tf.math.log(tf.maximum(tf.gather(scores, label, batch_dims=1), LEAST_SCORE))
    gradients = tape.gradient(logarithm, values)
    return [
        (one * gradient).numpy().reshape(len(label), -1, one.shape[-1]).sum(axis=1)
        for one, gradient in zip(values, gradients, strict=True)
    ]


def _drawn(scores: npt.NDArray[np.float32], random: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw a label for each row of scores."""
    share = random.random((len(scores), 1)) * scores.sum(axis=1, keepdims=True)
    drawn: npt.NDArray[np.int64] = (share >= np.cumsum(scores, axis=1)).sum(axis=1)
    return drawn.clip(max=scores.shape[1] - 1)


def _by_space(spaces: Spaces, layouts: Sequence[Layout], changes: Sequence[Floats]) -> dict[int, Floats]:
    """Return the sum of the changes of each space, over all tensors and places where it is."""
    total: dict[int, Floats] = defaultdict(lambda: np.zeros(1))
    for layout, change in zip(layouts, changes, strict=True):
        ends = np.cumsum([spaces.sizes[space] for space in layout])
        for space, own in zip(layout, np.split(change, ends[:-1], axis=1), strict=True):
            total[spaces.find(space)] = total[spaces.find(space)] + own
    return total
