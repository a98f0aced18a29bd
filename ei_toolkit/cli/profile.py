"""`eitk profile`: Estimate latency, RAM and ROM of the trained model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ei_toolkit.board.budget import known_features_ms
from ei_toolkit.cli.connection import connect
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.follow import Follower
from ei_toolkit.client.byom import profile_model
from ei_toolkit.client.impulse.current import require_impulse
from ei_toolkit.client.train import profiles
from ei_toolkit.config.boards import RECORDING_MS_PER_S, SKETCH_FLASH, SKETCH_RAM
from ei_toolkit.config.units import kib
from ei_toolkit.report.result_tables import profile_table
from ei_toolkit.report.tables import Cell, Table

SIZES = {"ram", "rom", "arena_size", "arenaSize", "tflite_file_size_bytes", "tfliteFileSizeBytes"}
"""Names of values of the official SDK that are bytes."""


def profile(
    context: typer.Context,
    again: Annotated[
        bool, typer.Option("--again", help="Estimate again instead of showing the known estimates.")
    ] = False,
    model: Annotated[Path | None, typer.Option(help="Bring your own .tflite instead of the trained model.")] = None,
    timeout: Annotated[float | None, typer.Option(help="Longest time of the job in seconds.")] = None,
) -> None:
    """Estimate latency, RAM and ROM of the trained model.

    One row for each device and engine.
    """
    env = Environment.of(context)
    config = env.config()
    studio = connect(env, config)
    if model is not None:
        with env.console.progress("profiling with the official SDK"):
            profiled = profile_model(studio, env.cwd / model, None, timeout)
        env.console.result(profiled, _own_table(profiled).rich())
        return
    current = require_impulse(studio, config.settings.impulse.name)
    found = profiles(studio, current.learn_id, Follower(env, studio, timeout), again=again)
    sketch = {"ram_bytes": SKETCH_RAM, "flash_bytes": SKETCH_FLASH, "recording_ms_per_s": RECORDING_MS_PER_S}
    env.console.note(
        f"beside the model, the sketch and the Arduino core take {kib(SKETCH_RAM)} of RAM, and the sketch"
        f" {kib(SKETCH_FLASH)} of flash; streaming a recording takes {RECORDING_MS_PER_S:g} ms of each second"
    )
    env.console.result(
        {"event": "result", "profiles": [asdict(p) for p in found], "sketch": sketch},
        profile_table(found, known_features_ms(config.settings)).rich(),
    )


def _own_table(profiled: Mapping[str, Any]) -> Table:
    """The estimate of the SDK for a model of the user, one value in each row: the values differ between devices."""
    known = {name: value for name, value in profiled.items() if name not in ("success", "error")}
    return Table("on the device (estimates)", ("", "value"), tuple(_rows(known)))


def _rows(value: Any, name: str = "") -> Iterator[tuple[str, Cell]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _rows(part, f"{name}.{key}".lstrip("."))
    elif isinstance(value, list) and any(isinstance(part, Mapping | list) for part in value):
        for number, part in enumerate(value):
            yield from _rows(part, f"{name}[{number}]")
    elif name.rpartition(".")[2] in SIZES and isinstance(value, int | float):
        yield name, kib(value)
    elif isinstance(value, list):
        yield name, ", ".join(map(str, value))
    else:
        yield name, value
