"""Manage projects and keys of a data folder, whether or not a server runs on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ei_toolkit.config.file_lock import is_locked
from ei_toolkit.errors import ConfigurationError, CredentialError, DataError, UsageError
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.lifecycle import data_folder, read_secret, require_engine, secret_file, write_secret
from ei_toolkit.studio.options import Options
from ei_toolkit.studio.sessions import SESSION_LIFETIME_S
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.database import is_outdated
from ei_toolkit.studio.store.keys import ROLES, new_secret
from ei_toolkit.studio.wire_format import stamp

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class ProjectInfo:
    """One line of `eitk studio projects`."""

    id: int
    name: str
    samples: int
    keys: int
    deployments: int


def check_host(options: Options, *, allow_remote: bool) -> Options:
    """Return the options with a numeric loopback address.

    Raises UsageError for an address that other machines can reach, unless `allow_remote` is set, and CredentialError
    for such an address if there is no key yet.
    """
    if options.host in LOOPBACK:
        return replace(options, host="127.0.0.1" if options.host == "localhost" else options.host)
    if not allow_remote:
        raise UsageError(
            f"{options.host} can be reached from other machines, and the studio uses HTTP without encryption",
            hint="leave --host out, or add --i-know and keep the keys secret",
        )
    with open_store(options.data, make=True) as store:
        if not any(store.keys.of(project.id) for project in store.projects.all()):
            raise CredentialError(f"{options.data} has no key yet", hint="eitk studio keys add --role admin")
    return options


def prepare(data: Path, project_name: str) -> Path:
    """Create a first project with an admin key if there is no project; return the file of the key."""
    file = secret_file(data)
    with open_store(data, make=True) as store:
        if not store.projects.all():
            secret = new_secret()
            write_secret(file, secret)
            project = store.projects.create(project_name)
            store.keys.add(project.id, "eitk", "admin", secret, development=True)
    return file


def projects(data: Path) -> list[ProjectInfo]:
    """Return the projects of a data folder."""
    with open_store(data) as store:
        return [
            ProjectInfo(
                project.id,
                project.name,
                sum(summary.count for summary in store.samples.summaries(project.id).values()),
                len(store.keys.of(project.id)),
                len(store.artifacts.deployments(project.id)),
            )
            for project in store.projects.all()
        ]


def add_project(data: Path, name: str) -> tuple[int, str]:
    """Add a project; return its id and its admin key, which cannot be read again."""
    with open_store(data, make=True) as store:
        project, secret = store.projects.create(name), new_secret()
        store.keys.add(project.id, "created with the project", "admin", secret, development=True)
        return project.id, secret


def list_keys(data: Path, project: int) -> list[dict[str, Any]]:
    """Return the keys of a project, without their secrets."""
    with open_store(data) as store:
        chosen = chosen_project(store, project)
        return [
            {"id": k.id, "name": k.name, "role": k.role, "key": k.hint, "created": k.created}
            for k in store.keys.of(chosen)
        ]


def add_key(data: Path, project: int, name: str, role: str) -> str:
    """Add a key to a project and return it; it cannot be read again. Raises UsageError for an unknown role."""
    known = next((known for known in ROLES if known == role), None)
    if known is None:
        raise UsageError(f"there is no role {role!r}", hint=f"Choose one of {', '.join(ROLES)}.")
    secret = new_secret()
    with open_store(data) as store:
        store.keys.add(chosen_project(store, project), name, known, secret)
    return secret


def browser_key(data: Path, project: int) -> str:
    """Return a key that signs a browser in: the one of eitk itself, or for another project a new one for twelve hours.

    Raises UsageError if there is no such project.
    """
    with open_store(data) as store:
        secret = read_secret(secret_file(data))
        own = store.keys.find(secret)
        if own is not None and project in (0, own.project):
            return secret
        secret, expires = new_secret(), stamp(datetime.now(UTC) + timedelta(seconds=SESSION_LIFETIME_S))
        store.keys.add(chosen_project(store, project), "browser", "admin", secret, expires=expires)
    return secret


def revoke_key(data: Path, project: int, key: int) -> None:
    """Revoke a key."""
    with open_store(data) as store:
        store.keys.revoke(chosen_project(store, project), key)


def own_key(data: Path) -> int | None:
    """Return the id of the key that eitk itself uses for a data folder; None if there is none."""
    with open_store(data) as store:
        key = store.keys.find(read_secret(secret_file(data)))
        return key.id if key else None


@contextmanager
def open_store(data: Path, *, make: bool = False) -> Iterator[Store]:
    """Open the store of a data folder for the block. An ApiError of the block becomes a DataError.

    Raises ConfigurationError for a folder without a studio, unless `make` is set, for a folder that cannot be written
    to, and for one that is served by an older eitk, which could not use the schema of this one.
    """
    require_engine()
    if not make and not os.access(Options(data).database, os.F_OK):
        raise ConfigurationError(
            f"{data} holds no studio",
            why="it has no studio.sqlite",
            hint="name another folder with --data, or create a studio with eitk studio projects --add NAME",
        )
    with data_folder(data):
        if not os.access(data, os.W_OK):
            raise ConfigurationError(f"{data} cannot be written to", hint="name another folder with --data")
        if is_outdated(Options(data).database) and is_locked(Options(data).lock):
            raise ConfigurationError(
                f"{data} is served by a studio of an older eitk",
                hint="run eitk studio stop, then try again",
            )
        store = Store.open(data)
    try:
        yield store
    except ApiError as error:
        raise DataError(str(error)) from error
    finally:
        store.close()


def chosen_project(store: Store, project: int) -> int:
    """Return the id of an existing project; 0 means the only one. Raises UsageError."""
    ids = [found.id for found in store.projects.all()]
    if project == 0 and len(ids) == 1:
        return ids[0]
    if project not in ids:
        raise UsageError(
            f"there is no project {project}" if project else f"there are {len(ids)} projects",
            hint="eitk studio projects lists them; choose one with --project",
        )
    return project
