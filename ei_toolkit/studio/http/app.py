"""The two services as ASGI apps: the API with its live log, and ingestion."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp

from ei_toolkit.studio.context import Studio
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.guard import LARGEST_BODY, LARGEST_REQUEST, Guard
from ei_toolkit.studio.http.responses import failure
from ei_toolkit.studio.http.routers import API_ROUTERS, INGESTION_ROUTERS

log = logging.getLogger("ei_toolkit.studio")
Handler = Callable[[Request, Exception], Awaitable[Response]]


def api_app(studio: Studio) -> ASGIApp:
    """Everything below `/v1` and the live log."""
    return _app(studio, API_ROUTERS, LARGEST_BODY)


def ingestion_app(studio: Studio) -> ASGIApp:
    """Uploads."""
    return _app(studio, INGESTION_ROUTERS, LARGEST_REQUEST)


def _app(studio: Studio, routers: tuple[APIRouter, ...], largest_body: int) -> ASGIApp:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.studio = studio
    for router in routers:  # routes as they are: including a router builds each of them again, at its first request
        app.router.routes.extend(router.routes)
    for error, handler in _handlers().items():
        app.add_exception_handler(error, handler)
    return Guard(app, studio.activity, studio.options.host, largest_body)


def _handlers() -> dict[type[Exception], Handler]:
    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, ApiError)
        return failure(str(error), error.status)

    async def unknown(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return failure(
            "There is no such route" if error.status_code in (404, 405) else "Bad request", error.status_code
        )

    async def malformed(_: Request, error: Exception) -> Response:
        return failure("There is no such route: an id in the path is not a number", 404)

    async def gone(_: Request, error: Exception) -> Response:
        return failure("The client went away", 400)

    async def broken(request: Request, error: Exception) -> Response:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return failure("The local studio could not do this because of an error of its own; see its log", 500)

    return {
        ApiError: refused,
        HTTPException: unknown,
        RequestValidationError: malformed,
        ClientDisconnect: gone,
        Exception: broken,
    }
