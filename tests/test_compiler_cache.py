"""The compiler cache of the tests gives what the compiler gives, and compiles again whenever its input changes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import compiler_cache
import pytest

GCC = next((p for f in os.get_exec_path() if (p := shutil.which("g++", path=f)) and "pytest_cache" not in p), None)
pytestmark = pytest.mark.skipif(GCC is None, reason="g++ is not installed")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("made", "keys"):
        (tmp_path / name).mkdir()
    write(tmp_path / "one", "41")
    return tmp_path


def write(project: Path, value: str) -> None:
    project.mkdir(exist_ok=True)
    (project / "value.h").write_text(f"#define VALUE {value}\n")
    (project / "a.cpp").write_text('#include "value.h"\nint main(int n, char **) { return VALUE + n; }\n')


def compiled(cache: Path, project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, compiler_cache.__file__, str(cache), str(GCC), f"-I{project}", *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def stored(cache: Path) -> int:
    return len(list((cache / "made").iterdir()))


def test_an_equal_input_in_another_folder_is_not_compiled_again(folder: Path) -> None:
    write(folder / "two", "41")
    for project in (folder / "one", folder / "two"):
        assert compiled(folder, project, "-c", "a.cpp", "-o", "a.o").returncode == 0
        assert compiled(folder, project, "a.o", "a.cpp", "-DMAIN", "-Dmain=other", "-o", "program").returncode == 0
        assert subprocess.run([project / "program"], check=False).returncode == 42
    assert stored(folder) == 2
    assert (folder / "one" / "a.o").read_bytes() == (folder / "two" / "a.o").read_bytes()


def test_objects_are_linked_once(folder: Path) -> None:
    for project in (folder / "one", folder / "two"):
        write(project, "41")
        assert compiled(folder, project, "-c", "a.cpp", "-o", "a.o").returncode == 0
        assert compiled(folder, project, "a.o", "-o", "program").returncode == 0
        assert subprocess.run([project / "program"], check=False).returncode == 42
    assert stored(folder) == 2


def test_the_preprocessor_runs_once_for_equal_files(folder: Path) -> None:
    """A file that is not in a folder of the command is not known without the preprocessor."""
    command = ("-x", "c++", "-c", "a.ino", "-o", "a.o")
    for project in (folder / "one", folder / "two"):
        write(project, "41")
        (project / "a.ino").write_text('#include "value.h"\nint loop() { return VALUE; }\n')
        assert compiled(folder, project, *command).returncode == 0
    assert len(list((folder / "keys").iterdir())) == 1
    (folder / "outside.h").write_text("#define VALUE 1\n")
    (folder / "one" / "value.h").write_text('#include "../outside.h"\n')
    objects = []
    for value in ("1", "2", "1"):
        (folder / "outside.h").write_text(f"#define VALUE {value}\n")
        assert compiled(folder, folder / "one", *command).returncode == 0
        objects.append((folder / "one" / "a.o").read_bytes())
    assert objects[0] == objects[2] != objects[1]
    assert len(list((folder / "keys").iterdir())) == 1


def test_a_changed_header_or_option_is_compiled(folder: Path) -> None:
    results = []
    for value, option in (("41", "-O0"), ("1", "-O0"), ("1", "-DVALUE_UNUSED=1"), ("1", "-O0")):
        write(folder / "one", value)
        assert compiled(folder, folder / "one", option, "a.cpp", "-o", "program").returncode == 0
        results.append(subprocess.run([folder / "one" / "program"], check=False).returncode)
    assert results == [42, 2, 2, 2]
    assert stored(folder) == 3


@pytest.mark.parametrize("arguments", [("-c", "a.cpp", "-o", "a.o"), ("-fsyntax-only", "a.cpp")])
def test_messages_come_each_time(folder: Path, arguments: tuple[str, ...]) -> None:
    write(folder / "one", "41; int unused = 1")
    for _ in range(2):
        assert "unused" in compiled(folder, folder / "one", "-Wall", *arguments).stderr
        failed = compiled(folder, folder / "one", "-Wall", "-Werror", *arguments)
        assert failed.returncode != 0 and "unused" in failed.stderr
    assert stored(folder) == 0


def test_a_syntax_check_is_remembered_and_other_commands_pass_through(folder: Path) -> None:
    for _ in range(2):
        assert compiled(folder, folder / "one", "-fsyntax-only", "a.cpp").returncode == 0
    assert compiled(folder, folder / "one", "--version").stdout.startswith("g++")
    assert compiled(folder, folder / "one", "-E", "a.cpp").stdout.count("41") == 1
    assert stored(folder) == 1


def test_a_second_installation_does_not_take_the_cache_for_the_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker of pytest-xdist installs again, behind another entry of PATH."""
    monkeypatch.setenv("PATH", os.environ["PATH"])
    compiler_cache.install(tmp_path)
    monkeypatch.setenv("PATH", "/other", prepend=os.pathsep)
    compiler_cache.install(tmp_path)
    for program in (tmp_path / "bin").iterdir():
        assert str(tmp_path / "bin") not in program.read_text()
