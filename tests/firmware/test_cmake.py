"""The firmware as a project of its own: CMake builds it without a warning, and its unit tests pass.

Clang's warnings are errors in scripts/tidy, which scripts/lint runs.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
RELEASE = "-DCMAKE_CXX_FLAGS_RELEASE="  # less optimisation takes half the time to compile
TOOLCHAIN = f"-DCMAKE_TOOLCHAIN_FILE={FIRMWARE / 'cmake' / 'arm-none-eabi.cmake'}"


def call(*command: str | Path) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


def build(folder: Path, *options: str) -> Path:
    """Configure and build everything; any warning of the compiler is an error."""
    call("cmake", "-G", "Ninja", "-S", FIRMWARE, "-B", folder, f"-DPython3_EXECUTABLE={sys.executable}", *options)
    call("cmake", "--build", folder)
    return folder


@pytest.fixture(scope="module")
def sanitized_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("g++") is None:
        pytest.skip("g++ is not installed")
    return build(
        tmp_path_factory.mktemp("sanitized"), "-DCMAKE_CXX_COMPILER=g++", "-DEITK_SANITIZE=ON", RELEASE + "-O0"
    )


def test_unit_tests_pass_under_sanitizers(sanitized_build: Path) -> None:
    listed = call("ctest", "--test-dir", sanitized_build, "--show-only=json-v1")
    names = {test["name"] for test in json.loads(listed)["tests"]}
    assert names == {path.stem for path in (FIRMWARE / "tests").glob("*_test.cpp")}
    call("ctest", "--test-dir", sanitized_build, "--output-on-failure")


def test_programs_are_built(sanitized_build: Path) -> None:
    sketches = [f"example_{path.stem}" for path in FIRMWARE.glob("examples/*/*.ino")]
    for name in ("audio_classifier", "classify_samples", "run_model", *sketches):
        assert (sanitized_build / name).is_file(), name


def test_every_source_is_in_the_compilation_database(sanitized_build: Path) -> None:
    database = json.loads((sanitized_build / "compile_commands.json").read_text())
    listed = {Path(entry["file"]) for entry in database}
    sources = {path for kind in ("*.cpp", "*.ino") for path in FIRMWARE.rglob(kind)}
    cross = {*FIRMWARE.glob("boards/bare_metal/*"), *FIRMWARE.glob("boards/emulated/*")}
    assert sources - listed == {path for path in cross if path.suffix == ".cpp"} | {
        FIRMWARE / "boards" / "model_runner" / "platform_bare_metal.cpp",
        FIRMWARE / "web" / "exports.cpp",  # for WebAssembly
    }


def test_a_file_of_its_own_includes_every_header(sanitized_build: Path) -> None:
    checked = {path.stem for path in (sanitized_build / "header_checks").glob("*.cpp")}
    folders = ("runtime", "boards/core", "boards/model_runner", "linux_runner", "audio_classifier")
    headers = [path for folder in folders for path in (FIRMWARE / folder).rglob("*.h")]
    assert checked == {"_".join((*path.relative_to(FIRMWARE).parts[:-1], path.stem, "h")) for path in headers}


@pytest.mark.arm
def test_the_emulated_board_builds_without_a_warning(tmp_path: Path) -> None:
    folder = build(tmp_path, TOOLCHAIN, RELEASE + "-O1")
    assert {path.stem for path in folder.glob("*.elf")} >= {"audio_classifier", "run_model"}


def test_a_library_of_the_user_can_be_used(sanitized_build: Path, tmp_path: Path) -> None:
    library = sanitized_build / "generated_library"
    configure = ("cmake", "-G", "Ninja", "-S", FIRMWARE, "-B", tmp_path, RELEASE + "-O0")
    call(*configure, f"-DEITK_LIBRARY={library}")
    call("cmake", "--build", tmp_path, "--target", "audio_classifier")
    done = subprocess.run([*configure, f"-DEITK_LIBRARY={tmp_path}"], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "does not contain a library that eitk generated" in " ".join(done.stderr.split())
