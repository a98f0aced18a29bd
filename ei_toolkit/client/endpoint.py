"""The addresses of a studio and its API key, which is in EI_API_KEY or in the system's keyring.

The key is never in a file of the project and never an option of a command.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from types import ModuleType
from urllib.parse import SplitResult, urlsplit

from ei_toolkit.client.responses import redact
from ei_toolkit.errors import ConfigurationError, CredentialError, MissingToolError

VARIABLE = "EI_API_KEY"
SERVICE = "eitk"  # name in the keyring; the account is the API address
MIN_KEY_LENGTH = 16
INVISIBLE = "\ufeff\u200b"  # byte order mark and zero-width space, which a file or a page adds to a copied key


def find_key(api_url: str, environ: Mapping[str, str]) -> str:
    """Return the key for a studio. Raises CredentialError where there is none."""
    key = bare_key(environ.get(VARIABLE, "")) or _from_keyring(api_url)
    if not key:
        raise CredentialError(
            f"there is no key for {api_url}",
            hint=f'Set {VARIABLE}, run eitk login, or set [studio] url = "local" to work without one.',
        )
    return checked_key(key)


def bare_key(text: str) -> str:
    """Return a key without what is around it: white space such as the newline of a file, marks that are not shown."""
    while (shorter := text.strip().strip(INVISIBLE)) != text:
        text = shorter
    return text


def checked_key(key: str) -> str:
    """Return the key without white space around it. Raises CredentialError for a text that cannot be a key."""
    key = bare_key(key)
    why = ""
    if key[:1] in ("'", '"'):
        why = "it begins with a quotation mark"
    elif len(key.split()) > 1:
        why = "it has white space inside; a key is one word like ei_…"
    elif not key.isascii() or not key.isprintable() or len(key) < MIN_KEY_LENGTH:
        why = "a key is one word like ei_…"
    if why:
        raise CredentialError("this is not an API key", why=why, hint="Copy it from Dashboard, Keys.")
    return key


def store_key(api_url: str, key: str) -> None:
    """Store a key in the system's keyring. Raises MissingToolError where there is no keyring."""
    backend = _keyring()
    try:
        backend.set_password(SERVICE, api_url, checked_key(key))
    except backend.errors.KeyringError as error:
        raise MissingToolError(
            "this system has no keyring", why=redact(str(error), key), hint=f"Set {VARIABLE} instead."
        ) from None


def forget_key(api_url: str) -> bool:
    """Remove a key from the keyring; return False if it has none."""
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
    import keyring  # its back ends take a tenth of a second, which EI_API_KEY makes unnecessary
    import keyring.errors

    return keyring


CLOUD_API = "https://studio.edgeimpulse.com/v1"
LOCAL = "local"  # as studio.url: a studio on this machine, which commands start
LOCAL_PORTS = (4800, 4810)  # where official clients expect a studio on this machine
LOCAL_DEVICES_PORT = 4802  # and its remote management


@dataclass(frozen=True)
class Endpoint:
    """A studio. `name` does not change with the port of a local studio; ledgers are named after it.

    `remote_management_url` is that of devices; empty means the one that belongs to the API address.

    `repr` does not contain the key, so that it is not logged.
    """

    api_url: str
    ingestion_url: str
    key: str = field(repr=False)
    project: int = 0
    name: str = ""
    remote_management_url: str = ""


def checked_api_url(url: str) -> str:
    """Return `url` without a trailing slash. Raises ConfigurationError unless it may get the key and ends in /v1."""
    expected = f'Use "local", or an address that ends in /v1 such as {CLOUD_API}'
    trimmed, parts = _checked("studio.url", url, expected)
    if not parts.path.endswith("/v1"):
        raise _no_address("studio.url", url, expected)
    return trimmed


def checked_ingestion_url(url: str) -> str:
    """Return `url` without a trailing slash. Raises ConfigurationError unless it may get the key."""
    expected = "Leave it out, or use an address such as https://ingestion.edgeimpulse.com"
    return _checked("studio.ingestion_url", url, expected)[0]


def checked_remote_management_url(url: str) -> str:
    """Return `url` without a trailing slash. Raises ConfigurationError unless it may get the key."""
    expected = "Leave it out, or use an address such as wss://remote-mgmt.edgeimpulse.com"
    return _checked("studio.remote_management_url", url, expected, scheme="ws")[0]


def _checked(key: str, url: str, expected: str, *, scheme: str = "http") -> tuple[str, SplitResult]:
    """Check for the scheme, for no user or password, and for encryption unless the address is on this machine."""
    trimmed = url.rstrip("/")
    try:
        parts = urlsplit(trimmed)
        port = parts.port
    except ValueError as error:
        raise _no_address(key, url, expected, str(error)) from None
    if parts.scheme not in (scheme, f"{scheme}s") or not parts.hostname or port == 0 or parts.query or parts.fragment:
        raise _no_address(key, url, expected)
    if parts.username or parts.password:
        raise ConfigurationError(f"{key} holds a user or a password", hint="Keys go into EI_API_KEY.")
    if parts.scheme == scheme and not is_loopback(trimmed):
        raise ConfigurationError(
            f"{key} = {url!r} would send the key unencrypted", hint=f"Use {scheme}s:// for a studio on another machine."
        )
    return trimmed, parts


def _no_address(key: str, url: str, expected: str, why: str = "") -> ConfigurationError:
    return ConfigurationError(f"{key} = {url!r} is not the address of a studio", why=why, hint=expected)


def ingestion_url_of(api_url: str) -> str:
    """Return the upload address of an API address: port 4810 beside 4800, host ingestion.* beside studio.*.

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


def remote_management_url_of(endpoint: Endpoint) -> str:
    """Return the address for devices: the endpoint's own, else port 4802 on this machine or remote-mgmt.* of studio.*.

    Raises ConfigurationError where none of these applies.
    """
    if endpoint.remote_management_url:
        return endpoint.remote_management_url
    parts = urlsplit(endpoint.api_url)
    host = parts.hostname or ""
    if is_loopback(endpoint.api_url):
        return f"ws://{f'[{host}]' if ':' in host else host}:{LOCAL_DEVICES_PORT}"
    if host.startswith("studio."):
        return f"wss://remote-mgmt.{host.removeprefix('studio.')}"
    raise ConfigurationError(
        f"the address for devices of {endpoint.api_url} is not known",
        hint="Set [studio] remote_management_url in eitk.toml.",
    )


def is_loopback(url: str) -> bool:
    """Return whether an address is on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name; 127.example.com may be anywhere
        return host == "localhost"
