"""The data of each board, which firmware, budgets and help texts read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ei_toolkit.config.boards import (
    BOARDS,
    MICROPHONE_RATE_HZ,
    NANO33BLE,
    SKETCH_RAM,
    board_choice,
    board_spec,
    rate_problem,
    shorter_window,
    window_ram_bytes,
)
from ei_toolkit.config.project import bundled
from ei_toolkit.errors import ConfigurationError, EitkError


def test_a_name_that_is_no_board_lists_the_boards() -> None:
    with pytest.raises(ConfigurationError, match="'uno' is not a board") as caught:
        board_spec("uno")
    assert caught.value.hint == "Use one of nano33ble, emulated, host."


def test_help_texts_list_all_boards_or_the_virtual_ones() -> None:
    assert board_choice() == "nano33ble, emulated or host"
    assert board_choice(virtual_only=True) == "emulated or host"


def test_a_usb_id_is_written_as_lsusb_prints_it() -> None:
    assert NANO33BLE.usb_id("application") == "2341:805a"
    assert NANO33BLE.usb_id("bootloader") == "2341:005a"


def test_each_application_of_the_nano_has_a_bootloader_whose_id_lacks_the_high_bit() -> None:
    ids = {state: {product for (_, product), known in NANO33BLE.usb_ids.items() if known == state}
           for state in ("application", "bootloader")}  # fmt: skip
    assert {product & 0x7FFF for product in ids["application"]} == ids["bootloader"]


def test_boards_that_are_not_virtual_have_limits_and_a_profile_of_the_sketch() -> None:
    profiles = (bundled("firmware") / "audio_classifier" / "sketch.yaml").read_text()
    for spec in (spec for spec in BOARDS.values() if not spec.virtual):
        assert spec.flash_bytes and spec.ram_bytes and spec.clock_hz
        assert re.search(rf"^  {spec.arduino_profile}:$", profiles, re.MULTILINE)


def test_the_rate_of_the_microphone_is_the_one_of_the_sketch() -> None:
    header = (bundled("firmware") / "audio_classifier" / "microphone.h").read_text()
    assert re.search(r"kSampleRate = ([\d']+)", header)[1].replace("'", "") == str(MICROPHONE_RATE_HZ)  # type: ignore[index]


def test_an_incomplete_installation_is_an_error_with_the_command_that_repairs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ei_toolkit.config.project.PACKAGE", tmp_path / "ei_toolkit")
    with pytest.raises(EitkError, match="this installation of eitk has no firmware") as caught:
        bundled("firmware")
    assert caught.value.hint == "Install it again: pip install --force-reinstall eitk"


def test_files_of_an_installed_wheel_are_preferred_to_those_beside_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ei_toolkit.config.project.PACKAGE", tmp_path / "ei_toolkit")
    beside = tmp_path / "datasets"
    beside.mkdir()
    assert bundled("datasets") == beside
    installed = tmp_path / "ei_toolkit" / "_bundled" / "datasets"
    installed.mkdir(parents=True)
    assert bundled("datasets") == installed


def test_only_the_rate_of_the_microphone_can_be_used() -> None:
    assert rate_problem(MICROPHONE_RATE_HZ) == rate_problem(float(MICROPHONE_RATE_HZ)) == ""
    assert rate_problem(22_050) == "the sample rate of the impulse is 22050 Hz, that of the microphone is 16000 Hz"


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_the_suggested_window_fits_and_one_above_the_limit_does_not(rate: int) -> None:
    features, ram = 4_000, NANO33BLE.ram_bytes or 0
    limit, example = map(int, re.findall(r"\d+", shorter_window(ram, features, rate)))
    assert window_ram_bytes(rate * example // 1000, features) < ram
    assert window_ram_bytes(rate * (limit + 100) // 1000, features) > ram
    assert example == pytest.approx(limit / 2, abs=100)


def test_the_ram_of_a_window_is_that_of_samples_features_and_sketch() -> None:
    assert window_ram_bytes(1000, 40) == 2 * 1000 + 40 + SKETCH_RAM
