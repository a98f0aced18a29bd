"""The methods of Edge Impulse's API, and the route for all paths without another route.

A method that the local studio does not implement is answered with 501, and any other path with 404.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.routing import BaseRoute

from ei_toolkit.studio.http.errors import NotImplementedByStudio, Unknown
from ei_toolkit.studio.http.request import Anyone

router = APIRouter()
FIELD = re.compile(r"\{\w+\}")


@dataclass(frozen=True, order=True)
class Method:
    """One method of the official client."""

    api: str
    name: str
    verb: str
    path: str

    @property
    def shape(self) -> str:
        """Verb and path without the names of the fields, to compare routes."""
        return f"{self.verb} {FIELD.sub('{}', self.path)}"

    def matches(self, verb: str, path: str) -> bool:
        """Return whether a request (path without `/v1`) is for this method."""
        return verb == self.verb and _pattern(self.path).fullmatch(path) is not None


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile("[^/]+".join(re.escape(part) for part in FIELD.split(path)))


@cache
def official_methods() -> tuple[Method, ...]:
    """Return the methods in `official.txt`."""
    text = files("ei_toolkit.studio").joinpath("official.txt").read_text(encoding="utf-8")
    rows = (line.split() for line in text.splitlines() if line and not line.startswith("#"))
    return tuple(Method(name.partition(".")[0], name.partition(".")[2], verb, path) for name, verb, path in rows)


def find_method(verb: str, path: str) -> Method | None:
    """Return the official method of a request; None if there is none."""
    return next((method for method in official_methods() if method.matches(verb, path)), None)


def route_shapes(routes: Iterable[BaseRoute]) -> frozenset[str]:
    """Return verbs and paths (without `/v1`) of routes, without the names of the fields."""
    found = (route for route in routes if isinstance(route, APIRoute))
    return frozenset(f"{verb} {_shape(route.path)}" for route in found for verb in route.methods or ())


def _shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path.removeprefix("/v1"))


@router.api_route("/v1/{path:path}", methods=["GET", "POST", "PUT", "DELETE", "PATCH"], include_in_schema=False)
def not_implemented(path: str, request: Request, context: Anyone) -> Response:
    """Raise the error that states whether the method exists in Edge Impulse's API."""
    method = find_method(request.method, f"/{path}")
    # A method with a route of its own gets here if an id in the path is not a number.
    if method is None or method.shape in route_shapes(request.app.routes):
        raise Unknown(f"There is no such route: {request.method} /v1/{path[:200]}")
    raise NotImplementedByStudio(f"{method.name} ({method.verb} {method.path})")
