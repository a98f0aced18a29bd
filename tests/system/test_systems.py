"""Windows and macOS, as far as Linux can show it: every module imports, and the functions for Windows work."""

from __future__ import annotations

import ctypes
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from import_everything import POSIX_MODULES, POSIX_NAMES

from ei_toolkit import system
from ei_toolkit.errors import MissingToolError
from ei_toolkit.system import posix

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "ei_toolkit"


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module of Windows, imported with a simulated `msvcrt`."""
    msvcrt = types.ModuleType("msvcrt")
    msvcrt.get_osfhandle = lambda descriptor: descriptor  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "msvcrt", msvcrt)
    monkeypatch.setattr(os, "O_BINARY", 0x8000, raising=False)
    with monkeypatch.context() as only_now:
        only_now.setattr(sys, "platform", "win32")
        module = importlib.import_module("ei_toolkit.system.windows")
    yield module
    del sys.modules["ei_toolkit.system.windows"]


class Kernel:
    """Simulates kernel32: another process has locked the file or not."""

    def __init__(self, error: int = 0) -> None:
        self.error, self.calls = error, []  # type: ignore[var-annotated]

    def LockFileEx(self, handle: Any, flags: int, *rest: Any) -> int:
        self.calls.append((handle.value, flags))
        return int(not self.error)

    def SetPriorityClass(self, process: Any, priority: int) -> int:
        self.calls.append(priority)
        return 1


def use(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "WinDLL", lambda *_, **__: kernel, raising=False)
    monkeypatch.setattr(ctypes, "get_last_error", lambda: kernel.error, raising=False)
    monkeypatch.setattr(ctypes, "WinError", lambda number: OSError(number, "another error"), raising=False)


def test_only_the_module_of_posix_systems_uses_what_only_they_have() -> None:
    names = [f"{module.__name__}.{name}" for module, found in POSIX_NAMES.items() for name in found]
    used = re.compile(
        rf"^\s*(?:import|from) (?:{'|'.join(POSIX_MODULES)})\b|\b(?:{'|'.join(map(re.escape, names))})\b", re.M
    )
    found = {
        (file.relative_to(PACKAGE).as_posix(), match.strip())
        for file in PACKAGE.rglob("*.py")
        for match in used.findall(file.read_text(encoding="utf-8"))
    }
    elsewhere = {(file, name) for file, name in found if file != "system/posix.py"}
    assert elsewhere == {
        ("compute/pools.py", "os.sched_getaffinity"),  # where the system has it
        ("studio/jobs/confinement.py", "os.geteuid"),  # for Linux only
        ("studio/jobs/confinement.py", "os.getegid"),
    }
    assert len(found) > 15


@pytest.mark.exhaustive
def test_every_module_can_be_imported_without_what_only_posix_systems_have() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tests/import_everything.py"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)
    assert counts["before"] == counts["as_on_windows"] > 400


def test_both_systems_have_the_same_functions_with_the_same_arguments(windows: ModuleType) -> None:
    names = [name for name in vars(system) if callable(getattr(system, name)) and not name.startswith("_")]
    assert len(names) >= 18
    for name in names:
        assert inspect.signature(getattr(windows, name)) == inspect.signature(getattr(posix, name)), name
        assert inspect.getdoc(getattr(windows, name)), name


@pytest.mark.parametrize(
    ("name", "expected"), [("COM3", True), ("com12", True), (r"\\.\COM10", True), ("COM0", False), ("/dev/tty", False)]
)
def test_serial_ports_of_windows_are_known_by_their_names(windows: ModuleType, name: str, expected: bool) -> None:
    assert windows.is_serial_device(name) is expected


def test_serial_ports_of_other_systems_are_files(tmp_path: Path) -> None:
    assert posix.is_serial_device("/dev/null") and not posix.is_serial_device("COM3")


def test_a_lock_of_another_process_is_seen_on_windows(windows: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel()
    use(kernel, monkeypatch)
    windows.probe_lock(5)
    assert kernel.calls == [(5, 1)]  # shared, without waiting
    kernel.error = windows.ERROR_LOCK_VIOLATION
    with pytest.raises(BlockingIOError):
        windows.probe_lock(5)
    kernel.error = 6
    with pytest.raises(OSError, match="another error"):
        windows.probe_lock(5)


def test_bytes_are_read_and_written_at_offsets_on_both(windows: ModuleType, tmp_path: Path) -> None:
    for module in (posix, windows):
        with (tmp_path / "file").open("w+b", buffering=0) as file:
            file.write(b"0123456789")
            assert module.write_at(file.fileno(), memoryview(b"ab"), 4) == 2
            assert module.read_at(file.fileno(), 4, 3) == b"3ab6"


def test_the_priority_and_the_limits_of_windows(windows: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel()
    use(kernel, monkeypatch)
    windows.lower_priority(10)
    assert kernel.calls == [windows.BELOW_NORMAL_PRIORITY_CLASS]
    assert windows.raise_descriptor_limit(4000) is None and windows.release_range(3, 0, 10) is False
    assert windows.was_killed(-9) is False and posix.was_killed(-9) is True


def test_pipes_get_utf_8_on_windows(windows: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "out").open("w", encoding="cp1252") as out:
        monkeypatch.setattr(sys, "stdout", out)
        windows.use_utf8_output()
        print("Ω × 3", file=out)
    assert (tmp_path / "out").read_text(encoding="utf-8") == "Ω × 3\n"


def test_what_windows_has_not_is_refused_with_a_way_out(windows: ModuleType) -> None:
    with pytest.raises(MissingToolError) as caught:
        windows.require_posix("a virtual board")
    assert caught.value.what == "a virtual board does not run on Windows" and "wsl --install" in caught.value.hint
    assert posix.require_posix("a virtual board") is None
    for refused in (
        lambda: windows.start_in_session(["eitk"], 1), lambda: windows.has_child_ended(1), windows.continue_in_session,
        lambda: windows.signal_process(1), lambda: windows.signal_group(1), windows.end_with_parent,
        lambda: windows.succeeds_in_child(lambda: None),
    ):  # fmt: skip
        with pytest.raises(MissingToolError):
            refused()


def test_the_studio_and_virtual_boards_ask_for_a_posix_system(
    windows: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from ei_toolkit.board.emulator import lifecycle as boards
    from ei_toolkit.studio import lifecycle as studio

    for module in (boards, studio):
        monkeypatch.setattr(module, "require_posix", windows.require_posix)
    with pytest.raises(MissingToolError, match="local studio does not run on Windows"):
        studio.require_engine()
    with pytest.raises(MissingToolError, match="virtual board does not run on Windows"):
        boards.start(tmp_path, boards.Launch("host", ("program",), False, "", ""))


@pytest.mark.exhaustive
def test_types_are_right_on_all_three_systems() -> None:
    done = subprocess.run([ROOT / "scripts/check-systems"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout.count("Success") == 3, done.stdout
