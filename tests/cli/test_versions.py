from __future__ import annotations

from pathlib import Path

import pytest

from ei_toolkit import __version__
from ei_toolkit.cli.versions import version_lines


def test_eitk_is_first_and_missing_tools_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, output in (
        ("arduino-cli", "arduino-cli  Version: 1.2.2 Commit: abc"),
        ("g++", "g++ (Debian 12.2.0-14) 12.2.0"),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{output}'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    lines = list(version_lines())
    assert lines[0] == f"eitk {__version__}"
    assert lines[1].startswith("python 3.")
    assert lines[-2:] == ["arduino-cli 1.2.2", "g++ 12.2.0"]
    assert not any(line.startswith("qemu") for line in lines)


def test_a_tool_without_output_has_no_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "g++").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "g++").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert list(version_lines())[-1] == "g++ has no version"
