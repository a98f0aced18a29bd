"""The sketch, a generated library and its examples compile with the headers and the flags of Arduino's own core."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ei_toolkit.board.flash.library import open_library
from ei_toolkit.board.flash.sketch import stage
from ei_toolkit.config import Settings
from ei_toolkit.config.boards import NANO33BLE
from ei_toolkit.eon.library import LibraryDspBlock, LibraryRequest, package

pytestmark = pytest.mark.arm

MODEL = Path(__file__).resolve().parents[1] / "board" / "models" / "mfe_int8.tflite"
FRAMES = {"frame_length": 0.025, "frame_stride": 0.025}
MFE = LibraryDspBlock(2, "mfe", 4, {**FRAMES, "fft_length": 512, "num_filters": 40, "noise_floor_db": -65})
LABELS = ('hip-hop "live"', "what??/\x01")  # every character that C++ could take for something else


def compile_with(core: Path, library: Path, sketch: Path) -> subprocess.CompletedProcess[str]:
    """Compile the sources of a library and of a sketch's folder; any warning in them fails."""
    command = [core / "check", library, sketch]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)


def test_the_sketch_the_library_and_its_examples_compile_without_a_warning(arduino_core: Path, tmp_path: Path) -> None:
    request = LibraryRequest("Tunes", 1, "tests", 1, LABELS, MODEL.read_bytes(), 48000, 16000.0, (MFE,))
    library = open_library(package(request, tmp_path).path, tmp_path / "library")
    sketch = stage(Settings(), library, NANO33BLE, tmp_path)
    examples = sorted(library.folder.glob("examples/*/*.ino"))
    assert len(examples) == 3
    for example in examples:
        shutil.copy(example, sketch.folder)
    done = compile_with(arduino_core, library.folder, sketch.folder)
    assert done.returncode == 0, done.stdout + done.stderr
    sources = len(list(library.include.rglob("*.cpp"))) + len(examples) + 1
    assert f"{sources} compiled, 0 with errors or warnings" in done.stdout


def test_a_warning_is_reported(arduino_core: Path, tmp_path: Path) -> None:
    (tmp_path / "library" / "src").mkdir(parents=True)
    (tmp_path / "sketch").mkdir()
    (tmp_path / "sketch" / "sketch.ino").write_text("int f(int x) {}\nvoid setup() {}\nvoid loop() {}\n")
    done = compile_with(arduino_core, tmp_path / "library", tmp_path / "sketch")
    assert done.returncode == 1
    assert "warning" in done.stdout
