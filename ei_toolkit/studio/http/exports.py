"""Exports: the project's samples as a zip."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.job_queue import queue, started
from ei_toolkit.studio.http.request import Admin, Reader, RequestContext
from ei_toolkit.studio.http.responses import answer

router = APIRouter(prefix="/v1/api/{projectId:int}")


@router.post("/jobs/export/original")
@router.post("/jobs/export/wav")
def start_original_export_job(context: Admin) -> Response:
    """Write all samples, as they were uploaded, into a zip with `info.labels`."""
    return started(queue(context, "export", "export", "Exporting data", {}))


@router.get("/export/get-url")
def get_export_url(request: Request, context: Reader) -> Response:
    """Where the last export can be downloaded."""
    if context.store.artifacts.result(context.project, "export", 0) is None:
        return answer({"hasExport": False})
    path = f"/v1/api/{context.project}/export/download"
    return answer({"hasExport": True, "url": f"{request.url.scheme}://{request.url.netloc}{path}"})


@router.get("/export/download")
def download_export(context: Reader) -> Response:
    """The last export."""
    return FileResponse(_path(context), media_type="application/zip", filename="export.zip")


def _path(context: RequestContext) -> str:
    blob = context.store.artifacts.result(context.project, "export", 0)
    if blob is None:
        raise ApiError("Nothing was exported yet")
    return str(context.store.blobs.path(blob))
