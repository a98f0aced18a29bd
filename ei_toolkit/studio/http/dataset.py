"""How samples are divided into categories: by hash, so that the same sample always goes the same way."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.request import Admin, Body, Reader, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.parameters import RequestParameters
from ei_toolkit.studio.store.sample_filter import SampleFilter
from ei_toolkit.studio.store.samples import Category, Sample

TESTING = 0.2  # Edge Impulse: 80 % training, 20 % testing


@dataclass(frozen=True)
class Split:
    """Shares of testing and validation (training is the rest), and the metadata that keeps samples together."""

    testing: float = TESTING
    validation: float = 0.0
    together: tuple[str, ...] = ()
    only_enabled: bool = False

    def category(self, sample: Sample) -> Category:
        """Where a sample goes."""
        group = [sample.metadata[key] for key in self.together if key in sample.metadata]
        digest = hashlib.sha256("\0".join(group).encode("utf-8", "replace")).hexdigest() if group else sample.sha256
        return self.of_digest(digest)

    def of_digest(self, digest: str) -> Category:
        """Where content of this SHA-256 goes."""
        place = int(digest[:8], 16) / 2**32
        if place < self.testing:
            return "testing"
        return "validation" if place < self.testing + self.validation else "training"


def read_split(body: RequestParameters) -> Split:
    """The split of a `DatasetSplitOptions` body; proportions count relative to their sum."""
    names = {"trainingSplitRatio": 1 - TESTING, "testingSplitRatio": TESTING, "validationSplitRatio": 0.0}
    given = any(body.has(name) for name in names)
    training, testing, validation = (float(body.number(name, 0.0 if given else share)) for name, share in names.items())
    total = training + testing + validation
    if min(training, testing, validation) < 0 or total <= 0:
        raise ApiError("The proportions of a split must not be negative, and not all 0")
    together = tuple(str(key) for key in body.items("keepTogetherMetadataKeys"))
    return Split(testing / total, validation / total, together, body.flag("excludeDisabledSamples", False))


router = APIRouter(prefix="/v1/api/{projectId:int}")


@router.get("/raw-data/metadata")
def get_sample_metadata(context: Reader) -> Response:
    """The metadata of every sample that has any."""
    samples = context.store.samples.select(SampleFilter.read(context.project, context.query))
    return answer({"metadata": [{"id": s.id, "metadata": dict(s.metadata)} for s in samples if s.metadata]})


@router.get("/raw-data/metadata-filter-options")
def get_sample_metadata_filter_options(context: Reader) -> Response:
    """Metadata keys and the values that occur."""
    limit, offset = context.query.page()
    samples = context.store.samples.select(SampleFilter.read(context.project, context.query))
    options: dict[str, set[str]] = {}
    for sample in samples:
        for key, value in sample.metadata.items():
            options.setdefault(key, set()).add(value)
    page = sorted(options)[offset : offset + limit if limit else None]
    listed = [{"key": key, "options": sorted(options[key])} for key in page]
    return answer({"totalCount": len(options), "count": len(page), "optionsList": listed})


@router.get("/raw-data/ratio")
def get_dataset_ratio(context: Reader) -> Response:
    """How many samples each category has."""
    return answer({"ratio": _ratio(context)})


@router.post("/split")
def split_dataset(context: Admin, body: Body) -> Response:
    """Divide the samples anew by hash, in the wanted proportions; samples that share metadata may stay together."""
    _split(context, read_split(body))
    return answer()


@router.post("/rebalance")
def rebalance_dataset(context: Admin) -> Response:
    """The same, answering the new ratio."""
    _split(context, Split())
    return answer({"ratio": _ratio(context)})


@router.post("/v2/rebalance")
def rebalance_dataset_v2(context: Admin) -> Response:
    """The same."""
    _split(context, Split())
    return answer()


def _split(context: RequestContext, split: Split) -> None:
    divided = [("category IN ('training', 'testing', 'validation')", ())]
    enabled = [("disabled = 0", ())] if split.only_enabled else []
    samples = context.store.samples.select(SampleFilter(context.project, None, (*divided, *enabled)))
    moved = {sample.id: new for sample in samples if (new := split.category(sample)) != sample.category}
    context.store.samples.change_each(context.project, "category", moved)


def _ratio(context: RequestContext) -> dict[str, int]:
    summaries = context.store.samples.summaries(context.project)
    return {name: summaries[name].count for name in ("training", "testing", "validation") if name in summaries}
