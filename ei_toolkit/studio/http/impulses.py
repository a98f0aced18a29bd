"""Block types as Edge Impulse describes them. `Catalogue` is what the helper process says of the dsp blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.request import Admin, Body, Reader, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.parameters import RequestParameters
from ei_toolkit.studio.store.blocks import Impulse
from ei_toolkit.studio.store.jobs import Job
from ei_toolkit.studio.store.projects import LARGEST_BLOCK

Catalogue = Sequence[Mapping[str, Any]]
AUTHOR = "eitk"


def input_blocks() -> list[dict[str, Any]]:
    """`InputBlock`s."""
    return [
        {
            "type": "time-series",
            "title": "Time series data",
            "author": AUTHOR,
            "description": "Cuts recordings into windows.",
            "name": "Time series data",
            "blockType": "official",
        }
    ]


def processing_blocks(catalogue: Catalogue) -> list[dict[str, Any]]:
    """`DSPBlock`s."""
    return [
        {
            "type": block["type"],
            "title": block["title"],
            "author": AUTHOR,
            "description": block["description"],
            "name": block["title"],
            "recommended": True,
            "experimental": False,
            "latestImplementationVersion": block["versions"][-1],
            "blockType": "official",
        }
        for block in catalogue
    ]


def learn_blocks() -> list[dict[str, Any]]:
    """`LearnBlock`s."""
    return [
        {
            "type": "keras",
            "title": "Classification",
            "author": AUTHOR,
            "description": "A neural network that learns to tell the labels apart.",
            "name": "Classifier",
            "recommended": True,
            "blockType": "official",
        }
    ]


def parameters_of(catalogue: Catalogue, kind: str) -> list[Mapping[str, Any]]:
    """Parameters of a processing block type, in order."""
    return next((list(block["parameters"]) for block in catalogue if block["type"] == kind), [])


KINDS = ("inputBlocks", "dspBlocks", "learnBlocks", "postProcessingBlocks")
LEARN_TYPES = ("keras",)  # what the local studio can train
LARGEST_WINDOW_MS = 10 * 60_000
LARGEST_FREQUENCY = 384_000


def impulse_answer(impulse: Impulse) -> dict[str, Any]:
    """An `Impulse`."""
    blocks = {kind: impulse.blocks(kind) for kind in KINDS}
    return {"id": impulse.id, "name": impulse.name, "type": impulse.document.get("type", "default"), **blocks}


def read_impulse(body: RequestParameters, versions: Mapping[str, int]) -> dict[str, Any]:
    """The document of a `CreateImpulseRequest`; `versions` holds the latest version of each processing block."""
    document = {
        "type": body.text("type", "default"),
        "inputBlocks": [_input(block) for block in body.objects("inputBlocks")],
        "dspBlocks": [_dsp(block, versions) for block in body.objects("dspBlocks")],
        "learnBlocks": [_learn(block) for block in body.objects("learnBlocks")],
        "postProcessingBlocks": [],
    }
    if body.items("postProcessingBlocks"):
        raise ApiError("Post-processing blocks are not implemented by the local studio")
    _check_references(document)
    return document


def block_ids(document: Mapping[str, Any]) -> list[int]:
    """Ids of all blocks."""
    return [block["id"] for kind in KINDS for block in document.get(kind, [])]


def _input(block: RequestParameters) -> dict[str, Any]:
    if block.text("type", "time-series") != "time-series":
        raise ApiError("The local studio has time-series input blocks only")
    window, frequency = block.integer("windowSizeMs", 1000), block.number("frequencyHz", 16000.0)
    increase = block.integer("windowIncreaseMs", window)
    if not 0 < window <= LARGEST_WINDOW_MS or increase <= 0 or not 0 < frequency <= LARGEST_FREQUENCY:
        raise ApiError("windowSizeMs, windowIncreaseMs and frequencyHz must be above 0 and of a sensible size")
    return {
        **_named(block, "Time series", "Time series data"),
        "type": "time-series",
        "windowSizeMs": window,
        "windowIncreaseMs": increase,
        "frequencyHz": float(frequency),
        "padZeros": block.flag("padZeros", False),
        **({"axes": [str(axis) for axis in block.items("axes")]} if block.has("axes") else {}),
    }


def _dsp(block: RequestParameters, versions: Mapping[str, int]) -> dict[str, Any]:
    kind = block.text("type")
    if kind not in versions:
        raise ApiError(f"There is no processing block {kind!r}; there are {', '.join(versions)}")
    version = block.integer("implementationVersion", 1)
    return {
        **_named(block, kind, kind),
        "type": kind,
        "axes": [str(axis) for axis in block.items("axes")] or ["audio"],
        **({"input": block.integer("input")} if block.has("input") else {}),
        "implementationVersion": version,
    }


def _learn(block: RequestParameters) -> dict[str, Any]:
    kind = block.text("type")
    if kind not in LEARN_TYPES:
        raise ApiError(f"Learn blocks of type {kind!r} are not implemented by the local studio")
    dsp = [RequestParameters({"dsp": id_}).integer("dsp") for id_ in block.items("dsp")]
    return {**_named(block, "Classifier", "Classification"), "type": kind, "dsp": dsp}


def _named(block: RequestParameters, name: str, title: str) -> dict[str, Any]:
    id_ = block.integer("id")
    if not 1 <= id_ <= LARGEST_BLOCK:
        raise ApiError(f"Block ids must be from 1 to {LARGEST_BLOCK}")
    return {"id": id_, "name": block.text("name", name), "title": block.text("title", title)}


def _check_references(document: Mapping[str, Any]) -> None:
    ids = block_ids(document)
    if len(set(ids)) < len(ids):
        raise ApiError("Two blocks have the same id")
    inputs = {block["id"] for block in document["inputBlocks"]}
    blocks = {block["id"] for block in document["dspBlocks"]}
    if any(block.get("input", next(iter(inputs), None)) not in inputs for block in document["dspBlocks"]):
        raise ApiError("A processing block names an input block that is not there")
    if any(not set(block["dsp"]) <= blocks for block in document["learnBlocks"]):
        raise ApiError("A learn block names a processing block that is not there")


router = APIRouter(prefix="/v1/api/{projectId:int}")
MOST_IMPULSES = 100


@router.post("/impulse/get-new-block-id")
def get_new_block_id(context: Admin) -> Response:
    """An id that no block of the project has."""
    return answer({"blockId": context.store.projects.next_block(context.project)})


@router.get("/impulse/blocks")
def get_impulse_blocks(context: Reader) -> Response:
    """Block types to choose from."""
    catalogue = context.studio.compute_worker.catalogue()
    return answer(
        {
            "inputBlocks": input_blocks(),
            "dspBlocks": processing_blocks(catalogue),
            "learnBlocks": learn_blocks(),
            "postProcessingBlocks": [],
        }
    )


@router.get("/impulse")
@router.get("/impulse/all")
def get_impulse(context: Reader) -> Response:
    """The impulse, if there is one."""
    impulse = context.store.blocks.find(context.project, wanted_impulse(context))
    return answer({"impulse": impulse_answer(impulse)} if impulse else {})


@router.post("/impulse")
def create_impulse(context: Admin, body: Body) -> Response:
    """Make the impulse, or change it: unchanged blocks keep their settings and results."""
    document = read_impulse(
        body, {block["type"]: block["versions"][-1] for block in context.studio.compute_worker.catalogue()}
    )
    with context.store.database.exclusive():
        before = context.store.blocks.find(context.project, wanted_impulse(context))
        id_ = before.id if before else (wanted_impulse(context) or 1)
        _check_ids(context, document, id_)
        name = body.text("name", before.name if before else f"Impulse #{id_}")
        context.store.projects.reserve_blocks(context.project, max(block_ids(document), default=0))
        context.store.blocks.put(context.project, id_, name, document)
        _forget_changed(context, before, document)
    return answer({"id": id_})


@router.delete("/impulse")
def delete_impulse(context: Admin) -> Response:
    """End the jobs of the impulse, and delete it with everything that was made for it and its blocks."""
    impulse = context.store.blocks.get(context.project, wanted_impulse(context))
    for job in context.store.jobs.page(context.project, active=True)[0]:
        if _works_on(job, impulse):
            context.studio.runner.cancel(job, force=True)
    with context.store.database.exclusive():
        context.store.blocks.delete(context.project, impulse.id)
        context.store.artifacts.clear_results(context.project, "classify", impulse.id)
        for block in block_ids(impulse.document):
            context.store.blocks.delete_block_data(context.project, block)
    return answer()


@router.get("/impulses")
def get_all_impulses(context: Reader) -> Response:
    """Every impulse."""
    impulses = [impulse_answer(impulse) for impulse in context.store.blocks.impulses(context.project)]
    return answer({"impulses": impulses, "maxImpulseCount": MOST_IMPULSES})


def wanted_impulse(context: RequestContext) -> int | None:
    """`impulseId` of the query; None means the default impulse."""
    return context.query.integer("impulseId") if context.query.has("impulseId") else None


def _works_on(job: Job, impulse: Impulse) -> bool:
    blocks = block_ids(impulse.document)
    return job.spec.get("impulse") == impulse.id or job.spec.get("dsp") in blocks or job.spec.get("learn") in blocks


def _check_ids(context: RequestContext, document: dict[str, Any], own: int) -> None:
    others = [i for i in context.store.blocks.impulses(context.project) if i.id != own]
    taken = {id_ for impulse in others for id_ in block_ids(impulse.document)}
    if taken & set(block_ids(document)):
        raise ApiError("A block id is in use by another impulse of this project")


def _forget_changed(context: RequestContext, before: Impulse | None, document: dict[str, Any]) -> None:
    """Drop what was made for blocks that are gone, test results too, and features of processing blocks that changed."""
    if before is None:
        return
    for block in set(block_ids(before.document)) - set(block_ids(document)):
        context.store.blocks.delete_block_data(context.project, block)
    if {b["id"] for b in before.blocks("learnBlocks")} - {b["id"] for b in document["learnBlocks"]}:
        context.store.artifacts.clear_results(context.project, "classify", before.id)
    same_input = before.blocks("inputBlocks") == document["inputBlocks"]
    for block in document["dspBlocks"]:
        if not same_input or block not in before.blocks("dspBlocks"):
            context.store.artifacts.clear_features(context.project, block["id"])
