"""Networks of a suite: their sizes as published, the rows they take, and trainings that are kept and used again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from support import eitk

from ei_toolkit.audio.window import samples_in
from ei_toolkit.config.recipes import write_recipe
from ei_toolkit.config.recipes.write import NETWORK_SCRIPTS, load_recipe
from ei_toolkit.errors import DataError, UsageError
from ei_toolkit.evaluation.labelled_rows import labelled_rows, splits, units_of
from ei_toolkit.evaluation.suite import run_suite
from ei_toolkit.evaluation.suite_board import network_obstacles
from ei_toolkit.evaluation.suite_models import TEN_GENRES_NETWORKS, SuiteModel, measurable_models
from ei_toolkit.evaluation.suite_networks import (
    NetworkFold,
    NetworkScores,
    NetworkSettings,
    ensemble_rows,
    fit_network,
    kept_name,
    network_rows,
    read_scores,
    write_scores,
)
from ei_toolkit.features.log_mel import Chunks, LogMel, read_log_mel
from ei_toolkit.features.table import FeatureTable
from ei_toolkit.impulse.features import feature_count, frame_features, impulse_features
from ei_toolkit.impulse.interpreter import Interpreter
from ei_toolkit.training.convert import float32_model, int8_model
from ei_toolkit.training.fit import run_script

LSTM = NetworkSettings("lstm", Chunks(1000, 1000, count=2, cepstral=13), 1, 0.01, 8, (("STEPS", 2),), "one epoch")


def spectra(count: int = 10, frames: int = 130) -> LogMel:
    """Tracks of two genres: one is loud in the lower bands, the other in the upper ones."""
    names = tuple(f"{genre}.{2 * number:05}" for genre in ("metal", "pop") for number in range(count))
    levels = np.random.default_rng(0).integers(0, 80, (2 * count, 128, frames), dtype=np.uint8)
    levels[:count, :64] += 150
    levels[count:, 64:] += 150
    labels = tuple(name.partition(".")[0] for name in names)
    return LogMel(names, labels, names, 100.0, levels, np.full(2 * count, 80.0))


def built_network(recipe: str, frames: int, columns: int) -> Any:
    """The untrained network of a recipe with ten labels."""
    names = {
        "args": SimpleNamespace(epochs=1, learning_rate=0.001, batch_size=1), "callbacks": [], "classes": 10,
        "input_length": frames * columns, "train_sample_count": 0,
    }  # fmt: skip
    return run_script(load_recipe(recipe)[1], names)["model"]


def summary(own: LogMel, order: list[int]) -> FeatureTable:
    values = np.arange(len(order) * 57, dtype=float).reshape(-1, 57)
    names, labels = tuple(own.names[row] for row in order), tuple(own.labels[row] for row in order)
    return FeatureTable("summary-57", names, labels, names, np.zeros(len(order), np.int64), values)


def fold(seed: int = 0) -> NetworkFold:
    rows = np.arange(6)
    return NetworkFold(np.ones((6, 4), np.float32), rows % 2, ["a"] * 6, rows[:4], rows[4:], seed)


@pytest.mark.parametrize(
    ("recipe", "frames", "columns", "trainable"),
    [
        ("cnn-d", 173, 64, 375_514),
        ("cnn-b4", 173, 128, 7_182_458),  # published: 7.2 million
        ("cnn-a4", 130, 13, 2_837_578),  # published: 2,855,818 in all
        ("resnet18", 1290, 128, 11_181_642),  # torchvision's ResNet18 with ten classes
        ("lstm", 1290, 13, 73_994),
        ("resnet18-lstm", 1290, 128, 11_332_580),
    ],
)
def test_the_networks_have_the_published_size(recipe: str, frames: int, columns: int, trainable: int) -> None:
    model = built_network(recipe, frames, columns)
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == trainable
    assert model.output_shape == (None, 10)


def test_each_network_of_the_suite_is_a_recipe_with_its_own_network() -> None:
    assert {model.classifier.recipe for model in TEN_GENRES_NETWORKS} == set(NETWORK_SCRIPTS.values())
    for file, name in NETWORK_SCRIPTS.items():
        settings, script = load_recipe(name)
        assert settings.impulse.script == file
        assert f'\nNETWORK = "{name}"  # cnn-d, ' in script
        # TensorFlow's converter ends with a segmentation fault when it quantises these LSTMs
        assert settings.training.int8 == ("lstm" not in name)


@pytest.mark.parametrize("recipe", NETWORK_SCRIPTS.values())
def test_the_features_of_a_recipe_are_those_that_its_network_takes(recipe: str) -> None:
    settings = load_recipe(recipe)[0]
    noise = np.random.default_rng(0).normal(0, 3000, (1, samples_in(settings.slice.window_ms, 22_050)))
    features = impulse_features(noise.astype(np.int16), settings)
    assert features.shape == (1, feature_count(settings))
    model = next(model for model in TEN_GENRES_NETWORKS if model.classifier.recipe == recipe)
    assert frame_features(settings) == model.classifier.chunks.columns


def test_the_script_of_a_network_is_kept_if_it_was_changed(tmp_path: Path) -> None:
    write_recipe("cnn-d", tmp_path, clips=None, name=None, force=False)
    (tmp_path / "eitk.toml").unlink()
    write_recipe("cnn-d", tmp_path, clips=None, name=None, force=False)
    (tmp_path / "cnn_d.py").write_text("# mine\n")
    write_recipe("cnn-d", tmp_path, clips=None, name=None, force=True)
    assert (tmp_path / "cnn_d.py.bak").read_text() == "# mine\n"


def test_constants_of_a_suite_replace_those_of_the_recipe() -> None:
    script = TEN_GENRES_NETWORKS[0].classifier.script
    assert "\nIMAGE = 32  # rows and columns" in script and '\nNETWORK = "cnn-b4"' in script


def test_each_chunk_is_a_row_of_its_clip() -> None:
    rows = network_rows(spectra(), LSTM)
    assert rows.values.shape == (40, 10 * 13)
    assert rows.clips[:4] == ("metal.00000", "metal.00000", "metal.00002", "metal.00002")
    assert rows.has_windows


def test_texture_and_summary_features_of_the_same_clip_stand_side_by_side() -> None:
    own, order = spectra(3), [5, 0, 3, 1, 4, 2]
    table = summary(own, order)
    rows = ensemble_rows(own, labelled_rows(table))
    assert rows.clips == own.names and rows.blocks == (256, 80, 780, 176, 128, 57)
    np.testing.assert_array_equal(rows.values[order, -57:], table.values)


def test_inputs_that_do_not_fit_together_are_refused() -> None:
    own = spectra(3)
    with pytest.raises(DataError, match="the table has several rows of a clip"):
        ensemble_rows(own, labelled_rows(summary(own, [0, 0, 1, 3, 4])))
    others = replace(own, names=tuple(f"other {name}" for name in own.names))
    with pytest.raises(DataError, match="have no clip in common"):
        ensemble_rows(others, labelled_rows(summary(own, [0, 1, 3, 4])))


def test_scores_are_kept_with_six_decimals(tmp_path: Path) -> None:
    write_scores(tmp_path / "s.json", NetworkScores(np.array([[1 / 3, 2 / 3]]), 12, 4))
    found = read_scores(tmp_path / "s.json")
    assert found and (found.scores.tolist(), found.size_bytes, found.epochs) == ([[0.333333, 0.666667]], 48, 4)
    (tmp_path / "s.json").write_text('{"scores": [[0.5')
    assert read_scores(tmp_path / "s.json") is None
    assert read_scores(tmp_path / "none.json") is None


def test_another_setting_seed_fold_or_feature_is_another_training() -> None:
    one = fold()
    names = {
        kept_name(LSTM, "clip", one),
        kept_name(replace(LSTM, epochs=2), "clip", one),
        kept_name(replace(LSTM, constants=()), "clip", one),
        kept_name(LSTM, "artist", one),
        kept_name(LSTM, "clip", fold(seed=1)),
        kept_name(LSTM, "clip", replace(one, training=one.training[:3])),
        kept_name(LSTM, "clip", replace(one, features=one.features * 2)),
    }
    assert len(names) == 7
    assert kept_name(LSTM, "clip", fold()) in names


def test_a_training_is_kept_and_used_again(tmp_path: Path) -> None:
    model = SuiteModel("A2", "42", "clip", LSTM, folds=1)

    def measure() -> Any:
        [row] = run_suite([model], network_rows(spectra(), LSTM), 1, 1, lambda _done, _note: None, ("clip",), tmp_path)
        return row

    first = measure()
    assert first.remark == "one epoch; 1 of 5 folds are trained and tested"
    assert (first.measured["clip"].clips, first.parameters) == (4, 73_994 - 8 * 129)
    [file] = tmp_path.iterdir()
    kept = json.loads(file.read_text())
    labels = [0] * 4 + [1] * 4
    file.write_text(json.dumps(kept | {"scores": np.eye(2)[labels].tolist()}))
    assert (measure().measured["clip"].accuracy, measure().measured["clip"].row_accuracy) == (1.0, 1.0)


def test_models_without_their_input_are_left_out_unless_they_are_named() -> None:
    chosen, others = measurable_models("ten-genres", "", ["features"])
    assert {model.name for model in others} >= {model.name for model in TEN_GENRES_NETWORKS}
    assert all(model.inputs == ("features",) for model in chosen)
    with pytest.raises(UsageError, match="the model B4 mel CNN needs --log-mel"):
        measurable_models("ten-genres", "B4", ["features"])
    with pytest.raises(UsageError, match="the model best for unseen artists: kernel machines needs --features"):
        measurable_models("ten-genres", "best", ["log-mel"])


def test_a_suite_needs_an_input(tmp_path: Path) -> None:
    refused = eitk(tmp_path, "evaluate", "--suite", "ten-genres")
    assert refused.code == 2 and "--suite needs a table of features, log-mel spectra, or both" in refused.err


def test_a_network_is_compiled_if_window_and_weights_have_room() -> None:
    small = NetworkSettings("cnn-d", Chunks(4000, 4000, bands=64), 1, 0.001, 1)
    assert network_obstacles(small, 8 * 64, 10, 50_000) == ()
    [(kind, figures)] = network_obstacles(small, 52 * 64, 10, 130_010)
    assert (kind, figures) == ("RAM", "262.0 KiB of 256.0 KiB (of which the network takes 63.8 KiB)")


@pytest.mark.gtzan
@pytest.mark.exhaustive
def test_resnet18_as_int8_is_a_quarter_of_the_size_within_a_point_of_accuracy(gtzan: Path) -> None:
    """The published network was 3.93 times smaller and 1.01 points less accurate."""
    settings = next(model.classifier for model in TEN_GENRES_NETWORKS if model.name.startswith("A1"))
    rows = network_rows(read_log_mel(gtzan / "ten-genres"), settings)
    [(training, testing)] = splits(rows, "fault-filtered", 0)
    values = rows.values.astype(np.float32)
    fold = NetworkFold(values, rows.labels, units_of(rows, "fault-filtered"), training, testing, 0)
    model = fit_network(settings, fold, rows.names, lambda _line: None).model
    float32, int8 = float32_model(model), int8_model(model, values[training], 0)
    assert len(float32) >= 3.9 * len(int8)
    accuracies = [
        float(np.mean(Interpreter(one).predict(values[testing]).argmax(axis=1) == rows.labels[testing]))
        for one in (float32, int8)
    ]
    assert accuracies[0] > 0.3
    assert accuracies[0] - accuracies[1] <= 0.01
