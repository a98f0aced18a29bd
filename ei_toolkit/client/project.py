"""The project of a key, and what the key may do in it."""

from __future__ import annotations

from dataclasses import dataclass

from ei_toolkit.client.responses import Response
from ei_toolkit.client.transport import Transport
from ei_toolkit.errors import ApiError, CredentialError

SHOWN = 10  # projects named in an error


@dataclass(frozen=True)
class Studio:
    """A transport and the project of the commands; `path` returns the paths of that project."""

    transport: Transport
    project: int

    def path(self, *parts: object) -> str:
        """Return `/api/{project}/part/part`."""
        return "/".join(["/api", str(self.project), *map(str, parts)])


class KeyInfo(Response, frozen=True):
    """What a key may do: its role is `admin`, `readonly`, `ingestiononly` or `ingestion_deployment`."""

    project_id: int
    role: str
    expires: str = ""

    @property
    def can_train(self) -> bool:
        """Only administrators change impulses and start jobs."""
        return self.role == "admin"


class _Project(Response, frozen=True):
    id: int
    name: str = ""


class _ProjectList(Response, frozen=True):
    projects: tuple[_Project, ...]


def open_studio(transport: Transport) -> Studio:
    """Return the project of the settings, else the one that the key belongs to.

    Raises ApiError where the key belongs to no project, or to several and the settings choose none.
    """
    if transport.endpoint.project:
        return Studio(transport, transport.endpoint.project)
    projects = transport.read("/api/projects", _ProjectList).projects
    if len(projects) != 1:
        names = ", ".join(f"{project.id} ({project.name})" for project in projects[:SHOWN])
        raise ApiError(
            f"the key opens {len(projects)} projects", why=names, hint="Set [studio] project to the id of one."
        )
    return Studio(transport, projects[0].id)


def key_info(transport: Transport) -> KeyInfo:
    """Ask the studio what the key may do. Raises CredentialError where it rejects the key."""
    return transport.read("/api/projects/api-key-info", KeyInfo)


def require_training(transport: Transport) -> None:
    """Raise CredentialError where the role of the key cannot train. A studio that does not state the role may."""
    try:
        info = key_info(transport)
    except CredentialError:
        raise
    except ApiError:
        return
    if not info.can_train:
        raise CredentialError(
            f"this key has the role {info.role} and cannot change the impulse or start jobs",
            hint="Make a key with the role admin in the studio (Dashboard, Keys) and set EI_API_KEY.",
        )
