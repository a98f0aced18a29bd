"""The help of a command is data: the same text as that of the command, and no import of what the command does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from support import eitk
from typer.core import TyperGroup

from ei_toolkit.cli.app import app
from ei_toolkit.cli.commands import ALIASES, COMMANDS, load_command
from ei_toolkit.cli.help_pages import asks_for_help, help_command

SUBCOMMANDS = [
    (name, sub)
    for name in COMMANDS
    for sub in (load_command(name).commands if isinstance(load_command(name), TyperGroup) else [""])  # type: ignore[attr-defined]
]
GROUPS = sorted({name for name, sub in SUBCOMMANDS if sub})


def help_text(command: Any, name: str, sub: str, width: int) -> str:
    root = typer.Context(typer.main.get_command(app), info_name="eitk", terminal_width=width)
    context = typer.Context(command, info_name=name, parent=root, terminal_width=width)
    if sub:
        context = typer.Context(command.commands[sub], info_name=sub, parent=context, terminal_width=width)
    return str(context.get_help())


@pytest.mark.parametrize(("name", "sub"), [*SUBCOMMANDS, *((group, "") for group in GROUPS)])
def test_the_stored_help_is_that_of_the_command(name: str, sub: str) -> None:
    for width in (60, 80, 120):
        stored = help_text(help_command(name), name, sub, width)
        assert stored == help_text(load_command(name), name, sub, width), "run scripts/docs"


MODULES = """
import io, json, sys
from contextlib import redirect_stdout
from ei_toolkit.cli.app import run
found = {}
for words in json.loads(sys.argv[1]):
    with redirect_stdout(io.StringIO()) as out:
        code = run([*words, "--help"])
    found[" ".join(words)] = [code, out.getvalue().split("\\n")[0], sorted(sys.modules)]
print(json.dumps(found))
"""
PACKAGES = {"ei_toolkit.cli", "ei_toolkit.config", "ei_toolkit.errors", "ei_toolkit.system"}
"""The packages of eitk that the help of any command may import."""
HEAVY = {
    "numpy", "scipy", "sklearn", "librosa", "matplotlib", "requests", "urllib3", "rich", "tensorflow", "keras",
    "jinja2", "socketio", "edgeimpulse", "edgeimpulse_api", "soundfile", "asyncio", "multiprocessing", "msgspec",
    "ssl", "tomlkit", "fastapi", "keyring",
}  # fmt: skip


def test_the_help_of_no_command_imports_what_the_command_does(tmp_path: Path) -> None:
    lines = [[name, sub] if sub else [name] for name, sub in SUBCOMMANDS]
    done = subprocess.run(
        [sys.executable, "-c", MODULES, json.dumps(lines)], cwd=tmp_path, capture_output=True, text=True, check=True,
        env={**os.environ, "COVERAGE_PROCESS_START": ""},
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert len(found) == len(SUBCOMMANDS)
    commands = {f"ei_toolkit.cli.{entry.target.partition(':')[0]}" for entry in COMMANDS.values()}
    for line, (code, first, modules) in found.items():
        assert code == 0
        assert first.startswith(f"Usage: eitk {line}")
        assert not HEAVY & set(modules), line
        assert not commands & set(modules), line
        own = {".".join(name.split(".")[:2]) for name in modules if name.startswith("ei_toolkit.")}
        assert own <= PACKAGES, line


@pytest.mark.parametrize("words", ["slice --jobs 3 --help", "slice --help --bogus", "tail --raw --help extra"])
def test_help_is_shown_whatever_stands_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    assert eitk(tmp_path, *words.split()).code == 0
    assert capsys.readouterr().out.startswith(f"Usage: eitk {words.split()[0]}")


@pytest.mark.parametrize("alias", ALIASES)
def test_an_earlier_name_has_the_help_of_its_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], alias: str
) -> None:
    assert eitk(tmp_path, alias, "--help").code == 0
    assert "Compare the scores of a board" in capsys.readouterr().out


def test_an_unknown_subcommand_is_an_error_with_a_similar_one(tmp_path: Path) -> None:
    code, _, err = eitk(tmp_path, "config", "chek", "--help")
    assert (code, "check" in err) == (2, True)


@pytest.mark.parametrize(
    ("words", "asks"), [([], False), (["--help"], True), (["a", "--help"], True), (["a", "--", "--help"], False)]
)
def test_help_behind_two_dashes_is_an_argument(words: list[str], asks: bool) -> None:
    assert asks_for_help(words) == asks
