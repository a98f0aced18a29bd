"""The table of all commands, and the Typer group that imports the module of a command when the command runs.

Importing every module at the start would take seconds, so `eitk --help` and the completion of command names read
the table only, and the help of a command is data (help_pages.py).
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from ei_toolkit.cli.examples import epilog_of
from ei_toolkit.cli.help_pages import asks_for_help, help_command

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter  # the base classes of TyperCommand; they are not exported
    from typer._click.shell_completion import CompletionItem


@dataclass(frozen=True)
class CommandEntry:
    """A command: `target` is `module:attribute` below `ei_toolkit.cli`, the attribute a function or a `typer.Typer`."""

    panel: str
    target: str
    help: str


COMMANDS: Mapping[str, CommandEntry] = {  # in the order of the pipeline
    "demo": CommandEntry(
        "project", "demo:demo", "Run the whole pipeline, from clips to the predictions of a virtual board."
    ),
    "init": CommandEntry("project", "init:init", "Write eitk.toml from a recipe."),
    "config": CommandEntry("project", "config:group", "Show, check and change the settings."),
    "dataset": CommandEntry("data", "dataset:group", "Clips: synthesise, fetch, verify, audit, describe."),
    "slice": CommandEntry("data", "slice:slice_", "Cut clips into windows."),
    "features": CommandEntry("data", "features:features", "Compute summary features of clips as a table."),
    "explore": CommandEntry("data", "explore:explore", "Explore summary features: labels, correlations, outliers."),
    "upload": CommandEntry("data", "upload:upload", "Upload windows, or whole files of a folder, to the studio."),
    "samples": CommandEntry("data", "samples:group", "Samples in the studio: list, count, pull, delete, diff."),
    "impulse": CommandEntry("model", "impulse:group", "Compare, apply or pull the impulse of eitk.toml."),
    "train": CommandEntry("model", "train:train", "Generate features, train the model and test it."),
    "test": CommandEntry("model", "test:test", "Test the trained model on the test set."),
    "profile": CommandEntry("model", "profile:profile", "Estimate latency, RAM and ROM of the trained model."),
    "build": CommandEntry(
        "model", "build:build", "Build a library or a program of the trained model, and pin it in eitk.lock."
    ),
    "compress": CommandEntry(
        "model", "compress:compress", "Make a network smaller and faster, and compare the variants."
    ),
    "jobs": CommandEntry("studio", "jobs:group", "Jobs of the studio: list, follow, cancel."),
    "studio": CommandEntry("studio", "studio:group", "The local studio: Edge Impulse's API on this machine."),
    "boards": CommandEntry("board", "boards:boards", "List the boards on USB and the virtual boards."),
    "board": CommandEntry("board", "boards:group", "Stop or check one board."),
    "flash": CommandEntry("board", "flash:flash", "Compile the pinned library with the sketch and flash a board."),
    "play": CommandEntry("board", "play:play", "Stream clips to the microphone of a virtual board."),
    "tail": CommandEntry("board", "tail:tail", "Show the predictions of a board as they arrive."),
    "connect": CommandEntry("board", "connect:connect", "Connect a board to the studio, which lets it record samples."),
    "record": CommandEntry(
        "board", "record:record", "Record labelled sound with the microphone of a board, and upload it."
    ),
    "rerecord": CommandEntry(
        "board", "rerecord:rerecord_", "Play the clips of a data set, and record them with a board."
    ),
    "verify": CommandEntry(
        "board", "verify:verify", "Compare the scores of a board with those of the int8 model in Python."
    ),
    "classify": CommandEntry(
        "results", "classify:classify", "Classify files and folders of any length with a trained model."
    ),
    "evaluate": CommandEntry("results", "evaluate:evaluate", "Measure a recipe on held-out groups, beside baselines."),
    "calibrate": CommandEntry(
        "results", "calibrate:calibrate", "Choose threshold, smoothing and hold time of the board from recordings."
    ),
    "tune": CommandEntry(
        "results", "tune:group", "Search for a better impulse and network under the limits of the board."
    ),
    "gate": CommandEntry(
        "results", "gate:gate", "Compare the last built model with the champion; promote it if it passes."
    ),
    "champion": CommandEntry("results", "champion:group", "The champion of the gate and earlier ones: list, rollback."),
    "nightly": CommandEntry("results", "nightly:nightly", "Retrain from a dataset and run the gate on the model."),
    "runs": CommandEntry("results", "runs:group", "Recorded trainings, evaluations, builds, flashes and gates."),
    "report": CommandEntry("results", "report:report", "Write an HTML report of the project."),
    "card": CommandEntry("results", "card:card", "Write a model card in Markdown."),
    "eon": CommandEntry("model", "eon:group", "Check, compile, run and profile a .tflite without a project."),
    "doctor": CommandEntry(
        "project", "doctor:doctor", "Check folders, studio, key, packages, tools, boards and confinement."
    ),
    "login": CommandEntry("studio", "login:login", "Store an API key in the system's keyring."),
    "logout": CommandEntry("studio", "login:logout", "Remove the API key from the system's keyring."),
    "clean": CommandEntry("project", "clean:clean", "Remove files that a command can make again."),
    "help": CommandEntry("project", "help:help_", "Show the help of a command."),
}
PANELS = ("project", "data", "model", "board", "results", "studio")
"""The parts of the list of commands in the help of `eitk`, in their order."""
ALIASES: Mapping[str, str] = {"listen": "verify"}
"""Names of versions before 0.3. They still run, and no help or completion shows them."""


@functools.cache
def load_command(name: str) -> Command:
    """Import the module of a command and return the command, with its options or its subcommands."""
    entry = COMMANDS[name]
    module, attribute = entry.target.split(":")
    target = getattr(importlib.import_module(f"ei_toolkit.cli.{module}"), attribute)
    holder = typer.Typer(rich_markup_mode=None)
    if isinstance(target, typer.Typer):
        holder.add_typer(target, name=name, short_help=entry.help)
    else:
        holder.command(name, short_help=entry.help)(target)
    command = get_group(holder).commands[name]
    _add_examples(command, name)
    return command


def _add_examples(command: Command, path: str) -> None:
    """Set the end of the help of a command and of all its subcommands."""
    command.epilog = epilog_of(path)
    for name, below in command.commands.items() if isinstance(command, TyperGroup) else ():
        _add_examples(below, f"{path} {name}")


class LoadedCommands(Mapping[str, "Command"]):
    """All commands by name, also by an alias; reading one imports its module."""

    def __getitem__(self, name: str) -> Command:
        return load_command(ALIASES.get(name, name))

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Listing(TyperGroup):
    """The root command with empty commands, for its help."""

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write one panel of commands after another, each with one line for a command."""
        limit = formatter.width - 6 - max(map(len, COMMANDS))
        for panel in PANELS:
            rows = [
                (name, self.commands[name].get_short_help_str(limit))
                for name, entry in COMMANDS.items()
                if entry.panel == panel
            ]
            with formatter.section(panel.capitalize()):
                formatter.write_dl(rows, col_max=20)


class CommandGroup(TyperGroup):
    """The root command. Its help and the completion of command names import no module of a command."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = cast("MutableMapping[str, Command]", LoadedCommands())  # nothing is ever added to them
        entries = {name: TyperCommand(name, short_help=entry.help) for name, entry in COMMANDS.items()}
        self._listing = _Listing(**{**attributes, "commands": entries})

    def resolve_command(self, context: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """Return the command that the first argument names; for its help, one that imports nothing."""
        name = ALIASES.get(args[0], args[0])
        if name in COMMANDS and asks_for_help(args):
            return args[0], help_command(name), args[1:]
        return super().resolve_command(context, args)

    def format_help(self, context: Context, formatter: HelpFormatter) -> None:
        """Write the help with one line for each command."""
        self._listing.format_help(context, formatter)

    def shell_complete(self, context: Context, incomplete: str) -> list[CompletionItem]:
        """Return the names of commands and options that start with `incomplete`."""
        return self._listing.shell_complete(context, incomplete)
