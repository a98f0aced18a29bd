"""The sketch's command line, compiled and run here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ei_toolkit.config.bundled import bundled

ARDUINO = r"""
#pragma once
#include <cstdint>
#include <cstdio>
struct {
    int available() { const int c = getchar(); ungetc(c, stdin); return c != EOF; }
    int read() { return getchar(); }
} Serial;
"""
PROGRAM = r"""
#include "commands.h"
int main() {
    CommandLine line;
    while (Serial.available()) {
        const Command command = line.poll();
        if (command.name) printf("%c %d %.6f\n", command.name, command.has_value, static_cast<double>(command.value));
    }
}
"""


def heard(folder: Path, text: str) -> list[str]:
    """What the sketch makes of some lines."""
    compiler = shutil.which("g++") or pytest.skip("g++ is not installed")
    (folder / "Arduino.h").write_text(ARDUINO)
    (folder / "main.cpp").write_text(PROGRAM)
    flags = ["-std=gnu++14", "-Wall", "-Wextra", "-Werror", "-I.", f"-I{bundled('firmware') / 'audio_classifier'}"]
    subprocess.run([compiler, *flags, "main.cpp", "-o", "main"], cwd=folder, check=True)
    done = subprocess.run([folder / "main"], input=text, capture_output=True, text=True, check=True, timeout=20)
    return done.stdout.splitlines()


def test_letters_and_thresholds_are_heard(tmp_path: Path) -> None:
    lines = heard(tmp_path, "?\nt\nt 0.6\r\nt .25\nt 1.000000\nt 0.7000000000\n")
    assert lines == [
        "? 0 0.000000", "t 0 0.000000", "t 1 0.600000", "t 1 0.250000", "t 1 1.000000", "t 1 0.700000",
    ]  # fmt: skip


def test_what_is_no_threshold_is_ignored(tmp_path: Path) -> None:
    assert heard(tmp_path, "t \nt .\nt 1.1\nt 2\nt -1\nt 0.5x\nt 1e1\nx\nss\n" + "t 0." + "1" * 99 + "\n") == []
