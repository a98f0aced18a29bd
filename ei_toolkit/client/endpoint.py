"""Where a key comes from: EI_API_KEY, else the system's keyring. Never a file of the project, never a flag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from types import ModuleType
from urllib.parse import SplitResult, urlsplit

from ei_toolkit.client.answer import redact
from ei_toolkit.errors import ConfigurationError, CredentialError, MissingToolError

VARIABLE = "EI_API_KEY"
SERVICE = "eitk"  # name in the keyring; the account is the API address
SHORTEST = 16


def find_key(api_url: str, environ: Mapping[str, str]) -> str:
    """The key for a studio. Raises CredentialError where there is none."""
    key = environ.get(VARIABLE, "").strip() or _from_keyring(api_url)
    if not key:
        raise CredentialError(
            f"there is no key for {api_url}",
            hint=f'Set {VARIABLE}, run eitk login, or set [studio] url = "local" to work without one.',
        )
    return checked_key(key)


def checked_key(key: str) -> str:
    """The key as it can stand in a header. Raises CredentialError for anything that cannot be one."""
    key = key.strip()
    if not key.isascii() or not key.isprintable() or " " in key or len(key) < SHORTEST:
        raise CredentialError(
            "this is not an API key", why="a key is one word such as ei_…", hint="Copy it from Dashboard, Keys."
        )
    return key


def store_key(api_url: str, key: str) -> None:
    """Keep a key in the system's keyring. Raises MissingToolError where there is none."""
    backend = _keyring()
    try:
        backend.set_password(SERVICE, api_url, checked_key(key))
    except backend.errors.KeyringError as error:
        raise MissingToolError(
            "this system has no keyring", why=redact(str(error), key), hint=f"Set {VARIABLE} instead."
        ) from None


def forget_key(api_url: str) -> bool:
    """Remove a key from the keyring; False if none was there."""
    backend = _keyring()
    try:
        backend.delete_password(SERVICE, api_url)
    except backend.errors.KeyringError:
        return False
    return True


def _from_keyring(api_url: str) -> str:
    backend = _keyring()
    try:
        return backend.get_password(SERVICE, api_url) or ""
    except backend.errors.KeyringError:
        return ""


def _keyring() -> ModuleType:
    import keyring
    import keyring.errors

    return keyring


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
