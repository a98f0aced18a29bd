"""Deployment targets and deployments as Edge Impulse describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
