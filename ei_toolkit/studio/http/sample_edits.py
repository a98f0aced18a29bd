"""Changes to samples: one at a time, or all that a filter lets through."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.request import Admin, Body, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.sample_labels import check_stretches, read_stretches, safe_filename
from ei_toolkit.studio.parameters import RequestParameters
from ei_toolkit.studio.store.garbage import delete_samples
from ei_toolkit.studio.store.sample_filter import SampleFilter
from ei_toolkit.studio.store.samples import CATEGORIES, Sample

router = APIRouter(prefix="/v1/api/{projectId:int}/raw-data")


@router.post("/{sampleId:int}/edit-label")
def edit_label(sampleId: int, context: Admin, body: Body) -> Response:
    """Give a sample another label."""
    return _change_one(context, sampleId, _label(body))


@router.post("/{sampleId:int}/move")
def move_sample(sampleId: int, context: Admin, body: Body) -> Response:
    """Move a sample to another category."""
    return _change_one(context, sampleId, {"category": _category(body)})


@router.post("/{sampleId:int}/rename")
def rename_sample(sampleId: int, context: Admin, body: Body) -> Response:
    """Rename a sample."""
    return _change_one(context, sampleId, {"filename": safe_filename(body.text("name"))})


@router.post("/{sampleId:int}/metadata")
def set_sample_metadata(sampleId: int, context: Admin, body: Body) -> Response:
    """Replace a sample's metadata."""
    return _change_one(context, sampleId, {"metadata": json.dumps(_texts(body.mapping("metadata")))})


@router.post("/{sampleId:int}/enable")
def enable_sample(sampleId: int, context: Admin) -> Response:
    """Take a sample into account again."""
    return _change_one(context, sampleId, {"disabled": 0})


@router.post("/{sampleId:int}/disable")
def disable_sample(sampleId: int, context: Admin) -> Response:
    """Leave a sample out of training and testing."""
    return _change_one(context, sampleId, {"disabled": 1})


@router.post("/{sampleId:int}/structured-labels")
def set_sample_structured_labels(sampleId: int, context: Admin, body: Body) -> Response:
    """Label stretches of a sample, by index, ends included."""
    sample = context.store.samples.get(context.project, sampleId)
    return _change_one(context, sampleId, _stretches(sample, body))


@router.post("/batch/delete")
def batch_delete(context: Admin) -> Response:
    """Delete."""
    delete_samples(context.store, context.project, _chosen(context))
    return answer()


@router.post("/batch/enable-samples")
def batch_enable(context: Admin) -> Response:
    """Enable."""
    return _change(context, {"disabled": 0})


@router.post("/batch/disable-samples")
def batch_disable(context: Admin) -> Response:
    """Disable."""
    return _change(context, {"disabled": 1})


@router.post("/batch/edit-labels")
def batch_edit_labels(context: Admin, body: Body) -> Response:
    """Relabel."""
    return _change(context, _label(body))


@router.post("/batch/moveSamples")
def batch_move(context: Admin, body: Body) -> Response:
    """Move to another category."""
    return _change(context, {"category": _category(body)})


@router.post("/batch/add-metadata")
def batch_add_metadata(context: Admin, body: Body) -> Response:
    """Set one metadata key."""
    key, value = body.text("metadataKey"), body.text("metadataValue")
    return _change_metadata(context, lambda metadata: {**metadata, key: value})


@router.post("/batch/clear-metadata")
def batch_clear_metadata(context: Admin) -> Response:
    """Drop all metadata."""
    return _change_metadata(context, lambda _: {})


@router.post("/batch/clear-metadata-by-key")
def batch_clear_metadata_by_key(context: Admin, body: Body) -> Response:
    """Drop one metadata key."""
    key = body.text("metadataKey")
    return _change_metadata(context, lambda metadata: {k: v for k, v in metadata.items() if k != key})


def _chosen(context: RequestContext) -> list[int]:
    return context.store.samples.ids(SampleFilter.read(context.project, context.query))


def _change_one(context: RequestContext, sample: int, columns: Mapping[str, Any]) -> Response:
    if not context.store.samples.change(context.project, [sample], **columns):
        raise ApiError("No sample with this ID found")
    return answer()


def _change(context: RequestContext, columns: Mapping[str, Any]) -> Response:
    context.store.samples.change(context.project, _chosen(context), **columns)
    return answer()


def _change_metadata(context: RequestContext, change: Callable[[Mapping[str, str]], dict[str, str]]) -> Response:
    wanted = SampleFilter.read(context.project, context.query)
    with context.store.database.exclusive():
        values = {s.id: json.dumps(change(s.metadata)) for s in context.store.samples.select(wanted)}
        context.store.samples.change_each(context.project, "metadata", values)
    return answer()


def _label(body: RequestParameters) -> dict[str, Any]:
    label = body.text("label", "")
    return {"label": label, "label_type": "label" if label else "unlabeled", "structured_labels": None}


def _category(body: RequestParameters) -> str:
    category = body.text("newCategory")
    if category not in CATEGORIES:
        raise ApiError(f"newCategory must be one of {', '.join(CATEGORIES)}")
    return category


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def _stretches(sample: Sample, body: RequestParameters) -> dict[str, Any]:
    stretches = read_stretches(body, "structuredLabels")
    check_stretches(stretches, sample.values_count)
    text = ", ".join(dict.fromkeys(stretch["label"] for stretch in stretches))
    return {"structured_labels": json.dumps(stretches), "label_type": "multi-label", "label": text}
