"""Deployments: targets, history, downloads."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from ei_toolkit.studio.access import Anyone, Call, DeploymentReader
from ei_toolkit.studio.answers.deployment import TARGETS, history_entry, last_build, target_answer
from ei_toolkit.studio.http import answer
from ei_toolkit.studio.impulse import fingerprint
from ei_toolkit.studio.refusal import Refusal
from ei_toolkit.studio.store.artifacts import Deployment

everywhere = APIRouter(prefix="/v1/api")
router = APIRouter(prefix="/v1/api/{projectId:int}/deployment")


@everywhere.get("/deployment/targets")
def list_all_deployment_targets(request: Request, call: Anyone) -> Response:
    """Every target."""
    return answer({"targets": [target_answer(target, docs_url(request)) for target in TARGETS]})


@router.get("/targets/data-sources")
def list_deployment_targets_for_project_data_sources(request: Request, call: DeploymentReader) -> Response:
    """Every target that suits the project's data."""
    return answer({"targets": [target_answer(target, docs_url(request)) for target in TARGETS]})


@router.get("/targets")
def list_deployment_targets_for_project(request: Request, call: DeploymentReader) -> Response:
    """Every target, and which one is recommended."""
    return answer({"targets": [target_answer(target, docs_url(request), project=True) for target in TARGETS]})


@router.get("")
def get_deployment(call: DeploymentReader) -> Response:
    """Whether there is a deployment of a kind, and its version."""
    found = _wanted(call)
    return answer({"hasDeployment": bool(found), **({"version": found[0].version} if found else {})})


@router.get("/last")
def get_last_deployment_build(request: Request, call: DeploymentReader) -> Response:
    """The newest deployment."""
    found = call.store.artifacts.deployments(call.project, impulse=_impulse(call))
    return answer(last_build(found[0], docs_url(request)) if found else {"hasBuild": False})


@router.get("/download")
def download_build(call: DeploymentReader) -> Response:
    """The newest deployment of a kind."""
    found = _wanted(call)
    if not found:
        raise Refusal("No deployment of this kind exists yet")
    return _zip(call, found[0])


@router.get("/history")
def list_deployment_history(request: Request, call: DeploymentReader) -> Response:
    """Every deployment, newest first."""
    limit, offset = call.query.page()
    format_ = call.query.text("deploymentFormat") if call.query.has("deploymentFormat") else None
    found = call.store.artifacts.deployments(call.project, impulse=_impulse(call), format=format_)
    page = found[offset : offset + limit if limit else None]
    entries = [_entry(call, request, deployment) for deployment in page]
    return answer({"deployments": entries, "totalDeploymentCount": len(found)})


@router.get("/history/{deploymentVersion:int}")
def get_historic_deployment(deploymentVersion: int, request: Request, call: DeploymentReader) -> Response:
    """One deployment."""
    deployment = call.store.artifacts.deployment(call.project, deploymentVersion)
    return answer({"deployment": _entry(call, request, deployment)})


@router.get("/history/{deploymentVersion:int}/download")
def download_historic_deployment(deploymentVersion: int, call: DeploymentReader) -> Response:
    """The zip of one deployment."""
    return _zip(call, call.store.artifacts.deployment(call.project, deploymentVersion))


def docs_url(request: Request) -> str:
    """Where this studio would document something; it has no pages of its own."""
    return f"{request.url.scheme}://{request.url.netloc}/"


def _entry(call: Call, request: Request, deployment: Deployment) -> dict[str, object]:
    impulse = call.store.blocks.find(call.project, deployment.impulse)
    return history_entry(
        call.project, deployment, docs_url(request), fingerprint(call.store, impulse) if impulse else None
    )


def _wanted(call: Call) -> list[Deployment]:
    query = call.query
    given = {name: query.text(key) for key, name in (("type", "format"), ("modelType", "model_type")) if query.has(key)}
    if query.has("engine"):
        given["engine"] = query.text("engine")
    return call.store.artifacts.deployments(call.project, impulse=_impulse(call), **given)


def _impulse(call: Call) -> int | None:
    return call.query.integer("impulseId") if call.query.has("impulseId") else None


def _zip(call: Call, deployment: Deployment) -> Response:
    headers = {"Content-Disposition": f"attachment; filename*=utf-8''{quote(deployment.filename)}"}
    return FileResponse(call.store.blobs.path(deployment.blob), media_type="application/zip", headers=headers)
