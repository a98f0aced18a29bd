"""The help of all commands as data, so that `eitk COMMAND --help` imports no module of a command.

Importing a command with everything that it calls takes up to a second, mostly for packages that compute.
help_pages.json is generated from the commands by scripts/docs; a test compares both.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup

from ei_toolkit.cli.examples import epilog_of

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter

FILE = Path(__file__).with_suffix(".json")
SECTIONS = ("Arguments", "Options")
Page = dict[str, Any]


def asks_for_help(arguments: Sequence[str]) -> bool:
    """Return whether `--help` is among the arguments of a command."""
    words = list(arguments)
    return "--help" in words[: words.index("--") if "--" in words else None]


def page_of(command: Command, context: Context) -> Page:
    """Return the help of a command as data: usage, text, one row for each parameter, and all subcommands."""
    page: Page = {
        "usage": command.collect_usage_pieces(context),
        "help": command.help,
        "short_help": command.short_help,
        **{section: [] for section in SECTIONS},
    }
    for parameter in command.get_params(context):
        if record := parameter.get_help_record(context):
            page[SECTIONS[parameter.param_type_name == "option"]].append(list(record))
    if isinstance(command, TyperGroup):
        page["commands"] = {
            name: page_of(below, type(context)(below, info_name=name, parent=context))
            for name, below in command.commands.items()
        }
    return page


def help_command(name: str) -> Command:
    """Return a command that can only show its help, with its subcommands."""
    return _command(name, name, _pages()[name])


@functools.cache
def _pages() -> dict[str, Page]:
    pages: dict[str, Page] = json.loads(FILE.read_text(encoding="utf-8"))
    return pages


def _command(path: str, name: str, page: Page) -> Command:
    texts: dict[str, Any] = {
        "help": page["help"], "short_help": page["short_help"], "epilog": epilog_of(path), "rich_markup_mode": None,
    }  # fmt: skip
    if "commands" not in page:
        ignored = {"ignore_unknown_options": True, "allow_extra_args": True}  # those beside --help
        return _HelpCommand(name, page=page, context_settings=ignored, **texts)
    below = {each: _command(f"{path} {each}", each, one) for each, one in page["commands"].items()}
    return _HelpGroup(name=name, page=page, commands=below, **texts)


class _Stored:
    """Writes the usage and the parameters of a page in place of those of a command."""

    page: Page

    def collect_usage_pieces(self, _context: Context) -> list[str]:
        """Return the words of the usage line."""
        pieces: list[str] = self.page["usage"]
        return pieces

    def write_parameters(self, formatter: HelpFormatter) -> None:
        """Write one section of arguments and one of options."""
        for section in SECTIONS:
            if rows := self.page[section]:
                with formatter.section(section):
                    formatter.write_dl([(left, right) for left, right in rows])


class _HelpCommand(_Stored, TyperCommand):
    def __init__(self, name: str, *, page: Page, **attributes: Any) -> None:
        super().__init__(name, **attributes)
        self.page = page

    def format_options(self, _context: Context, formatter: HelpFormatter) -> None:
        """Write the parameters."""
        self.write_parameters(formatter)


class _HelpGroup(_Stored, TyperGroup):
    def __init__(self, *, page: Page, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.page = page

    def format_options(self, context: Context, formatter: HelpFormatter) -> None:
        """Write the parameters and the subcommands."""
        self.write_parameters(formatter)
        self.format_commands(context, formatter)
