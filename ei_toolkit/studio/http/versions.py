"""Versions of a project as Edge Impulse's API describes them: saved, listed, described, restored, deleted."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from ei_toolkit.studio.http.errors import ApiError, Forbidden
from ei_toolkit.studio.http.jobs import queue, started
from ei_toolkit.studio.http.request import Admin, Reader, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.schema import Flag, Integer, RequestModel, json_body
from ei_toolkit.studio.permissions import allows
from ei_toolkit.studio.store.garbage import delete_version as delete_stored
from ei_toolkit.studio.store.versions import Version

router = APIRouter(prefix="/v1/api/{projectId:int}")
LONGEST_DESCRIPTION = 10_000  # characters


class VersionRequest(RequestModel):
    """A `ProjectVersionRequest`."""

    description: Annotated[str, Field(max_length=LONGEST_DESCRIPTION)] = ""
    make_public: Flag = False


class VersionChanges(RequestModel):
    """An `UpdateVersionRequest`."""

    description: Annotated[str, Field(max_length=LONGEST_DESCRIPTION)] | None = None


class RestoreRequest(RequestModel):
    """A `RestoreProjectRequest`; the version is given by its id."""

    project_id: Integer
    project_api_key: str | None = None
    version_id: Integer


@router.get("/versions")
def list_versions(context: Reader) -> Response:
    """List the versions, the newest first."""
    versions = [_answer(version) for version in context.store.versions.all(context.project)]
    return answer(
        {
            "nextVersion": context.store.versions.next_number(context.project),
            "versions": versions,
            "customLearnBlocks": [],
            "runModelTestingWhileVersioning": False,
        }
    )


@router.post("/jobs/version")
def start_version_job(context: Admin, body: Annotated[VersionRequest, Depends(json_body(VersionRequest))]) -> Response:
    """Start a job that saves the state of the project."""
    if body.make_public:
        raise ApiError("The local studio has no public versions: send makePublic: false")
    return started(queue(context, "version", "version", "Saving version", {"description": body.description}))


@router.post("/jobs/restore")
def start_restore_job(context: Admin, body: Annotated[RestoreRequest, Depends(json_body(RestoreRequest))]) -> Response:
    """Start a job that restores a version.

    A version of another project is restored into an empty project, as Edge Impulse does. A version of the same project
    replaces its state, which is saved as a version before.
    """
    _check_source(context, body)
    version = context.store.versions.get(body.project_id, body.version_id)
    queue(context, "restore", "restore", "Restoring version", {"source": body.project_id, "version": version.id})
    return answer()


@router.post("/versions/{versionId:int}")
def update_version(
    versionId: int, context: Admin, body: Annotated[VersionChanges, Depends(json_body(VersionChanges))]
) -> Response:
    """Change the description of a version."""
    description = context.store.versions.get(context.project, versionId).description
    new = description if body.description is None else body.description
    context.store.versions.describe(context.project, versionId, new)
    return answer()


@router.delete("/versions/{versionId:int}")
def delete_version(versionId: int, context: Admin) -> Response:
    """Delete a version, and the content that only it has."""
    delete_stored(context.store, context.project, versionId)
    return answer()


def _check_source(context: RequestContext, body: RestoreRequest) -> None:
    """Raise Forbidden if the request must not read the project of the version."""
    if body.project_id == context.project:
        return
    key = context.store.keys.find(body.project_api_key) if body.project_api_key else None
    if key is None or key.project != body.project_id or not allows(key.role, "read"):
        raise Forbidden(f"projectApiKey is not a key that may read project {body.project_id}")


def _answer(version: Version) -> dict[str, Any]:
    figures = {"trainingAccuracy": version.training_accuracy, "testAccuracy": version.test_accuracy}
    return {
        "id": version.id,
        "version": version.version,
        "description": version.description,
        "bucket": {"path": f"versions/{version.id}"},
        "created": version.created,
        "totalSamplesCount": str(version.samples),
        **{name: value for name, value in figures.items() if value is not None},
    }
