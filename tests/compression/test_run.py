"""Variants of a real network: measured, written, and compared in a table by the command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import eitk

from ei_toolkit.compression.request import CompressionPlan
from ei_toolkit.errors import DataError
from ei_toolkit.impulse.interpreter import Interpreter


def variant(network: Any, name: str, epochs: int = 3, **plan: Any) -> Any:
    from ei_toolkit.compression.run import variant as make

    return make(network.file, network.data, CompressionPlan(epochs=epochs, **plan), name)


@pytest.mark.exhaustive
def test_channel_pruning_leaves_the_wanted_instructions_and_a_smaller_model(network: Any) -> None:
    before, _ = variant(network, "int8")
    after, tflite = variant(network, "channels", epochs=20, learning_rate=0.005, instructions=0.6)
    assert 0.3 * before.instructions < after.instructions <= 0.62 * before.instructions
    assert after.size_bytes == len(tflite) < before.size_bytes
    assert after.accuracy.clips > 0.8
    assert after.ram_bytes < before.ram_bytes


def test_a_network_with_code_in_it_is_refused(network: Any, tmp_path: Path) -> None:
    import keras

    inputs = keras.Input((48,))
    code = keras.Model(inputs, keras.layers.Lambda(lambda x: x[:, :3])(inputs))
    code.save(tmp_path / "code.keras")
    with pytest.raises(DataError, match="cannot be read as a Keras model"):
        variant(replace(network, file=tmp_path / "code.keras"), "int8")


@pytest.mark.exhaustive
def test_pruning_makes_the_compressed_file_smaller_and_distillation_learns_from_scores(network: Any) -> None:
    pruned, tflite = variant(network, "pruned", sparsity=0.9)
    assert pruned.nonzero < 0.3 * pruned.parameters
    assert pruned.compressed_bytes < 0.6 * pruned.size_bytes
    assert Interpreter(tflite).is_int8
    wrong = np.eye(3, dtype=np.float32)[(network.data.labels + 1) % 3]  # a teacher that confuses the labels
    taught = replace(network, data=replace(network.data, teacher=wrong))
    distilled, _ = variant(taught, "distilled", teacher_weight=1.0, learning_rate=0.01)
    assert distilled.accuracy.clips < 0.5


def test_distillation_without_a_teacher_is_refused(network: Any) -> None:
    with pytest.raises(DataError, match="there is no teacher"):
        variant(network, "distilled")


def test_a_changed_network_is_trained_to_the_scores_before_and_not_to_the_labels(network: Any) -> None:
    """With other labels, the same network results."""
    from ei_toolkit.compression.run import MAKE

    other = replace(network.data, labels=(network.data.labels + 1) % 3)
    plan = CompressionPlan(epochs=2, learning_rate=0.01)
    first, second = (MAKE["pruned"](network.model, data, plan, None).get_weights() for data in (network.data, other))
    for one, same in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, same)
    assert any((one != before).any() for one, before in zip(first, network.model.get_weights(), strict=True))


def test_a_short_training_replaces_the_means_of_batch_normalisation(network: Any) -> None:
    import keras

    from ei_toolkit.compression.run import MAKE

    model = keras.models.clone_model(network.model)
    model.set_weights(network.model.get_weights())
    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization))
    first.momentum = 0.999
    first.moving_mean.assign(first.moving_mean + 100)
    trained = MAKE["pruned"](model, network.data, CompressionPlan(epochs=8, learning_rate=1e-6, sparsity=0), None)
    assert np.abs(trained.get_layer(first.name).moving_mean - network.model.get_layer(first.name).moving_mean).max() < 1


def test_a_network_of_other_features_is_named(network: Any) -> None:
    data = replace(network.data, features=network.data.features[:, :40])
    with pytest.raises(DataError, match=r"takes \(48,\) and gives \(3,\)"):
        variant(replace(network, data=data), "int8")


def test_the_command_compares_variants_and_writes_them(network: Any, tmp_path: Path) -> None:
    data = network.data
    arrays = {
        "features": data.features, "labels": np.array(data.names)[data.labels], "clips": np.array(data.clips),
        "groups": np.array(data.groups), "split": np.where(data.testing, "testing", "training"),
    }  # fmt: skip
    np.savez(tmp_path / "w.npz", **arrays)
    line = ("compress", "--model", str(network.file), "--data", "w.npz", "--methods", "qat", "--epochs", "2")
    code, out, err = eitk(tmp_path, *line, "-o", "c.html", "--folder", "made", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert [one["name"] for one in found["variants"]] == ["float32", "qat"]
    assert (found["clips"], found["groups"]) == (12, 6)
    original, trained = found["variants"]
    assert trained["times_smaller"] == pytest.approx(original["size_bytes"] / trained["size_bytes"])
    assert trained["accuracy"]["clips"] >= original["accuracy"]["clips"] - 0.1
    assert "5.49" in (tmp_path / "c.html").read_text()
    assert (tmp_path / "made" / "qat.tflite").stat().st_size == trained["size_bytes"]
    assert (tmp_path / "made" / "network.keras").is_file()
