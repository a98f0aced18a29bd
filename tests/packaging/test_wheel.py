"""What others install: everything it needs inside, nothing else, and clear words where an extra is missing."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]


def sources(folder: str) -> set[Path]:
    """Files of a folder, but for what tools leave behind."""
    files = {file.relative_to(ROOT) for file in (ROOT / folder).rglob("*") if file.is_file()}
    return {file for file in files if not any(part.startswith((".", "__pycache__")) for part in file.parts)}


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_source_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    assert {str(file) for file in sources("ei_toolkit")} <= names(wheel)


FIRMWARE = ("firmware/audio_classifier", "firmware/boards", "firmware/examples", "firmware/runtime")


@pytest.mark.parametrize("folder", [*FIRMWARE, "datasets"])
def test_firmware_and_indexes_are_in_the_wheel(wheel: Path, folder: str) -> None:
    expected = {f"ei_toolkit/_bundled/{file}" for file in sources(folder)}
    assert expected
    assert expected <= names(wheel)


def test_the_firmware_is_in_the_wheel_without_its_tests(wheel: Path) -> None:
    bundled = [name.removeprefix("ei_toolkit/_bundled/") for name in names(wheel) if "/_bundled/firmware/" in name]
    assert [name for name in bundled if not name.startswith(FIRMWARE)] == []


def test_nothing_else_is_in_it(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in names(wheel)}
    assert tops == {"ei_toolkit", f"eitk-{version()}.dist-info"}
    unwanted = (".wav", ".flac", ".mp3", ".pyc", ".sqlite", ".o", ".elf")
    assert not [name for name in names(wheel) if name.endswith(unwanted)]


def test_its_metadata_would_be_accepted(wheel: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", wheel], capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def eitk(python: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "NO_COLOR": "1"}
    return subprocess.run(
        [python.with_name("eitk"), *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )  # fmt: skip


def test_installed_without_extras_it_slices_a_dataset(bare_environment: Path, tmp_path: Path) -> None:
    assert eitk(bare_environment, tmp_path, "--version").stdout.startswith(f"eitk {version()}")
    for command in ("dataset synth --clips 8 clips", "init --clips clips", "slice"):
        done = eitk(bare_environment, tmp_path, *command.split())
        assert done.returncode == 0, done.stderr
    assert (tmp_path / ".eitk/windows/manifest.csv").is_file()


@pytest.mark.parametrize("command", ["upload", "eon profile model.tflite"])
def test_a_missing_extra_is_named(bare_environment: Path, tmp_path: Path, command: str) -> None:
    (tmp_path / "model.tflite").write_bytes(b"\x1c\0\0\0TFL3" + bytes(64))
    (tmp_path / ".eitk/windows").mkdir(parents=True)
    columns = "file,sha256,clip,clip_sha256,group,start_ms,label,split,recipe"
    (tmp_path / ".eitk/windows/manifest.csv").write_text(f"{columns}\na.wav,0,a.wav,0,a,0,rock,training,\n")
    (tmp_path / ".eitk/windows/a.wav").write_bytes(b"RIFF")
    done = eitk(bare_environment, tmp_path, *command.split())
    assert done.returncode == 3, done.stderr
    assert "pip install 'eitk[" in done.stderr
    assert "Traceback" not in done.stderr


def version() -> str:
    from ei_toolkit import __version__

    return __version__
