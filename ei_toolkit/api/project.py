"""Projects of the Python API: the settings in force in a folder, and the environment variables that they come from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ei_toolkit.api.settings_check import setting_faults
from ei_toolkit.config import Config, Settings, load_config
from ei_toolkit.config.migration import migrate_project
from ei_toolkit.config.settings import plain
from ei_toolkit.errors import UsageError


@dataclass(frozen=True)
class Project:
    """The settings of a project, its folder, and the environment variables with its key.

    Made by `open_project` and `create_project`. A project never changes: `with_settings` returns another one.
    """

    config: Config
    environ: Mapping[str, str] = field(default_factory=lambda: MappingProxyType(dict(os.environ)), repr=False)
    overrides: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """Settings that replace those of eitk.toml, by their dotted names."""

    @property
    def folder(self) -> Path:
        """The folder of eitk.toml."""
        return self.config.paths.root

    @property
    def settings(self) -> Settings:
        """The settings in force: those of eitk.toml, of EITK_* variables and of `overrides`, in this order."""
        return self.config.settings

    def with_settings(self, settings: Mapping[str, Any]) -> Project:
        """Return the same project with further settings; eitk.toml stays as it is.

        Args:
            settings: Values by dotted name, such as `{"training.epochs": 5}`.

        Returns:
            Another project.

        Raises:
            SettingsError: One or more settings are wrong; the error has all of them.
        """
        return open_project(self.folder, {**self.overrides, **settings}, self.environ)

    def to_dict(self) -> dict[str, Any]:
        """Return all settings by their dotted names, as `eitk config show --json` prints them."""
        return {key: plain(value) for key, value in self.config.values()}


def open_project(
    folder: Path | str = ".", settings: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None
) -> Project:
    """Open the project of a folder: eitk.toml there or in a folder above, or the default settings without one.

    Args:
        folder: The folder to start in.
        settings: Values that replace those of eitk.toml, by dotted name: `{"training.epochs": 5}`.
        environ: Environment variables; None means those of this process.

    Returns:
        The project. Files that an older version wrote into it are migrated.

    Raises:
        UsageError: There is no such folder.
        SettingsError: One or more settings are wrong; the error has all of them.
        ConfigurationError: eitk.toml cannot be read.

    Examples:
        >>> import ei_toolkit as eitk
        >>> eitk.open_project(settings={"training.epochs": 5}).settings.training.epochs
        5
    """
    start = Path(folder).expanduser().resolve()
    if not start.is_dir():
        raise UsageError(f"there is no folder {start}", hint="Create it, or name another one.")
    variables = MappingProxyType(dict(os.environ if environ is None else environ))
    chosen = MappingProxyType(dict(settings or {}))
    config = load_config(start, variables, chosen, check=setting_faults)
    migrate_project(config.paths)
    return Project(config, variables, chosen)
