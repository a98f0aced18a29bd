"""Which project a key opens, and what the key may do there."""

from __future__ import annotations

from dataclasses import dataclass

from ei_toolkit.client.answer import Answer
from ei_toolkit.client.transport import Transport
from ei_toolkit.errors import ApiError, CredentialError


@dataclass(frozen=True)
class Studio:
    """A transport and the project that commands are about; `path` makes the paths of that project."""

    transport: Transport
    project: int

    def path(self, *parts: object) -> str:
        """`/api/{project}/part/part`."""
        return "/".join(["/api", str(self.project), *map(str, parts)])


def open_studio(transport: Transport) -> Studio:
    """The project of the settings, else the one that the key belongs to.

    Raises ApiError where the key opens none, or several of which none was chosen.
    """
    if transport.endpoint.project:
        return Studio(transport, transport.endpoint.project)
    projects = Answer(transport.get("/api/projects"), "the list of projects").objects("projects")
    if len(projects) != 1:
        names = ", ".join(f"{p.number('id')} ({p.text('name', '')})" for p in projects[:10])
        raise ApiError(
            f"the key opens {len(projects)} projects", why=names, hint="Set [studio] project to the id of one."
        )
    return Studio(transport, int(projects[0].number("id")))


@dataclass(frozen=True)
class KeyInfo:
    """What a key may do: `admin`, `readonly`, `ingestiononly` or `ingestion_deployment`."""

    project: int
    role: str
    expires: str

    @property
    def can_train(self) -> bool:
        """Only administrators change impulses and start jobs."""
        return self.role == "admin"


def key_info(transport: Transport) -> KeyInfo:
    """Ask the studio about the key. Raises CredentialError where it is refused."""
    answer = Answer(transport.get("/api/projects/api-key-info"), "what the key may do")
    return KeyInfo(int(answer.number("projectId")), answer.text("role"), answer.text("expires", ""))


def require_training(transport: Transport) -> None:
    """Refuse early where the key's role cannot train. A studio that does not tell the role is not refused."""
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
