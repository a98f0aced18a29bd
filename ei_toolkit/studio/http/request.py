"""Who calls, and what their key allows.

Roles as Edge Impulse has them: `admin` everything; `readonly` reads; `ingestiononly` uploads; `ingestion_deployment`
uploads, builds and downloads. Every role may ask what its key is and whose project it opens.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from ei_toolkit.studio.context import Studio
from ei_toolkit.studio.http.errors import Forbidden, TooLarge, Unauthorised, Unknown
from ei_toolkit.studio.parameters import LARGEST_INTEGER, RequestParameters
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.keys import ROLES, Key, Role

EVERYBODY: tuple[Role, ...] = ROLES
READERS: tuple[Role, ...] = ("admin", "readonly")
DEPLOYERS: tuple[Role, ...] = ("admin", "ingestion_deployment")
DEPLOYMENT_READERS: tuple[Role, ...] = ("admin", "readonly", "ingestion_deployment")
UPLOADERS: tuple[Role, ...] = ("admin", "ingestiononly", "ingestion_deployment")
ADMINS: tuple[Role, ...] = ("admin",)


@dataclass(frozen=True)
class RequestContext:
    """One authorised request. `project` is the one in the path, which is the key's own."""

    studio: Studio
    key: Key
    query: RequestParameters
    secret: str = field(repr=False)

    @property
    def project(self) -> int:
        """Id of the project that the request is about."""
        return self.key.project

    @property
    def store(self) -> Store:
        """The studio's state."""
        return self.studio.store


def presented_secret(request: Request) -> str:
    """The key of a request: `x-api-key`, or the token of a login in a header, cookie or bearer form."""
    headers = request.headers
    bearer = headers.get("authorization", "").removeprefix("Bearer ").strip()
    return headers.get("x-api-key") or headers.get("x-jwt-token") or request.cookies.get("jwt") or bearer


def allow(*roles: Role) -> Callable[[Request], RequestContext]:
    """A dependency: the request context, if the key exists, has one of the roles, and opens the project in the path."""

    def authorise(request: Request) -> RequestContext:
        studio: Studio = request.app.state.studio
        secret = presented_secret(request)
        key = studio.store.keys.find(secret) if secret else None
        if key is None:
            raise Unauthorised("Invalid API key" if secret else "No API key given (x-api-key)")
        if key.role not in roles:
            raise Forbidden(f"insufficient permissions (valid roles: [{', '.join(roles)}])")
        if any(isinstance(value, int) and value > LARGEST_INTEGER for value in request.path_params.values()):
            raise Unknown("There is no such route: an id in the path is too large")
        if request.path_params.get("projectId", key.project) != key.project:
            raise Forbidden("This API key belongs to another project")
        return RequestContext(studio, key, RequestParameters(dict(request.query_params)), secret)

    return authorise


def json_body(largest: int) -> Callable[[Request], Awaitable[RequestParameters]]:
    """A dependency: the JSON body of a request, `largest` bytes at most."""

    async def read(request: Request) -> RequestParameters:
        received = bytearray()
        async for chunk in request.stream():
            received += chunk
            if len(received) > largest:
                raise TooLarge(f"The body may have {largest // 2**20} MB at most")
        return RequestParameters.parse(bytes(received))

    return read


Anyone = Annotated[RequestContext, Depends(allow(*EVERYBODY))]
Reader = Annotated[RequestContext, Depends(allow(*READERS))]
Deployer = Annotated[RequestContext, Depends(allow(*DEPLOYERS))]
DeploymentReader = Annotated[RequestContext, Depends(allow(*DEPLOYMENT_READERS))]
Uploader = Annotated[RequestContext, Depends(allow(*UPLOADERS))]
Admin = Annotated[RequestContext, Depends(allow(*ADMINS))]
Body = Annotated[RequestParameters, Depends(json_body(16 * 2**20))]
ModelBody = Annotated[RequestParameters, Depends(json_body(140 * 2**20))]  # a model of 100 MB as base64
