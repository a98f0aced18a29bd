"""The studio that the settings name: its addresses, its key and its project."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from ei_toolkit.cli.environment import Environment
from ei_toolkit.client.endpoint import (
    CLOUD_API,
    VARIABLE,
    Endpoint,
    checked_api_url,
    checked_ingestion_url,
    find_key,
    ingestion_url_of,
)
from ei_toolkit.client.project import Studio, open_studio
from ei_toolkit.client.transport import Transport
from ei_toolkit.config import CONFIG_NAME, Config
from ei_toolkit.studio.lifecycle import ensure

LOCAL = "local"


def connect(env: Environment, config: Config) -> Studio:
    """The studio and project of the settings; starts the local studio where `studio.url` is "local".

    Raises ConfigurationError, CredentialError, NetworkError or ApiError.
    """
    if config.settings.studio.url == LOCAL:
        _say_what_local_means(env, config)
    return open_studio(Transport(endpoint_of(config, env.environ)))


def _say_what_local_means(env: Environment, config: Config) -> None:
    """Say which key, and which settings, somebody may wrongly believe to be in use."""
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
    studio = ensure(config.paths, config.settings.project.name)
    return Endpoint(studio.api_url, studio.ingestion_url, studio.key, config.settings.studio.project, LOCAL)


def remote_url(config: Config) -> str:
    """The API address that a key is for: that of the settings, else the cloud's."""
    url = config.settings.studio.url
    return CLOUD_API if url == LOCAL else checked_api_url(url)


def with_key(config: Config, key: str) -> Endpoint:
    """Addresses of the settings with a key. Raises ConfigurationError for one that the key must not go to."""
    settings = config.settings.studio
    api_url = remote_url(config)
    own = settings.ingestion_url
    ingestion = checked_ingestion_url(own) if own else ingestion_url_of(api_url)
    return Endpoint(api_url, ingestion, key, settings.project, urlsplit(api_url).netloc)


def _remote(config: Config, environ: Mapping[str, str]) -> Endpoint:
    return with_key(config, find_key(remote_url(config), environ))
