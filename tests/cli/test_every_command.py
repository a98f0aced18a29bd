"""Every command in an empty folder, with a studio that has nothing: an exit code of the table, and readable output."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_lines import ELSEWHERE, LINES
from typer.core import TyperGroup

from ei_toolkit.cli.commands import COMMANDS, load_command


def command_names() -> Iterator[str]:
    for name in COMMANDS:
        command: Any = load_command(name)
        yield from (f"{name} {each}" for each in command.commands) if isinstance(command, TyperGroup) else (name,)


def test_every_command_has_a_line() -> None:
    missing = [name for name in command_names() if name not in ELSEWHERE and not any(
        line == name or line.startswith(f"{name} ") for line in LINES)]  # fmt: skip
    assert missing == []


@pytest.mark.parametrize("line", LINES)
def test_an_empty_folder_is_no_surprise(eitk_there: Any, line: str) -> None:
    code, out, err = eitk_there(*line.split())
    assert code == LINES[line], err
    assert "this is an error in eitk" not in err
    assert "Traceback" not in err
    if code not in (0, 1):
        assert out == ""
        assert "error: " in err
        assert code == 4 or "  try: " in err  # what to do about an error of the studio is not always known


@pytest.mark.parametrize("line", LINES)
def test_for_programs_stdout_is_json_or_empty(eitk_there: Any, line: str) -> None:
    _, out, _ = eitk_there(*line.split(), "--json", "--quiet")
    for part in out.splitlines():
        json.loads(part, parse_constant=pytest.fail)


WRITES = ("init", "dataset", "samples", "eon", "flash")  # flash locks the folder of its board before it reads
READING = [line for line in LINES if line.split()[0] not in WRITES]


@pytest.mark.parametrize("line", READING)
def test_a_command_that_fails_or_only_reads_writes_nothing_into_the_folder(
    eitk_there: Any, line: str, tmp_path: Path
) -> None:
    eitk_there(*line.split())
    assert [path.name for path in tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("eon profile gone.tflite", "compiling gone.tflite and running it on an emulated Cortex-M4F"),
        ("eon run gone.tflite --input gone.npy --output out.npy", "compiling gone.tflite and running it (host)"),
    ],
)
def test_a_command_that_takes_seconds_notes_at_once_what_it_does(eitk_there: Any, line: str, note: str) -> None:
    assert eitk_there(*line.split()).err.splitlines()[0] == note
    assert note not in eitk_there(*line.split(), "--quiet").err
