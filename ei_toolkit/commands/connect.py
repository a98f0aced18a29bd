"""From settings to a studio that answers: what the commands that speak to one share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ei_toolkit.api.endpoint import Endpoint
    from ei_toolkit.api.project import Studio
    from ei_toolkit.commands.environment import Environment
    from ei_toolkit.config import Config

LOCAL = "local"


def connect(env: Environment, config: Config) -> Studio:
    """The studio and project of the settings; starts the local studio where `studio.url` is "local".

    Raises ConfigurationError, CredentialError, NetworkError or ApiError.
    """
    from ei_toolkit.api.project import open_studio
    from ei_toolkit.api.transport import Transport

    if config.settings.studio.url == LOCAL:
        _say_what_local_means(env, config)
    return open_studio(Transport(endpoint_of(config, env.environ)))


def _say_what_local_means(env: Environment, config: Config) -> None:
    """Say which key, and which settings, somebody may wrongly believe to be in use."""
    from ei_toolkit.api.credentials import VARIABLE
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
    from ei_toolkit.api.endpoint import Endpoint
    from ei_toolkit.studio.launch import ensure

    studio = ensure(config.paths, config.settings.project.name)
    return Endpoint(studio.api_url, studio.ingestion_url, studio.key, config.settings.studio.project, LOCAL)


def remote_url(config: Config) -> str:
    """The API address that a key is for: that of the settings, else the cloud's."""
    from ei_toolkit.api.endpoint import CLOUD_API, checked_api_url

    url = config.settings.studio.url
    return CLOUD_API if url == LOCAL else checked_api_url(url)


def with_key(config: Config, key: str) -> Endpoint:
    """Addresses of the settings with a key. Raises ConfigurationError for one that the key must not go to."""
    from urllib.parse import urlsplit

    from ei_toolkit.api.endpoint import Endpoint, checked_ingestion_url, ingestion_url_of

    settings = config.settings.studio
    api_url = remote_url(config)
    own = settings.ingestion_url
    ingestion = checked_ingestion_url(own) if own else ingestion_url_of(api_url)
    return Endpoint(api_url, ingestion, key, settings.project, urlsplit(api_url).netloc)


def _remote(config: Config, environ: Mapping[str, str]) -> Endpoint:
    from ei_toolkit.api.credentials import find_key

    return with_key(config, find_key(remote_url(config), environ))
