"""The key that eitk itself uses for a local studio: kept in the data folder, for its owner alone."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from ei_toolkit.errors import CredentialError
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.keys import new_secret
from ei_toolkit.studio.store.projects import Project

log = logging.getLogger("ei_toolkit.studio")


def own_key(data: Path, project_name: str) -> str:
    """The admin key of the project, both made if they are not there.

    A key that is lost or revoked is replaced by a new one of the same project. The key's file is written before the
    key is stored. Raises CredentialError if several projects could be meant.
    """
    file = secret_file(data)
    secret = read_secret(file)
    store = Store.open(data)
    try:
        key = store.keys.find(secret)
        if key is None:
            project, secret = _project_without_key(store, data, project_name), new_secret()
            write_secret(file, secret)
            store.keys.add(project.id, "eitk", "admin", secret, development=True)
        else:
            project = store.projects.get(key.project)
        _rename(store, project, project_name)
        return secret
    finally:
        store.close()


def _project_without_key(store: Store, data: Path, name: str) -> Project:
    """The project that a new key is for: the one of that name, else the only one, else a new one."""
    projects = store.projects.all()
    for candidates in ([project for project in projects if project.name == name], projects):
        if len(candidates) == 1:
            log.warning("the key in %s is lost or revoked: made a new one for project %d", data, candidates[0].id)
            return candidates[0]
    if projects:
        raise CredentialError(
            f"eitk has no key of its own in {data}, and {len(projects)} projects could be meant",
            hint=f"choose one of eitk studio projects: eitk studio keys add --project ID > {secret_file(data)}",
        )
    return store.projects.create(name)


def _rename(store: Store, project: Project, name: str) -> None:
    if project.name != name:
        store.projects.update(project.id, name=name, description=project.description, settings=project.settings)


def secret_file(data: Path) -> Path:
    """Where the admin key of a data folder's first project is kept, for its owner alone."""
    return data / "key"


def read_secret(file: Path) -> str:
    """The key in a file; empty if there is none."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return ""


def write_secret(file: Path, secret: str) -> None:
    """Write a key into a file that only its owner can read."""
    part = file.with_suffix(".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(secret)
    part.replace(file)
