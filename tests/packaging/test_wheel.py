"""What others install: everything it needs inside, nothing else, and clear words where an extra is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from ei_toolkit.cli.commands import COMMANDS
from ei_toolkit.errors import EXIT_CODES

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


FIRMWARE = tuple(
    f"firmware/{name}" for name in ("audio_classifier", "boards", "examples", "linux_runner", "runtime", "web")
)


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
    assert tops == {"ei_toolkit", f"eitk-{version()}.dist-info", f"eitk-{version()}.data"}
    unwanted = (".wav", ".flac", ".mp3", ".pyc", ".sqlite", ".o", ".elf")
    assert not [name for name in names(wheel) if name.endswith(unwanted)]


def data_file(wheel: Path, name: str) -> str:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(f"eitk-{version()}.data/data/share/{name}").decode()


def test_the_man_page_has_every_command_and_exit_code(wheel: Path) -> None:
    page = data_file(wheel, "man/man1/eitk.1")
    assert page.startswith(f'.TH EITK 1 "" "eitk {version()}"')
    assert [name for name in COMMANDS if f"\n.SS eitk {name} " not in page.replace("\\-", "-")] == []
    assert [code for code in EXIT_CODES if f"\n\\fB{code}\\fR\n" not in page] == []


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff not installed")
def test_the_man_page_is_valid_roff(wheel: Path) -> None:
    page = data_file(wheel, "man/man1/eitk.1")
    shown = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww"], input=page, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert shown.returncode == 0
    assert shown.stderr == ""
    assert "NO_COLOR" in re.sub(".\x08", "", shown.stdout)  # bold letters are printed twice


@pytest.mark.parametrize(
    ("shell", "file"),
    [
        ("bash", "bash-completion/completions/eitk"),
        ("zsh", "zsh/site-functions/_eitk"),
        ("fish", "fish/vendor_completions.d/eitk.fish"),
    ],
)
def test_completions_are_those_that_the_command_prints(wheel: Path, shell: str, file: str) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "ei_toolkit", "--show-completion", shell], capture_output=True, text=True, check=True
    )  # fmt: skip
    assert data_file(wheel, file) == printed.stdout


def build(source: Path, kind: str, out: Path) -> Path:
    """Build a wheel or an sdist of a folder with the build backend, and return its file."""
    code = f"import hatchling.build, sys; hatchling.build.build_{kind}(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, out], cwd=source, check=True, capture_output=True)
    [found] = out.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return found


def test_the_same_sources_give_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    """The sources again, from the sdist: another folder, other times, and files without their history."""
    first = build(ROOT, "sdist", tmp_path / "first")
    with tarfile.open(first) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    [unpacked] = (tmp_path / "unpacked").iterdir()
    for file in unpacked.rglob("*"):
        os.utime(file, (1_000_000_000, 1_000_000_000))
    assert build(unpacked, "wheel", tmp_path / "wheel").read_bytes() == wheel.read_bytes()
    assert build(unpacked, "sdist", tmp_path / "again").read_bytes() == first.read_bytes()


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
