"""Where a key comes from: EI_API_KEY, else the system's keyring. Never a file of the project, never a flag."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from ei_toolkit.api.redact import redact
from ei_toolkit.errors import CredentialError, MissingToolError

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
