"""The `eitk` program: the options of all commands, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import errno
import itertools
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from typer._click.exceptions import NoArgsIsHelpError  # typer does not export it

from ei_toolkit.cli import completion
from ei_toolkit.cli.commands import CommandGroup
from ei_toolkit.cli.completion import Shell, prepare_completion
from ei_toolkit.cli.console import Console
from ei_toolkit.cli.environment import Environment
from ei_toolkit.config.load import leaf_hints, parse_option, unknown_variables
from ei_toolkit.config.settings import Settings
from ei_toolkit.config.untrusted_text import printable
from ei_toolkit.errors import EitkError, Interrupted, UsageError
from ei_toolkit.system import use_utf8_output

SHARED_FLAGS = frozenset({"--json", "--quiet", "-q", "--verbose", "-v", "--debug"})
EPILOG = (
    "Every command also takes --json, --quiet, --verbose, --debug and -o KEY=VALUE. "
    "Details and examples: eitk help COMMAND."
)
FILE_HINTS = {
    errno.ENOENT: "Check the spelling of the path.",
    errno.ENOTDIR: "A part of this path is a file, not a folder; name another path.",
    errno.EISDIR: "It is a folder; name a file.",
    errno.ENOSPC: "Free space on the disk: eitk clean removes files that a command can make again.",
}
PERMISSION_HINT = "Check its owner and permissions with ls -ld, or work in another folder: eitk -C FOLDER"

app = typer.Typer(
    name="eitk",
    cls=CommandGroup,
    no_args_is_help=True,
    add_completion=False,  # the options of Typer print the script of the shell that runs, whichever is named
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # with Rich, typer imports a Markdown parser for the help, which takes longer than the rest
    context_settings={"max_content_width": 120},
    epilog=EPILOG,
)


def _version(shown: bool) -> None:
    if shown:
        from ei_toolkit.cli.versions import version_lines  # importlib.metadata, which only --version needs

        typer.echo("\n".join(version_lines()))
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    folder: Annotated[
        Path | None, typer.Option("--project-dir", "-C", help="Run as if started in this folder.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout instead of a table.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only results, warnings and errors.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="More messages on stderr.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback with an error.")] = False,
    options: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            "-o",
            metavar="KEY=VALUE",
            help="Use another value of a setting, such as -o training.epochs=5. Can be given several times.",
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show the versions of eitk, its packages and the tools."
        ),
    ] = False,
    show_completion: Annotated[
        Shell | None,
        typer.Option(callback=completion.show, is_eager=True, help="Print the completion script of a shell."),
    ] = None,
    install_completion: Annotated[
        Shell | None,
        typer.Option(callback=completion.install, is_eager=True, help="Install the completion script of a shell."),
    ] = None,
) -> None:
    """Train an audio classifier from a folder of clips and run it on a board, with Edge Impulse or offline."""
    env = context.ensure_object(Environment)
    console = Console(env.console.stdout, env.console.stderr, json_output=json, quiet=quiet, verbose=verbose)
    for text in options or ():
        parse_option(text)  # a text without a value is an error of every command
    for sentence in unknown_variables(env.environ):
        console.warn(sentence)
    context.obj = replace(env, console=console, cwd=_start_folder(env.cwd, folder), options=tuple(options or ()))


def run(arguments: Sequence[str], environment: Environment | None = None) -> int:
    """Run one command line and return its exit code. All errors are printed here."""
    given = environment or Environment()
    hoisted = _hoist_shared_flags(arguments)
    flags = set(itertools.takewhile(SHARED_FLAGS.__contains__, hoisted))
    json_errors = "--json" in flags and not given.in_workflow
    env = replace(given, console=Console(given.console.stdout, given.console.stderr, json_output=json_errors))
    try:
        code = app(hoisted, standalone_mode=False, obj=env, prog_name="eitk")
    except EitkError as error:
        return _print_error(error, env, "--debug" in flags)
    except (KeyboardInterrupt, typer.Abort):
        return _print_error(Interrupted("interrupted"), env, False)
    except typer.Exit as stop:
        return stop.exit_code
    except NoArgsIsHelpError as error:
        if env.console.json_output:
            return _print_error(UsageError("a command is missing", hint=f"{_path_of(error)} --help"), env, False)
        env.console.stderr.write(f"{error.format_message()}\n")
        return UsageError.exit_code
    except typer.TyperException as error:
        return _print_error(_usage_error(error), env, False)
    except Exception as error:  # noqa: BLE001 - the edge of the process: a traceback is printed with --debug only
        return _print_error(_unexpected_error(error), env, "--debug" in flags)
    if code == Interrupted.exit_code:  # the exit code with which Typer reports Ctrl-C
        return _print_error(Interrupted("interrupted"), env, False)
    return code if isinstance(code, int) else 0


def main() -> None:
    """Entry point of the `eitk` script."""
    use_utf8_output()
    prepare_completion()
    sys.exit(run(sys.argv[1:]))


def _hoist_shared_flags(arguments: Sequence[str]) -> list[str]:
    """Move the shared flags and settings before the command, because Typer accepts them only there.

    `-o` is the file to write for some commands, so that it is a setting only with `KEY=VALUE`. Words after `--` stay.
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    flags: list[str] = []
    settings: list[str] = []
    rest: list[str] = []
    words = iter(arguments[:end])
    for word in words:
        if word in SHARED_FLAGS:
            flags.append(word)
        elif word.startswith("--set="):
            settings.append(word)
        elif word in ("--set", "-o"):
            value = next(words, None)
            is_setting = word == "--set" or "=" in (value or "")
            (settings if is_setting else rest).extend([word] if value is None else [word, value])
        else:
            rest.append(word)
    return [*flags, *settings, *rest, *arguments[end:]]


def _start_folder(cwd: Path, folder: Path | None) -> Path:
    """The folder to run in. Raises UsageError where it does not exist."""
    start = (cwd / folder.expanduser() if folder else cwd).resolve()
    if folder and not start.is_dir():
        raise UsageError(f"there is no folder {start}", hint="Create it, or name another one: eitk -C FOLDER")
    return start


def _usage_error(error: typer.TyperException) -> UsageError:
    """The error for a wrong option or argument, with the message of Typer."""
    message = error.format_message().replace("Value error, ", "", 1)  # what Pydantic writes in front of Typer's message
    return UsageError(message, hint=_setting_hint(error) or f"{_path_of(error)} --help")


def _setting_hint(error: typer.TyperException) -> str:
    """How to set what an option that does not exist is the name of, such as --epochs; empty if it is no setting."""
    name = getattr(error, "option_name", "").lstrip("-").replace("-", "_")
    keys = [key for key, _ in leaf_hints(Settings) if name and key.rpartition(".")[2] == name]
    return f"It is a setting: -o {' or -o '.join(f'{key}=VALUE' for key in keys[:3])}" if keys else ""


def _path_of(error: typer.TyperException) -> str:
    """The command line up to the command that the error is about."""
    context = getattr(error, "ctx", None)
    return context.command_path if context else "eitk"


def _unexpected_error(error: Exception) -> EitkError:
    """The error for an exception that eitk does not raise itself."""
    if isinstance(error, OSError) and error.filename is not None:
        hint = FILE_HINTS.get(error.errno or 0, PERMISSION_HINT)
        found = EitkError(f"{error.filename} cannot be read or written", why=(error.strerror or "").lower(), hint=hint)
    else:
        message = f"{type(error).__name__}: {error}"
        found = EitkError(message, why="this is an error in eitk", hint="Run again with --debug for the traceback.")
    found.__cause__ = error
    return found


def _print_error(error: EitkError, env: Environment, debug: bool) -> int:
    if debug:
        env.console.stderr.write(printable("".join(traceback.format_exception(error))))
    env.console.error(error)
    return error.exit_code
