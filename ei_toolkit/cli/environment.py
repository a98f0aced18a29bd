"""What a command is given: where it runs, what it may print to, and the configuration in force there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ei_toolkit.cli.console import Console
from ei_toolkit.config import Config, load_config

if TYPE_CHECKING:
    from ei_toolkit.client.endpoint import Endpoint
    from ei_toolkit.client.project import Studio


@dataclass(frozen=True)
class Environment:
    """One invocation. Tests make their own; nothing in a command reads os.environ or the current folder."""

    console: Console = field(default_factory=Console)
    cwd: Path = field(default_factory=Path.cwd)
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @classmethod
    def of(cls, context: typer.Context) -> Environment:
        """The environment of a running command."""
        return context.ensure_object(cls)

    def config(self, **flags: Any) -> Config:
        """The configuration here; `flags` use `__` for the dot: `training__epochs=5`."""
        return load_config(self.cwd, self.environ, {key.replace("__", "."): value for key, value in flags.items()})


LOCAL = "local"


def connect(env: Environment, config: Config) -> Studio:
    """The studio and project of the settings; starts the local studio where `studio.url` is "local".

    Raises ConfigurationError, CredentialError, NetworkError or ApiError.
    """
    from ei_toolkit.client.project import open_studio
    from ei_toolkit.client.transport import Transport

    if config.settings.studio.url == LOCAL:
        _say_what_local_means(env, config)
    return open_studio(Transport(endpoint_of(config, env.environ)))


def _say_what_local_means(env: Environment, config: Config) -> None:
    """Say which key, and which settings, somebody may wrongly believe to be in use."""
    from ei_toolkit.client.endpoint import VARIABLE
    from ei_toolkit.config import CONFIG_NAME

    if env.environ.get(VARIABLE, "").strip():
        env.console.note(f'{VARIABLE} is not used: [studio] url is "local", the studio on this machine')
    if config.file is None:
        env.console.warn(f"there is no {CONFIG_NAME} in {config.paths.root} or above; eitk init writes one")


def endpoint_of(config: Config, environ: Mapping[str, str]) -> Endpoint:
    """Addresses and key of the settings."""
    if config.settings.studio.url == LOCAL:
        return _local(config)
    return _remote(config, environ)


def _local(config: Config) -> Endpoint:
    from ei_toolkit.client.endpoint import Endpoint
    from ei_toolkit.studio.lifecycle import ensure

    studio = ensure(config.paths, config.settings.project.name)
    return Endpoint(studio.api_url, studio.ingestion_url, studio.key, config.settings.studio.project, LOCAL)


def remote_url(config: Config) -> str:
    """The API address that a key is for: that of the settings, else the cloud's."""
    from ei_toolkit.client.endpoint import CLOUD_API, checked_api_url

    url = config.settings.studio.url
    return CLOUD_API if url == LOCAL else checked_api_url(url)


def with_key(config: Config, key: str) -> Endpoint:
    """Addresses of the settings with a key. Raises ConfigurationError for one that the key must not go to."""
    from urllib.parse import urlsplit

    from ei_toolkit.client.endpoint import Endpoint, checked_ingestion_url, ingestion_url_of

    settings = config.settings.studio
    api_url = remote_url(config)
    own = settings.ingestion_url
    ingestion = checked_ingestion_url(own) if own else ingestion_url_of(api_url)
    return Endpoint(api_url, ingestion, key, settings.project, urlsplit(api_url).netloc)


def _remote(config: Config, environ: Mapping[str, str]) -> Endpoint:
    from ei_toolkit.client.endpoint import find_key

    return with_key(config, find_key(remote_url(config), environ))
