"""Results of trying models on samples."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from ei_toolkit.studio.access import Call, Reader
from ei_toolkit.studio.answers.classify import classify_result
from ei_toolkit.studio.refusal import Refusal
from ei_toolkit.studio.routes.impulses import wanted_impulse
from ei_toolkit.studio.store.sample_filter import SampleFilter
from ei_toolkit.studio.wire import answer

router = APIRouter(prefix="/v1/api/{projectId}")
VARIANTS = ("int8", "float32")


@router.get("/classify/all/result")
def get_classify_job_result(call: Reader) -> Response:
    """How the last classify job went, for one variant."""
    return answer(_result(call, 0, None))


@router.get("/classify/all/result/page")
def get_classify_job_result_page(call: Reader) -> Response:
    """The same, a page of samples at a time."""
    limit, offset = call.query.page()
    return answer(_result(call, offset, limit or None))


def _result(call: Call, offset: int, limit: int | None) -> dict[str, Any]:
    impulse = call.store.blocks.get(call.project, wanted_impulse(call))
    available = [v for v in VARIANTS if call.store.artifacts.result(call.project, "classify", impulse.id, v)]
    variant = call.query.text("variant", available[0] if available else "int8")
    blob = call.store.artifacts.result(call.project, "classify", impulse.id, variant)
    if blob is None:
        raise Refusal(f"No classification result for {variant} yet: start a classify job")
    stored: dict[str, Any] = json.loads(call.store.blobs.read(blob))
    page = stored["samples"][offset : None if limit is None else offset + limit]
    ids = json.dumps([entry["id"] for entry in page])
    wanted = SampleFilter(call.project, None, (("id IN (SELECT value FROM json_each(?))", (ids,)),))
    samples = {sample.id: sample for sample in call.store.samples.select(wanted)}
    return {**classify_result(stored, page, samples, impulse), "availableVariants": available}
