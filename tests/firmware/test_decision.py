"""The sketch's decisions equal Python's for all settings that `eitk calibrate` chooses: C++ compiled and run here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from ei_toolkit.config.project import bundled
from ei_toolkit.impulse.decision import smoothed, stable_labels

LABELS, DEPTHS = 3, (1, 2, 3, 4, 6, 8)
PROGRAM = r"""
#include <cstdio>
#include <cstdlib>
#include "decision.h"
template <int Depth>
void run(float threshold, float hysteresis, int hold) {
    Decision<LABELS, Depth> decision;
    float scores[LABELS];
    while (fread(scores, sizeof(float), LABELS, stdin) == LABELS) {
        printf("%d\n", decision.update(scores, threshold, hysteresis, hold));
    }
}
int main(int, char** argv) {
    const float threshold = strtof(argv[2], nullptr), hysteresis = strtof(argv[3], nullptr);
    switch (atoi(argv[1])) { CASES }
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++ is not installed")
    folder = tmp_path_factory.mktemp("decision")
    cases = " ".join(f"case {depth}: run<{depth}>(threshold, hysteresis, atoi(argv[4])); break;" for depth in DEPTHS)
    (folder / "decision.cpp").write_text(PROGRAM.replace("LABELS", str(LABELS)).replace("CASES", cases))
    include = bundled("firmware") / "audio_classifier"
    subprocess.run(
        [compiler, "-std=gnu++14", "-O1", f"-I{include}", "decision.cpp", "-o", "decision"], cwd=folder, check=True
    )
    return folder / "decision"


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("hold", [0, 1, 7])
def test_the_sketch_decides_as_python_does(program: Path, depth: int, hold: int) -> None:
    random = np.random.default_rng(depth * 10 + hold)
    steps = random.multinomial(256, [0.5, 0.3, 0.2], size=400)  # the scores of an int8 model
    steps = np.where(np.repeat(random.random((40, 1)) < 0.5, 10, axis=0), steps[:, ::-1], steps)
    scores = (steps / 256).astype(np.float32)
    threshold, hysteresis = f"{random.uniform(0.42, 0.5):.6f}", "0.050000"
    command = [program, str(depth), threshold, hysteresis, str(hold)]
    done = subprocess.run(command, input=scores.tobytes(), capture_output=True, check=True)
    expected = stable_labels(smoothed(scores, depth), float(threshold), float(hysteresis), hold)
    assert [int(line) for line in done.stdout.split()] == expected
    assert len(set(expected)) > 1
