"""eitk_config.h: the settings as constants of the sketch, and settings that the sketch does not have."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.board.flash.library import open_library
from ei_toolkit.board.flash.sketch import MAX_WINDOW_SAMPLES, config_header, stage
from ei_toolkit.config import BoardSettings, Settings, SliceSettings
from ei_toolkit.config.boards import HOST, NANO33BLE
from ei_toolkit.config.settings import COLOURS
from ei_toolkit.errors import BoardError, ConfigurationError


def header_of(tiny: Path, defines: dict[str, str] | None = None, level: Any = "none", **board: Any) -> str:
    library = open_library(tiny, tiny)
    library = replace(library, defines=library.defines | (defines or {}))
    settings = Settings(board=BoardSettings(**board), slice=SliceSettings(level=level))
    return config_header(settings, library, NANO33BLE)


def constants(header: str) -> dict[str, str]:
    return dict(re.findall(r"constexpr \w+ (k\w+)(?:\[\])? = (.*);", header))


def test_settings_become_constants_in_the_units_of_the_sketch(tiny: Path) -> None:
    board = {"threshold": 0.75, "hop_ms": 250, "smoothing": 3, "hysteresis": 0.1, "hold_ms": 1001}
    found = constants(header_of(tiny, level="rms", **board))
    assert found | {"kVersion": "", "kColours": ""} == {
        "kVersion": "", "kFirmware": '""', "kBoard": '"nano33ble"', "kThreshold": "0.750000f",
        "kHysteresis": "0.100000f", "kSmoothing": "3", "kHoldWindows": "5", "kHopSamples": "4000",
        "kSlackSamples": "8192", "kWarmupBuffers": "16",
        "kLevelMode": "LevelMode::kRms", "kLevelTarget": "3277", "kLevelMaxGainQ16": "6553600", "kColours": "",
    }  # fmt: skip
    assert "#include <Tiny_inferencing.h>" in header_of(tiny)


def test_the_firmware_has_a_hash_of_sketch_settings_and_model(tiny: Path, tmp_path: Path) -> None:
    library = open_library(tiny, tiny)

    def firmware(settings: Settings, **defines: str) -> str:
        sketch = stage(settings, replace(library, defines=library.defines | defines), NANO33BLE, tmp_path)
        return constants((sketch.folder / "eitk_config.h").read_text())["kFirmware"]

    first = firmware(Settings())
    assert re.fullmatch('"[0-9a-f]{16}"', first) and firmware(Settings()) == first
    assert (
        len(
            {
                first,
                firmware(Settings(board=BoardSettings(threshold=0.7))),
                firmware(Settings(), EITK_MODEL_SHA256="ff"),
            }
        )
        == 3
    )


def test_labels_with_any_characters_have_their_colours(tiny: Path) -> None:
    colours = {'hip "hop"??/\n': "red", "größe": "white"}
    found = constants(header_of(tiny, colours=colours))["kColours"]
    assert found == (
        '{{"hip \\"hop\\"\\?\\?/\\012", {"red", 255, 0, 0}}, {"größe", {"white", 255, 255, 255}},'
        ' {"uncertain", {"blue", 0, 0, 255}}}'
    )


def test_without_colours_there_is_the_one_of_uncertain_windows(tiny: Path) -> None:
    assert constants(header_of(tiny, colours={}))["kColours"] == '{{"uncertain", {"blue", 0, 0, 255}}}'


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"threshold": 1.01}, "board.threshold = 1.01: must be at most 1"),
        ({"hysteresis": -0.5}, "board.hysteresis = -0.5: must be at least 0"),
        ({"smoothing": 0}, "board.smoothing = 0: must be at least 1"),
        ({"smoothing": 65}, "board.smoothing = 65: must be at most 64"),
        ({"hop_ms": 0}, "board.hop_ms = 0: must be at least 1"),
    ],
)
def test_a_setting_that_the_sketch_does_not_have_is_named(tiny: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        header_of(tiny, **settings)
    assert caught.value.what == message


def test_all_colours_of_the_led_are_those_of_the_sketch(tiny: Path) -> None:
    for colour in COLOURS:
        assert f'{{"rock", {{"{colour}", ' in header_of(tiny, colours={"rock": colour})


def test_an_impulse_for_another_microphone_or_a_longer_window_is_refused(tiny: Path) -> None:
    with pytest.raises(BoardError, match="sample rate of the impulse is 8000 Hz, that of the microphone is 16000 Hz"):
        header_of(tiny, {"EI_CLASSIFIER_FREQUENCY": "8000"})
    header_of(tiny, {"EI_CLASSIFIER_RAW_SAMPLE_COUNT": str(MAX_WINDOW_SAMPLES)})
    with pytest.raises(BoardError, match="the window has more than 262,144 samples"):
        header_of(tiny, {"EI_CLASSIFIER_RAW_SAMPLE_COUNT": str(MAX_WINDOW_SAMPLES + 1)})


def test_a_staged_sketch_is_complete_and_replaces_an_older_one(tiny: Path, tmp_path: Path) -> None:
    library = open_library(tiny, tmp_path)
    (tmp_path / "audio_classifier").mkdir()
    (tmp_path / "audio_classifier" / "old.h").touch()
    staged = stage(Settings(), library, HOST, tmp_path)
    assert staged.main.is_file() and not (staged.folder / "old.h").exists()
    assert 'kBoard[] = "host"' in (staged.folder / "eitk_config.h").read_text()
    assert staged.core == "arduino:mbed_nano 4.0.2"
    assert f'      - dir: "{tiny.resolve()}"\n' in (staged.folder / "sketch.yaml").read_text()


def test_settings_that_are_refused_leave_the_older_sketch(tiny: Path, tmp_path: Path) -> None:
    staged = stage(Settings(), open_library(tiny, tmp_path), HOST, tmp_path)
    (staged.folder / "mark").touch()
    with pytest.raises(ConfigurationError):
        stage(Settings(board=BoardSettings(smoothing=0)), open_library(tiny, tmp_path), HOST, tmp_path)
    assert (staged.folder / "mark").exists()
