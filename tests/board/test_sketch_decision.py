"""The sketch's decision: smoothing, threshold, hysteresis, compiled and run here; and its sources without a warning."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ei_toolkit.board.image import CPU
from ei_toolkit.board.library import open_library
from ei_toolkit.board.sketch import stage
from ei_toolkit.config import Settings
from ei_toolkit.config.bundled import bundled

PROGRAM = r"""
#include <cstdio>
#include "decision.h"
int main() {
    Decision<2, DEPTH> decision;
    for (float rock; scanf("%f", &rock) == 1;) {
        const float scores[2] = {1 - rock, rock};
        printf("%d ", decision.update(scores, 0.6f, 0.05f));
    }
}
"""
CLASSICAL, ROCK, UNDECIDED = 0, 1, -1


def decide(folder: Path, rock: list[float], depth: int = 1) -> list[int]:
    compiler = shutil.which("g++") or pytest.skip("g++ is not installed")
    (folder / "decision.cpp").write_text(PROGRAM)
    include = bundled("firmware") / "audio_classifier"
    flags = ["-std=gnu++14", "-Wall", "-Wextra", "-Werror", f"-DDEPTH={depth}", f"-I{include}"]
    subprocess.run([compiler, *flags, "decision.cpp", "-o", "decision"], cwd=folder, check=True)
    done = subprocess.run(
        [folder / "decision"], input=" ".join(map(str, rock)), capture_output=True, text=True, check=True
    )
    return [int(word) for word in done.stdout.split()]


def test_the_threshold_decides(tmp_path: Path) -> None:
    assert decide(tmp_path, [0.5, 0.59, 0.61, 0.99, 0.01]) == [UNDECIDED, UNDECIDED, ROCK, ROCK, CLASSICAL]


def test_a_score_that_wavers_about_the_threshold_does_not_flicker(tmp_path: Path) -> None:
    assert decide(tmp_path, [0.61, 0.59, 0.61, 0.58, 0.60]) == [ROCK] * 5
    assert decide(tmp_path, [0.61, 0.54, 0.59]) == [ROCK, UNDECIDED, UNDECIDED]


def test_smoothing_outvotes_one_stray_window(tmp_path: Path) -> None:
    assert decide(tmp_path, [0.9, 0.9, 0.1, 0.9], depth=3) == [ROCK, ROCK, ROCK, ROCK]
    assert decide(tmp_path, [0.9, 0.1, 0.1, 0.1], depth=3) == [ROCK, UNDECIDED, CLASSICAL, CLASSICAL]


@pytest.mark.parametrize(("compiler", "flags"), [("g++", ()), ("arm-none-eabi-g++", CPU)])
def test_the_sketch_compiles_without_a_warning(
    compiler: str, flags: tuple[str, ...], tiny: Path, tmp_path: Path
) -> None:
    found = shutil.which(compiler) or pytest.skip(f"{compiler} is not installed")
    library = open_library(tiny, tmp_path)
    sketch = stage(Settings(), library, "nano33ble", tmp_path)
    core = bundled("firmware") / "boards" / "core"
    warnings = ("-Wall", "-Wextra", "-Wshadow", "-Werror", "-std=gnu++14", "-fno-exceptions", "-fno-rtti")
    includes = (f"-I{core}", f"-I{library.include}", f"-I{sketch.folder}")
    command = [
        found,
        *flags,
        *warnings,
        *includes,
        "-include",
        "Arduino.h",
        "-x",
        "c++",
        "-fsyntax-only",
        str(sketch.main),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
