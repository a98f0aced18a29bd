"""The context of a request: its key, whose role must have the permission that the route declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from ei_toolkit.studio.context import Studio
from ei_toolkit.studio.http.browser_session import session_of
from ei_toolkit.studio.http.errors import Forbidden, Unauthorised, Unknown
from ei_toolkit.studio.http.text import check_line
from ei_toolkit.studio.permissions import PERMISSIONS, Permission, allows
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.keys import Key
from ei_toolkit.studio.wire_format import LARGEST_INTEGER


@dataclass(frozen=True)
class RequestContext:
    """An authorised request; its key is for the project in the path. `secret` is empty for a session of a browser."""

    studio: Studio
    key: Key
    secret: str = field(repr=False)

    @property
    def project(self) -> int:
        """Id of the project."""
        return self.key.project

    @property
    def store(self) -> Store:
        """The stored state of the studio."""
        return self.studio.store


def presented_secret(request: Request) -> str:
    """Return the key of a request: `x-api-key`, or the token of a login in a header, a cookie or as a bearer token."""
    headers = request.headers
    bearer = headers.get("authorization", "").removeprefix("Bearer ").strip()
    return headers.get("x-api-key") or headers.get("x-jwt-token") or request.cookies.get("jwt") or bearer


def require(permission: Permission) -> Callable[[Request], RequestContext]:
    """Return a dependency that checks the key: it is valid, allows the request, and is for the requested project."""

    def authorise(request: Request) -> RequestContext:
        studio: Studio = request.app.state.studio
        secret = presented_secret(request)
        key = studio.store.keys.find(secret) if secret else _key_of_session(studio, request)
        if key is None:
            raise Unauthorised("The API key is not valid: it is unknown, revoked or expired")
        if not allows(key.role, permission):
            raise Forbidden(f"insufficient permissions (valid roles: [{', '.join(PERMISSIONS[permission])}])")
        if any(isinstance(value, int) and value > LARGEST_INTEGER for value in request.path_params.values()):
            raise Unknown(f"There is no such route: an id in the path is larger than {LARGEST_INTEGER}")
        if request.path_params.get("projectId", key.project) != key.project:
            raise Forbidden(
                f"The API key is for project {key.project}, not for project {request.path_params['projectId']}"
            )
        for name, value in (*request.query_params.multi_items(), *request.path_params.items()):
            check_line(name, str(value))
        return RequestContext(studio, key, secret)

    return authorise


def _key_of_session(studio: Studio, request: Request) -> Key | None:
    """Return the key that a browser has signed in with; None if it is not valid any more."""
    session = session_of(request)
    if session is None:
        raise Unauthorised("The request has no API key: send it in the header x-api-key")
    return studio.store.keys.by_id(session.key)


Anyone = Annotated[RequestContext, Depends(require("identify"))]
Reader = Annotated[RequestContext, Depends(require("read"))]
Deployer = Annotated[RequestContext, Depends(require("build"))]
DeploymentReader = Annotated[RequestContext, Depends(require("read builds"))]
Uploader = Annotated[RequestContext, Depends(require("upload"))]
Admin = Annotated[RequestContext, Depends(require("administer"))]
