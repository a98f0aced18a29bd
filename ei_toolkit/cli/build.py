"""`eitk build`: Build the library of the trained model and pin it in eitk.lock."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ei_toolkit.api.training import build_and_record, build_spec
from ei_toolkit.cli.connection import connect
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.follow import Follower, OnInterrupt
from ei_toolkit.cli.next_step import note_next_step
from ei_toolkit.client.byom import deploy_model
from ei_toolkit.client.impulse.current import require_impulse
from ei_toolkit.client.project import Studio
from ei_toolkit.client.train import require_trained
from ei_toolkit.config import Config
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.report.result_tables import deployment_table


def build(
    context: typer.Context,
    model: Annotated[Path | None, typer.Option(help="Bring your own .tflite instead of the trained model.")] = None,
    timeout: Annotated[float | None, typer.Option(min=0, help="Longest time of the job in seconds.")] = None,
    on_interrupt: Annotated[OnInterrupt, typer.Option(help="What happens to the job on Ctrl-C.")] = "ask",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report what would be built.")] = False,
) -> None:
    """Build the library of the trained model and pin it in eitk.lock."""
    env = Environment.of(context)
    config = env.config()
    studio = connect(env, config)
    if model is not None and not dry_run:
        lock = _build_user_model(env, config, studio, env.cwd / model, timeout)
        env.console.result({"event": "result", "deployment": lock}, deployment_table(lock).rich())
        note_next_step(env, "build")
        return
    current = require_impulse(studio, config.settings.impulse.name)
    impulse = current.impulse_id
    if model is None:
        require_trained(studio, current.learn_id)
    if dry_run:
        spec = build_spec(config)
        data = {"dry_run": True, "impulse": impulse, **asdict(spec)}
        env.console.result(data, f"would build {spec.target}, {spec.engine}, {spec.model_type}")
        return
    lock = asdict(build_and_record(config, studio, impulse, Follower(env, studio, timeout, on_interrupt)))
    env.console.result({"event": "result", "deployment": lock}, deployment_table(lock).rich())
    note_next_step(env, "build")


def _build_user_model(
    env: Environment, config: Config, studio: Studio, model: Path, timeout: float | None
) -> dict[str, Any]:
    labels = config.settings.project.labels
    if not labels:
        raise ConfigurationError(
            "the labels of the model are not known", hint="Set [project] labels in the order of the model's outputs."
        )
    with env.console.progress("building with the official SDK"):
        return asdict(deploy_model(studio, model, labels, build_spec(config), config.paths, timeout))
