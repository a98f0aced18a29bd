"""`eitk impulse pull`: the tables of eitk.toml that describe an impulse, written into a file with other contents."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.client.impulse.pull import SCRIPT, pulled_tables, write_pulled
from ei_toolkit.client.impulse.state import DspState, ImpulseState, InputState, LearnState, wanted_impulse
from ei_toolkit.config import load_config
from ei_toolkit.errors import ConfigurationError

DSP = DspState("mfe", "MFE", 4, {"frame_length": "0.02", "num_filters": "40", "window": "hamming", "flag": "true"})
LEARN = LearnState(
    "visual",
    ({"type": "dense", "neurons": 8}, {"type": "dropout", "dropoutRate": 0.5, "enabled": False}),
    "",
    epochs=30,
    learning_rate=0.005,
    batch_size=32,
    validation=0.2,
    validation_group="artist",
    auto_class_weights=False,
    spec_augment=True,
    profile_int8=True,
    seed=None,
)
IMPULSE = ImpulseState(InputState(3000, 1500, 16_000.0), (DSP,), LEARN)
EXPERT = replace(IMPULSE, learn=replace(LEARN, mode="expert", layers=(), script="model = 1\n"))


def pull(folder: Path, state: ImpulseState = IMPULSE) -> dict[str, Any]:
    write_pulled(folder, pulled_tables(state), state)
    return tomllib.loads((folder / "eitk.toml").read_text(encoding="utf-8"))


def test_parameters_have_the_types_of_toml(tmp_path: Path) -> None:
    (block,) = pull(tmp_path)["impulse"]["dsp"]
    assert block == {"type": "mfe", "implementation_version": 4, "name": "MFE", "frame_length": 0.02,
                     "num_filters": 40, "window": "hamming", "flag": True}  # fmt: skip


def test_a_layer_that_is_switched_off_is_left_out(tmp_path: Path) -> None:
    assert pull(tmp_path)["impulse"]["layers"] == [{"type": "dense", "units": 8}]


def test_a_seed_that_the_studio_does_not_return_stays_that_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").write_text("[training]\nseed = 99\nepochs = 1\n")
    assert pull(tmp_path)["training"]["seed"] == 99
    assert pull(tmp_path, replace(IMPULSE, learn=replace(LEARN, seed=5)))["training"]["seed"] == 5


def test_comments_and_other_tables_stay(tmp_path: Path) -> None:
    text = '# my notes\n[project]\nname = "größe"  # kept\n\n[slice]\nlevel = "rms"\nwindow_ms = 1\n'
    (tmp_path / "eitk.toml").write_text(text, encoding="utf-8")
    table = pull(tmp_path)
    written = (tmp_path / "eitk.toml").read_text(encoding="utf-8")
    assert "# my notes" in written and "# kept" in written
    assert table["slice"] == {"level": "rms", "sample_rate": 16_000, "window_ms": 3000, "hop_ms": 1500}
    assert table["project"] == {"name": "größe"}


def test_a_value_that_is_equal_keeps_its_place_and_its_comment(tmp_path: Path) -> None:
    text = "[training]\nepochs = 30  # enough\nlearning_rate = 1.0  # too high\nseed = 4\n"
    (tmp_path / "eitk.toml").write_text(text)
    pull(tmp_path)
    written = (tmp_path / "eitk.toml").read_text()
    assert written.startswith("[training]\nepochs = 30  # enough\nseed = 4\n")
    assert "# too high" not in written


def test_one_and_true_are_different_values(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").write_text("[training]\nspec_augment = 1\n")
    assert pull(tmp_path)["training"]["spec_augment"] is True


def test_a_second_pull_changes_nothing(tmp_path: Path) -> None:
    pull(tmp_path)
    first = (tmp_path / "eitk.toml").read_bytes()
    pull(tmp_path)
    assert (tmp_path / "eitk.toml").read_bytes() == first


def test_a_script_is_written_beside_the_file_and_takes_the_place_of_the_layers(tmp_path: Path) -> None:
    pull(tmp_path)
    table = pull(tmp_path, EXPERT)
    assert table["impulse"]["script"] == SCRIPT
    assert "layers" not in table["impulse"]
    assert (tmp_path / SCRIPT).read_text() == "model = 1\n"
    assert "script" not in pull(tmp_path)["impulse"]  # and back again


def test_a_script_of_the_user_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / SCRIPT).write_text("my own work\n")
    with pytest.raises(ConfigurationError, match=r"model\.py already exists with other contents") as caught:
        pull(tmp_path, EXPERT)
    assert caught.value.hint == "Move it away, then pull again."
    assert (tmp_path / SCRIPT).read_text() == "my own work\n"
    assert not (tmp_path / "eitk.toml").exists()


def test_a_file_that_is_no_toml_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "eitk.toml").write_text("[slice\n")
    with pytest.raises(ConfigurationError, match=r"eitk\.toml cannot be read"):
        pull(tmp_path)
    assert (tmp_path / "eitk.toml").read_text() == "[slice\n"


def test_a_layer_that_eitk_toml_does_not_have_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="a layer of type transfer_mobilenet") as caught:
        pulled_tables(replace(IMPULSE, learn=replace(LEARN, layers=({"type": "transfer_mobilenet"},))))
    assert "expert mode" in caught.value.hint


def test_what_was_pulled_is_the_same_impulse_for_the_next_command(tmp_path: Path) -> None:
    state = replace(IMPULSE, dsp=(replace(DSP, config={"frame_length": "0.02", "num_filters": "40"}),))
    pull(tmp_path, state)
    again = wanted_impulse(load_config(tmp_path, {}).settings, tmp_path)
    assert again.input == state.input
    assert again.dsp[0].config["num_filters"] == "40"
    assert (again.learn.epochs, again.learn.spec_augment) == (30, True)
