"""What `eitk flash` would refuse at the end is named by init, slice and train at the start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import eitk

from ei_toolkit.board.early_checks import board_warnings, model_warnings
from ei_toolkit.config import Settings
from ei_toolkit.config.boards import NANO33BLE
from ei_toolkit.config.recipes.write import load_recipe
from ei_toolkit.config.settings import DspBlock

RECIPE = load_recipe("reference")[0]


def with_slice(**changes: Any) -> Settings:
    return replace(RECIPE, slice=replace(RECIPE.slice, **changes))


def on_board(settings: Settings, name: str, **changes: Any) -> Settings:
    return replace(settings, board=replace(settings.board, name=name, **changes))


@pytest.mark.parametrize("recipe", ["reference", "robust"])
def test_the_recipes_suit_every_board(recipe: str) -> None:
    settings = load_recipe(recipe)[0]
    assert [board_warnings(on_board(settings, name)) for name in ("nano33ble", "emulated", "host")] == [[], [], []]


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100])
def test_a_sample_rate_that_the_microphone_does_not_have_is_named(rate: int) -> None:
    [warning] = board_warnings(with_slice(sample_rate=rate, window_ms=1000))
    assert warning == (
        f"the nano33ble board cannot run this impulse: the sample rate of the impulse is {rate} Hz, that of the"
        " microphone is 16000 Hz; set slice.sample_rate = 16000"
    )


def test_a_window_that_does_not_fit_the_memory_is_named_with_its_size() -> None:
    [warning] = board_warnings(with_slice(window_ms=8000))
    assert warning.startswith("a window of 8000 ms does not fit the nano33ble board: it takes ")
    assert "of 256.0 KiB of RAM without the model; set slice.window_ms well below 6300, for example 3100" in warning
    assert board_warnings(with_slice(window_ms=3100)) == []
    assert board_warnings(on_board(with_slice(window_ms=8000), "host")) == []


def test_features_that_take_longer_than_the_hop_are_named_with_a_hop_that_works() -> None:
    dense = DspBlock("mfe", params={"frame_length": 0.025, "frame_stride": 0.01, "fft_length": 512})
    slow = on_board(replace(RECIPE, impulse=replace(RECIPE.impulse, dsp=(dense,))), "nano33ble", hop_ms=100)
    [warning] = board_warnings(slow)
    assert "computing the features takes about" in warning
    hop = int(warning.split("set board.hop_ms = ")[1].split()[0])
    assert board_warnings(on_board(slow, "nano33ble", hop_ms=hop)) == []
    assert board_warnings(on_board(slow, "host", hop_ms=100)) == []  # it has no clock to estimate with


def test_an_impulse_without_a_block_is_not_estimated() -> None:
    assert board_warnings(replace(RECIPE, impulse=replace(RECIPE.impulse, dsp=()))) == []


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ({"latency_ms": 5_000.0}, "a classification takes about 5"),
        ({"ram_bytes": 200_000}, "has 256.0 KiB of RAM; sketch and window take"),
        ({"flash_bytes": 2_000_000}, "has 960.0 KiB of flash, the model takes 1,953.1 KiB"),
    ],
)
def test_a_trained_model_that_is_too_slow_or_too_large_is_named(model: dict[str, Any], words: str) -> None:
    fits = {"latency_ms": 15.0, "ram_bytes": 9_000, "flash_bytes": 30_000}
    assert model_warnings(RECIPE, **fits) == []
    [warning] = model_warnings(RECIPE, **{**fits, **model})
    assert words in warning
    assert NANO33BLE.name in warning


def test_init_and_slice_print_the_warning(sliced: Any) -> None:
    root: Path = sliced.paths.root
    environ = {"EITK_SLICE_SAMPLE_RATE": "22050"}
    for command in (("init", "--force"), ("slice", "--dry-run")):
        done = eitk(root, *command, environ=environ)
        assert done.err.count("warning: the nano33ble board cannot run this impulse: the sample rate") == 1, command


def test_train_prints_the_warning_before_it_connects(sliced: Any) -> None:
    environ = {"EITK_SLICE_SAMPLE_RATE": "44100", "EITK_STUDIO_URL": "http://127.0.0.1:9/v1", "EI_API_KEY": "ei_x"}
    done = eitk(sliced.paths.root, "train", environ=environ)
    assert done.code != 0
    assert "that of the microphone is 16000 Hz" in done.err
