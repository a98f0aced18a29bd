"""Connect to the studio of the settings: its addresses, the key and the project."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from ei_toolkit.client.endpoint import (
    CLOUD_API,
    LOCAL,
    VARIABLE,
    Endpoint,
    bare_key,
    checked_api_url,
    checked_ingestion_url,
    checked_remote_management_url,
    find_key,
    ingestion_url_of,
)
from ei_toolkit.client.project import Studio, open_studio
from ei_toolkit.client.transport import Transport
from ei_toolkit.config import CONFIG_NAME, Config
from ei_toolkit.errors import MissingStepError
from ei_toolkit.studio.lifecycle import ensure
from ei_toolkit.studio.options import Options
from ei_toolkit.studio.store.database import is_outdated

Say = Callable[[str], None]


def connect_studio(
    config: Config,
    environ: Mapping[str, str],
    *,
    note: Say = lambda _text: None,
    warn: Say = lambda _text: None,
    creates: bool = False,
) -> Studio:
    """Return the studio and project of the settings; the local studio is started if `studio.url` is "local".

    In a folder without any file of eitk it is started only if `creates`: a command that reads finds nothing there, and
    must not leave a server and its data behind. `note` and `warn` get what a user should know. Raises MissingStepError
    in that case, and ConfigurationError, CredentialError, NetworkError or ApiError.
    """
    if config.settings.studio.url == LOCAL:
        if not creates and config.file is None and not config.paths.state.exists():
            raise MissingStepError(f"there is no project in {config.paths.root} or above", hint="eitk init")
        _note_local_studio(config, environ, note, warn)
    elif (text := environ.get(VARIABLE, "")) != (key := bare_key(text)) and key:
        note(f"white space around the key in {VARIABLE} was removed")
    return open_studio(Transport(endpoint_of(config, environ), note))


def _note_local_studio(config: Config, environ: Mapping[str, str], note: Say, warn: Say) -> None:
    """Note that EI_API_KEY is not used, and what takes long; warn if there is no eitk.toml."""
    if environ.get(VARIABLE, "").strip():
        note(f'{VARIABLE} is not used: [studio] url is "local"')
    if config.file is None:
        warn(f"there is no {CONFIG_NAME} in {config.paths.root} or above; eitk init writes one")
    if is_outdated(Options(config.paths.studio).database):
        note("updating the data of the local studio (half a minute for a million samples)")


def endpoint_of(config: Config, environ: Mapping[str, str]) -> Endpoint:
    """Return the addresses and the key of the settings."""
    if config.settings.studio.url == LOCAL:
        return _local(config)
    return _remote(config, environ)


def _local(config: Config) -> Endpoint:
    studio = ensure(config.paths, config.settings.project.name)
    project, devices = config.settings.studio.project, studio.remote_management_url
    return Endpoint(studio.api_url, studio.ingestion_url, studio.key, project, LOCAL, devices)


def remote_url(config: Config) -> str:
    """Return the API address for which a key is stored: that of the settings, else the one of the cloud."""
    url = config.settings.studio.url
    return CLOUD_API if url == LOCAL else checked_api_url(url)


def with_key(config: Config, key: str) -> Endpoint:
    """Return the addresses of the settings with a key. Raises ConfigurationError for an address that may not get it."""
    settings = config.settings.studio
    api_url = remote_url(config)
    own = settings.ingestion_url
    ingestion = checked_ingestion_url(own) if own else ingestion_url_of(api_url)
    devices = settings.remote_management_url and checked_remote_management_url(settings.remote_management_url)
    return Endpoint(api_url, ingestion, key, settings.project, urlsplit(api_url).netloc, devices)


def _remote(config: Config, environ: Mapping[str, str]) -> Endpoint:
    return with_key(config, find_key(remote_url(config), environ))
