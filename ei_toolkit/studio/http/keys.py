"""Keys of a project."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter
from starlette.responses import Response

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.project import key_answer
from ei_toolkit.studio.http.request import Admin, Anyone, Body, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.parameters import RequestParameters, stamp
from ei_toolkit.studio.store.keys import ROLES, Role, new_secret

router = APIRouter(prefix="/v1/api/{projectId:int}")
LONGEST_TTL_S = 10 * 365 * 86_400


@router.get("/apikeys")
def list_project_api_keys(context: Admin) -> Response:
    """Every key of the project, none of them readable."""
    return answer({"apiKeys": [key_answer(key) for key in context.store.keys.of(context.project)]})


@router.post("/apikeys")
def add_project_api_key(context: Admin, body: Body) -> Response:
    """A new key; this answer is the only place where it is ever shown."""
    role = next((role for role in ROLES if role == body.text("role", "admin")), None)
    if role is None:
        raise ApiError(f"role must be one of {', '.join(ROLES)}")
    return _add(context, body, role)


@router.post("/apikeys/ingestiononly")
def add_project_ingestion_only_api_key(context: Admin, body: Body) -> Response:
    """A new key that can only upload."""
    return _add(context, body, "ingestiononly")


@router.delete("/apikeys/{apiKeyId:int}")
@router.delete("/apikeys/ingestiononly/{apiKeyId:int}")
def revoke_project_api_key(apiKeyId: int, context: Admin) -> Response:
    """Make a key useless."""
    context.store.keys.revoke(context.project, apiKeyId)
    return answer()


@router.get("/devkeys")
def list_devkeys(context: Admin) -> Response:
    """The keys that devices use."""
    return answer({"apiKey": context.secret, "hmacKey": context.store.projects.get(context.project).hmac_key})


@router.get("/devkeys/hmac")
def get_hmac_devkey(context: Anyone) -> Response:
    """The key that devices sign samples with."""
    return answer({"hmacKey": context.store.projects.get(context.project).hmac_key})


@router.get("/hmackeys")
def list_project_hmac_keys(context: Admin) -> Response:
    """The same as a list: the local studio has one a project."""
    project = context.store.projects.get(context.project)
    key = {"id": project.id, "hmacKey": project.hmac_key, "isDevelopmentKey": True, "name": "Development key"}
    return answer({"hmacKeys": [{**key, "created": project.created}]})


def _add(context: RequestContext, body: RequestParameters, role: Role) -> Response:
    secret = body.text("apiKey") if body.has("apiKey") else new_secret()
    id_ = context.store.keys.add(
        context.project,
        body.text("name", "key"),
        role,
        secret,
        development=body.flag("isDevelopmentKey", False),
        expires=_expiry(body),
    )
    return answer({"id": id_, "apiKey": secret})


def _expiry(body: RequestParameters) -> str | None:
    if not body.has("ttl"):
        return None
    seconds = body.integer("ttl")
    if not 0 < seconds <= LONGEST_TTL_S:
        raise ApiError("ttl must be a number of seconds above 0, ten years at most")
    return stamp(datetime.now(UTC) + timedelta(seconds=seconds))
