"""Connect a command to the studio of its settings."""

from __future__ import annotations

from ei_toolkit.api.connection import connect_studio
from ei_toolkit.cli.environment import Environment
from ei_toolkit.client.project import Studio
from ei_toolkit.config import Config


def connect(env: Environment, config: Config, *, creates: bool = False) -> Studio:
    """Return the studio and project of the settings, with notes and warnings on the console; see `connect_studio`."""
    console = env.console
    return connect_studio(config, env.environ, note=console.note, warn=console.warn, creates=creates)
