"""The route for all other paths: 501 for methods of Edge Impulse's API that the local studio lacks, else 404."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from ei_toolkit.studio.coverage import find_method, served_shapes
from ei_toolkit.studio.http.errors import NotImplementedByStudio, Unknown
from ei_toolkit.studio.http.request import Anyone

router = APIRouter()


@router.api_route("/v1/{path:path}", methods=["GET", "POST", "PUT", "DELETE", "PATCH"], include_in_schema=False)
def not_implemented(path: str, request: Request, context: Anyone) -> Response:
    """Raise the error that states whether the method exists in Edge Impulse's API."""
    method = find_method(request.method, f"/{path}")
    if method is None or method.shape in served_shapes():  # it is served: an id in the path is not a number
        raise Unknown(f"There is no such route: {request.method} /v1/{path[:200]}")
    raise NotImplementedByStudio(f"{method.name} ({method.verb} {method.path})")
