"""Keys of a project."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from ei_toolkit.studio.http.project import key_answer
from ei_toolkit.studio.http.request import Admin, Anyone, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.schema import Flag, Integer, Line, RequestModel, json_body
from ei_toolkit.studio.store.keys import Role, new_secret
from ei_toolkit.studio.wire_format import stamp

router = APIRouter(prefix="/v1/api/{projectId:int}")
LONGEST_TTL_S = 10 * 365 * 86_400


class IngestionKeyRequest(RequestModel):
    """An `AddProjectIngestionOnlyApiKeyRequest`; `ttl` is the life of the key in seconds."""

    name: Line = "key"
    api_key: str | None = None
    is_development_key: Flag = False
    ttl: Annotated[Integer, Field(gt=0, le=LONGEST_TTL_S)] | None = None

    def expires(self) -> str | None:
        """Return the time at which the key expires; None if it does not."""
        return None if self.ttl is None else stamp(datetime.now(UTC) + timedelta(seconds=self.ttl))


class KeyRequest(IngestionKeyRequest):
    """An `AddProjectApiKeyRequest`."""

    role: Role = "admin"


@router.get("/apikeys")
def list_project_api_keys(context: Admin) -> Response:
    """List the keys of the project, without their secrets."""
    return answer({"apiKeys": [key_answer(key) for key in context.store.keys.of(context.project)]})


@router.post("/apikeys")
def add_project_api_key(context: Admin, body: Annotated[KeyRequest, Depends(json_body(KeyRequest))]) -> Response:
    """Add a key; only this response has its secret."""
    return _add(context, body, body.role)


@router.post("/apikeys/ingestiononly")
def add_project_ingestion_only_api_key(
    context: Admin, body: Annotated[IngestionKeyRequest, Depends(json_body(IngestionKeyRequest))]
) -> Response:
    """Add a key that can only upload."""
    return _add(context, body, "ingestiononly")


@router.delete("/apikeys/{apiKeyId:int}")
@router.delete("/apikeys/ingestiononly/{apiKeyId:int}")
def revoke_project_api_key(apiKeyId: int, context: Admin) -> Response:
    """Revoke a key."""
    context.store.keys.revoke(context.project, apiKeyId)
    return answer()


@router.get("/devkeys")
def list_devkeys(context: Admin) -> Response:
    """Return the keys that devices use."""
    return answer({"apiKey": context.secret, "hmacKey": context.store.projects.get(context.project).hmac_key})


@router.get("/devkeys/hmac")
def get_hmac_devkey(context: Anyone) -> Response:
    """Return the key that devices sign samples with."""
    return answer({"hmacKey": context.store.projects.get(context.project).hmac_key})


@router.get("/hmackeys")
def list_project_hmac_keys(context: Admin) -> Response:
    """List the signing keys: the local studio has one for each project."""
    project = context.store.projects.get(context.project)
    key = {"id": project.id, "hmacKey": project.hmac_key, "isDevelopmentKey": True, "name": "Development key"}
    return answer({"hmacKeys": [{**key, "created": project.created}]})


def _add(context: RequestContext, body: IngestionKeyRequest, role: Role) -> Response:
    secret, development = body.api_key or new_secret(), body.is_development_key
    id_ = context.store.keys.add(
        context.project, body.name, role, secret, development=development, expires=body.expires()
    )
    return answer({"id": id_, "apiKey": secret})
