"""Deployment targets and deployments as Edge Impulse's API describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, get_args
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from pydantic.alias_generators import to_camel
from starlette.responses import Response

from ei_toolkit.config.setting import Level
from ei_toolkit.config.settings import PROGRAM_TARGETS, SliceSettings, engines_of
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.request import Anyone, DeploymentReader, RequestContext
from ei_toolkit.studio.http.responses import answer, stored_file
from ei_toolkit.studio.http.schema import ImpulseId, Integer, Page, RequestModel
from ei_toolkit.studio.impulse import fingerprint
from ei_toolkit.studio.store.artifacts import Deployment

TARGETS: Mapping[str, tuple[str, str]] = {
    "arduino": ("Arduino library", "An Arduino library that runs on Arm-based boards, with examples."),
    "zip": ("C++ library", "Portable C++ sources with a CMake file, for any C++14 compiler."),
    "runner-linux-x86_64": ("Linux (x86)", "A model file (.eim) for Linux on x86-64, for Edge Impulse's runners."),
    "runner-linux-aarch64": ("Linux (AARCH64)", "A model file (.eim) for Linux on 64-bit Arm, such as a Raspberry Pi."),
    "wasm": ("WebAssembly", "One page that works without a network, and an ES module for browsers and Node."),
    "wasm-browser-simd": ("WebAssembly (browser, SIMD)", "The same with 128-bit vectors, for current browsers."),
}
ABSENT_ENGINES = (
    "hasTensorRT", "hasTensaiFlow", "hasDRPAI", "hasTIDL", "hasAkida", "hasMemryx", "hasStAton", "hasCevaNpn",
    "hasNordicAxon", "hasQaic",
)  # fmt: skip


def target_answer(target: str, docs: str, *, project: bool = False) -> dict[str, Any]:
    """Return a `DeploymentTarget`, or with `project` a `ProjectDeploymentTarget`."""
    name, description = TARGETS[target]
    engines = engines_of(target)
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
        "supportedEngines": list(engines),
        "preferredEngine": engines[0],
        "docsUrl": docs,
        "modelVariants": [{"variant": "int8", "supported": True}, {"variant": "float32", "supported": True}],
        "parameters": level_parameters() if target in PROGRAM_TARGETS else [],
        **own,
    }


def level_parameters() -> list[dict[str, Any]]:
    """Return the parameters of a program, as `DSPGroupItem`s: the level of the windows of the training."""
    found = {setting.name: setting for setting in fields(SliceSettings)}
    common = {"readonly": False, "shouldShow": True, "required": False, "showClickToSet": False}
    return [
        {
            "name": title,
            "param": to_camel(name),
            "type": "select" if name == "level" else "float",
            "defaultValue": str(found[name].default),
            "help": found[name].metadata["description"],
            **common,
            **(
                {"selectOptions": [{"value": value, "selected": False} for value in get_args(Level)]}
                if name == "level"
                else {}
            ),
        }
        for name, title in (("level", "Level"), ("target_dbfs", "Target level"), ("max_gain_db", "Largest gain"))
    ]


def history_entry(project: int, deployment: Deployment, docs: str, fingerprint: str | None) -> dict[str, Any]:
    """Return a `DeploymentHistory`; `fingerprint` is the impulse's current one, None if it was deleted."""
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
    """Return the fields of a `GetLastDeploymentBuildResponse`."""
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


class DeploymentQuery(RequestModel):
    """Which deployments: `type` is the target."""

    impulse_id: Integer | None = None
    type: str | None = None
    engine: str | None = None
    model_type: str | None = None


class HistoryQuery(Page):
    """A page of deployments."""

    impulse_id: Integer | None = None
    deployment_format: str | None = None


@everywhere.get("/deployment/targets")
def list_all_deployment_targets(request: Request, context: Anyone) -> Response:
    """List the targets."""
    return answer({"targets": [target_answer(target, docs_url(request)) for target in TARGETS]})


@router.get("/targets/data-sources")
def list_deployment_targets_for_project_data_sources(request: Request, context: DeploymentReader) -> Response:
    """List the targets for the data of the project: all of them."""
    return answer({"targets": [target_answer(target, docs_url(request)) for target in TARGETS]})


@router.get("/targets")
def list_deployment_targets_for_project(request: Request, context: DeploymentReader) -> Response:
    """List the targets, and which one is recommended."""
    return answer({"targets": [target_answer(target, docs_url(request), project=True) for target in TARGETS]})


@router.get("")
def get_deployment(context: DeploymentReader, query: Annotated[DeploymentQuery, Query()]) -> Response:
    """Return whether there is a matching deployment, and its version."""
    found = _matching(context, query)
    return answer({"hasDeployment": bool(found), **({"version": found[0].version} if found else {})})


@router.get("/last")
def get_last_deployment_build(request: Request, context: DeploymentReader, impulseId: ImpulseId = None) -> Response:
    """Return the newest deployment."""
    found = context.store.artifacts.deployments(context.project, impulse=impulseId)
    return answer(last_build(found[0], docs_url(request)) if found else {"hasBuild": False})


@router.get("/download")
def download_build(context: DeploymentReader, query: Annotated[DeploymentQuery, Query()]) -> Response:
    """Return the file of the newest matching deployment."""
    found = _matching(context, query)
    if not found:
        asked = ", ".join(f"{name} {value}" for name, value in query.sent().items())
        raise ApiError(f"There is no deployment{f' with {asked}' if asked else ''} yet: start a build job")
    return _file(context, found[0])


@router.get("/history")
def list_deployment_history(
    request: Request, context: DeploymentReader, query: Annotated[HistoryQuery, Query()]
) -> Response:
    """List the deployments, newest first."""
    found = context.store.artifacts.deployments(
        context.project, impulse=query.impulse_id, format=query.deployment_format
    )
    page = query.cut(found)
    entries = [_entry(context, request, deployment) for deployment in page]
    return answer({"deployments": entries, "totalDeploymentCount": len(found)})


@router.get("/history/{deploymentVersion:int}")
def get_historic_deployment(deploymentVersion: int, request: Request, context: DeploymentReader) -> Response:
    """Return one deployment."""
    deployment = context.store.artifacts.deployment(context.project, deploymentVersion)
    return answer({"deployment": _entry(context, request, deployment)})


@router.get("/history/{deploymentVersion:int}/download")
def download_historic_deployment(deploymentVersion: int, context: DeploymentReader) -> Response:
    """Return the file of one deployment."""
    return _file(context, context.store.artifacts.deployment(context.project, deploymentVersion))


def docs_url(request: Request) -> str:
    """Return the address of the studio: it has no pages of documentation."""
    return f"{request.url.scheme}://{request.url.netloc}/"


def _entry(context: RequestContext, request: Request, deployment: Deployment) -> dict[str, object]:
    impulse = context.store.blocks.find(context.project, deployment.impulse)
    return history_entry(
        context.project, deployment, docs_url(request), fingerprint(context.store, impulse) if impulse else None
    )


def _matching(context: RequestContext, query: DeploymentQuery) -> list[Deployment]:
    return context.store.artifacts.deployments(
        context.project,
        impulse=query.impulse_id,
        format=query.type,
        engine=query.engine,
        model_type=query.model_type,
    )


def _file(context: RequestContext, deployment: Deployment) -> Response:
    media_type = "application/zip" if deployment.filename.endswith(".zip") else "application/octet-stream"
    headers = {"Content-Disposition": f"attachment; filename*=utf-8''{quote(deployment.filename)}"}
    return stored_file(context.store.blobs.path(deployment.blob), media_type, headers)
