"""Projects, and what a key says about itself."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from ei_toolkit.studio.context import Studio
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.project import project_summary
from ei_toolkit.studio.http.request import Admin, Anyone, Body
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.store.keys import new_secret

router = APIRouter(prefix="/v1")


@router.post("/api-login")
def login(request: Request, body: Body) -> Response:
    """The local studio has no passwords: an admin's API key is one, and the token is the key itself."""
    studio: Studio = request.app.state.studio
    body.text("username")
    secret = body.text("password")
    key = studio.store.keys.find(secret)
    if key is None or key.role != "admin":
        raise ApiError("Invalid username or password (the local studio takes an admin's API key as the password)")
    return answer({"token": secret})


@router.get("/api/projects")
def list_projects(context: Anyone) -> Response:
    """The project that the key opens."""
    return answer({"projects": [project_summary(context.store.projects.get(context.project))]})


@router.post("/api/projects/create")
def create_project(context: Admin, body: Body) -> Response:
    """A new project with an admin key of its own."""
    project = context.store.projects.create(body.text("projectName"))
    secret = new_secret()
    context.store.keys.add(project.id, "created with the project", "admin", secret, development=True)
    return answer({"id": project.id, "apiKey": secret})


@router.get("/api/projects/api-key-info")
def get_current_api_key_info(context: Anyone) -> Response:
    """Which key this is and what it may do."""
    key = context.key
    expires = {"expires": key.expires} if key.expires else {}
    return answer({"apiKeyId": key.id, "projectId": key.project, "role": key.role, **expires})
