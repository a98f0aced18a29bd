"""The sketch compiles with a library that has nothing but Edge Impulse's public names."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ei_toolkit.board.flash.library import open_library
from ei_toolkit.board.flash.sketch import stage
from ei_toolkit.config import Settings
from ei_toolkit.config.boards import NANO33BLE
from ei_toolkit.config.project import bundled
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
