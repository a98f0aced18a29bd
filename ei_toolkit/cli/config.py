"""`eitk config`: Show, check and change the settings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from ei_toolkit.api.config_schema import settings_schema
from ei_toolkit.api.settings_check import check_clips, check_files
from ei_toolkit.board.early_checks import board_warnings
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.output_file import check_output
from ei_toolkit.config import CONFIG_NAME, find_config
from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.change import change_settings
from ei_toolkit.config.dotted import value_in
from ei_toolkit.config.json_text import json_text
from ei_toolkit.config.load import parse_option
from ei_toolkit.config.settings import plain
from ei_toolkit.errors import Fault, MissingStepError, SettingsError, UsageError
from ei_toolkit.report.tables import Table

group = typer.Typer(no_args_is_help=True, help="Show, check and change the settings.")

KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="Name of a setting, such as training.epochs.")]


@group.command()
def show(
    context: typer.Context,
    origin: Annotated[bool, typer.Option("--origin", help="Also show the source of each value.")] = False,
) -> None:
    """Print every setting in force. The API key is not a setting and is not printed."""
    env = Environment.of(context)
    config = env.config()
    data: dict[str, Any] = {}
    rows = []
    for key, value in config.values():
        shown = plain(value)
        data[key] = {"value": shown, "origin": config.origin(key)} if origin else shown
        rows.append((key, str(shown), *([config.origin(key)] if origin else [])))
    env.console.result(data, Table("", ("setting", "value", *(["origin"] if origin else [])), tuple(rows)).rich())


@group.command()
def check(context: typer.Context) -> None:
    """Check all settings, the files that they name, and the clips.

    Every command checks the settings before it starts; this one also reads the training script and the lengths of the
    clips, and warns of what the board cannot do. Exit code 3 if a setting is wrong.
    """
    env = Environment.of(context)
    config = env.config()
    check_files(config)
    warnings = [*board_warnings(config.settings), *check_clips(config)]
    for warning in warnings:
        env.console.warn(warning)
    name = str(config.file) if config.file else f"no {CONFIG_NAME}: the defaults"
    env.console.result({"file": name, "faults": [], "warnings": warnings}, f"{name}: no setting is wrong")


@group.command()
def get(context: typer.Context, key: KeyArgument) -> None:
    """Print the value of one setting in force."""
    env = Environment.of(context)
    value = value_in(plain(env.config().settings), key)
    env.console.result(value, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


@group.command("set", context_settings={"ignore_unknown_options": True})  # a value may be negative
def set_(
    context: typer.Context,
    key: KeyArgument,
    value: Annotated[str, typer.Argument(help="New value, as in TOML; text needs no quotation marks.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check the value.")] = False,
) -> None:
    """Change one setting in eitk.toml. Comments stay; a value that would be refused is not written."""
    env = Environment.of(context)
    file = find_config(env.cwd)
    if file is None:
        raise MissingStepError(f"there is no {CONFIG_NAME} in {env.cwd} or above", hint="eitk init")
    name, parsed = parse_option(f"{key}={value}")
    _check_change(replace(env, environ={}, options=()), name, f"{key}={value}")
    before = change_settings(file, {name: parsed}, dry_run=dry_run)[name]
    done = "would be set" if dry_run else "set"
    data = {"key": name, "value": parsed, "before": before, "file": str(file), "dry_run": dry_run}
    was = "" if before is None else f" (before: {json.dumps(before, ensure_ascii=False)})"
    env.console.result(data, f"{name} = {json.dumps(parsed, ensure_ascii=False)} {done} in {file}{was}")


@group.command()
def schema(
    context: typer.Context,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; stdout without it.")] = None,
) -> None:
    """Print the JSON Schema of eitk.toml, with which editors complete and check it."""
    env = Environment.of(context)
    found = settings_schema()
    text = json_text(found, indent=2)
    if output is None:
        env.console.result(found, text)
        return
    write_text(check_output(env.cwd / output), text + "\n")
    env.console.result({"file": str(output)}, f"wrote {output}")


def _check_change(env: Environment, key: str, option: str) -> None:
    """Raise SettingsError if the settings of the file with one more value have a fault that this value makes.

    A file that is already wrong can be corrected one value after another.
    """
    earlier = _faults(env)
    changed = [fault for fault in _faults(replace(env, options=(option,))) if fault.key == key or not earlier]
    if changed:
        error = SettingsError([replace(fault, place="") if fault.key == key else fault for fault in changed])
        error.exit_code = UsageError.exit_code
        raise error


def _faults(env: Environment) -> tuple[Fault, ...]:
    try:
        env.config()
    except SettingsError as error:
        return error.faults
    return ()
