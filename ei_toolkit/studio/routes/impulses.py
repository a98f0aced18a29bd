"""Impulses."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from ei_toolkit.studio.access import Admin, Body, Call, Reader
from ei_toolkit.studio.answers.catalogue import input_blocks, learn_blocks, processing_blocks
from ei_toolkit.studio.answers.impulse import block_ids, impulse_answer, read_impulse
from ei_toolkit.studio.http import answer
from ei_toolkit.studio.refusal import Refusal
from ei_toolkit.studio.store.blocks import Impulse
from ei_toolkit.studio.store.jobs import Job

router = APIRouter(prefix="/v1/api/{projectId:int}")
MOST_IMPULSES = 100


@router.post("/impulse/get-new-block-id")
def get_new_block_id(call: Admin) -> Response:
    """An id that no block of the project has."""
    return answer({"blockId": call.store.projects.next_block(call.project)})


@router.get("/impulse/blocks")
def get_impulse_blocks(call: Reader) -> Response:
    """Block types to choose from."""
    catalogue = call.studio.calculator.catalogue()
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
def get_impulse(call: Reader) -> Response:
    """The impulse, if there is one."""
    impulse = call.store.blocks.find(call.project, wanted_impulse(call))
    return answer({"impulse": impulse_answer(impulse)} if impulse else {})


@router.post("/impulse")
def create_impulse(call: Admin, body: Body) -> Response:
    """Make the impulse, or change it: unchanged blocks keep their settings and results."""
    document = read_impulse(
        body, {block["type"]: block["versions"][-1] for block in call.studio.calculator.catalogue()}
    )
    with call.store.database.exclusive():
        before = call.store.blocks.find(call.project, wanted_impulse(call))
        id_ = before.id if before else (wanted_impulse(call) or 1)
        _check_ids(call, document, id_)
        name = body.text("name", before.name if before else f"Impulse #{id_}")
        call.store.projects.reserve_blocks(call.project, max(block_ids(document), default=0))
        call.store.blocks.put(call.project, id_, name, document)
        _forget_changed(call, before, document)
    return answer({"id": id_})


@router.delete("/impulse")
def delete_impulse(call: Admin) -> Response:
    """End the jobs of the impulse, and delete it with everything that was made for it and its blocks."""
    impulse = call.store.blocks.get(call.project, wanted_impulse(call))
    for job in call.store.jobs.page(call.project, active=True)[0]:
        if _works_on(job, impulse):
            call.studio.runner.cancel(job, force=True)
    with call.store.database.exclusive():
        call.store.blocks.delete(call.project, impulse.id)
        call.store.artifacts.clear_results(call.project, "classify", impulse.id)
        for block in block_ids(impulse.document):
            call.store.blocks.forget(call.project, block)
    return answer()


@router.get("/impulses")
def get_all_impulses(call: Reader) -> Response:
    """Every impulse."""
    impulses = [impulse_answer(impulse) for impulse in call.store.blocks.impulses(call.project)]
    return answer({"impulses": impulses, "maxImpulseCount": MOST_IMPULSES})


def wanted_impulse(call: Call) -> int | None:
    """`impulseId` of the query; None means the default impulse."""
    return call.query.integer("impulseId") if call.query.has("impulseId") else None


def _works_on(job: Job, impulse: Impulse) -> bool:
    blocks = block_ids(impulse.document)
    return job.spec.get("impulse") == impulse.id or job.spec.get("dsp") in blocks or job.spec.get("learn") in blocks


def _check_ids(call: Call, document: dict[str, Any], own: int) -> None:
    others = [i for i in call.store.blocks.impulses(call.project) if i.id != own]
    taken = {id_ for impulse in others for id_ in block_ids(impulse.document)}
    if taken & set(block_ids(document)):
        raise Refusal("A block id is in use by another impulse of this project")


def _forget_changed(call: Call, before: Impulse | None, document: dict[str, Any]) -> None:
    """Drop what was made for blocks that are gone, test results too, and features of processing blocks that changed."""
    if before is None:
        return
    for block in set(block_ids(before.document)) - set(block_ids(document)):
        call.store.blocks.forget(call.project, block)
    if {b["id"] for b in before.blocks("learnBlocks")} - {b["id"] for b in document["learnBlocks"]}:
        call.store.artifacts.clear_results(call.project, "classify", before.id)
    same_input = before.blocks("inputBlocks") == document["inputBlocks"]
    for block in document["dspBlocks"]:
        if not same_input or block not in before.blocks("dspBlocks"):
            call.store.artifacts.clear_features(call.project, block["id"])
