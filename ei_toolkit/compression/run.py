"""Compress a network by each method and measure every variant. Needs TensorFlow; runs in a process of its own."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from ei_toolkit.compression.channels import prune_channels
from ei_toolkit.compression.distillation import DistillationLoss, targets
from ei_toolkit.compression.importance import channel_importance
from ei_toolkit.compression.magnitude import MagnitudePruning
from ei_toolkit.compression.quantisation_aware import plain_network, quantised_network
from ei_toolkit.compression.request import (
    METHODS,
    Accuracy,
    CompressionData,
    CompressionPlan,
    Variant,
)
from ei_toolkit.eon.check import Cost, check_model
from ei_toolkit.errors import DataError
from ei_toolkit.evaluation.scores import grouped_interval
from ei_toolkit.impulse.interpreter import Interpreter
from ei_toolkit.training.convert import float32_model, int8_model
from ei_toolkit.training.folding import fold_normalisation
from ei_toolkit.training.keras_model import compile_model
from ei_toolkit.training.rounding import round_weights
from ei_toolkit.training.seeds import set_seeds

FLOAT32 = "float32"
"""The name of the network that is not compressed."""
SEARCH_WINDOWS = 8  # that the ranges are measured on while only the instructions are wanted
SEARCH_STEPS = 5  # of the share of channels that leaves the wanted share of instructions
MIXED = 0.5  # parameter of the beta distribution of the shares of two windows
LEAST_MOMENTUM = 0.5  # of batch normalisation
FORGETTING = 10  # times that the means of batch normalisation are replaced in a training
SCORED_WINDOWS = 512  # whose scores are computed at once
MEASURED_WINDOWS = 256  # from which the ranges of activations are measured before training with roundings


def variant(model_file: Path, data: CompressionData, plan: CompressionPlan, name: str) -> tuple[Variant, bytes]:
    """Return a variant of the network of a .keras file, measured on the testing windows, with its .tflite.

    `name` is a method, or FLOAT32 for the network as it is. Raises DataError for a network that does not fit the data,
    or that the method cannot change.
    """
    model = _network(model_file, data)
    training = data.features[~data.testing]
    if name == FLOAT32:
        tflite = float32_model(model)
        return _measured(name, "float32, not compressed", model, tflite, data, plan.seed), tflite

    def int8(network: Any, windows: int | None = None) -> bytes:
        return int8_model(network, training[:windows], plan.seed)

    network = MAKE[name](model, data, plan, int8)
    # the weights that were trained with roundings were trained for the nearest steps
    tflite = int8(network if name == "qat" else round_weights(network, training, plan.seed))
    return _measured(name, METHODS[name], network, tflite, data, plan.seed), tflite


def _network(file: Path, data: CompressionData) -> Any:
    try:
        model = keras.models.load_model(file, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            f"{file} cannot be read as a Keras model", why=str(error).splitlines()[0], hint="Give a .keras file."
        ) from None
    if (model.input_shape[1:], model.output_shape[1:]) != ((data.features.shape[1],), (len(data.names),)):
        raise DataError(
            f"the network {file} takes {model.input_shape[1:]} and gives {model.output_shape[1:]}",
            why=f"the windows have {data.features.shape[1]} features and {len(data.names)} labels",
            hint="Give the network of this impulse.",
        )
    return model


Convert = Callable[..., bytes]


def _unchanged(model: Any, _data: CompressionData, _plan: CompressionPlan, _int8: Convert) -> Any:
    return model


def _with_quantisation(model: Any, data: CompressionData, plan: CompressionPlan, _int8: Convert) -> Any:
    folded = fold_normalisation(model)
    quantised = quantised_network(folded, data.features[~data.testing][:MEASURED_WINDOWS])
    return plain_network(_matched(quantised, model, data, plan), folded)


def _pruned(model: Any, data: CompressionData, plan: CompressionPlan, _int8: Convert) -> Any:
    pruning = MagnitudePruning(plan.sparsity, plan.epochs * _steps(data, plan))
    return _matched(_copy(model), model, data, plan, pruning)


def _fewer_channels(model: Any, data: CompressionData, plan: CompressionPlan, int8: Convert) -> Any:
    """Remove the fewest channels that leave the wanted share of instructions, and train further."""
    wanted = plan.instructions * _instructions(int8(model, SEARCH_WINDOWS))
    importance = channel_importance(model, data.features[~data.testing], plan.seed)
    low, high = 0.0, 1.0
    for _ in range(SEARCH_STEPS):
        middle = (low + high) / 2
        if _instructions(int8(prune_channels(model, middle, importance), SEARCH_WINDOWS)) <= wanted:
            low = middle
        else:
            high = middle
    return _matched(prune_channels(model, low, importance), model, data, plan)


def _distilled(model: Any, data: CompressionData, plan: CompressionPlan, _int8: Convert) -> Any:
    if data.teacher is None:
        raise DataError("there is no teacher", hint="Name one: --teacher FILE")
    rows = np.flatnonzero(~data.testing)
    network = _copy(model)
    _compile(network, DistillationLoss(plan.teacher_weight, plan.temperature), data, plan)
    wanted = targets(data.labels[rows], data.teacher[rows])
    network.fit(data.features[rows], wanted, batch_size=plan.batch_size, epochs=plan.epochs, verbose=0)
    return network


Make = Callable[[Any, CompressionData, CompressionPlan, Convert], Any]
MAKE: dict[str, Make] = {
    "int8": _unchanged, "qat": _with_quantisation, "pruned": _pruned, "channels": _fewer_channels,
    "distilled": _distilled,
}  # fmt: skip


def _matched(network: Any, before: Any, data: CompressionData, plan: CompressionPlan, callback: Any = None) -> Any:
    """Train a changed network to the scores that the network had before, on training windows that are mixed in pairs.

    In every epoch the pairs and their shares are others (Beyer et al., 2022; mixup, Zhang et al., 2018). The scores of
    any mixture are known, so few windows are enough, and nothing is learned from the labels again.
    """
    training = data.features[~data.testing]
    random = np.random.default_rng(plan.seed)
    momentum = max(LEAST_MOMENTUM, 1 - FORGETTING / (plan.epochs * _steps(data, plan)))
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):  # a short training must replace its means, too
            layer.momentum = min(layer.momentum, momentum)
    _compile(network, "categorical_crossentropy", data, plan)
    for _ in range(plan.epochs):
        share = random.beta(MIXED, MIXED, (len(training), 1)).astype(np.float32)
        order, partner = random.permutation(len(training)), random.permutation(len(training))
        mixed = np.maximum(share, 1 - share) * training[order] + np.minimum(share, 1 - share) * training[partner]
        wanted = before.predict(mixed, batch_size=SCORED_WINDOWS, verbose=0)
        network.fit(
            mixed, wanted, batch_size=plan.batch_size, verbose=0, shuffle=False,
            callbacks=[callback] if callback else [],
        )  # fmt: skip
    return network


def _compile(network: Any, loss: Any, data: CompressionData, plan: CompressionPlan) -> None:
    """Prepare a training whose learning rate falls to zero along a cosine."""
    set_seeds(plan.seed)
    rate = keras.optimizers.schedules.CosineDecay(plan.learning_rate, plan.epochs * _steps(data, plan))
    compile_model(network, keras.optimizers.Adam(rate), loss)


def _steps(data: CompressionData, plan: CompressionPlan) -> int:
    """Return the steps of an epoch."""
    return -(-int((~data.testing).sum()) // plan.batch_size)


def _copy(model: Any) -> Any:
    network = keras.models.clone_model(model)
    network.set_weights(model.get_weights())
    return network


def _measured(name: str, method: str, network: Any, tflite: bytes, data: CompressionData, seed: int) -> Variant:
    """Return the sizes, the estimated cost and the accuracies of a .tflite on the testing windows."""
    weights = [np.asarray(weight) for weight in network.weights]
    cost = _cost(tflite)
    return Variant(
        name=name,
        method=method,
        parameters=sum(weight.size for weight in weights),
        nonzero=sum(int(np.count_nonzero(weight)) for weight in weights),
        size_bytes=len(tflite),
        compressed_bytes=len(zlib.compress(tflite, 9)),
        instructions=cost.instructions if cost else None,
        ram_bytes=cost.arena_bytes if cost else None,
        flash_bytes=cost.fits[0].flash_bytes if cost else None,
        accuracy=accuracy_of(Interpreter(tflite).predict(data.features[data.testing]), data, seed),
    )


def accuracy_of(scores: npt.NDArray[np.float32], data: CompressionData, seed: int) -> Accuracy:
    """Return the accuracies of scores (testing windows, labels); a clip has the mean of the scores of its windows."""
    actual = data.labels[data.testing]
    clips, first, owner = np.unique(np.array(data.clips)[data.testing], return_index=True, return_inverse=True)
    total = np.zeros((len(clips), scores.shape[1]))
    np.add.at(total, owner, scores)
    correct = total.argmax(axis=1) == actual[first]
    groups = np.array(data.groups)[data.testing][first]
    interval = grouped_interval(groups.tolist(), correct.tolist(), seed)
    return Accuracy(float((scores.argmax(axis=1) == actual).mean()), float(correct.mean()), interval)


def _instructions(tflite: bytes) -> int:
    cost = _cost(tflite)
    return cost.instructions if cost else len(tflite)


def _cost(tflite: bytes) -> Cost | None:
    return check_model(tflite).cost
