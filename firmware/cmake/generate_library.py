"""Generate a small library for CMake: generate_library.py FOLDER. It has the model that the tests of boards use."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from ei_toolkit.config.archive import extract_archive  # noqa: E402
from ei_toolkit.eon.library import LibraryDspBlock, LibraryRequest, package  # noqa: E402

MODEL = REPOSITORY / "tests" / "board" / "models" / "mfe_int8.tflite"
FRAMES = {"frame_length": 0.025, "frame_stride": 0.025}
BLOCK = LibraryDspBlock(2, "mfe", 4, {**FRAMES, "fft_length": 512, "num_filters": 40, "noise_floor_db": -65})


def generate(folder: Path) -> None:
    """Write the library into `folder`, which is replaced."""
    labels = ("classical", "rock")
    request = LibraryRequest("Sample", 1, "eitk", 1, labels, MODEL.read_bytes(), 48000, 16000.0, (BLOCK,))
    with tempfile.TemporaryDirectory() as temporary:
        archive = package(request, Path(temporary)).path
        extract_archive(archive, Path(temporary) / "library")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.move(str(next(Path(temporary).glob("library/*_inferencing"))), folder)


if __name__ == "__main__":
    generate(Path(sys.argv[1]))
