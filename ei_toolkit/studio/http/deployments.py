"""Deployment targets and deployments as Edge Impulse describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.request import Anyone, DeploymentReader, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.impulse import fingerprint
from ei_toolkit.studio.store.artifacts import Deployment

ENGINES = ("tflite-eon", "tflite-eon-ram-optimized", "tflite")
TARGETS: Mapping[str, tuple[str, str]] = {
    "arduino": ("Arduino library", "An Arduino library that runs on Arm-based boards, with examples."),
    "zip": ("C++ library", "Portable C++ sources with a CMake file, for any C++14 compiler."),
}
ABSENT_ENGINES = (
    "hasTensorRT", "hasTensaiFlow", "hasDRPAI", "hasTIDL", "hasAkida", "hasMemryx", "hasStAton", "hasCevaNpn",
    "hasNordicAxon", "hasQaic",
)  # fmt: skip


def target_answer(target: str, docs: str, *, project: bool = False) -> dict[str, Any]:
    """A `DeploymentTarget`, or with `project` a `ProjectDeploymentTarget`."""
    name, description = TARGETS[target]
    own = {"recommendedForProject": target == "arduino", "disabledForProject": False} if project else {}
    return {
        "name": name,
        "description": description,
        "image": "",
        "imageClasses": "",
        "format": target,
        "hasEonCompiler": True,
        **dict.fromkeys(ABSENT_ENGINES, False),
        "hideOptimizations": False,
        "uiSection": "library",
        "supportedEngines": list(ENGINES),
        "preferredEngine": ENGINES[0],
        "docsUrl": docs,
        "modelVariants": [{"variant": "int8", "supported": True}, {"variant": "float32", "supported": True}],
        "parameters": [],
        **own,
    }


def history_entry(project: int, deployment: Deployment, docs: str, fingerprint: str | None) -> dict[str, Any]:
    """A `DeploymentHistory`; `fingerprint` is the impulse's now, None if it was deleted."""
    return {
        "created": deployment.created,
        "deploymentVersion": deployment.version,
        "deploymentFormat": deployment.format,
        "deploymentTarget": target_answer(deployment.format, docs, project=True),
        "engine": deployment.engine,
        "modelType": deployment.model_type,
        "impulseId": deployment.impulse,
        "impulseName": deployment.impulse_name,
        "impulseIsDeleted": fingerprint is None,
        "impulseHasChangedSinceDeployment": fingerprint != deployment.fingerprint,
        "downloadUrl": f"/v1/api/{project}/deployment/history/{deployment.version}/download",
        "createdByBuildPublicDeploymentJob": False,
    }


def last_build(deployment: Deployment, docs: str) -> dict[str, Any]:
    """Fields of a `GetLastDeploymentBuildResponse`."""
    build = {
        "version": deployment.version,
        "deploymentType": deployment.format,
        "engine": deployment.engine,
        "modelType": deployment.model_type,
        "created": deployment.created,
    }
    target = target_answer(deployment.format, docs, project=True)
    return {"hasBuild": True, "lastBuild": build, "lastDeploymentTarget": target}


everywhere = APIRouter(prefix="/v1/api")
router = APIRouter(prefix="/v1/api/{projectId:int}/deployment")


@everywhere.get("/deployment/targets")
def list_all_deployment_targets(request: Request, context: Anyone) -> Response:
    """Every target."""
    return answer({"targets": [target_answer(target, docs_url(request)) for target in TARGETS]})


@router.get("/targets/data-sources")
def list_deployment_targets_for_project_data_sources(request: Request, context: DeploymentReader) -> Response:
    """Every target that suits the project's data."""
    return answer({"targets": [target_answer(target, docs_url(request)) for target in TARGETS]})


@router.get("/targets")
def list_deployment_targets_for_project(request: Request, context: DeploymentReader) -> Response:
    """Every target, and which one is recommended."""
    return answer({"targets": [target_answer(target, docs_url(request), project=True) for target in TARGETS]})


@router.get("")
def get_deployment(context: DeploymentReader) -> Response:
    """Whether there is a deployment of a kind, and its version."""
    found = _wanted(context)
    return answer({"hasDeployment": bool(found), **({"version": found[0].version} if found else {})})


@router.get("/last")
def get_last_deployment_build(request: Request, context: DeploymentReader) -> Response:
    """The newest deployment."""
    found = context.store.artifacts.deployments(context.project, impulse=_impulse(context))
    return answer(last_build(found[0], docs_url(request)) if found else {"hasBuild": False})


@router.get("/download")
def download_build(context: DeploymentReader) -> Response:
    """The newest deployment of a kind."""
    found = _wanted(context)
    if not found:
        raise ApiError("No deployment of this kind exists yet")
    return _zip(context, found[0])


@router.get("/history")
def list_deployment_history(request: Request, context: DeploymentReader) -> Response:
    """Every deployment, newest first."""
    limit, offset = context.query.page()
    format_ = context.query.text("deploymentFormat") if context.query.has("deploymentFormat") else None
    found = context.store.artifacts.deployments(context.project, impulse=_impulse(context), format=format_)
    page = found[offset : offset + limit if limit else None]
    entries = [_entry(context, request, deployment) for deployment in page]
    return answer({"deployments": entries, "totalDeploymentCount": len(found)})


@router.get("/history/{deploymentVersion:int}")
def get_historic_deployment(deploymentVersion: int, request: Request, context: DeploymentReader) -> Response:
    """One deployment."""
    deployment = context.store.artifacts.deployment(context.project, deploymentVersion)
    return answer({"deployment": _entry(context, request, deployment)})


@router.get("/history/{deploymentVersion:int}/download")
def download_historic_deployment(deploymentVersion: int, context: DeploymentReader) -> Response:
    """The zip of one deployment."""
    return _zip(context, context.store.artifacts.deployment(context.project, deploymentVersion))


def docs_url(request: Request) -> str:
    """Where this studio would document something; it has no pages of its own."""
    return f"{request.url.scheme}://{request.url.netloc}/"


def _entry(context: RequestContext, request: Request, deployment: Deployment) -> dict[str, object]:
    impulse = context.store.blocks.find(context.project, deployment.impulse)
    return history_entry(
        context.project, deployment, docs_url(request), fingerprint(context.store, impulse) if impulse else None
    )


def _wanted(context: RequestContext) -> list[Deployment]:
    query = context.query
    given = {name: query.text(key) for key, name in (("type", "format"), ("modelType", "model_type")) if query.has(key)}
    if query.has("engine"):
        given["engine"] = query.text("engine")
    return context.store.artifacts.deployments(context.project, impulse=_impulse(context), **given)


def _impulse(context: RequestContext) -> int | None:
    return context.query.integer("impulseId") if context.query.has("impulseId") else None


def _zip(context: RequestContext, deployment: Deployment) -> Response:
    headers = {"Content-Disposition": f"attachment; filename*=utf-8''{quote(deployment.filename)}"}
    return FileResponse(context.store.blobs.path(deployment.blob), media_type="application/zip", headers=headers)
