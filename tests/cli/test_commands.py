"""Modules of commands are imported when the command runs; the table in `commands.py` agrees with them."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from ei_toolkit.cli import commands
from ei_toolkit.cli.app import app
from ei_toolkit.cli.commands import ALIASES, COMMANDS, load_command

CLI = Path(commands.__file__).parent
SHARED_MODULES = {  # used by several commands
    "__init__", "app", "commands", "compare_microphone", "complete", "completion", "connection", "console",
    "environment", "evaluate_suite", "examples", "feature_rows", "follow", "help_pages", "next_step", "options",
    "outcomes", "output_file", "pre_commit", "terminal", "train_classifier", "upload_folder", "versions",
}  # fmt: skip


def imported_by(code: str) -> set[str]:
    """Modules that are imported when `code` has run in a new process."""
    code = f"import sys\n{code}\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def modules_of_commands() -> set[str]:
    return {"ei_toolkit.cli." + entry.target.partition(":")[0] for entry in COMMANDS.values()}


def test_help_imports_no_module_of_a_command() -> None:
    imported = imported_by("from ei_toolkit.cli.app import run; run(['--help'])")
    assert not imported & modules_of_commands()


def test_a_command_imports_its_own_module_only() -> None:
    imported = imported_by("from ei_toolkit.cli.app import run; run(['config', 'get', 'board.name'])")
    assert imported & modules_of_commands() == {"ei_toolkit.cli.config"}


def test_every_module_of_the_package_is_in_the_table_or_shared() -> None:
    modules = {file.stem for file in CLI.glob("*.py")}
    assert modules - SHARED_MODULES == {entry.target.partition(":")[0] for entry in COMMANDS.values()}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_the_table_is_in_the_docstring_of_the_module(name: str) -> None:
    entry = COMMANDS[name]
    module = importlib.import_module("ei_toolkit.cli." + entry.target.partition(":")[0])
    assert f"`eitk {name}`: {entry.help}" in (module.__doc__ or "").splitlines()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_the_table_is_the_first_line_of_the_help(name: str) -> None:
    command = load_command(name)
    assert command.name == name
    assert (command.help or "").splitlines()[0] == COMMANDS[name].help


def test_help_lists_every_command_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        app(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    for name, entry in COMMANDS.items():
        assert f" {name} {entry.help} " in shown


def test_the_group_gives_the_loaded_commands_to_programs_that_read_it() -> None:
    root = get_command(app)
    assert list(root.commands) == list(COMMANDS)  # type: ignore[attr-defined]
    assert {option for p in root.commands["slice"].params for option in p.opts} >= {"--jobs", "--dry-run"}  # type: ignore[attr-defined]


def test_a_misspelled_command_is_answered_with_the_right_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app(["uplaod"])
    assert ended.value.code == 2
    assert "Did you mean 'upload'" in capsys.readouterr().err


def test_subcommands_of_a_group_are_commands_of_its_module() -> None:
    from ei_toolkit.cli import studio

    assert isinstance(studio.group, typer.Typer)
    assert set(load_command("studio").commands) == {  # type: ignore[attr-defined]
        "serve", "open", "status", "stop", "projects", "export", "import", "keys",
    }  # fmt: skip


@pytest.mark.parametrize(("old", "name"), ALIASES.items())
def test_the_old_name_of_a_command_still_runs_it_and_is_not_listed(
    old: str, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = {}
    for words in ([old, "--help"], [name, "--help"], ["--help"]):
        with pytest.raises(SystemExit) as ended:
            app(words)
        assert ended.value.code == 0
        shown[words[0]] = capsys.readouterr().out
    assert COMMANDS[name].help in shown[old]
    assert shown[old].splitlines()[2:] == shown[name].splitlines()[2:]  # the first lines contain the name
    assert f" {old} " not in shown["--help"]
