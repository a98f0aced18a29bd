"""Results of processing blocks for single samples, and views of the generated features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response

from ei_toolkit.studio.devices import DEVICES, Device, device
from ei_toolkit.studio.http.dsp import explorer_points, feature_labels, generated_features, line_graph, sample_points
from ei_toolkit.studio.http.impulses import feature_names_of
from ei_toolkit.studio.http.request import Reader, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.samples import PayloadLimit, SliceQuery, content_of, sample_values, sample_with_values
from ei_toolkit.studio.http.schema import Flag, Integer, Number, RequestModel, json_body
from ei_toolkit.studio.impulse import ProcessingBlock, processing_block

router = APIRouter(prefix="/v1/api/{projectId:int}/dsp/{dspId:int}")
MOST_VALUES = 1_000_000


class DspRunRequest(RequestModel):
    """A `DspRunRequestWithoutFeatures`; `params` replace the block's own for this run."""

    params: dict[str, Any] = {}
    draw_graphs: Flag = False


class DspFeaturesRequest(DspRunRequest):
    """A `DspRunRequestWithFeatures`: raw values to run the block on."""

    features: Annotated[list[Number], Field(max_length=MOST_VALUES)] = []
    request_performance: Flag = False


class AxesQuery(RequestModel):
    """Which three features to return: indices from 0."""

    feature_ax1: Integer = 0
    feature_ax2: Integer = 1
    feature_ax3: Integer = 2

    def columns(self) -> list[int]:
        """Return the three indices."""
        return [self.feature_ax1, self.feature_ax2, self.feature_ax3]


@router.post("/run")
def run_dsp_on_features_array(
    dspId: int, context: Reader, body: Annotated[DspFeaturesRequest, Depends(json_body(DspFeaturesRequest))]
) -> Response:
    """Run the block on the values that are sent; `performance` is that of the project's device."""
    block = processing_block(context.store, context.project, dspId)
    found = _run(context, block, body, values=body.features)
    if body.request_performance:
        target = device(context.store.projects.get(context.project).settings.get("latencyDevice"))
        cost = context.studio.compute_worker.compute("cost", **_dsp_request(block, body, len(body.features)))
        found |= {"performance": _performance(target, cost)} if cost else {}
    return answer(found)


@router.get("/raw-data/{sampleId:int}")
def get_dsp_raw_sample(dspId: int, sampleId: int, context: Reader, limitPayloadValues: PayloadLimit = 0) -> Response:
    """Return a sample with the values that the block reads."""
    processing_block(context.store, context.project, dspId)
    sample = context.store.samples.get(context.project, sampleId)
    return answer(sample_with_values(sample, sample_values(context, sample, limit=limitPayloadValues)))


@router.get("/raw-data/{sampleId:int}/slice")
def get_dsp_sample_slice(dspId: int, sampleId: int, context: Reader, query: Annotated[SliceQuery, Query()]) -> Response:
    """Return part of a sample, by index."""
    processing_block(context.store, context.project, dspId)
    sample = context.store.samples.get(context.project, sampleId)
    return answer(sample_with_values(sample, sample_values(context, sample, query.slice_start, query.slice_end)))


@router.get("/raw-data/{sampleId:int}/slice/run/readonly")
def run_dsp_sample_slice_read_only(
    dspId: int, sampleId: int, context: Reader, query: Annotated[SliceQuery, Query()]
) -> Response:
    """Run the block with its own parameters on part of a sample."""
    return _run_slice(context, dspId, sampleId, query, DspRunRequest())


@router.post("/raw-data/{sampleId:int}/slice/run")
def run_dsp_sample_slice(
    dspId: int,
    sampleId: int,
    context: Reader,
    query: Annotated[SliceQuery, Query()],
    body: Annotated[DspRunRequest, Depends(json_body(DspRunRequest))],
) -> Response:
    """Run the block with the parameters that are sent on part of a sample."""
    return _run_slice(context, dspId, sampleId, query, body)


@router.get("/performance")
def get_performance_all_variants(dspId: int, context: Reader) -> Response:
    """Return the estimated time (ms) and memory (bytes) of the block on each device; none for a block without C++."""
    block = processing_block(context.store, context.project, dspId)
    cost = context.studio.compute_worker.compute("cost", **block.dsp_request())
    found = [{"mcu": target.mcu, **_performance(target, cost)} for target in DEVICES if target.fpu and cost]
    return answer({"performance": found})


@router.get("/features/labels")
def get_dsp_feature_labels(dspId: int, context: Reader) -> Response:
    """Return a name for each feature."""
    block = processing_block(context.store, context.project, dspId)
    frames, bins = context.studio.compute_worker.compute("shape", **block.dsp_request())
    return answer({"labels": feature_labels(frames, bins, _feature_names(context, block))})


@router.get("/features/importance")
def get_dsp_feature_importance(dspId: int, context: Reader) -> Response:
    """State that there is no feature importance: the local studio does not compute it."""
    processing_block(context.store, context.project, dspId)
    return answer({"hasFeatureImportance": False, "labels": {}})


@router.get("/features/get-graph/classification/{sampleId:int}")
def dsp_get_features_for_sample(
    dspId: int, sampleId: int, context: Reader, query: Annotated[AxesQuery, Query()]
) -> Response:
    """Return three features of each window of one sample."""
    block = processing_block(context.store, context.project, dspId)
    sample = context.store.samples.get(context.project, sampleId)
    found = context.studio.compute_worker.compute(
        "window_features", **content_of(context, sample), **block.windowing(), columns=query.columns()
    )
    rows = [(1, sample.id, start, end) for start, end in found["times"]]
    return answer(sample_points(found["values"], rows, sample.label, sample.filename))


@router.get("/features/get-graph/{category}")
def dsp_sample_trained_features(
    dspId: int, category: str, context: Reader, query: Annotated[AxesQuery, Query()]
) -> Response:
    """Return three features of each window that features were generated for."""
    features = generated_features(context, dspId, category)
    paths = {name: str(context.store.blobs.path(digest)) for name, digest in (("x", features.x), ("y", features.y))}
    found = context.studio.compute_worker.compute("explorer", **paths, columns=query.columns())
    names = context.store.samples.names({row[1] for row in found["rows"]})
    return answer(explorer_points(found["values"], found["rows"], features.summary["labels"], names))


def _run_slice(context: RequestContext, dsp: int, sample_id: int, query: SliceQuery, body: DspRunRequest) -> Response:
    block = processing_block(context.store, context.project, dsp)
    sample = context.store.samples.get(context.project, sample_id)
    table = sample_values(context, sample, query.slice_start, query.slice_end)
    names = [name for name, _ in sample.sensors]
    column = names.index(block.axis) if block.axis in names else 0
    result = _run(context, block, body, values=[row[column] for row in table])
    labels = {"labelAtEndOfWindow": sample.label, "labelForWindow": sample.label}
    return answer({**result, **labels, "sample": sample_with_values(sample, table), "canProfilePerformance": False})


def _feature_names(context: RequestContext, block: ProcessingBlock) -> list[str]:
    return feature_names_of(context.studio.compute_worker.catalogue(), block.type)


def _dsp_request(block: ProcessingBlock, body: DspRunRequest, count: int) -> dict[str, Any]:
    params = {**block.config, **{name: str(value) for name, value in body.params.items()}}
    return {**block.dsp_request(params), "samples": count}


def _performance(target: Device, cost: Mapping[str, int]) -> dict[str, int]:
    """Return time in ms and memory in bytes."""
    return {"latency": round(cost["cycles"] / (target.clock_mhz * 1000)), "ram": cost["ram"]}


def _run(
    context: RequestContext, block: ProcessingBlock, body: DspRunRequest, *, values: list[float]
) -> dict[str, Any]:
    """Return the fields of a `DspRunResponse`; parameters that are sent replace the block's own."""
    found = context.studio.compute_worker.compute("run", **_dsp_request(block, body, len(values)), values=values)
    graphs = [line_graph(str(block.document["name"]), found["profile"])] if body.draw_graphs else []
    labels = feature_labels(found["frames"], found["bins"], _feature_names(context, block))
    return {"features": found["features"], "graphs": graphs, "labels": labels}
