"""The sketch's level arithmetic equals Python's, sample for sample: C++ compiled and run here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_toolkit.audio.level import apply_level, level_constants
from ei_toolkit.config.project import bundled

PROGRAM = r"""
#include <cstdio>
#include <cstdlib>
#include <vector>
#include "level.h"
int main(int, char** argv) {
    const LevelMode mode = static_cast<LevelMode>(atoi(argv[1]));
    std::vector<int16_t> x;
    for (int16_t v; fread(&v, 2, 1, stdin) == 1;) x.push_back(v);
    const Level level = measure_level([&](uint32_t i) { return x[i]; }, x.size(), {atoll(argv[2]), atoll(argv[3])});
    for (int16_t& v : x) v = apply_level(v, level, mode);
    fwrite(x.data(), 2, x.size(), stdout);
}
"""
MODES = ("none", "dc", "rms")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++ is not installed")
    folder = tmp_path_factory.mktemp("level")
    (folder / "level.cpp").write_text(PROGRAM)
    include = bundled("firmware") / "audio_classifier"
    subprocess.run(
        [compiler, "-std=gnu++14", "-O2", f"-I{include}", "level.cpp", "-o", "level"], cwd=folder, check=True
    )
    return folder / "level"


def levelled(program: Path, window: np.ndarray, mode: str, target_dbfs: float, max_gain_db: float) -> np.ndarray:
    constants = level_constants(target_dbfs, max_gain_db)
    arguments = [str(MODES.index(mode)), str(constants.target), str(constants.max_gain_q16)]
    done = subprocess.run([program, *arguments], input=window.tobytes(), capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.int16)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.sampled_from([1, 7, 400, 48000]),
    scale=st.sampled_from([0, 1, 30, 3000, 40000]),
    offset=st.integers(-32768, 32767),
    mode=st.sampled_from(MODES),
    target=st.sampled_from([-30.0, -20.0, -3.0]),
    gain=st.sampled_from([0.0, 40.0]),
)
def test_equal_to_python(
    program: Path, seed: int, size: int, scale: int, offset: int, mode: str, target: float, gain: float
) -> None:
    noise = np.random.default_rng(seed).normal(size=size) * scale + offset
    window = np.clip(noise, -32768, 32767).astype(np.int16)
    expected = apply_level(window, mode, target, gain)  # type: ignore[arg-type]
    assert np.array_equal(levelled(program, window, mode, target, gain), expected)
