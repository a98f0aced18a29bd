"""Projects, and what a key says about itself."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ei_toolkit.studio.access import Anyone
from ei_toolkit.studio.answers.project import project_summary
from ei_toolkit.studio.wire import answer

router = APIRouter(prefix="/v1/api")


@router.get("/projects")
def list_projects(call: Anyone) -> Response:
    """The project that the key opens."""
    return answer({"projects": [project_summary(call.store.projects.get(call.project))]})


@router.get("/projects/api-key-info")
def get_current_api_key_info(call: Anyone) -> Response:
    """Which key this is and what it may do."""
    key = call.key
    expires = {"expires": key.expires} if key.expires else {}
    return answer({"apiKeyId": key.id, "projectId": key.project, "role": key.role, **expires})
