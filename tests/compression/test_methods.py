"""The methods on a real network: what each changes, and what must not change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ei_toolkit.errors import DataError


def scores(model: Any, features: Any) -> Any:
    return np.asarray(model(features, training=False))


def test_all_channels_give_the_same_network(network: Any) -> None:
    from ei_toolkit.compression.channels import prune_channels

    features = network.data.features
    np.testing.assert_allclose(
        scores(prune_channels(network.model, 1.0), features), scores(network.model, features), atol=1e-6
    )


def test_channels_that_compute_nothing_are_removed_without_an_effect(network: Any) -> None:
    """Half of the filters are set to zero, with what their normalisations add: only they may be removed."""
    import keras

    from ei_toolkit.compression.channels import prune_channels

    model = keras.models.clone_model(network.model)
    model.set_weights(network.model.get_weights())
    empty = np.arange(1, 16, 2)
    for layer in model.layers:
        weights = layer.get_weights()
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.BatchNormalization)):
            for one in weights[: 3 if isinstance(layer, keras.layers.BatchNormalization) else 2]:
                one[..., empty] = 0  # kernel and bias; gain, offset and mean
            layer.set_weights(weights)
    pruned = prune_channels(model, 0.5)
    assert [layer.filters for layer in pruned.layers if type(layer) is keras.layers.Conv2D] == [8, 8]
    dense = next(layer for layer in model.layers if isinstance(layer, keras.layers.Dense))
    assert pruned.get_layer(dense.name).units == 8
    before = keras.Model(model.input, dense.input)
    after = keras.Model(pruned.input, pruned.get_layer(dense.name).input)
    kept = scores(before, network.data.features)
    kept = kept[:, np.tile(np.arange(16) % 2 == 0, kept.shape[1] // 16)]
    np.testing.assert_allclose(scores(after, network.data.features), kept, atol=1e-6)


def test_channels_that_nothing_depends_on_are_removed_however_large_their_weights(network: Any) -> None:
    import keras

    from ei_toolkit.compression.channels import prune_channels
    from ei_toolkit.compression.importance import channel_importance

    inputs = keras.Input((48,))
    x = keras.layers.Reshape((8, 6, 1))(inputs)
    x = keras.layers.Conv2D(8, 3, activation="relu")(x)
    x = keras.layers.Flatten()(keras.layers.DepthwiseConv2D(3)(x))
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x))
    first, last = model.layers[2], model.layers[-1]
    unused = np.arange(8) % 2 == 1
    first.kernel.assign(np.where(unused, 5, 1) * first.kernel)
    kernel = np.asarray(last.kernel).reshape(-1, 8, 3)
    last.kernel.assign(np.where(unused[:, None], 0, kernel).reshape(-1, 3))
    features = network.data.features
    importance = channel_importance(model, features, seed=0)
    pruned = prune_channels(model, 0.5, importance)
    assert pruned.layers[2].filters == 4
    np.testing.assert_allclose(scores(pruned, features), scores(model, features), atol=1e-6)
    assert np.abs(scores(prune_channels(model, 0.5), features) - scores(model, features)).max() > 0.01


def test_the_importance_is_the_change_that_removing_a_channel_makes(network: Any) -> None:
    """A channel with small outgoing weights changes the logarithm of a score by nearly what the gradient states."""
    import keras

    from ei_toolkit.compression.importance import channel_importance

    inputs = keras.Input((48,))
    hidden = keras.layers.Dense(8, activation="relu")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(hidden))
    last = model.layers[-1]
    last.kernel.assign(0.01 * last.kernel)
    features = network.data.features
    [importance] = channel_importance(model, features, seed=0).values()
    without = np.zeros(8)
    before = np.log(scores(model, features))
    for channel in range(8):
        changed = keras.models.clone_model(model)
        weights = model.get_weights()
        weights[2][channel] = 0
        changed.set_weights(weights)
        change = before - np.log(scores(changed, features))
        without[channel] = (np.exp(before) * change**2).sum()  # the mean over labels that are drawn from the scores
    np.testing.assert_allclose(importance, without, rtol=0.3)  # gradients are exact for small changes only


def test_a_layer_that_is_used_twice_is_named(network: Any) -> None:
    import keras

    from ei_toolkit.compression.channels import prune_channels

    inputs = keras.Input((4,))
    shared = keras.layers.Dense(4, name="shared")
    model = keras.Model(inputs, keras.layers.Dense(2)(shared(shared(inputs))))
    with pytest.raises(DataError, match="the layer shared is used 2 times"):
        prune_channels(model, 0.5)


def test_folded_normalisations_compute_the_same(network: Any) -> None:
    import keras

    from ei_toolkit.training.folding import fold_normalisation

    folded = fold_normalisation(network.model)
    assert not [layer for layer in folded.layers if isinstance(layer, keras.layers.BatchNormalization)]
    features = network.data.features
    np.testing.assert_allclose(scores(folded, features), scores(network.model, features), atol=1e-5)


def test_the_network_with_roundings_has_few_values_and_nearly_the_same_scores(network: Any) -> None:
    import keras

    from ei_toolkit.compression.quantisation_aware import plain_network, quantised_network
    from ei_toolkit.training.folding import fold_normalisation

    folded = fold_normalisation(network.model)
    rounded = quantised_network(folded, network.data.features[:100])
    features = network.data.features
    difference = np.abs(scores(rounded, features) - scores(folded, features)).max()
    assert 1e-5 < difference < 0.1
    convolution = next(layer for layer in rounded.layers if isinstance(layer, keras.layers.Conv2D))
    assert max(len(np.unique(channel)) for channel in np.moveaxis(np.asarray(convolution.kernel), -1, 0)) <= 255
    first = next(layer for layer in rounded.layers if isinstance(layer, keras.layers.ReLU))
    assert len(np.unique(scores(keras.Model(rounded.input, first.output), features))) <= 256
    np.testing.assert_allclose(scores(plain_network(rounded, folded), features), scores(folded, features), atol=1e-6)


def test_magnitude_pruning_sets_the_smallest_weights_to_zero(network: Any) -> None:
    import keras

    from ei_toolkit.compression.magnitude import MagnitudePruning, magnitude_mask, scheduled_sparsity

    assert [round(scheduled_sparsity(time, 0.8), 4) for time in (0, 0.5, 1, 2)] == [0, 0.7, 0.8, 0.8]
    mask = magnitude_mask(np.array([[0.1, -3.0], [0.0, 2.0]]), 0.5)
    assert mask.tolist() == [[False, True], [False, True]]
    model = keras.models.clone_model(network.model)
    model.set_weights(network.model.get_weights())
    model.compile("adam", "sparse_categorical_crossentropy")
    rows = slice(0, 180)
    model.fit(
        network.data.features[rows], network.data.labels[rows], epochs=2, verbose=0,
        callbacks=[MagnitudePruning(0.75, 2 * 6)],
    )  # fmt: skip
    for layer in model.layers:
        if isinstance(layer, (keras.layers.Dense, keras.layers.Conv2D)) and hasattr(layer, "kernel"):
            wanted = 0 if isinstance(layer, keras.layers.DepthwiseConv2D) else 0.75
            assert np.mean(np.asarray(layer.kernel) == 0) == pytest.approx(wanted, abs=0.01), layer.name


def test_the_loss_of_distillation_is_smallest_for_the_scores_of_the_teacher(network: Any) -> None:
    from ei_toolkit.compression.distillation import DistillationLoss, targets

    teacher = np.array([[0.7, 0.2, 0.1]], np.float32)
    wanted = targets(np.array([0]), teacher)
    assert wanted.tolist() == [[1, 0, 0, *teacher[0].tolist()]]
    learn = DistillationLoss(weight=1.0, temperature=2.0)
    losses = [
        float(learn(wanted, np.array([one], np.float32))) for one in (teacher[0], (0.8, 0.1, 0.1), (0.4, 0.3, 0.3))
    ]
    assert losses[0] < min(losses[1:])
    only_labels = DistillationLoss(weight=0.0, temperature=2.0)
    assert float(only_labels(wanted, teacher)) == pytest.approx(-np.log(0.7), rel=1e-5)
