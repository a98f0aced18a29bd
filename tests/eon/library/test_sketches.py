"""Sketches for Edge Impulse's libraries compile unchanged with eitk's, for this machine and for the board."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ei_toolkit.board.boards.registry import virtual_board_named
from ei_toolkit.board.emulator.build import build
from ei_toolkit.board.flash.image import BuiltImage
from ei_toolkit.board.flash.library import open_library
from ei_toolkit.board.flash.sketch import StagedSketch
from ei_toolkit.eon.library import LibraryRequest, package

PUBLISHED = Path(__file__).parent / "published" / "published.ino"
BOARDS = ["host", pytest.param("emulated", marks=pytest.mark.arm)]
EXAMPLES = ["nano_ble33_sense_microphone", "nano_ble33_sense_microphone_continuous", "static_buffer"]


@pytest.fixture(scope="module")
def workshop(request_of_sample: LibraryRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the library, in which builds share what they compile."""
    folder = tmp_path_factory.mktemp("workshop")
    open_library(package(request_of_sample, folder).path, folder / "library")
    return folder


def build_sketch(source: Path, workshop: Path, board: str) -> BuiltImage:
    """Build the sketch, byte for byte, under the name that boards build."""
    library = open_library(workshop / "library", workshop)
    staged = StagedSketch(workshop / f"{source.stem}-{board}")
    staged.folder.mkdir()
    shutil.copyfile(source, staged.main)
    return build(library, staged, board, virtual_board_named(board).target(), workshop / f"build-{board}")


@pytest.mark.parametrize("board", BOARDS)
def test_the_published_sketch_builds(workshop: Path, board: str) -> None:
    assert build_sketch(PUBLISHED, workshop, board).model_sha256


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("board", BOARDS)
def test_the_examples_build(workshop: Path, board: str, example: str) -> None:
    source = next((workshop / "library").rglob(f"{example}.ino"))
    assert build_sketch(source, workshop, board).path.exists()
