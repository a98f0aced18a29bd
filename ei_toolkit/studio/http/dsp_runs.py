"""Processing blocks at work on single samples, and looks at the features that were generated."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from ei_toolkit.studio.devices import DEVICES
from ei_toolkit.studio.http.dsp import explorer_points, feature_labels, line_graph, sample_points
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.request import Body, Reader, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.samples import content_of, sample_values, sample_with_values
from ei_toolkit.studio.impulse import ProcessingBlock, processing_block
from ei_toolkit.studio.parameters import RequestParameters
from ei_toolkit.studio.store.sample_filter import SampleFilter
from ei_toolkit.studio.store.samples import Sample

router = APIRouter(prefix="/v1/api/{projectId:int}/dsp/{dspId:int}")
MOST_VALUES = 1_000_000
CYCLES_PER_INSTRUCTION = 1.86  # of float code on a Cortex-M4F, as eon/profile.py measured it


@router.post("/run")
def run_dsp_on_features_array(dspId: int, context: Reader, body: Body) -> Response:
    """Run the block on values that are sent."""
    block = processing_block(context.store, context.project, dspId)
    values = [RequestParameters({"feature": value}).number("feature") for value in body.items("features")[:MOST_VALUES]]
    return answer(_run(context, block, body, values=values))


@router.get("/raw-data/{sampleId:int}")
def get_dsp_raw_sample(dspId: int, sampleId: int, context: Reader) -> Response:
    """A sample as the block sees it."""
    processing_block(context.store, context.project, dspId)
    sample = context.store.samples.get(context.project, sampleId)
    values = sample_values(context, sample, limit=context.query.integer("limitPayloadValues", 0))
    return answer(sample_with_values(sample, values))


@router.get("/raw-data/{sampleId:int}/slice")
def get_dsp_sample_slice(dspId: int, sampleId: int, context: Reader) -> Response:
    """Part of a sample, by index."""
    processing_block(context.store, context.project, dspId)
    sample = context.store.samples.get(context.project, sampleId)
    return answer(sample_with_values(sample, sample_values(context, sample, *_slice(context, sample))))


@router.get("/raw-data/{sampleId:int}/slice/run/readonly")
def run_dsp_sample_slice_read_only(dspId: int, sampleId: int, context: Reader) -> Response:
    """Run the block, with its own settings, on part of a sample."""
    return _run_slice(context, dspId, sampleId, RequestParameters())


@router.post("/raw-data/{sampleId:int}/slice/run")
def run_dsp_sample_slice(dspId: int, sampleId: int, context: Reader, body: Body) -> Response:
    """Run the block, with settings that are sent, on part of a sample."""
    return _run_slice(context, dspId, sampleId, body)


@router.get("/performance")
def get_performance_all_variants(dspId: int, context: Reader) -> Response:
    """Estimated time and memory of the block on each device."""
    block = processing_block(context.store, context.project, dspId)
    cost = context.studio.compute_worker.compute("cost", **block.dsp_request())
    found = [
        {
            "mcu": device.mcu,
            "latency": round(CYCLES_PER_INSTRUCTION * cost["instructions"] / (device.clock_mhz * 1000)),
            "ram": cost["ram"],
        }
        for device in DEVICES
        if device.fpu
    ]
    return answer({"performance": found})


@router.get("/features/labels")
def get_dsp_feature_labels(dspId: int, context: Reader) -> Response:
    """A name for each feature."""
    block = processing_block(context.store, context.project, dspId)
    frames, bins = context.studio.compute_worker.compute("shape", **block.dsp_request())
    return answer({"labels": feature_labels(frames, bins)})


@router.get("/features/importance")
def get_dsp_feature_importance(dspId: int, context: Reader) -> Response:
    """Feature importance is never computed here."""
    processing_block(context.store, context.project, dspId)
    return answer({"hasFeatureImportance": False, "labels": {}})


@router.get("/features/get-graph/classification/{sampleId:int}")
def dsp_get_features_for_sample(dspId: int, sampleId: int, context: Reader) -> Response:
    """Three features of every window of one sample."""
    block = processing_block(context.store, context.project, dspId)
    sample = context.store.samples.get(context.project, sampleId)
    found = context.studio.compute_worker.compute(
        "window_features", **content_of(context, sample), **block.windowing(), columns=_axes(context)
    )
    rows = [(1, sample.id, start, end) for start, end in found["times"]]
    return answer(sample_points(found["values"], rows, sample.label, sample.filename))


@router.get("/features/get-graph/{category}")
def dsp_sample_trained_features(dspId: int, category: str, context: Reader) -> Response:
    """Three features of every window that features were generated for."""
    processing_block(context.store, context.project, dspId)
    features = context.store.artifacts.features(context.project, dspId, category)
    if features is None:
        raise ApiError(f"No features were generated for this block yet ({category})")
    paths = {name: str(context.store.blobs.path(digest)) for name, digest in (("x", features.x), ("y", features.y))}
    found = context.studio.compute_worker.compute("explorer", **paths, columns=_axes(context))
    names = {s.id: s.filename for s in context.store.samples.select(SampleFilter(context.project, category))}
    return answer(explorer_points(found["values"], found["rows"], features.summary["labels"], names))


def _axes(context: RequestContext) -> list[int]:
    return [context.query.integer(f"featureAx{number}", number - 1) for number in (1, 2, 3)]


def _slice(context: RequestContext, sample: Sample) -> tuple[int, int]:
    return context.query.integer("sliceStart", 0), context.query.integer("sliceEnd", sample.values_count)


def _run_slice(context: RequestContext, dsp: int, sample_id: int, body: RequestParameters) -> Response:
    block = processing_block(context.store, context.project, dsp)
    sample = context.store.samples.get(context.project, sample_id)
    start, end = _slice(context, sample)
    table = sample_values(context, sample, start, end)
    names = [name for name, _ in sample.sensors]
    column = names.index(block.axis) if block.axis in names else 0
    result = _run(context, block, body, values=[row[column] for row in table])
    labels = {"labelAtEndOfWindow": sample.label, "labelForWindow": sample.label}
    return answer({**result, **labels, "sample": sample_with_values(sample, table), "canProfilePerformance": False})


def _run(
    context: RequestContext, block: ProcessingBlock, body: RequestParameters, *, values: list[float]
) -> dict[str, Any]:
    """Fields of a `DspRunResponse`; parameters that are sent win over the block's own."""
    params = {**block.config, **{name: str(value) for name, value in body.mapping("params").items()}}
    found = context.studio.compute_worker.compute(
        "run", **{**block.dsp_request(params), "samples": len(values)}, values=values
    )
    graphs = [line_graph(str(block.document["name"]), found["profile"])] if body.flag("drawGraphs", False) else []
    return {"features": found["features"], "graphs": graphs, "labels": feature_labels(found["frames"], found["bins"])}
