"""One project: its description, its tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter
from starlette.responses import Response

from ei_toolkit.studio.access import Anyone, DeploymentReader
from ei_toolkit.studio.wire import answer, stamp

router = APIRouter(prefix="/v1/api/{projectId}")


@router.get("/socket-token")
def get_socket_token(call: DeploymentReader) -> Response:
    """A token that opens the live log of the project."""
    token, lifetime = call.studio.tokens.issue(call.project)
    return answer({"token": {"socketToken": token, "expires": stamp(datetime.now(UTC) + timedelta(seconds=lifetime))}})


@router.get("/devkeys/hmac")
def get_hmac_devkey(call: Anyone) -> Response:
    """The key that devices sign samples with."""
    return answer({"hmacKey": call.store.projects.get(call.project).hmac_key})
