"""Sketches written for Edge Impulse's libraries compile against ours, unchanged: for this machine and for the board."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from ei_toolkit.board.image import build
from ei_toolkit.board.library import open_library
from ei_toolkit.board.sketch import StagedSketch
from ei_toolkit.eon.library import LibraryRequest, package

PUBLISHED = Path(__file__).parent / "published" / "published.ino"
BOARDS = ["host", pytest.param("emulated", marks=pytest.mark.arm)]
EXAMPLES = ["nano_ble33_sense_microphone", "nano_ble33_sense_microphone_continuous", "static_buffer"]


def stage(source: Path, into: Path) -> StagedSketch:
    """The sketch, byte for byte, under the name that boards build."""
    staged = StagedSketch(into)
    into.mkdir()
    shutil.copyfile(source, staged.main)
    return staged


@pytest.mark.parametrize("board", BOARDS)
def test_the_published_sketch_builds(request_of_sample: LibraryRequest, tmp_path: Path, board: str) -> None:
    library = open_library(package(request_of_sample, tmp_path).path, tmp_path / "library")
    image = build(library, stage(PUBLISHED, tmp_path / "sketch"), board, tmp_path / "build")
    assert image.path.stat().st_size > 0
    assert image.model_sha256 == library.model_sha256


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("board", BOARDS)
def test_the_examples_build(request_of_sample: LibraryRequest, tmp_path: Path, board: str, example: str) -> None:
    path = package(request_of_sample, tmp_path).path
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "unpacked")
    sketch = stage(next((tmp_path / "unpacked").rglob(f"{example}.ino")), tmp_path / "sketch")
    library = open_library(path, tmp_path / "library")
    assert build(library, sketch, board, tmp_path / "build").path.exists()
