"""What `eitk studio` does to a data folder, whether or not a server runs on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ei_toolkit.config.file_lock import is_locked
from ei_toolkit.errors import ConfigurationError, CredentialError, DataError, UsageError
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.lifecycle import read_secret, require_engine, secret_file, usable, write_secret
from ei_toolkit.studio.options import Options
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.database import is_outdated
from ei_toolkit.studio.store.keys import ROLES, new_secret

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class ProjectInfo:
    """One line of `eitk studio projects`."""

    id: int
    name: str
    samples: int
    keys: int
    deployments: int


def check_host(options: Options, *, knows: bool) -> Options:
    """Only this machine is served, unless somebody says that they know what another address means.

    Raises UsageError for an address outside of this machine without `knows`, or before there is a key.
    """
    if options.host in LOOPBACK:
        return replace(options, host="127.0.0.1" if options.host == "localhost" else options.host)
    if not knows:
        raise UsageError(
            f"{options.host} can be reached from other machines, and this studio speaks plain http",
            hint="leave --host out, or add --i-know and keep the keys to yourself",
        )
    with opened(options.data, make=True) as store:
        if not any(store.keys.of(project.id) for project in store.projects.all()):
            raise CredentialError("there is no key yet", hint="eitk studio keys add --role admin")
    return options


def prepare(data: Path, project_name: str) -> Path:
    """Make a first project with an admin key where there is none; returns the file that holds the key."""
    file = secret_file(data)
    with opened(data, make=True) as store:
        if not store.projects.all():
            secret = new_secret()
            write_secret(file, secret)
            project = store.projects.create(project_name)
            store.keys.add(project.id, "eitk", "admin", secret, development=True)
    return file


def projects(data: Path) -> list[ProjectInfo]:
    """Every project of a data folder."""
    with opened(data) as store:
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
    """A new project; returns its id and its admin key, which is shown this once."""
    with opened(data, make=True) as store:
        project, secret = store.projects.create(name), new_secret()
        store.keys.add(project.id, "created with the project", "admin", secret, development=True)
        return project.id, secret


def list_keys(data: Path, project: int) -> list[dict[str, Any]]:
    """Keys of a project, without the keys themselves."""
    with opened(data) as store:
        chosen = chosen_project(store, project)
        return [
            {"id": k.id, "name": k.name, "role": k.role, "key": k.hint, "created": k.created}
            for k in store.keys.of(chosen)
        ]


def add_key(data: Path, project: int, name: str, role: str) -> str:
    """A new key of a project, which is shown this once. Raises UsageError for an unknown role."""
    known = next((known for known in ROLES if known == role), None)
    if known is None:
        raise UsageError(f"there is no role {role!r}", hint=f"Roles: {', '.join(ROLES)}.")
    secret = new_secret()
    with opened(data) as store:
        store.keys.add(chosen_project(store, project), name, known, secret)
    return secret


def revoke_key(data: Path, project: int, key: int) -> None:
    """Make a key useless."""
    with opened(data) as store:
        store.keys.revoke(chosen_project(store, project), key)


def own_key(data: Path) -> int | None:
    """Id of the key that eitk itself uses for the studio that it starts on a data folder; None if it has none."""
    with opened(data) as store:
        key = store.keys.find(read_secret(secret_file(data)))
        return key.id if key else None


@contextmanager
def opened(data: Path, *, make: bool = False) -> Iterator[Store]:
    """The store of a data folder, closed afterwards; what it refuses becomes an error of the toolkit.

    Raises ConfigurationError for a folder that holds no studio, unless one is to be made, for one that cannot be
    written to, and for one that an older server serves, which would not know a newer schema.
    """
    require_engine()
    if not make and not os.access(Options(data).database, os.F_OK):
        raise ConfigurationError(
            f"{data} holds no studio",
            why="studio.sqlite cannot be found in it",
            hint="name its folder with --data; eitk studio projects --add NAME makes a new one",
        )
    with usable(data):
        if not os.access(data, os.W_OK):
            raise ConfigurationError(f"{data} cannot be written to", hint="name another folder with --data")
        if is_outdated(Options(data).database) and is_locked(Options(data).lock):
            raise ConfigurationError(
                f"{data} is served by a studio of an older eitk", hint="eitk studio stop, then again"
            )
        store = Store.open(data)
    try:
        yield store
    except ApiError as refusal:
        raise DataError(str(refusal)) from refusal
    finally:
        store.close()


def chosen_project(store: Store, project: int) -> int:
    """The project of an id; 0 means the only one."""
    ids = [found.id for found in store.projects.all()]
    if project == 0 and len(ids) == 1:
        return ids[0]
    if project not in ids:
        raise UsageError(
            f"there is no project {project}" if project else f"there are {len(ids)} projects",
            hint="eitk studio projects lists them; choose one with --project",
        )
    return project
