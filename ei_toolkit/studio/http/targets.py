"""Target devices as Edge Impulse's API describes them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Depends
from pydantic import BeforeValidator, ConfigDict
from starlette.responses import Response

from ei_toolkit.impulse.trained_model import VARIANTS, model_id
from ei_toolkit.studio.devices import Device, device
from ei_toolkit.studio.http.request import Admin, DeploymentReader, Reader
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.schema import ImpulseId, RequestModel, json_body


def default_constraints(mcu: str | None) -> dict[str, Any]:
    """Return the `TargetConstraints` of a device from the list."""
    return {
        "selectedTargetBasedOn": "default",
        "targetDevices": [_target(device(mcu))],
        "applicationBudgets": [{"latencyPerInferenceMs": {"maximum": 100.0}}],
    }


Basis = Literal["user-configured", "default", "recent-project", "connected-device"]


def _known_basis(value: Any) -> Any:
    return value if value in get_args(Basis) else "user-configured"


class TargetDevice(RequestModel):
    """A device; everything but its name is stored as it was sent."""

    model_config = ConfigDict(extra="allow")

    latency_device: str | None = None


class TargetConstraints(RequestModel):
    """A `TargetConstraints`: devices and budgets, stored as they were sent."""

    selected_target_based_on: Annotated[Basis, BeforeValidator(_known_basis)] = "user-configured"
    target_devices: list[TargetDevice] = []
    application_budgets: list[dict[str, Any]] = []

    @property
    def device(self) -> str | None:
        """The first device that is named."""
        return next((found.latency_device for found in self.target_devices if found.latency_device), None)

    def document(self) -> dict[str, Any]:
        """Return the constraints as they are stored."""
        return {
            "selectedTargetBasedOn": self.selected_target_based_on,
            "targetDevices": [found.sent() for found in self.target_devices],
            "applicationBudgets": self.application_budgets,
        }


def model_variants(files: Collection[str]) -> list[dict[str, Any]]:
    """Return the variants of a trained model: int8 is for boards, float32 is the reference."""
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
    """Return device and budgets."""
    settings = context.store.projects.get(context.project).settings
    constraints = settings.get("targetConstraints") or default_constraints(settings.get("latencyDevice"))
    return answer({"targetConstraints": constraints})


@router.post("/target-constraints")
def set_target_constraints(
    context: Admin, body: Annotated[TargetConstraints, Depends(json_body(TargetConstraints))]
) -> Response:
    """Set device and budgets."""
    with context.store.database.exclusive():
        project = context.store.projects.get(context.project)
        settings = {**project.settings, "targetConstraints": body.document()}
        if body.device:
            settings["latencyDevice"] = body.device
        context.store.projects.update(project.id, name=project.name, description=project.description, settings=settings)
    return answer()


@router.get("/model-variants")
def get_model_variants(context: DeploymentReader, impulseId: ImpulseId = None) -> Response:
    """List the variants of the trained models."""
    impulse = context.store.blocks.find(context.project, impulseId)
    blocks = impulse.blocks("learnBlocks") if impulse else []
    models = [context.store.artifacts.model(context.project, block["id"]) for block in blocks]
    files = {name for model in models if model for name in model.files}
    return answer({"modelVariants": model_variants(files)})
