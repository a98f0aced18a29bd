"""Several impulses in one project: empty ones, copies, thresholds and comparisons."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.responses import Response

from ei_toolkit.impulse.trained_model import VARIANTS
from ei_toolkit.studio.http.dsp import dsp_config, dsp_metadata
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.impulses import KINDS, MOST_IMPULSES, impulse_answer
from ei_toolkit.studio.http.jobs import queue, started
from ei_toolkit.studio.http.learn import keras_config, keras_metadata
from ei_toolkit.studio.http.request import Admin, Reader, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.schema import ImpulseId, Integer, Line, Number, RequestModel, json_body
from ei_toolkit.studio.impulse import processing_block
from ei_toolkit.studio.store.blocks import Impulse

router = APIRouter(prefix="/v1/api/{projectId:int}")
EMPTY: dict[str, Any] = {"type": "default", **{kind: [] for kind in KINDS}}


class ImpulseChanges(RequestModel):
    """An `UpdateImpulseRequest`."""

    name: Line | None = None
    tags: list[str] | None = None


class CloneRequest(RequestModel):
    """A `CloneImpulseRequest`: the name of the copy."""

    name: str


class Threshold(RequestModel):
    """The minimum confidence of a learn block."""

    block_id: Integer
    value: Annotated[Number, Field(ge=0, le=1)]


class ThresholdsRequest(RequestModel):
    """A `SetImpulseThresholdsRequest`."""

    thresholds: list[Threshold] = []


CloneBody = Annotated[CloneRequest, Depends(json_body(CloneRequest))]


@router.post("/impulse/new")
def create_new_empty_impulse(request: Request, context: Admin) -> Response:
    """Create an impulse without blocks."""
    id_ = _add(context, None, EMPTY)
    return answer({"id": id_, "redirectUrl": f"{request.url.scheme}://{request.url.netloc}/"})


@router.post("/impulse/update")
def update_impulse(
    context: Admin, body: Annotated[ImpulseChanges, Depends(json_body(ImpulseChanges))], impulseId: ImpulseId = None
) -> Response:
    """Change the name or the tags of an impulse."""
    impulse = context.store.blocks.get(context.project, impulseId)
    document = {**impulse.document, **({"tags": body.tags} if body.tags is not None else {})}
    context.store.blocks.put(context.project, impulse.id, body.name or impulse.name, document)
    return answer()


@router.post("/impulse/{impulseId:int}/clone/structure")
def clone_impulse_structure(impulseId: int, context: Admin, body: CloneBody) -> Response:
    """Copy an impulse with new block ids and without settings."""
    source = context.store.blocks.get(context.project, impulseId)
    document, _ = _renumbered(context, source)
    return answer({"id": _add(context, body.name, document)})


@router.post("/impulse/{impulseId:int}/clone/complete")
def clone_impulse_complete(impulseId: int, context: Admin, body: CloneBody) -> Response:
    """Copy an impulse with settings, features and models. The copy is complete before the job starts."""
    source = context.store.blocks.get(context.project, impulseId)
    document, numbers = _renumbered(context, source)
    id_ = _add(context, body.name, document)
    for old, new in numbers.items():
        context.store.blocks.configure(context.project, new, context.store.blocks.config(context.project, old))
        context.store.artifacts.copy(context.project, old, new)
    return started(queue(context, "clone", f"clone-{id_}", "Cloning impulse", {"impulse": id_, "source": impulseId}))


@router.post("/impulse/{impulseId:int}/set-thresholds")
def set_impulse_thresholds(
    impulseId: int, context: Admin, body: Annotated[ThresholdsRequest, Depends(json_body(ThresholdsRequest))]
) -> Response:
    """Set the minimum confidence of learn blocks; a window with a lower best score is uncertain."""
    impulse = context.store.blocks.get(context.project, impulseId)
    for threshold in body.thresholds:
        if impulse.block("learnBlocks", threshold.block_id) is None:
            raise ApiError(f"No learn block with this ID found ({threshold.block_id})")
        changes = {"minimumConfidenceRating": threshold.value}
        context.store.blocks.configure(context.project, threshold.block_id, changes)
    tested = any(context.store.artifacts.result(context.project, "classify", impulseId, v) for v in VARIANTS)
    return answer({"hadModelTestingResults": tested, "regenerateModelTestingStatus": "not_regenerated"})


@router.get("/impulses-detailed")
def get_all_detailed_impulses(context: Reader) -> Response:
    """List the impulses with the settings and metrics of their blocks."""
    impulses = [_detailed(context, impulse) for impulse in context.store.blocks.impulses(context.project)]
    return answer({"impulses": impulses, "metricKeysByCategory": [], "extraTableColumns": []})


def _add(context: RequestContext, name: str | None, document: dict[str, Any]) -> int:
    with context.store.database.exclusive():
        ids = [impulse.id for impulse in context.store.blocks.impulses(context.project)]
        if len(ids) >= MOST_IMPULSES:
            raise ApiError(f"The project has {len(ids)} impulses; {MOST_IMPULSES} are allowed")
        id_ = max(ids, default=0) + 1
        context.store.blocks.put(context.project, id_, name or f"Impulse #{id_}", document)
    return id_


def _renumbered(context: RequestContext, source: Impulse) -> tuple[dict[str, Any], dict[int, int]]:
    """Return the document of an impulse with new block ids, and the new id for each old one."""
    blocks = [block for kind in KINDS for block in source.blocks(kind)]
    numbers = {block["id"]: context.store.projects.next_block(context.project) for block in blocks}
    document = {**source.document, **{kind: [_renumber(b, numbers) for b in source.blocks(kind)] for kind in KINDS}}
    return document, numbers


def _renumber(block: dict[str, Any], numbers: dict[int, int]) -> dict[str, Any]:
    renumbered = {**block, "id": numbers[block["id"]]}
    if "input" in block:
        renumbered["input"] = numbers[block["input"]]
    if "dsp" in block:
        renumbered["dsp"] = [numbers[id_] for id_ in block["dsp"]]
    return renumbered


def _detailed(context: RequestContext, impulse: Impulse) -> dict[str, Any]:
    """Return a `DetailedImpulse`."""
    learn = impulse.blocks("learnBlocks")
    models = {block["id"]: context.store.artifacts.model(context.project, block["id"]) for block in learn}
    dsp = [_dsp_config(context, block["id"]) for block in impulse.blocks("dspBlocks")]
    return {
        "impulse": impulse_answer(impulse),
        "metrics": [],
        "dspBlockConfigs": dsp,
        "learnBlockKerasConfigs": [
            {
                "blockId": block["id"],
                "config": keras_config(context, block["id"]),
                **({"metadata": keras_metadata(model)} if (model := models[block["id"]]) else {}),
            }
            for block in learn
        ],
        "learnBlockAnomalyConfigs": [],
        "postProcessingBlockConfigs": [],
        "isStale": False,
        "configured": bool(dsp),
        "complete": bool(learn) and all(models.values()),
        "tags": list(impulse.document.get("tags", [])),
    }


def _dsp_config(context: RequestContext, id_: int) -> dict[str, Any]:
    block = processing_block(context.store, context.project, id_)
    features = context.store.artifacts.features(context.project, id_)
    created = context.store.blocks.get(context.project, block.impulse).created
    return {
        "blockId": id_,
        "config": dsp_config(context, block),
        "metadata": dsp_metadata(features, block.window, block.config, created, included=False),
    }
