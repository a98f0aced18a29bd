"""Everything that no other route takes: 501 for what Edge Impulse has and this studio does not, else 404."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from ei_toolkit.studio.coverage import find_method, served_shapes
from ei_toolkit.studio.http.errors import NotImplementedByStudio, Unknown
from ei_toolkit.studio.http.request import Anyone

router = APIRouter()


@router.api_route("/v1/{path:path}", methods=["GET", "POST", "PUT", "DELETE", "PATCH"], include_in_schema=False)
def absent(path: str, request: Request, context: Anyone) -> Response:
    """Say why there is nothing here."""
    method = find_method(request.method, f"/{path}")
    if method is None or method.shape in served_shapes():  # the latter: an id that is no number
        raise Unknown("There is no such route")
    raise NotImplementedByStudio(f"{method.name} ({method.verb} {method.path})")
