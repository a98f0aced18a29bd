"""Who is spoken to: two addresses, a key and a project."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

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
    """`url` without a trailing slash. Raises ConfigurationError unless the key may go there and it ends in /v1."""
    wanted = f'Use "local", or an address that ends in /v1 such as {CLOUD_API}'
    trimmed, parts = _checked("studio.url", url, wanted)
    if not parts.path.endswith("/v1"):
        raise _no_address("studio.url", url, wanted)
    return trimmed


def checked_ingestion_url(url: str) -> str:
    """`url` without a trailing slash. Raises ConfigurationError unless the key may go there."""
    wanted = "Leave it out, or use an address such as https://ingestion.edgeimpulse.com"
    return _checked("studio.ingestion_url", url, wanted)[0]


def _checked(key: str, url: str, wanted: str) -> tuple[str, SplitResult]:
    """An address that is http(s), holds no key itself, and leaves this machine encrypted only."""
    trimmed = url.rstrip("/")
    try:
        parts = urlsplit(trimmed)
        port = parts.port
    except ValueError as error:
        raise _no_address(key, url, wanted, str(error)) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or parts.query or parts.fragment:
        raise _no_address(key, url, wanted)
    if parts.username or parts.password:
        raise ConfigurationError(f"{key} holds a user or a password", hint="Keys go into EI_API_KEY.")
    if parts.scheme == "http" and not is_loopback(trimmed):
        raise ConfigurationError(
            f"{key} = {url!r} would send the key unencrypted", hint="Use https:// for a studio on another machine."
        )
    return trimmed, parts


def _no_address(key: str, url: str, wanted: str, why: str = "") -> ConfigurationError:
    return ConfigurationError(f"{key} = {url!r} is not an address of a studio", why=why, hint=wanted)


def ingestion_url_of(api_url: str) -> str:
    """The upload address that belongs to an API address: port 4810 beside 4800, host ingestion.* beside studio.*.

    Raises ConfigurationError where neither rule applies.
    """
    parts = urlsplit(api_url)
    host = parts.hostname or ""
    if parts.port == LOCAL_PORTS[0] and is_loopback(api_url):
        return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{LOCAL_PORTS[1]}"
    if host.startswith("studio."):
        return f"{parts.scheme}://ingestion.{host.removeprefix('studio.')}"
    raise ConfigurationError(
        f"the upload address of {api_url} is not known", hint="Set [studio] ingestion_url in eitk.toml."
    )


def is_loopback(url: str) -> bool:
    """Whether an address stays on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name; one like 127.example.com may lie anywhere
        return host == "localhost"
