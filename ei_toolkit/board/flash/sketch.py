"""The sketch in the form that is compiled: its files, and eitk_config.h written from eitk.toml."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from ei_toolkit import __version__
from ei_toolkit.audio.level import level_constants
from ei_toolkit.audio.window import samples_in
from ei_toolkit.board.flash.library import Library
from ei_toolkit.config import Settings
from ei_toolkit.config.boards import MICROPHONE_RATE_HZ, BoardSpec, rate_problem
from ei_toolkit.config.palette import LED_COLOURS
from ei_toolkit.config.project import bundled
from ei_toolkit.config.setting import check_settings
from ei_toolkit.config.settings import UNCERTAIN
from ei_toolkit.eon.literals import string_literal
from ei_toolkit.errors import BoardError

NAME = "audio_classifier"
CONFIG_HEADER = "eitk_config.h"
PLATFORM = re.compile(r"platform: (\S+) \((\S+)\)")
SLACK_SAMPLES = 8192  # samples that the microphone may write during a classification: 512 ms, 16 kB
MAX_WINDOW_SAMPLES = 1 << 18  # more samples would overflow the integers of measure_level in level.h


@dataclass(frozen=True)
class StagedSketch:
    """A folder that arduino-cli or a compiler takes unchanged; `main` is the .ino file."""

    folder: Path

    @property
    def main(self) -> Path:
        """The sketch's main file."""
        return self.folder / f"{NAME}.ino"

    @property
    def core(self) -> str:
        """The pinned core in sketch.yaml, for messages."""
        found = PLATFORM.search((self.folder / "sketch.yaml").read_text(encoding="utf-8"))
        return " ".join(found.groups()) if found else ""


def stage(settings: Settings, library: Library, spec: BoardSpec, into: Path) -> StagedSketch:
    """Copy the sketch into the folder `into` and write its configuration.

    Raises ConfigurationError for settings that the sketch does not support, BoardError for an impulse that it cannot
    run.
    """
    header = config_header(settings, library, spec)
    folder = into / NAME
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(bundled("firmware") / NAME, folder)
    header = config_header(settings, library, spec, firmware_hash(header, library, folder))
    (folder / CONFIG_HEADER).write_text(header, encoding="utf-8")
    profile = folder / "sketch.yaml"
    profile.write_text(_with_library(profile.read_text(encoding="utf-8"), library.folder), encoding="utf-8")
    return StagedSketch(folder)


def firmware_hash(header: str, library: Library, folder: Path) -> str:
    """Return 16 hexadecimal digits that identify sketch, settings and model; the sketch prints them."""
    digest = hashlib.sha256(f"{header}\0{library.model_sha256}\0".encode())
    for file in sorted(folder.iterdir()):
        if file.name != CONFIG_HEADER:
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def config_header(settings: Settings, library: Library, spec: BoardSpec, firmware: str = "") -> str:
    """Return the text of eitk_config.h; `firmware` is the hash that identifies the image."""
    rate = library.number("EI_CLASSIFIER_FREQUENCY")
    _check(settings, library, rate)
    level = level_constants(settings.slice.target_dbfs, settings.slice.max_gain_db)
    colours = {**settings.board.colours, UNCERTAIN: "blue"}  # never empty, because C++ has no empty arrays
    entries = ", ".join(f"{{{string_literal(label)}, {_colour(name)}}}" for label, name in colours.items())
    constants = (
        ("char kVersion[]", string_literal(__version__)),
        ("char kFirmware[]", string_literal(firmware)),
        ("char kBoard[]", string_literal(spec.name)),
        ("float kThreshold", f"{settings.board.threshold:.6f}f"),
        ("float kHysteresis", f"{settings.board.hysteresis:.6f}f"),
        ("int kSmoothing", str(settings.board.smoothing)),
        ("int kHoldWindows", str(settings.board.hold_windows)),
        ("uint32_t kHopSamples", str(samples_in(settings.board.hop_ms, rate))),
        ("uint32_t kSlackSamples", str(SLACK_SAMPLES)),
        ("int kWarmupBuffers", str(spec.warmup_buffers)),
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


def _colour(name: str) -> str:
    """Return a colour as C++: its name, and the light of the red, green and blue part of the LED."""
    return f"{{{string_literal(name)}, {', '.join(map(str, LED_COLOURS[name]))}}}"


def _with_library(profile: str, library: Path) -> str:
    """sketch.yaml with the path of the library, so that the library is not installed for all sketches."""
    entry = f"    libraries:\n      - dir: {json.dumps(str(library.resolve()))}\n"
    return profile.replace("default_profile:", entry + "default_profile:")


def _check(settings: Settings, library: Library, rate: int) -> None:
    check_settings(settings.board, "board")
    if problem := rate_problem(rate):
        raise BoardError(
            problem,
            hint=f"Set [slice] sample_rate = {MICROPHONE_RATE_HZ}, slice, upload and build again.",
        )
    if library.number("EI_CLASSIFIER_RAW_SAMPLE_COUNT") > MAX_WINDOW_SAMPLES:
        raise BoardError(
            f"the window has more than {MAX_WINDOW_SAMPLES:,} samples",
            hint="Set [slice] window_ms to 5000 or less and build again.",
        )
