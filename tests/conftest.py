"""Fixtures for all tests: a home of their own, real clips and goldens where they are at hand."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import settings

SHARED = Path(os.environ.get("EITK_SHARED", Path(__file__).resolve().parents[2] / "shared"))

settings.register_profile("eitk", deadline=None)  # a busy machine is slow, not wrong
settings.load_profile("eitk")


# CMake and Ninja are installed beside Python.
os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))

ARM_TOOLS = ("arm-none-eabi-g++", "qemu-system-arm")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with a word, what needs the ARM compiler and QEMU where they are not at hand."""
    missing = " and ".join(tool for tool in ARM_TOOLS if shutil.which(tool) is None)
    for item in items if missing else ():
        if item.get_closest_marker("arm"):
            item.add_marker(pytest.mark.skip(reason=f"{missing} not installed"))


@pytest.fixture(autouse=True)
def isolated_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's home, key or configuration."""
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith(("EITK_", "EI_")) and name != "EITK_CLOUD_TEST"]:
        monkeypatch.delenv(name)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture(scope="session")
def goldens() -> Path:
    """Folder of golden vectors."""
    folder = SHARED / "goldens"
    if not folder.is_dir():
        pytest.skip("golden vectors are not at hand")
    return folder


@pytest.fixture(scope="session")
def arduino_core() -> Path:
    """Folder of the program `check`, which compiles with the headers and the flags of Arduino's core."""
    folder = SHARED / "arduino-core"
    if not folder.is_dir():
        pytest.skip("the headers of Arduino's core are not at hand")
    return folder


@pytest.fixture(scope="session")
def gtzan() -> Path:
    """Folder of real GTZAN clips as FLAC, `audio/<genre>/<track>.flac`."""
    folder = SHARED / "gtzan"
    if not folder.is_dir():
        pytest.skip("real GTZAN clips are not at hand")
    return folder
