"""The sketch as it goes to the compiler: its files, and eitk_config.h written from eitk.toml."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from ei_toolkit import __version__
from ei_toolkit.audio.level import level_constants
from ei_toolkit.audio.window import samples_in
from ei_toolkit.board.flash.library import Library
from ei_toolkit.config import Settings
from ei_toolkit.config.project import bundled
from ei_toolkit.eon.literals import string_literal
from ei_toolkit.errors import BoardError, ConfigurationError

NAME = "audio_classifier"
COLOURS = ("red", "green", "blue", "yellow", "cyan", "magenta", "white")
SLACK_SAMPLES = 8192  # what the microphone may write while a decision is made: 512 ms, 16 kB
SETTLE_BUFFERS = {
    "nano33ble": 16
}  # half a second for the real microphone to settle; a stand-in sends two unfilled ones
STAND_IN_SETTLE_BUFFERS = 2
MAX_SMOOTHING = 64
MAX_WINDOW = 1 << 18  # the level's integers hold this many samples


@dataclass(frozen=True)
class StagedSketch:
    """A folder that arduino-cli or a compiler takes as it is; `main` is the .ino file."""

    folder: Path

    @property
    def main(self) -> Path:
        """The sketch's main file."""
        return self.folder / f"{NAME}.ino"


def stage(settings: Settings, library: Library, board: str, into: Path) -> StagedSketch:
    """Copy the sketch into the folder `into` and write its configuration.

    Raises ConfigurationError for settings that the sketch cannot follow, BoardError for a library that it cannot hold.
    """
    header = config_header(settings, library, board)
    folder = into / NAME
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(bundled("firmware") / NAME, folder)
    (folder / "eitk_config.h").write_text(header, encoding="utf-8")
    profile = folder / "sketch.yaml"
    profile.write_text(_with_library(profile.read_text(encoding="utf-8"), library.folder), encoding="utf-8")
    return StagedSketch(folder)


def config_header(settings: Settings, library: Library, board: str) -> str:
    """The text of eitk_config.h."""
    rate = library.number("EI_CLASSIFIER_FREQUENCY")
    _check(settings, library, rate)
    level = level_constants(settings.slice.target_dbfs, settings.slice.max_gain_db)
    colours = {**settings.board.colours, "undecided": "blue"}  # at least one entry: C++ has no empty arrays
    entries = ", ".join(
        f"{{{string_literal(label)}, Colour::k{colour.capitalize()}}}" for label, colour in colours.items()
    )
    constants = (
        ("char kVersion[]", string_literal(__version__)),
        ("char kBoard[]", string_literal(board)),
        ("float kThreshold", f"{settings.board.threshold:.6f}f"),
        ("float kHysteresis", f"{settings.board.hysteresis:.6f}f"),
        ("int kSmoothing", str(settings.board.smoothing)),
        ("uint32_t kHopSamples", str(samples_in(settings.board.hop_ms, rate))),
        ("uint32_t kSlackSamples", str(SLACK_SAMPLES)),
        ("int kSettleBuffers", str(SETTLE_BUFFERS.get(board, STAND_IN_SETTLE_BUFFERS))),
        ("LevelMode kLevelMode", f"LevelMode::k{settings.slice.level.capitalize()}"),
        ("int64_t kLevelTarget", str(level.target)),
        ("int64_t kLevelMaxGainQ16", str(level.max_gain_q16)),
        ("LabelColour kColours[]", f"{{{entries}}}"),
    )
    lines = "\n".join(f"constexpr {name} = {value};" for name, value in constants)
    return (
        f"// Written by eitk flash from eitk.toml.\n#pragma once\n\n#include <{library.header}>\n\n"
        f'#include "led.h"\n#include "level.h"\n\nnamespace config {{\n{lines}\n}}  // namespace config\n'
    )


def _with_library(profile: str, library: Path) -> str:
    """sketch.yaml with the library by path, so that nothing is installed for all sketches."""
    entry = f"    libraries:\n      - dir: {json.dumps(str(library.resolve()))}\n"
    return profile.replace("default_profile:", entry + "default_profile:")


def _check(settings: Settings, library: Library, rate: int) -> None:
    board = settings.board
    for label, colour in board.colours.items():
        if colour not in COLOURS:
            raise ConfigurationError(
                f"board.colours.{label} = {colour!r} is not a colour of the LED", hint="One of " + ", ".join(COLOURS)
            )
    if not 0 <= board.threshold <= 1 or not 0 <= board.hysteresis <= 1:
        raise ConfigurationError("board.threshold and board.hysteresis lie between 0 and 1")
    if not 1 <= board.smoothing <= MAX_SMOOTHING:
        raise ConfigurationError(f"board.smoothing = {board.smoothing} is not between 1 and {MAX_SMOOTHING}")
    if samples_in(board.hop_ms, rate) < 1:
        raise ConfigurationError(f"board.hop_ms = {board.hop_ms} is too short")
    if rate != 16000:
        raise BoardError(
            f"the impulse takes {rate} samples a second, the microphone gives 16000",
            hint="Set [slice] sample_rate = 16000, slice, upload and build again.",
        )
    if library.number("EI_CLASSIFIER_RAW_SAMPLE_COUNT") > MAX_WINDOW:
        raise BoardError(
            "the window is longer than the board can hold",
            hint="Set [slice] window_ms to 5000 or less and build again.",
        )
