"""The data set as a whole: its metadata, its split."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from ei_toolkit.studio.access import Admin, Body, Call, Reader
from ei_toolkit.studio.dataset_split import Split, read_split
from ei_toolkit.studio.http import answer
from ei_toolkit.studio.store.sample_filter import SampleFilter

router = APIRouter(prefix="/v1/api/{projectId:int}")


@router.get("/raw-data/metadata")
def get_sample_metadata(call: Reader) -> Response:
    """The metadata of every sample that has any."""
    samples = call.store.samples.select(SampleFilter.read(call.project, call.query))
    return answer({"metadata": [{"id": s.id, "metadata": dict(s.metadata)} for s in samples if s.metadata]})


@router.get("/raw-data/metadata-filter-options")
def get_sample_metadata_filter_options(call: Reader) -> Response:
    """Metadata keys and the values that occur."""
    limit, offset = call.query.page()
    samples = call.store.samples.select(SampleFilter.read(call.project, call.query))
    options: dict[str, set[str]] = {}
    for sample in samples:
        for key, value in sample.metadata.items():
            options.setdefault(key, set()).add(value)
    page = sorted(options)[offset : offset + limit if limit else None]
    listed = [{"key": key, "options": sorted(options[key])} for key in page]
    return answer({"totalCount": len(options), "count": len(page), "optionsList": listed})


@router.get("/raw-data/ratio")
def get_dataset_ratio(call: Reader) -> Response:
    """How many samples each category has."""
    return answer({"ratio": _ratio(call)})


@router.post("/split")
def split_dataset(call: Admin, body: Body) -> Response:
    """Divide the samples anew by hash, in the wanted proportions; samples that share metadata may stay together."""
    _split(call, read_split(body))
    return answer()


@router.post("/rebalance")
def rebalance_dataset(call: Admin) -> Response:
    """The same, answering the new ratio."""
    _split(call, Split())
    return answer({"ratio": _ratio(call)})


@router.post("/v2/rebalance")
def rebalance_dataset_v2(call: Admin) -> Response:
    """The same."""
    _split(call, Split())
    return answer()


def _split(call: Call, split: Split) -> None:
    divided = [("category IN ('training', 'testing', 'validation')", ())]
    enabled = [("disabled = 0", ())] if split.only_enabled else []
    samples = call.store.samples.select(SampleFilter(call.project, None, (*divided, *enabled)))
    moved = {sample.id: new for sample in samples if (new := split.category(sample)) != sample.category}
    call.store.samples.change_each(call.project, "category", moved)


def _ratio(call: Call) -> dict[str, int]:
    summaries = call.store.samples.summaries(call.project)
    return {name: summaries[name].count for name in ("training", "testing", "validation") if name in summaries}
