"""The `eitk` command: its subcommands, the options that all of them share, and the edge where errors end."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ei_toolkit.cli.commands import CommandGroup
from ei_toolkit.cli.console import Console
from ei_toolkit.cli.environment import Environment
from ei_toolkit.errors import EitkError, Interrupted, UsageError

SHARED_FLAGS = frozenset({"--json", "--quiet", "-q", "--verbose", "-v", "--debug"})
EPILOG = "Every command also takes --json, --quiet, --verbose, --debug."
FILE_HINTS = {
    errno.ENOENT: "Check the spelling of the path.",
    errno.ENOTDIR: "A part of this path is a file and no folder; name another path.",
    errno.EISDIR: "It is a folder; name a file.",
    errno.ENOSPC: "Make room on the disk; eitk clean removes what can be made again.",
}
DENIED = "Look at its owner and permissions with ls -ld, or work in another folder: eitk -C FOLDER"

app = typer.Typer(
    name="eitk",
    cls=CommandGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # with Rich, typer imports a Markdown parser for the help, which takes longer than the rest
    context_settings={"max_content_width": 120},
    epilog=EPILOG,
)


def _version(shown: bool) -> None:
    if shown:
        from ei_toolkit.cli.versions import version_lines

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
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more on stderr.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback with an error.")] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show the version, and those of the tools found here."
        ),
    ] = False,
) -> None:
    """From a folder of music clips to a light on a board, through the Edge Impulse API or offline."""
    env = context.ensure_object(Environment)
    console = Console(env.console.stdout, env.console.stderr, json_output=json, quiet=quiet, verbose=verbose)
    context.obj = replace(env, console=console, cwd=_start(env.cwd, folder))


def run(arguments: Sequence[str], environment: Environment | None = None) -> int:
    """Run one command line and return its exit code; every error is printed here and nowhere else."""
    env = environment or Environment()
    hoisted = _hoist_shared_flags(arguments)
    try:
        code = app(hoisted, standalone_mode=False, obj=env, prog_name="eitk")
    except EitkError as error:
        return _end(error, env, "--debug" in hoisted)
    except (KeyboardInterrupt, typer.Abort):
        return _end(Interrupted("interrupted"), env, False)
    except typer.Exit as stop:
        return stop.exit_code
    except typer.TyperException as error:
        return _end(_misused(error), env, False)
    except Exception as error:  # noqa: BLE001 - the edge of the process: a traceback is for --debug only
        return _end(_unexpected(error), env, "--debug" in hoisted)
    if code == Interrupted.exit_code:  # what Typer makes of a Ctrl-C
        return _end(Interrupted("interrupted"), env, False)
    return code if isinstance(code, int) else 0


def main() -> None:
    """Entry point of the `eitk` script."""
    sys.exit(run(sys.argv[1:]))


def _hoist_shared_flags(arguments: Sequence[str]) -> list[str]:
    """Let the shared flags stand behind the command as well as before it; what follows `--` stays."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    flags = [argument for argument in arguments[:end] if argument in SHARED_FLAGS]
    return [*flags, *(a for a in arguments[:end] if a not in SHARED_FLAGS), *arguments[end:]]


def _start(cwd: Path, folder: Path | None) -> Path:
    """The folder to run in. Raises UsageError where it is not there."""
    start = (cwd / folder.expanduser() if folder else cwd).resolve()
    if folder and not start.is_dir():
        raise UsageError(f"there is no folder {start}", hint="Make it first, or name another: eitk -C FOLDER")
    return start


def _misused(error: typer.TyperException) -> UsageError:
    """A wrong flag or argument, in Typer's own words."""
    context = getattr(error, "ctx", None)
    return UsageError(error.format_message(), hint=f"{context.command_path if context else 'eitk'} --help")


def _unexpected(error: Exception) -> EitkError:
    """An error that no part of eitk raised on purpose, in the form of those that it did."""
    if isinstance(error, OSError) and error.filename is not None:
        hint = FILE_HINTS.get(error.errno or 0, DENIED)
        found = EitkError(f"{error.filename} cannot be read or written", why=(error.strerror or "").lower(), hint=hint)
    else:
        said = f"{type(error).__name__}: {error}"
        found = EitkError(said, why="eitk did not foresee this", hint="Run again with --debug.")
    found.__cause__ = error
    return found


def _end(error: EitkError, env: Environment, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exception(error, file=env.console.stderr)
    env.console.error(error)
    return error.exit_code
