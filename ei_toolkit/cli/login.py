"""`eitk login`: Store an API key in the system's keyring.

`eitk logout`: Remove the API key from the system's keyring.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ei_toolkit.api.connection import remote_url, with_key
from ei_toolkit.cli.environment import Environment
from ei_toolkit.client.endpoint import checked_key, forget_key, store_key
from ei_toolkit.client.project import key_info
from ei_toolkit.client.transport import Transport


def login(
    context: typer.Context,
    check: Annotated[bool, typer.Option(help="Check that the studio accepts the key.")] = True,
) -> None:
    """Store an API key in the system's keyring.

    Asks for the key, which is never shown. There is deliberately no option for the key, because options appear in
    the shell history.
    """
    env = Environment.of(context)
    config = env.config()
    url = remote_url(config)
    key = checked_key(_read_key(url))
    if check:
        info = key_info(Transport(with_key(config, key)))
        env.console.note(f"the key opens project {info.project_id} with the role {info.role}")
    store_key(url, key)
    env.console.result({"studio": url, "stored": True}, f"the key for {url} is in the keyring")


def _read_key(url: str) -> str:
    if not sys.stdin.isatty():  # echo KEY | eitk login
        return sys.stdin.readline().strip()
    return str(typer.prompt(f"API key for {url}", hide_input=True, err=True))


def logout(context: typer.Context) -> None:
    """Remove the API key from the system's keyring."""
    env = Environment.of(context)
    url = remote_url(env.config())
    removed = forget_key(url)
    message = f"the key for {url} was removed" if removed else f"there was no key for {url}"
    env.console.result({"studio": url, "removed": removed}, message)
