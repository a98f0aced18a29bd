"""The help of `eitk` and of each command: panels, examples, and `eitk help`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from support import eitk
from typer.core import TyperGroup

from ei_toolkit.cli.app import SHARED_FLAGS, app, run
from ei_toolkit.cli.commands import COMMANDS, PANELS, load_command
from ei_toolkit.cli.examples import EXAMPLES


def command_names(commands: Any = None, path: str = "") -> Iterator[str]:
    """The names of all commands, with those of their groups in front; a group is one if it does something itself."""
    for name, command in (commands or {name: load_command(name) for name in COMMANDS}).items():
        if isinstance(command, TyperGroup):
            yield from command_names(command.commands, f"{path}{name} ")
        if not isinstance(command, TyperGroup) or command.invoke_without_command:
            yield f"{path}{name}"


def test_every_command_is_in_one_panel(tmp_path: Path) -> None:
    assert {entry.panel for entry in COMMANDS.values()} == set(PANELS)
    lines = eitk(tmp_path, "help").out.splitlines()
    heads = [line for line in lines if line.endswith(":") and line[:1].isupper()]
    assert heads == ["Options:", *(f"{panel.capitalize()}:" for panel in PANELS)]
    for name, entry in COMMANDS.items():
        rows = [number for number, line in enumerate(lines) if line.split()[:1] == [name] and line.startswith("  ")]
        above = [line for line in lines[: rows[-1]] if line in heads]
        assert above[-1] == f"{entry.panel.capitalize()}:"


def test_the_sentence_of_a_command_is_short_and_complete() -> None:
    for name, entry in COMMANDS.items():
        assert entry.help.endswith("."), name
        assert len(entry.help) <= 80, name


def test_every_command_has_examples() -> None:
    assert set(EXAMPLES) == set(command_names())


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line in lines])
def test_an_example_is_a_valid_command_line(line: str) -> None:
    program, *words = (word for word in shlex.split(line) if word not in SHARED_FLAGS)
    assert program == "eitk"
    context: Any = typer.Context(typer.main.get_command(app), info_name=program)
    while isinstance(context.command, TyperGroup):
        name, command, words = context.command.resolve_command(context, words)
        assert command is not None
        has_subcommand = bool(words) and not words[0].startswith("-")
        if isinstance(command, TyperGroup) and (has_subcommand or not command.invoke_without_command):
            context = typer.Context(command, info_name=name, parent=context)
        else:
            command.make_context(name, words, parent=context)  # raises for unknown options and wrong values
            return


@pytest.mark.parametrize("name", ["slice", "samples pull", "studio keys add"])
def test_help_shows_what_the_option_help_shows(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = eitk(tmp_path, "help", *name.split())
    assert (code, err) == (0, "")
    assert run([*name.split(), "--help"]) == 0
    assert out == capsys.readouterr().out
    for example in EXAMPLES[name]:
        assert f"    {example}\n" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("slcie",), "Did you mean 'slice'"),
        (("samples", "pul"), "Did you mean 'pull'"),
        (("slice", "more"), "eitk slice has no subcommand 'more'"),
    ],
)
def test_help_for_an_unknown_command_is_an_error(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    code, out, err = eitk(tmp_path, "help", *words)
    assert (code, out) == (2, "")
    assert message in err
    assert "try: eitk" in err
