"""The environment of a command: its folder, console, environment variables and configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from ei_toolkit.cli.console import Console
from ei_toolkit.config import Config, load_config
from ei_toolkit.config.migration import migrate_project

WORKFLOW = "_EITK_WORKFLOW"
"""The variable that a workflow such as `eitk demo` sets for its commands, whose messages are shown to its user."""


@dataclass(frozen=True)
class Environment:
    """The environment of one invocation. Commands use it instead of os.environ and the current folder."""

    console: Console = field(default_factory=Console)
    cwd: Path = field(default_factory=Path.cwd)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    options: tuple[str, ...] = ()
    """The settings of -o, each `KEY=VALUE`."""

    @classmethod
    def of(cls, context: typer.Context) -> Environment:
        """Return the environment of a running command."""
        return context.ensure_object(cls)

    @property
    def in_workflow(self) -> bool:
        """Whether a workflow runs this command."""
        return WORKFLOW in self.environ

    def config(self, **flags: Any) -> Config:
        """The configuration here, checked; `flags` use `__` for the dot: `training__epochs=5`.

        Files that an older version wrote into the project are migrated, each with a note. Raises SettingsError with
        all settings that a command would refuse, whichever command runs.
        """
        from ei_toolkit.api.settings_check import setting_faults  # NumPy and the blocks, which no help needs

        dotted = {key.replace("__", "."): value for key, value in flags.items()}
        config = load_config(self.cwd, self.environ, dotted, self.options, setting_faults)
        for note in migrate_project(config.paths):
            self.console.note(note)
        return config
