"""Impulses and the types of their blocks, as Edge Impulse's API describes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends
from pydantic import Field, field_validator, model_validator
from starlette.responses import Response

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.request import Admin, Reader, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.schema import Flag, ImpulseId, Integer, Line, Number, RequestModel, json_body
from ei_toolkit.studio.store.blocks import Impulse
from ei_toolkit.studio.store.jobs import Job
from ei_toolkit.studio.store.projects import LARGEST_BLOCK

Catalogue = Sequence[Mapping[str, Any]]
"""The processing blocks as the compute worker describes them."""
AUTHOR = "eitk"


def input_blocks() -> list[dict[str, Any]]:
    """Return the `InputBlock`s."""
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
    """Return the `DSPBlock`s."""
    return [
        {
            "type": block["type"],
            "title": block["title"],
            "author": AUTHOR,
            "description": block["description"],
            "name": block["title"],
            "recommended": not block["feature_names"],  # those cannot run on a board
            "experimental": False,
            "latestImplementationVersion": block["versions"][-1],
            "blockType": "official",
        }
        for block in catalogue
    ]


def learn_blocks() -> list[dict[str, Any]]:
    """Return the `LearnBlock`s."""
    return [
        {
            "type": "keras",
            "title": "Classification",
            "author": AUTHOR,
            "description": "A neural network that learns to classify windows by label.",
            "name": "Classifier",
            "recommended": True,
            "blockType": "official",
        }
    ]


def feature_names_of(catalogue: Catalogue, kind: str) -> list[str]:
    """Return the names of the features of a block that has one row of them; empty for spectra."""
    return next((list(block["feature_names"]) for block in catalogue if block["type"] == kind), [])


def parameters_of(catalogue: Catalogue, kind: str) -> list[Mapping[str, Any]]:
    """Return the parameters of a processing block type, in order."""
    return next((list(block["parameters"]) for block in catalogue if block["type"] == kind), [])


KINDS = ("inputBlocks", "dspBlocks", "learnBlocks", "postProcessingBlocks")
LEARN_TYPES = ("keras",)  # what the local studio can train
LARGEST_WINDOW_MS = 10 * 60_000
LARGEST_FREQUENCY = 384_000


class BlockRequest(RequestModel):
    """What all kinds of blocks have. `name` and `title` have a default for each kind."""

    id: Annotated[Integer, Field(ge=1, le=LARGEST_BLOCK)]
    name: Line | None = None
    title: Line | None = None

    def named(self, name: str, title: str) -> dict[str, Any]:
        """Return id, name and title as they are stored."""
        return {"id": self.id, "name": self.name or name, "title": self.title or title}


class InputBlockRequest(BlockRequest):
    """An input block: times in ms, frequency in Hz. `windowIncreaseMs` is the window's length if it is not sent."""

    type: Literal["time-series"] = "time-series"
    window_size_ms: Annotated[Integer, Field(gt=0, le=LARGEST_WINDOW_MS)] = 1000
    window_increase_ms: Annotated[Integer, Field(gt=0)] | None = None
    frequency_hz: Annotated[Number, Field(gt=0, le=LARGEST_FREQUENCY)] = 16000.0
    pad_zeros: Flag = False
    axes: list[str] | None = None

    def document(self) -> dict[str, Any]:
        """Return the block as it is stored."""
        return {
            **self.named("Time series", "Time series data"),
            "type": self.type,
            "windowSizeMs": self.window_size_ms,
            "windowIncreaseMs": self.window_increase_ms or self.window_size_ms,
            "frequencyHz": self.frequency_hz,
            "padZeros": self.pad_zeros,
            **({"axes": self.axes} if self.axes is not None else {}),
        }


class DspBlockRequest(BlockRequest):
    """A processing block. `input` is the id of its input block; the first one if it is not sent."""

    type: str
    axes: list[str] = []
    input: Integer | None = None
    implementation_version: Integer = 1

    def document(self) -> dict[str, Any]:
        """Return the block as it is stored."""
        return {
            **self.named(self.type, self.type),
            "type": self.type,
            "axes": self.axes or ["audio"],
            **({"input": self.input} if self.input is not None else {}),
            "implementationVersion": self.implementation_version,
        }


class LearnBlockRequest(BlockRequest):
    """A learn block; `dsp` holds the ids of the processing blocks that it reads."""

    type: str
    dsp: list[Integer] = []

    @field_validator("type")
    @classmethod
    def _can_be_trained(cls, kind: str) -> str:
        if kind not in LEARN_TYPES:
            raise ValueError(f"type {kind!r} is not implemented by the local studio; it has {', '.join(LEARN_TYPES)}")
        return kind

    def document(self) -> dict[str, Any]:
        """Return the block as it is stored."""
        return {**self.named("Classifier", "Classification"), "type": self.type, "dsp": self.dsp}


class ImpulseRequest(RequestModel):
    """A `CreateImpulseRequest`: all blocks, with references that exist."""

    name: Line | None = None
    type: str = "default"
    input_blocks: list[InputBlockRequest] = []
    dsp_blocks: list[DspBlockRequest] = []
    learn_blocks: list[LearnBlockRequest] = []
    post_processing_blocks: list[Any] = []

    @model_validator(mode="after")
    def _references_exist(self) -> Self:
        if self.post_processing_blocks:
            raise ValueError("post-processing blocks are not implemented by the local studio")
        ids = [block.id for block in (*self.input_blocks, *self.dsp_blocks, *self.learn_blocks)]
        if repeated := sorted({id_ for id_ in ids if ids.count(id_) > 1}):
            raise ValueError(f"block id {repeated[0]} is used by two blocks")
        inputs, processing = [block.id for block in self.input_blocks], {block.id for block in self.dsp_blocks}
        for block in self.dsp_blocks:
            if not inputs:
                raise ValueError(f"processing block {block.id} needs an input block, and the impulse has none")
            if block.input is not None and block.input not in inputs:
                raise ValueError(f"processing block {block.id} names input block {block.input}, which does not exist")
        for learn in self.learn_blocks:
            if missing := sorted(set(learn.dsp) - processing):
                raise ValueError(f"learn block {learn.id} names processing block {missing[0]}, which does not exist")
        return self

    def document(self) -> dict[str, Any]:
        """Return the impulse as it is stored."""
        return {
            "type": self.type,
            "inputBlocks": [block.document() for block in self.input_blocks],
            "dspBlocks": [block.document() for block in self.dsp_blocks],
            "learnBlocks": [block.document() for block in self.learn_blocks],
            "postProcessingBlocks": [],
        }


def impulse_answer(impulse: Impulse) -> dict[str, Any]:
    """Return an `Impulse`."""
    blocks = {kind: impulse.blocks(kind) for kind in KINDS}
    return {"id": impulse.id, "name": impulse.name, "type": impulse.document.get("type", "default"), **blocks}


def block_ids(document: Mapping[str, Any]) -> list[int]:
    """Return the ids of all blocks of an impulse."""
    return [block["id"] for kind in KINDS for block in document.get(kind, [])]


router = APIRouter(prefix="/v1/api/{projectId:int}")
MOST_IMPULSES = 100


@router.post("/impulse/get-new-block-id")
def get_new_block_id(context: Admin) -> Response:
    """Return an id that no block of the project has."""
    return answer({"blockId": context.store.projects.next_block(context.project)})


@router.get("/impulse/blocks")
def get_impulse_blocks(context: Reader) -> Response:
    """List the block types that an impulse can have."""
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
def get_impulse(context: Reader, impulseId: ImpulseId = None) -> Response:
    """Return the impulse, if there is one."""
    impulse = context.store.blocks.find(context.project, impulseId)
    return answer({"impulse": impulse_answer(impulse)} if impulse else {})


@router.post("/impulse")
def create_impulse(
    context: Admin, body: Annotated[ImpulseRequest, Depends(json_body(ImpulseRequest))], impulseId: ImpulseId = None
) -> Response:
    """Create or change the impulse: blocks that stay the same keep their settings and results."""
    _check_types(body, context.studio.compute_worker.catalogue())
    document = body.document()
    with context.store.database.exclusive():
        before = context.store.blocks.find(context.project, impulseId)
        id_ = before.id if before else (impulseId or 1)
        _check_ids(context, document, id_)
        name = body.name or (before.name if before else f"Impulse #{id_}")
        context.store.projects.reserve_blocks(context.project, max(block_ids(document), default=0))
        context.store.blocks.put(context.project, id_, name, document)
        _forget_changed(context, before, document)
    return answer({"id": id_})


@router.delete("/impulse")
def delete_impulse(context: Admin, impulseId: ImpulseId = None) -> Response:
    """Cancel the jobs of the impulse, then delete it with all results of its blocks."""
    impulse = context.store.blocks.get(context.project, impulseId)
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
    """List the impulses."""
    impulses = [impulse_answer(impulse) for impulse in context.store.blocks.impulses(context.project)]
    return answer({"impulses": impulses, "maxImpulseCount": MOST_IMPULSES})


def _works_on(job: Job, impulse: Impulse) -> bool:
    blocks = block_ids(impulse.document)
    return job.spec.get("impulse") == impulse.id or job.spec.get("dsp") in blocks or job.spec.get("learn") in blocks


def _check_types(body: ImpulseRequest, catalogue: Catalogue) -> None:
    known = [block["type"] for block in catalogue]
    for block in body.dsp_blocks:
        if block.type not in known:
            raise ApiError(f"There is no processing block of type {block.type!r}; types: {', '.join(known)}")


def _check_ids(context: RequestContext, document: dict[str, Any], own: int) -> None:
    others = [i for i in context.store.blocks.impulses(context.project) if i.id != own]
    taken = {id_ for impulse in others for id_ in block_ids(impulse.document)} & set(block_ids(document))
    if taken:
        raise ApiError(f"Block id {min(taken)} is used by another impulse of this project")


def _forget_changed(context: RequestContext, before: Impulse | None, document: dict[str, Any]) -> None:
    """Delete the results of removed blocks, and the features of processing blocks that changed."""
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
