"""A candidate as settings and script, and what `eitk tune apply` writes of it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ei_toolkit.config import Settings, load_config
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse.features import feature_count
from ei_toolkit.training.fit import run_script
from ei_toolkit.tuning.apply import applied, write_applied
from ei_toolkit.tuning.candidate import candidate, filters
from ei_toolkit.tuning.space import Parameters, Value

PARAMETERS: Parameters = {
    "window_ms": 2000, "stride": 0.5, "level": "rms", "block": "mfe", "frame_ms": 32, "frame_stride": 0.5,
    "fft_length": 512, "filters": 20, "noise_floor_db": -65, "network": "separable", "depth": 3, "width": 8,
    "growth": 1.5, "kernel": 5, "dropout": 0.2, "batch_normalization": False, "head": "flatten",
    "augmentation": "device", "learning_rate": 0.002, "batch_size": 32,
}  # fmt: skip


def test_the_filters_grow_with_each_convolution() -> None:
    assert filters(PARAMETERS) == (8, 12, 18)


def test_the_script_carries_the_constants_of_the_candidate() -> None:
    made = candidate(Settings(), PARAMETERS)
    lines = made.script.splitlines()
    for line in (
        'NETWORK = "separable"', "FILTERS = (8, 12, 18)", "KERNEL = 5", "BATCH_NORMALIZATION = False", "COLUMNS = 20",
        'HEAD = "flatten"', 'AUGMENTATION = "device"', "FLOOR_DB = -65.0", "STRIDE_SECONDS = 0.016",
    ):  # fmt: skip
        assert any(each.startswith(line) for each in lines), line
    compile(made.script, "script", "exec")
    assert (made.settings.slice.window_ms, made.settings.slice.hop_ms) == (2000, 1000)


@pytest.mark.parametrize("augmentation", ["none", "masks", "device", "recording"])
@pytest.mark.parametrize("changed", [{}, {"fft_length": 256, "filters": 40, "frame_stride": 1.0}])
def test_each_augmentation_changes_windows_within_their_range(augmentation: str, changed: dict[str, Value]) -> None:
    import tensorflow as tf

    made = candidate(Settings(), {**PARAMETERS, **changed, "augmentation": augmentation})
    inputs = feature_count(made.settings)
    windows = np.random.default_rng(1).random((40, inputs), np.float32)
    labels = np.eye(2, dtype=np.float32)[np.arange(40) % 2]
    args = SimpleNamespace(epochs=1, learning_rate=0.001, batch_size=8)
    named = {"args": args, "callbacks": [], "classes": 2, "input_length": inputs, "train_sample_count": 0}
    left = run_script(made.script, named)
    left |= {"train_dataset": tf.data.Dataset.from_tensor_slices((windows, labels)), "train_sample_count": 40}
    left |= {"batch_size": 8, "steps": 5}
    two_epochs = list(left["augmented_batches"]().take(10).as_numpy_iterator())
    x, y = (np.concatenate(part) for part in zip(*two_epochs, strict=True))
    assert x.dtype == np.float32
    assert np.isfinite(x).all() and x.min() >= 0 and x.max() <= 1
    assert y.sum(axis=1) == pytest.approx(np.ones(80))
    unchanged = {window.tobytes() for window in windows}
    is_changed = np.array([window.tobytes() not in unchanged for window in x])
    assert is_changed.mean() == (0 if augmentation == "none" else pytest.approx(1, abs=0.2))
    assert (x == 0).any() == (augmentation != "none")


def test_a_block_that_cannot_have_its_parameters_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="num_cepstral = 40"):
        candidate(Settings(), {**PARAMETERS, "block": "mfcc", "coefficients": 40})


def test_an_applied_candidate_is_read_again_and_the_rest_of_the_file_stays(tmp_path: Path) -> None:
    file = tmp_path / "eitk.toml"
    file.write_text(
        '# mine\n[project]\nname = "A"\n[slice]\nwindow_ms = 3000 # long\n[[impulse.layers]]\ntype = "flatten"\n'
    )
    made = candidate(Settings(), PARAMETERS)
    _, script = write_applied(tmp_path, applied(made))
    found = load_config(tmp_path, {}).settings
    assert found.slice.window_ms == 2000
    assert found.impulse.dsp == made.settings.impulse.dsp
    assert (found.impulse.layers, found.impulse.script) == ((), script.name)
    assert (found.training.epochs, found.training.learning_rate) == (30, 0.002)
    assert script.read_text() == made.script
    assert file.read_text().startswith("# mine\n")
    assert tomllib.loads(file.read_text())["project"] == {"name": "A"}
    before = file.read_bytes()
    write_applied(tmp_path, applied(made))
    assert file.read_bytes() == before
