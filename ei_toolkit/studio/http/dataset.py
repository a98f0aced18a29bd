"""The dataset as a whole: the split into categories, metadata, and the export as a zip.

The split is computed from a hash of the content, so that the same sample is always in the same category.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field, model_validator
from starlette.responses import Response, StreamingResponse

from ei_toolkit.dataset.hash_split import TESTING_FRACTION, split_by_hash
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.jobs import queue, started
from ei_toolkit.studio.http.request import Admin, Reader, RequestContext
from ei_toolkit.studio.http.responses import answer, stored_file
from ei_toolkit.studio.http.sample_query import SampleQuery, Samples
from ei_toolkit.studio.http.schema import Flag, Number, Page, RequestModel, json_body
from ei_toolkit.studio.store.sample_filter import ENABLED, SampleFilter, reads
from ei_toolkit.studio.store.samples import Category, Sample


@dataclass(frozen=True)
class Split:
    """Shares of testing and validation (training is the rest). Samples with equal `together` metadata stay together."""

    testing: float = TESTING_FRACTION
    validation: float = 0.0
    together: tuple[str, ...] = ()
    only_enabled: bool = False

    def category(self, sample: Sample) -> Category:
        """Return the category of a sample."""
        group = [sample.metadata[key] for key in self.together if key in sample.metadata]
        digest = hashlib.sha256("\0".join(group).encode("utf-8", "replace")).hexdigest() if group else sample.sha256
        return self.of_digest(digest)

    def of_digest(self, digest: str) -> Category:
        """Return the category of content with this SHA-256."""
        return split_by_hash(digest, self.testing, self.validation)


class SplitRequest(RequestModel):
    """A `DatasetSplitOptions`; proportions count relative to their sum."""

    training_split_ratio: Annotated[Number, Field(ge=0)] | None = None
    testing_split_ratio: Annotated[Number, Field(ge=0)] | None = None
    validation_split_ratio: Annotated[Number, Field(ge=0)] | None = None
    keep_together_metadata_keys: list[str] = []
    exclude_disabled_samples: Flag = False

    @model_validator(mode="after")
    def _has_a_proportion(self) -> Self:
        if self._given() and not sum(self._given()):
            raise ValueError("trainingSplitRatio, testingSplitRatio and validationSplitRatio must not all be 0")
        return self

    def _given(self) -> list[float]:
        ratios = (self.training_split_ratio, self.testing_split_ratio, self.validation_split_ratio)
        return [ratio or 0.0 for ratio in ratios] if any(ratio is not None for ratio in ratios) else []

    def split(self) -> Split:
        """Return the split that the request describes; without proportions, the default one."""
        training, testing, validation = self._given() or (1 - TESTING_FRACTION, TESTING_FRACTION, 0.0)
        total = training + testing + validation
        together = tuple(self.keep_together_metadata_keys)
        return Split(testing / total, validation / total, together, self.exclude_disabled_samples)


router = APIRouter(prefix="/v1/api/{projectId:int}")


class OptionsQuery(Page, SampleQuery):
    """A page of the metadata keys of the samples that match a filter."""


@router.get("/raw-data/metadata")
def get_sample_metadata(context: Reader, query: Samples) -> Response:
    """Return the metadata of the samples that have any."""
    found = context.store.samples.metadata_texts(query.filter(context.project))
    return StreamingResponse(_joined(found), media_type="application/json")


@router.get("/raw-data/metadata-filter-options")
def get_sample_metadata_filter_options(context: Reader, query: Annotated[OptionsQuery, Query()]) -> Response:
    """Return a page of the metadata keys, with the values that occur."""
    options = context.store.samples.metadata_options(query.filter(context.project))
    page = query.cut(sorted(options))
    listed = ",".join(f'{{"key":{json.dumps(key)},"options":{options[key]}}}' for key in page)
    text = f'{{"success":true,"totalCount":{len(options)},"count":{len(page)},"optionsList":[{listed}]}}'
    return Response(text.encode("utf-8", "replace"), media_type="application/json")


@router.get("/raw-data/ratio")
def get_dataset_ratio(context: Reader) -> Response:
    """Return the number of samples in each category."""
    return answer({"ratio": _ratio(context)})


@router.post("/split")
def split_dataset(context: Admin, body: Annotated[SplitRequest, Depends(json_body(SplitRequest))]) -> Response:
    """Split the samples again in the given proportions."""
    _split(context, body.split())
    return answer()


@router.post("/rebalance")
def rebalance_dataset(context: Admin) -> Response:
    """Split the samples again in the default proportions, and return the number of samples in each category."""
    _split(context, Split())
    return answer({"ratio": _ratio(context)})


@router.post("/v2/rebalance")
def rebalance_dataset_v2(context: Admin) -> Response:
    """Split the samples again in the default proportions."""
    _split(context, Split())
    return answer()


@router.post("/jobs/export/original")
@router.post("/jobs/export/wav")
def start_original_export_job(context: Admin) -> Response:
    """Start a job that writes all samples, as they were uploaded, into a zip with `info.labels`."""
    return started(queue(context, "export", "export", "Exporting data", {}))


@router.get("/export/get-url")
def get_export_url(request: Request, context: Reader) -> Response:
    """Return the address of the last export."""
    if context.store.artifacts.result(context.project, "export", 0) is None:
        return answer({"hasExport": False})
    path = f"/v1/api/{context.project}/export/download"
    return answer({"hasExport": True, "url": f"{request.url.scheme}://{request.url.netloc}{path}"})


@router.get("/export/download")
def download_export(context: Reader) -> Response:
    """Return the zip of the last export."""
    headers = {"Content-Disposition": 'attachment; filename="export.zip"'}
    return stored_file(_export_path(context), "application/zip", headers)


def _joined(pages: Iterator[Sequence[str]]) -> Iterator[bytes]:
    """Yield the answer with JSON objects that are texts already, a page at a time."""
    yield b'{"success":true,"metadata":['
    separator = ""
    for page in pages:
        yield (separator + ",".join(page)).encode()
        separator = ","
    yield b"]}"


def _export_path(context: RequestContext) -> Path:
    blob = context.store.artifacts.result(context.project, "export", 0)
    if blob is None:
        raise ApiError("This project has no export yet: start an export job")
    return context.store.blobs.path(blob)


def _split(context: RequestContext, split: Split) -> None:
    divided = [reads("category", "category IN ('training', 'testing', 'validation')")]
    enabled = [ENABLED] if split.only_enabled else []
    samples = context.store.samples.select(SampleFilter(context.project, None, (*divided, *enabled)))
    moved = {sample.id: new for sample in samples if (new := split.category(sample)) != sample.category}
    context.store.samples.change_each(context.project, "category", moved)


def _ratio(context: RequestContext) -> dict[str, int]:
    summaries = context.store.samples.summaries(context.project)
    return {name: summaries[name].count for name in ("training", "testing", "validation") if name in summaries}
