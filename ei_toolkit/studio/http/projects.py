"""Login, the projects of a key, and what a key allows."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ei_toolkit.studio.context import Studio
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.project import project_summary
from ei_toolkit.studio.http.request import Admin, Anyone
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.schema import Line, RequestModel, json_body
from ei_toolkit.studio.store.keys import new_secret

router = APIRouter(prefix="/v1")


class LoginRequest(RequestModel):
    """A `GetJWTRequest`."""

    username: str
    password: str


class ProjectRequest(RequestModel):
    """A `CreateProjectRequest`."""

    project_name: Line


@router.post("/api-login")
def login(request: Request, body: Annotated[LoginRequest, Depends(json_body(LoginRequest))]) -> Response:
    """Log in with an admin's API key as the password; the token is the key. The local studio has no passwords."""
    studio: Studio = request.app.state.studio
    key = studio.store.keys.find(body.password)
    if key is None or key.role != "admin":
        raise ApiError("Invalid username or password (the local studio takes an admin's API key as the password)")
    return answer({"token": body.password})


@router.get("/api/projects")
def list_projects(context: Anyone) -> Response:
    """Return the project of the key."""
    return answer({"projects": [project_summary(context.store.projects.get(context.project))]})


@router.post("/api/projects/create")
def create_project(context: Admin, body: Annotated[ProjectRequest, Depends(json_body(ProjectRequest))]) -> Response:
    """Create a project with an admin key."""
    project = context.store.projects.create(body.project_name)
    secret = new_secret()
    context.store.keys.add(project.id, "created with the project", "admin", secret, development=True)
    return answer({"id": project.id, "apiKey": secret})


@router.get("/api/projects/api-key-info")
def get_current_api_key_info(context: Anyone) -> Response:
    """Return id, project and role of the key."""
    key = context.key
    expires = {"expires": key.expires} if key.expires else {}
    return answer({"apiKeyId": key.id, "projectId": key.project, "role": key.role, **expires})
