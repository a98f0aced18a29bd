"""`eitk build`: Build a library or a program of the trained model, and pin it in eitk.lock."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ei_toolkit.api.training import build_and_record, build_own_model, build_spec, is_pinned
from ei_toolkit.cli.connection import connect
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.follow import Follower, OnInterrupt
from ei_toolkit.cli.next_step import note_next_step
from ei_toolkit.client.deployments import BuildSpec
from ei_toolkit.client.impulse.current import require_impulse
from ei_toolkit.client.train import require_trained
from ei_toolkit.config import Config
from ei_toolkit.config.lockfile import Lock
from ei_toolkit.config.settings import TARGET_ALIASES, TARGETS
from ei_toolkit.errors import DataError
from ei_toolkit.report.result_tables import deployment_table

SHORT_NAMES = {target: alias for alias, target in TARGET_ALIASES.items()}
KNOWN_TARGETS = ", ".join(SHORT_NAMES.get(target, target) for target in TARGETS)


def build(
    context: typer.Context,
    model: Annotated[Path | None, typer.Option(help="Bring your own .tflite instead of the trained model.")] = None,
    target: Annotated[
        str | None, typer.Option(help=f"Build for this target instead of [build] target: {KNOWN_TARGETS}.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Copy the deployment to this file or folder.")
    ] = None,
    timeout: Annotated[float | None, typer.Option(min=0, help="Longest time of the job in seconds.")] = None,
    on_interrupt: Annotated[OnInterrupt, typer.Option(help="What happens to the job on Ctrl-C.")] = "ask",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report what would be built.")] = False,
) -> None:
    """Build a library or a program of the trained model, and pin it in eitk.lock.

    A build for another target than [build] target is stored as well, but eitk.lock stays as it is: it names the
    deployment that the boards run.
    """
    env = Environment.of(context)
    config = env.config()
    studio = connect(env, config)
    spec = build_spec(config, target)
    if model is not None and not dry_run:
        with env.console.progress("building with the official SDK"):
            lock = build_own_model(config, studio, env.cwd / model, config.settings.project.labels, target, timeout)
        _report(env, config, lock, spec, output)
        return
    current = require_impulse(studio, config.settings.impulse.name)
    impulse = current.impulse_id
    if model is None:
        require_trained(studio, current.learn_id)
    if dry_run:
        data = {"dry_run": True, "impulse": impulse, **asdict(spec)}
        env.console.result(data, f"would build {spec.target}, {spec.engine}, {spec.model_type}")
        return
    lock = build_and_record(config, studio, impulse, Follower(env, studio, timeout, on_interrupt), target)
    _report(env, config, lock, spec, output)


def _report(env: Environment, config: Config, lock: Lock, spec: BuildSpec, output: Path | None) -> None:
    """Print the result, and copy the deployment if this was requested."""
    pinned = is_pinned(config, spec)
    result: dict[str, Any] = {"event": "result", "deployment": asdict(lock), "pinned": pinned}
    if output is not None:
        result["copy"] = str(_copy(config.paths.root / lock.zip, env.cwd / output))
    env.console.result(result, deployment_table(asdict(lock)).rich())
    if pinned:
        note_next_step(env, "build")


def _copy(file: Path, to: Path) -> Path:
    """Copy a file with its permissions to a file or folder; return the copy. Raises DataError if it fails."""
    try:
        return Path(shutil.copy(file, to))
    except OSError as error:
        raise DataError(f"{file.name} cannot be copied to {to}", why=error.strerror or str(error)) from None
