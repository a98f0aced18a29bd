"""The device that a project is for, and the variants of its models."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ei_toolkit.studio.access import Admin, Body, DeploymentReader, Reader
from ei_toolkit.studio.answers.targets import default_constraints, model_variants, read_constraints
from ei_toolkit.studio.http import answer
from ei_toolkit.studio.routes.impulses import wanted_impulse

router = APIRouter(prefix="/v1/api/{projectId:int}")


@router.get("/target-constraints")
def get_target_constraints(call: Reader) -> Response:
    """Device and budgets."""
    settings = call.store.projects.get(call.project).settings
    constraints = settings.get("targetConstraints") or default_constraints(settings.get("latencyDevice"))
    return answer({"targetConstraints": constraints})


@router.post("/target-constraints")
def set_target_constraints(call: Admin, body: Body) -> Response:
    """Choose device and budgets."""
    constraints, mcu = read_constraints(body)
    project = call.store.projects.get(call.project)
    settings = {**project.settings, "targetConstraints": constraints, **({"latencyDevice": mcu} if mcu else {})}
    call.store.projects.update(project.id, name=project.name, description=project.description, settings=settings)
    return answer()


@router.get("/model-variants")
def get_model_variants(call: DeploymentReader) -> Response:
    """Which variants the trained models have."""
    impulse = call.store.blocks.find(call.project, wanted_impulse(call))
    blocks = impulse.blocks("learnBlocks") if impulse else []
    models = [call.store.artifacts.model(call.project, block["id"]) for block in blocks]
    files = {name for model in models if model for name in model.files}
    return answer({"modelVariants": model_variants(files)})
