"""`eitk flash`: Compile the pinned library with the sketch and flash a board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from ei_toolkit.board.emulator.virtual_boards import USB_BOARD, check_name
from ei_toolkit.board.flash import nano
from ei_toolkit.board.flash.flash import Choice, build_only, flash_virtual_board, plan_flash
from ei_toolkit.board.flash.usb import Usb
from ei_toolkit.board.transport.ports import check_port, usb_ports
from ei_toolkit.board.transport.serial_port import open_port, touch
from ei_toolkit.cli import complete
from ei_toolkit.cli.environment import Environment
from ei_toolkit.config import Config
from ei_toolkit.errors import UsageError
from ei_toolkit.evaluation.run_log import record_run
from ei_toolkit.report import board_tables as views


def flash(
    context: typer.Context,
    image: Annotated[Path | None, typer.Argument(help="Ready image: .bin, or a firmware zip of Edge Impulse.")] = None,
    board: Annotated[
        str | None, typer.Option("--board", help="nano33ble, emulated or host.", autocompletion=complete.boards)
    ] = None,
    port: Annotated[
        str | None, typer.Option("--port", help="Serial port of the board, or auto.", autocompletion=complete.ports)
    ] = None,
    library: Annotated[Path | None, typer.Option("--library", help="Library, instead of the one in eitk.lock.")] = None,
    build: Annotated[bool, typer.Option("--build", help="Compile only; touch no board.")] = False,
    own_client: Annotated[bool, typer.Option("--no-arduino-cli", help="Upload without arduino-cli.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Flash what eitk would refuse: another model, too slow.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check, and say what would be flashed.")] = False,
) -> None:
    """Compile the pinned library with the sketch and flash a board.

    The library is the one that the last `eitk build` pinned in eitk.lock.
    """
    env = Environment.of(context)
    config = env.config(board__name=board, board__port=port)
    check_name(config.settings.board.name)
    check_port(config.settings.board.name, port)
    choice = Choice((env.cwd / library) if library else None, force)
    if dry_run:
        plan = plan_flash(config.settings, config.paths, choice, (env.cwd / image) if image else None, usb_ports)
        env.console.result(plan.as_json(), plan.view())
        return
    if config.settings.board.name == USB_BOARD:
        facts, view = _nano(env, config, choice, (env.cwd / image) if image else None, build, own_client)
    else:
        facts, view = _stand_in(env, config, choice, image, build)
    if not build:
        record_run(config, "flash", facts)
    env.console.result(facts, view)


def _nano(
    env: Environment, config: Config, choice: Choice, image: Path | None, build: bool, own_client: bool
) -> tuple[dict[str, Any], RenderableType]:
    usb = Usb(usb_ports, open_port, touch, env.console.note)
    setup = nano.Nano(config.settings, config.paths, env.environ, usb, own_client=own_client)
    if build:
        made = nano.build(setup, choice)
        return views.built_json(made), views.built_view(made)
    with env.console.progress("writing, bytes") as progress:
        setup = nano.with_progress(setup, progress.advance)
        done = nano.flash_image(setup, image, choice.force) if image else nano.flash_library(setup, choice)
    return views.nano_json(done), views.nano_view(done)


def _stand_in(
    env: Environment, config: Config, choice: Choice, image: Path | None, build: bool
) -> tuple[dict[str, Any], RenderableType]:
    name = config.settings.board.name
    if image is not None:
        raise UsageError(f"the {name} board takes no ready image", hint="Leave it out, or name one: --board nano33ble")
    if build:
        made = build_only(config.settings, config.paths, name, choice, env.console.note)
        return views.image_json(name, made), views.image_view(name, made)
    flashed = flash_virtual_board(config.settings, config.paths, name, choice, env.console.note)
    return views.flashed_json(flashed), views.flashed_view(flashed)
