"""Images and libraries on disk: what they contain, and files that are none."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.board.flash.deployment import FlashRequest, check_model, check_speed, open_requested, pinned
from ei_toolkit.board.flash.image import BinaryImage, BuiltImage, check_fits, is_firmware_zip, open_image
from ei_toolkit.board.flash.library import INTERPRETER, file_sha256, open_library
from ei_toolkit.config import ProjectPaths, Settings
from ei_toolkit.config.boards import EMULATED, HOST
from ei_toolkit.config.lockfile import Lock, write_lock
from ei_toolkit.errors import BoardError, ConfigurationError, DataError

MODEL = "0123456789abcdef" * 4


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_the_model_of_an_image_is_found_anywhere_in_it(before: bytes, after: bytes) -> None:
    image = BinaryImage("x.bin", before + b"eitk-model:" + MODEL.encode() + after)
    assert image.model_sha256 == MODEL
    assert image.sha256 == hashlib.sha256(image.data).hexdigest()


@pytest.mark.parametrize("data", [b"", b"eitk-model:", b"eitk-model:" + b"G" * 64, b"eitk-model:" + b"a" * 63])
def test_the_image_of_another_sketch_has_no_model(data: bytes) -> None:
    assert BinaryImage("x.bin", data).model_sha256 == ""


def test_an_image_fits_up_to_the_last_byte() -> None:
    check_fits(1000, 1000)
    check_fits(10**9, None)
    with pytest.raises(BoardError, match=r"the image does not fit the board \(it takes 1\.0 KiB, 1\.0 KiB are free\)"):
        check_fits(1001, 1000)
    with pytest.raises(BoardError, match="the image is empty"):
        check_fits(0, 1000)


def test_a_built_image_is_shown_with_the_sizes_that_are_known() -> None:
    image = BuiltImage("host", Path("x.elf"), 102_400, 2048, MODEL, "ab")
    assert image.size_text == "100.0 KiB of flash, 2.0 KiB of RAM"
    assert replace(image, ram_bytes=None).size_text == "100.0 KiB of flash"
    assert "ram_bytes" not in replace(image, ram_bytes=None).as_json()
    assert image.as_json()["image_sha256"] == "ab"


def zip_of(file: Path, **entries: bytes) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return file


def test_files_of_the_mac_beside_an_image_are_no_images(tmp_path: Path) -> None:
    entries = {"flash_mac.command": b"", "fw/image.bin": b"data", "__MACOSX/fw/._image.bin": b"junk"}
    assert open_image(zip_of(tmp_path / "fw.zip", **entries)).data == b"data"


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("none.bin", None, "it does not exist"),
        ("notes.txt", b"hello", "neither a .bin file nor a firmware zip of Edge Impulse"),
        ("library.zip", b"PK\x05\x06" + bytes(18), "neither a .bin file nor a firmware zip of Edge Impulse"),
    ],
)
def test_a_file_that_is_no_image_is_explained(tmp_path: Path, name: str, content: bytes | None, why: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=f"^{name} is not an image for the board") as caught:
        open_image(tmp_path / name)
    assert caught.value.why == why
    assert not is_firmware_zip(tmp_path / name)


def test_a_firmware_zip_without_an_image_is_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"fw\.zip contains 0 images, not one"):
        open_image(zip_of(tmp_path / "fw.zip", **{"flash_linux.sh": b"", "a.bin.txt": b""}))


def library(folder: Path, header: str = "", **files: str) -> Path:
    """An Arduino library whose header has these lines."""
    (folder / "src" / "model-parameters").mkdir(parents=True)
    (folder / "library.properties").write_text("name=x\n")
    (folder / "src" / "My_inferencing.h").write_text(header)
    for name, text in files.items():
        (folder / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "src" / name).write_text(text)
    return folder


def test_numbers_of_a_library_are_read_from_its_headers(tmp_path: Path) -> None:
    lines = (
        "  #define EI_CLASSIFIER_LABEL_COUNT   3  ",
        "#define EITK_X 0x10",
        "//#define EITK_NO 1",
        "#define OTHER 5",
    )
    files = {"model-parameters/model_metadata.h": "\n".join(lines)}
    found = open_library(library(tmp_path / "x", "#define EI_CLASSIFIER_FREQUENCY 16000.5\n", **files), tmp_path / "o")
    assert (found.number("EI_CLASSIFIER_LABEL_COUNT"), found.number("EITK_X")) == (3, 16)
    assert set(found.defines) == {"EI_CLASSIFIER_LABEL_COUNT", "EITK_X", "EI_CLASSIFIER_FREQUENCY"}
    for name in ("EI_CLASSIFIER_FREQUENCY", "EI_CLASSIFIER_NONE"):
        with pytest.raises(BoardError, match=f"the library does not define {name} as a number"):
            found.number(name)
    assert (found.name, found.model_sha256, found.lacks_interpreter) == ("My", "", False)


def test_sources_are_those_that_a_compiler_takes(tmp_path: Path) -> None:
    names = ("a.cpp", "b.c", "c.cc", "d.S", "e.h", "f.txt", "sub/g.cpp")
    found = open_library(library(tmp_path / "x", **dict.fromkeys(names, "")), tmp_path / "o")
    assert [file.relative_to(found.include).as_posix() for file in found.sources] == [
        "a.cpp", "b.c", "c.cc", "d.S", "sub/g.cpp",
    ]  # fmt: skip


def test_a_library_for_an_interpreter_may_contain_one(tmp_path: Path) -> None:
    model = {"tflite-model/model.cpp": f'#include "{INTERPRETER}"\n'}
    assert open_library(library(tmp_path / "x", **model), tmp_path / "o").lacks_interpreter
    assert not open_library(library(tmp_path / "y", **model, **{INTERPRETER: ""}), tmp_path / "o").lacks_interpreter


def test_of_several_libraries_in_a_folder_the_outermost_is_taken(tmp_path: Path) -> None:
    outer = library(tmp_path / "zip" / "outer", "#define EITK_X 1\n")
    library(outer / "examples" / "inner", "#define EITK_X 2\n")
    assert open_library(tmp_path / "zip", tmp_path / "o").number("EITK_X") == 1


LOCK = Lock(1, 1, "tflite-eon", "int8", "arduino", "lib.zip", "0" * 64, "model.tflite", MODEL, "now")


def test_a_project_without_a_build_is_named_with_the_command() -> None:
    with pytest.raises(ConfigurationError, match=r"there is no library yet \(eitk\.lock does not exist\)") as caught:
        pinned(ProjectPaths(Path("/nonexistent")))
    assert caught.value.hint == "eitk build"


def test_the_pinned_zip_must_have_its_hash(tmp_path: Path) -> None:
    paths = ProjectPaths(tmp_path)
    zip_of(tmp_path / "lib.zip", **{"x/library.properties": b"", "x/src/My_inferencing.h": b"#define EITK_X 1\n"})
    write_lock(paths.lock, LOCK)
    with pytest.raises(DataError, match=r"lib\.zip is not the library in eitk\.lock \(its hash differs\)"):
        open_requested(paths, tmp_path / "build", FlashRequest())
    write_lock(paths.lock, replace(LOCK, zip_sha256=file_sha256(tmp_path / "lib.zip")))
    (tmp_path / "build" / "library").mkdir(parents=True)
    (tmp_path / "build" / "library" / "old").touch()
    assert open_requested(paths, tmp_path / "build", FlashRequest()).number("EITK_X") == 1
    assert not (tmp_path / "build" / "library" / "old").exists()


def test_a_model_is_compared_with_the_pinned_one_unless_it_has_no_hash_or_force_is_given(tmp_path: Path) -> None:
    check_model(MODEL, LOCK)
    check_model("", LOCK)
    paths = ProjectPaths(tmp_path)
    write_lock(paths.lock, LOCK)
    other = library(tmp_path / "x", f'#define EITK_MODEL_SHA256 "{"f" * 64}"\n')
    with pytest.raises(DataError, match="the model to flash is not the model in eitk.lock") as caught:  # noqa: RUF043
        open_requested(paths, tmp_path / "b", FlashRequest(other))
    assert caught.value.why == "its hash is ffffffffffff, the one in eitk.lock is 0123456789ab"
    assert open_requested(paths, tmp_path / "b", FlashRequest(other, force=True)).model_sha256 == "f" * 64


def test_a_library_without_its_interpreter_is_refused(tmp_path: Path) -> None:
    model = {"tflite-model/model.cpp": f'#include "{INTERPRETER}"\n'}
    with pytest.raises(BoardError, match='the library was built with engine = "tflite"') as caught:
        open_requested(ProjectPaths(tmp_path), tmp_path / "b", FlashRequest(library(tmp_path / "x", **model)))
    assert 'engine = "tflite-eon"' in caught.value.hint


def test_the_speed_is_checked_only_for_the_pinned_model_on_a_board_with_a_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[int] = []
    monkeypatch.setattr(
        "ei_toolkit.board.flash.deployment.check_budget", lambda _settings, _model, clock_hz: checked.append(clock_hz)
    )
    paths = ProjectPaths(tmp_path)
    check_speed(Settings(), paths, EMULATED, FlashRequest())  # nothing is pinned
    write_lock(paths.lock, LOCK)
    (tmp_path / "model.tflite").touch()
    check_speed(Settings(), paths, HOST, FlashRequest())
    check_speed(Settings(), paths, EMULATED, FlashRequest(library=Path("x")))
    check_speed(Settings(), paths, EMULATED, FlashRequest(force=True))
    assert checked == []
    check_speed(Settings(), paths, EMULATED, FlashRequest())
    assert checked == [64_000_000]


def test_a_model_file_for_linux_is_no_library(tmp_path: Path) -> None:
    (tmp_path / "genres.eim").write_bytes(b"\x7fELF")
    with pytest.raises(DataError, match=r"genres\.eim is not an Arduino library with a model") as caught:
        open_library(tmp_path / "genres.eim", tmp_path / "o")
    assert "eitk build" in caught.value.hint
