"""The sketch and its settings compile: with Edge Impulse's public names only, and with any label."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from ei_toolkit.board.flash.library import open_library
from ei_toolkit.board.flash.sketch import stage
from ei_toolkit.config import Settings
from ei_toolkit.config.boards import NANO33BLE
from ei_toolkit.config.project import bundled
from ei_toolkit.config.settings import UNCERTAIN
from ei_toolkit.eon.toolchain import CORTEX_M4F

TINY = Path(__file__).resolve().parents[1] / "board" / "tiny_library" / "Tiny_inferencing"
WARNINGS = ("-Wall", "-Wextra", "-Wshadow", "-Werror", "-std=gnu++14", "-fno-exceptions", "-fno-rtti")


@pytest.mark.parametrize("defines", [(), ("-DTINY_WITHOUT_EITK",)], ids=["eitk", "edge-impulse"])
@pytest.mark.parametrize(("compiler", "flags"), [("g++", ()), ("clang++", ()), ("arm-none-eabi-g++", CORTEX_M4F)])
def test_the_sketch_compiles_without_a_warning(
    compiler: str, flags: tuple[str, ...], defines: tuple[str, ...], tmp_path: Path
) -> None:
    found = shutil.which(compiler) or pytest.skip(f"{compiler} is not installed")
    library = open_library(TINY, tmp_path)
    sketch = stage(Settings(), library, NANO33BLE, tmp_path)
    includes = (f"-I{bundled('firmware') / 'boards' / 'core'}", f"-I{library.include}", f"-I{sketch.folder}")
    language = ("-include", "Arduino.h", "-x", "c++", "-fsyntax-only")
    command = [found, *flags, *WARNINGS, *defines, *includes, *language, str(sketch.main)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


LABELS = (
    'hip-hop "live"',
    "back\\slash at the end\\",
    "??/ ??= what???",  # trigraphs
    "\x01\x07" + "7",  # control characters, one in front of a digit
    "line\nbreak\r\ttab\x7f",
    "*/ // /*",
    "R&B é 音楽",
)
PROGRAM = """
#include <Arduino.h>
#include <stdio.h>
#include "eitk_config.h"
int main() {
    for (const LabelColour& entry : config::kColours) {
        for (const char* c = entry.label; *c != 0; ++c) printf("%02x", static_cast<unsigned char>(*c));
        printf(" %s\\n", colour_of(entry.label, config::kColours).name);
    }
}
"""


@pytest.mark.parametrize("standard", ["-std=gnu++14", "-std=c++14"])  # the strict standard replaces trigraphs
def test_labels_with_any_characters_reach_the_sketch(standard: str, tmp_path: Path) -> None:
    compiler = shutil.which("g++") or pytest.skip("g++ is not installed")
    settings = Settings()
    colours = {**dict.fromkeys(LABELS, "magenta"), LABELS[0]: "red"}
    library = open_library(TINY, tmp_path)
    sketch = stage(replace(settings, board=replace(settings.board, colours=colours)), library, NANO33BLE, tmp_path)
    (tmp_path / "labels.cpp").write_text(PROGRAM)
    includes = (f"-I{bundled('firmware') / 'boards' / 'core'}", f"-I{library.include}", f"-I{sketch.folder}")
    command = [compiler, standard, "-Wall", "-Wextra", "-Werror", "-O1", *includes, "labels.cpp", "-o", "labels"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    printed = subprocess.run([tmp_path / "labels"], capture_output=True, text=True, check=True).stdout
    received = dict(line.split() for line in printed.splitlines())
    assert {bytes.fromhex(label).decode(): colour for label, colour in received.items()} == colours | {
        UNCERTAIN: "blue"
    }
