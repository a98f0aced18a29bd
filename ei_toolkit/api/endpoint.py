"""Who is spoken to: two addresses, a key and a project."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ei_toolkit.errors import ConfigurationError

CLOUD_API = "https://studio.edgeimpulse.com/v1"
LOCAL_PORTS = (4800, 4810)  # where official clients look for a studio on this machine


@dataclass(frozen=True)
class Endpoint:
    """A studio. `name` stays the same when a local studio changes its port; ledgers are named after it.

    The key is not shown by `repr`, so that it reaches no log.
    """

    api_url: str
    ingestion_url: str
    key: str = field(repr=False)
    project: int = 0
    name: str = ""


def checked_api_url(url: str) -> str:
    """`url` without a trailing slash. Raises ConfigurationError unless it is http(s) and ends in /v1."""
    trimmed = url.rstrip("/")
    parts = urlsplit(trimmed)
    if parts.scheme not in ("http", "https") or not parts.hostname or not parts.path.endswith("/v1"):
        raise ConfigurationError(
            f"studio.url = {url!r} is not an API address",
            hint=f'Use "local", or an address that ends in /v1 such as {CLOUD_API}',
        )
    if parts.username or parts.password:
        raise ConfigurationError("studio.url holds a user or a password", hint="Keys go into EI_API_KEY.")
    if parts.scheme == "http" and not is_loopback(trimmed):
        raise ConfigurationError(
            f"studio.url = {url!r} would send the key unencrypted", hint="Use https:// for a studio on another machine."
        )
    return trimmed


def ingestion_url_of(api_url: str) -> str:
    """The upload address that belongs to an API address: port 4810 beside 4800, host ingestion.* beside studio.*.

    Raises ConfigurationError where neither rule applies.
    """
    parts = urlsplit(api_url)
    if parts.port == LOCAL_PORTS[0] and is_loopback(api_url):
        return f"{parts.scheme}://{parts.hostname}:{LOCAL_PORTS[1]}"
    host = parts.hostname or ""
    if host.startswith("studio."):
        return f"{parts.scheme}://ingestion.{host.removeprefix('studio.')}"
    raise ConfigurationError(
        f"the upload address of {api_url} is not known", hint="Set [studio] ingestion_url in eitk.toml."
    )


def is_loopback(url: str) -> bool:
    """Whether an address stays on this machine."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")
