"""The sketch's ring of samples, compiled and run here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ei_toolkit.config.bundled import bundled

PROGRAM = r"""
#include <cstdio>
#include "ring.h"
SampleRing<2048> ring;
int main() {
    const int16_t samples[512] = {};
    const uint32_t window = 768;
    uint32_t next_end = window;
    int decided = 0, left_out = 0;
    for (int block = 0; block < 1000; ++block) {
        ring.write(samples, 512);
        for (; !ring.holds(next_end - window); next_end += HOP) ++left_out;
        for (; ring.heard() >= next_end; next_end += HOP) ++decided;
    }
    printf("%d %d", decided, left_out);
}
"""
HEARD = 1000 * 512


@pytest.mark.parametrize("hop", [512, 768, 2000])
def test_every_window_is_decided_once_also_where_the_hop_is_longer_than_the_window(hop: int, tmp_path: Path) -> None:
    compiler = shutil.which("g++") or pytest.skip("g++ is not installed")
    (tmp_path / "ring.cpp").write_text(PROGRAM)
    flags = ["-std=gnu++14", "-Wall", "-Wextra", "-Werror", f"-DHOP={hop}"]
    include = bundled("firmware") / "audio_classifier"
    subprocess.run([compiler, *flags, f"-I{include}", "ring.cpp", "-o", "ring"], cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "ring"], capture_output=True, text=True, check=True, timeout=20)
    assert done.stdout.split() == [str((HEARD - 768) // hop + 1), "0"]
