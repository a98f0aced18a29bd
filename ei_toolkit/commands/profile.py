"""`eitk profile`: what the model needs on a device."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ei_toolkit.commands.environment import Environment
from ei_toolkit.commands.follow import Follower


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("profile")(profile)


def profile(
    context: typer.Context,
    again: Annotated[bool, typer.Option("--again", help="Profile anew instead of showing what is known.")] = False,
    model: Annotated[Path | None, typer.Option(help="Bring your own .tflite instead of the trained model.")] = None,
    timeout: Annotated[float | None, typer.Option(help="Most seconds for the job.")] = None,
) -> None:
    """Estimated latency, RAM and ROM of the trained model, by device and engine."""
    from ei_toolkit.api.impulse.current import require_impulse
    from ei_toolkit.api.profile import profiles
    from ei_toolkit.commands.connect import connect
    from ei_toolkit.report.training_tables import profile_table

    env = Environment.of(context)
    config = env.config()
    studio = connect(env, config)
    if model is not None:
        from ei_toolkit.api.byom import profile_model

        with env.console.progress("profiling with the official SDK"):
            profiled = profile_model(studio, model, None, timeout)
        env.console.result(profiled)
        return
    current = require_impulse(studio, config.settings.impulse.name)
    found = profiles(studio, current.learn_id, Follower(env, studio, timeout), again=again)
    env.console.result({"event": "result", "profiles": [asdict(p) for p in found]}, profile_table(found).rich())
