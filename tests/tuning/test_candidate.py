"""A candidate as settings and script, and what `eitk tune apply` writes of it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from ei_toolkit.config import Settings, load_config
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.tuning.apply import applied, write_applied
from ei_toolkit.tuning.candidate import candidate, filters
from ei_toolkit.tuning.space import Parameters

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
        'HEAD = "flatten"', 'AUGMENTATION = "device"', "RANGE_DB = 77.0",
    ):  # fmt: skip
        assert any(each.startswith(line) for each in lines), line
    compile(made.script, "script", "exec")
    assert (made.settings.slice.window_ms, made.settings.slice.hop_ms) == (2000, 1000)


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
