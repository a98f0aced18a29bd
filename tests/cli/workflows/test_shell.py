"""Commands that a workflow runs in processes of their own."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.cli.console import Console
from ei_toolkit.cli.workflows.shell import CommandFailed, Shell


@pytest.fixture
def messages() -> Iterator[Any]:
    """A file for stderr: a process cannot write into a StringIO."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        yield file


def text_of(file: Any) -> str:
    file.flush()
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    return os.read(file.fileno(), 100_000).decode()


def test_a_command_is_shown_before_it_runs_and_its_output_is_on_stderr(tmp_path: Path, messages: Any) -> None:
    shell = Shell(tmp_path, Console(io.StringIO(), messages))
    shell.run("init", "--name", "two words")
    assert (tmp_path / "eitk.toml").is_file()
    lines = text_of(messages).splitlines()
    assert lines[1] == "$ eitk init --name 'two words'"
    assert any("wrote" in line for line in lines[2:])
    assert shell.json("config", "show")["project.name"] == "two words"


def test_a_command_that_fails_ends_the_workflow_with_its_exit_code(tmp_path: Path, messages: Any) -> None:
    (tmp_path / "eitk.toml").write_text("[training]\nepoch = 3\n")
    with pytest.raises(CommandFailed, match="eitk config show ended with exit code 3") as caught:
        Shell(tmp_path, Console(io.StringIO(), messages)).run("config", "show")
    assert caught.value.exit_code == 3
    assert caught.value.hint == "See the messages above."
    assert "Did you mean epochs?" in text_of(messages)
