"""The services as ASGI apps: API with live log and web pages, ingestion, remote management; their error responses."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp

from ei_toolkit.studio.context import Studio
from ei_toolkit.studio.http import (
    classify,
    data_explorer,
    dataset,
    deployments,
    devices,
    dsp,
    dsp_runs,
    impulse_variants,
    impulses,
    ingestion,
    jobs,
    keys,
    learn,
    not_implemented,
    optimize,
    performance_calibration,
    pretrained,
    project,
    projects,
    sample_cuts,
    sample_edits,
    samples,
    start_jobs,
    targets,
    versions,
    web,
)
from ei_toolkit.studio.http.errors import ApiError, DiskFull, TooManyRequests, is_disk_full
from ei_toolkit.studio.http.guard import LARGEST_BODY, LARGEST_REQUEST, Guard
from ei_toolkit.studio.http.responses import failure
from ei_toolkit.studio.http.schema import rejection
from ei_toolkit.studio.live import session as live
from ei_toolkit.studio.remote import session as remote

log = logging.getLogger("ei_toolkit.studio")
API_ROUTERS: tuple[APIRouter, ...] = (
    projects.router,
    deployments.everywhere,
    project.router,
    keys.router,
    targets.router,
    devices.router,
    dataset.router,
    data_explorer.router,
    samples.router,
    sample_edits.router,
    sample_cuts.router,
    impulses.router,
    impulse_variants.router,
    dsp.router,
    dsp_runs.router,
    learn.router,
    pretrained.router,
    performance_calibration.router,
    start_jobs.router,
    optimize.router,
    jobs.router,
    classify.router,
    deployments.router,
    versions.router,
    live.router,
    not_implemented.router,  # the last: it matches every path
)
INGESTION_ROUTERS: tuple[APIRouter, ...] = (ingestion.router,)
REMOTE_MANAGEMENT_ROUTERS: tuple[APIRouter, ...] = (remote.router,)
Handler = Callable[[Request, Exception], Awaitable[Response]]


def api_app(studio: Studio) -> ASGIApp:
    """Return the app of the API, below `/v1`, of the live log, and of the web pages.

    It accepts uploads, too: a page sends requests to its own address only.
    """
    return _app(studio, (web.router, *INGESTION_ROUTERS, *API_ROUTERS), LARGEST_BODY)


def ingestion_app(studio: Studio) -> ASGIApp:
    """Return the app of the uploads."""
    return _app(studio, INGESTION_ROUTERS, LARGEST_REQUEST)


def remote_management_app(studio: Studio) -> ASGIApp:
    """Return the app of the devices that are connected."""
    return _app(studio, REMOTE_MANAGEMENT_ROUTERS, LARGEST_BODY)


def _app(studio: Studio, routers: tuple[APIRouter, ...], largest_body: int) -> ASGIApp:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.studio = studio
    for router in routers:  # add the routes: `include_router` would build each of them again
        app.router.routes.extend(router.routes)
    for error, handler in _handlers().items():
        app.add_exception_handler(error, handler)
    return Guard(app, studio.activity, studio.options.host, largest_body)


def _handlers() -> dict[type[Exception], Handler]:
    async def api_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, ApiError)
        response = failure(str(error), error.status)
        if isinstance(error, TooManyRequests):
            response.headers["Retry-After"] = str(error.retry_after_s)
        return response

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        missing = error.status_code in (404, 405)
        route = f"There is no such route: {request.method} {request.url.path[:200]}"
        return failure(route if missing else f"The request cannot be handled: {error.detail}", error.status_code)

    async def validation_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        errors = [{**found, "loc": found["loc"][1:]} for found in error.errors() if found["loc"][0] == "query"]
        if not errors:
            return failure("There is no such route: an id in the path is not a number", 404)
        rejected = rejection(errors)
        return failure(str(rejected), rejected.status)

    async def disconnected(_: Request, error: Exception) -> Response:
        return failure("The client closed the connection before the end of its request", 400)

    async def no_space(request: Request, error: Exception) -> Response:
        if not is_disk_full(error):
            raise error
        log.error("%s %s failed: the disk is full", request.method, request.url.path)
        return failure(str(DiskFull()), DiskFull.status)

    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return failure("An internal error occurred in the local studio: its server.log has the details", 500)

    return {
        ApiError: api_error,
        HTTPException: http_error,
        RequestValidationError: validation_error,
        ClientDisconnect: disconnected,
        OSError: no_space,
        sqlite3.OperationalError: no_space,
        Exception: unexpected,
    }
