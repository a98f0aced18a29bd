"""Changes to samples: to one, or to all that match a filter."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.responses import Response

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.request import Admin, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.sample_labels import (
    LabelledRanges,
    check_ranges,
    joined_labels,
    metadata_texts,
    safe_filename,
    stored_ranges,
)
from ei_toolkit.studio.http.sample_query import Batch, BatchQuery
from ei_toolkit.studio.http.schema import Line, RequestModel, json_body
from ei_toolkit.studio.store.garbage import delete_samples
from ei_toolkit.studio.store.samples import Category

SAMPLES_CHANGED = "x-samples-changed"  # header of a response: the number of samples of a batch operation
router = APIRouter(prefix="/v1/api/{projectId:int}/raw-data")


class LabelRequest(RequestModel):
    """An `EditSampleLabelRequest`; a blank label makes the sample unlabeled."""

    label: Line = ""

    def columns(self) -> dict[str, Any]:
        """Return the columns of a sample with this label."""
        label = self.label.strip()
        kind = "label" if label else "unlabeled"
        return {"label": label, "label_type": kind, "structured_labels": None}


class MoveRequest(RequestModel):
    """A `MoveRawDataRequest`."""

    new_category: Category


class RenameRequest(RequestModel):
    """A `RenameSampleRequest`."""

    name: str


class MetadataRequest(RequestModel):
    """A `SetSampleMetadataRequest`."""

    metadata: dict[str, Any] = {}


class MetadataKeyRequest(RequestModel):
    """A `RemoveKeywordFromMetadataRequest`: the key to remove."""

    metadata_key: Line


class MetadataValueRequest(MetadataKeyRequest):
    """An `AddMetadataRequest`: the key to set and its value."""

    metadata_value: str


LabelBody = Annotated[LabelRequest, Depends(json_body(LabelRequest))]
MoveBody = Annotated[MoveRequest, Depends(json_body(MoveRequest))]


@router.post("/{sampleId:int}/edit-label")
def edit_label(sampleId: int, context: Admin, body: LabelBody) -> Response:
    """Change the label of a sample."""
    return _change_one(context, sampleId, body.columns())


@router.post("/{sampleId:int}/move")
def move_sample(sampleId: int, context: Admin, body: MoveBody) -> Response:
    """Move a sample to another category."""
    return _change_one(context, sampleId, {"category": body.new_category})


@router.post("/{sampleId:int}/rename")
def rename_sample(
    sampleId: int, context: Admin, body: Annotated[RenameRequest, Depends(json_body(RenameRequest))]
) -> Response:
    """Rename a sample."""
    return _change_one(context, sampleId, {"filename": safe_filename(body.name)})


@router.post("/{sampleId:int}/metadata")
def set_sample_metadata(
    sampleId: int, context: Admin, body: Annotated[MetadataRequest, Depends(json_body(MetadataRequest))]
) -> Response:
    """Replace the metadata of a sample."""
    return _change_one(context, sampleId, {"metadata": json.dumps(metadata_texts(body.metadata))})


@router.post("/{sampleId:int}/enable")
def enable_sample(sampleId: int, context: Admin) -> Response:
    """Use a sample for training and testing again."""
    return _change_one(context, sampleId, {"disabled": 0})


@router.post("/{sampleId:int}/disable")
def disable_sample(sampleId: int, context: Admin) -> Response:
    """Exclude a sample from training and testing."""
    return _change_one(context, sampleId, {"disabled": 1})


@router.post("/{sampleId:int}/structured-labels")
def set_sample_structured_labels(
    sampleId: int, context: Admin, body: Annotated[LabelledRanges, Depends(json_body(LabelledRanges))]
) -> Response:
    """Label ranges of a sample, by index."""
    ranges = body.structured_labels
    check_ranges(ranges, context.store.samples.get(context.project, sampleId).values_count)
    stored = {"structured_labels": json.dumps(stored_ranges(ranges)), "label_type": "multi-label"}
    return _change_one(context, sampleId, {**stored, "label": joined_labels(ranges)})


@router.post("/batch/delete")
def batch_delete(context: Admin, query: Batch) -> Response:
    """Delete the samples that match the filter."""
    ids = _chosen(context, query)
    delete_samples(context.store, context.project, ids)
    return _changed(len(ids))


@router.post("/batch/enable-samples")
def batch_enable(context: Admin, query: Batch) -> Response:
    """Enable the samples that match the filter."""
    return _change(context, query, {"disabled": 0})


@router.post("/batch/disable-samples")
def batch_disable(context: Admin, query: Batch) -> Response:
    """Disable the samples that match the filter."""
    return _change(context, query, {"disabled": 1})


@router.post("/batch/edit-labels")
def batch_edit_labels(context: Admin, query: Batch, body: LabelBody) -> Response:
    """Change the label of the samples that match the filter."""
    return _change(context, query, body.columns())


@router.post("/batch/moveSamples")
def batch_move(context: Admin, query: Batch, body: MoveBody) -> Response:
    """Move the samples that match the filter to another category."""
    return _change(context, query, {"category": body.new_category})


@router.post("/batch/add-metadata")
def batch_add_metadata(
    context: Admin, query: Batch, body: Annotated[MetadataValueRequest, Depends(json_body(MetadataValueRequest))]
) -> Response:
    """Set one metadata key of the samples that match the filter."""
    return _change_metadata(context, query, lambda metadata: {**metadata, body.metadata_key: body.metadata_value})


@router.post("/batch/clear-metadata")
def batch_clear_metadata(context: Admin, query: Batch) -> Response:
    """Remove the metadata of the samples that match the filter."""
    return _change_metadata(context, query, lambda _: {})


@router.post("/batch/clear-metadata-by-key")
def batch_clear_metadata_by_key(
    context: Admin, query: Batch, body: Annotated[MetadataKeyRequest, Depends(json_body(MetadataKeyRequest))]
) -> Response:
    """Remove one metadata key of the samples that match the filter."""
    return _change_metadata(
        context, query, lambda metadata: {k: v for k, v in metadata.items() if k != body.metadata_key}
    )


def _change_one(context: RequestContext, sample: int, columns: Mapping[str, Any]) -> Response:
    if not context.store.samples.change(context.project, [sample], **columns):
        raise ApiError(f"No sample with this ID found ({sample})")
    return answer()


def _changed(count: int) -> Response:
    """Return the response of a batch operation. The official models have no field for the number of samples."""
    response = answer()
    response.headers[SAMPLES_CHANGED] = str(count)
    return response


def _chosen(context: RequestContext, query: BatchQuery) -> Sequence[int]:
    """Return the ids of the samples that a batch operation is for. Raises ApiError if it must not be carried out."""
    chosen = query.filter(context.project)
    ids = context.store.samples.ids(chosen)
    query.check(chosen, len(ids))
    return ids


def _change(context: RequestContext, query: BatchQuery, columns: Mapping[str, Any]) -> Response:
    ids = _chosen(context, query)
    context.store.samples.change(context.project, ids, **columns)
    return _changed(len(ids))


def _change_metadata(
    context: RequestContext, query: BatchQuery, change: Callable[[Mapping[str, str]], dict[str, str]]
) -> Response:
    chosen = query.filter(context.project)
    with context.store.database.exclusive():
        values = {s.id: json.dumps(change(s.metadata)) for s in context.store.samples.select(chosen)}
        query.check(chosen, len(values))
        context.store.samples.change_each(context.project, "metadata", values)
    return _changed(len(values))
