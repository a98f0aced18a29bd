"""Target devices as Edge Impulse describes them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from ei_toolkit.impulse.variants import VARIANTS, model_id
from ei_toolkit.studio.devices import Device, device
from ei_toolkit.studio.http.impulses import wanted_impulse
from ei_toolkit.studio.http.request import Admin, Body, DeploymentReader, Reader
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.parameters import RequestParameters


def default_constraints(mcu: str | None) -> dict[str, Any]:
    """`TargetConstraints` of a device from the list."""
    return {
        "selectedTargetBasedOn": "default",
        "targetDevices": [_target(device(mcu))],
        "applicationBudgets": [{"latencyPerInferenceMs": {"maximum": 100.0}}],
    }


def read_constraints(body: RequestParameters) -> tuple[dict[str, Any], str | None]:
    """Constraints as sent, and the device that they name."""
    devices, budgets = body.objects("targetDevices"), body.objects("applicationBudgets")
    mcu = next((found.text("latencyDevice") for found in devices if found.has("latencyDevice")), None)
    constraints = {
        "selectedTargetBasedOn": _based_on(body.text("selectedTargetBasedOn", "user-configured")),
        "targetDevices": [dict(found.values) for found in devices],
        "applicationBudgets": [dict(found.values) for found in budgets],
    }
    return constraints, mcu


def model_variants(files: Collection[str]) -> list[dict[str, Any]]:
    """Variants of a trained model: int8 is what boards get, float32 what it is compared with."""
    return [
        {
            "variant": variant,
            "isReferenceVariant": variant == "float32",
            "isEnabled": True,
            "isSelected": variant == best,
        }
        for best in ["int8" if model_id("int8") in files else "float32"]
        for variant in VARIANTS
        if model_id(variant) in files
    ]


def _based_on(text: str) -> str:
    return text if text in ("user-configured", "default", "recent-project", "connected-device") else "user-configured"


def _target(found: Device) -> dict[str, Any]:
    clock = {"minimum": found.clock_mhz, "maximum": found.clock_mhz}
    return {
        "latencyDevice": found.mcu,
        "name": found.name,
        "processors": [
            {
                "format": "low-end-mcu",
                "architecture": "cortex-m",
                "specificArchitecture": found.architecture,
                "fpu": found.fpu,
                "clockRateMhz": clock,
                "memory": {
                    "ram": {"fastBytes": {"maximum": float(found.ram)}},
                    "rom": {"fastBytes": {"maximum": float(found.rom)}},
                },
            }
        ],
    }


router = APIRouter(prefix="/v1/api/{projectId:int}")


@router.get("/target-constraints")
def get_target_constraints(context: Reader) -> Response:
    """Device and budgets."""
    settings = context.store.projects.get(context.project).settings
    constraints = settings.get("targetConstraints") or default_constraints(settings.get("latencyDevice"))
    return answer({"targetConstraints": constraints})


@router.post("/target-constraints")
def set_target_constraints(context: Admin, body: Body) -> Response:
    """Choose device and budgets."""
    constraints, mcu = read_constraints(body)
    project = context.store.projects.get(context.project)
    settings = {**project.settings, "targetConstraints": constraints, **({"latencyDevice": mcu} if mcu else {})}
    context.store.projects.update(project.id, name=project.name, description=project.description, settings=settings)
    return answer()


@router.get("/model-variants")
def get_model_variants(context: DeploymentReader) -> Response:
    """Which variants the trained models have."""
    impulse = context.store.blocks.find(context.project, wanted_impulse(context))
    blocks = impulse.blocks("learnBlocks") if impulse else []
    models = [context.store.artifacts.model(context.project, block["id"]) for block in blocks]
    files = {name for model in models if model for name in model.files}
    return answer({"modelVariants": model_variants(files)})
