"""The data explorer as Edge Impulse's API describes it: the windows of all samples as points on a plane."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from starlette.responses import Response

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.jobs import queue, started
from ei_toolkit.studio.http.request import Admin, Reader, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.schema import Integer, RequestModel, json_body
from ei_toolkit.studio.store.sample_filter import ENABLED, SampleFilter

router = APIRouter(prefix="/v1/api/{projectId:int}")
SETTING = "dataExplorer"
RESULT = "data-explorer"
MOST_FOR_TSNE = 2_000  # samples: it takes a minute for ten thousand windows


class ExplorerSettings(RequestModel):
    """A `DataExplorerSettings`. The presets for keywords, images and embeddings are not supported."""

    preset: Literal["current-impulse"] = "current-impulse"
    dimensionality_reduction_technique: Literal["tsne", "pca"] | None = None
    impulse_id: Integer | None = None


@router.post("/jobs/data-explorer-features")
def generate_data_explorer_features(context: Admin) -> Response:
    """Start a job that computes the points."""
    settings = _settings(context)
    impulse = context.store.blocks.get(context.project, settings.impulse_id)
    technique = settings.dimensionality_reduction_technique or _recommended(context)
    spec = {"impulse": impulse.id, "technique": technique}
    return started(queue(context, "data-explorer", "data-explorer", "Generating data explorer features", spec))


@router.get("/raw-data/data-explorer/features")
def get_data_explorer_features(context: Reader) -> Response:
    """Return a point for each window, without those of samples that were deleted since."""
    stored = _stored(context)
    if stored is None:
        return answer({"hasFeatures": False, "data": []})
    names = context.store.samples.names({window[0] for window in stored["windows"]})
    points = zip(stored["windows"], stored["points"], strict=True)
    data = [_point(window, point, stored["labels"], names) for window, point in points if window[0] in names]
    return answer({"hasFeatures": True, "data": data, **_input_block(context, stored)})


@router.get("/raw-data/data-explorer/has-features")
def has_data_explorer_features(context: Reader) -> Response:
    """Return whether there are points."""
    stored = _stored(context)
    return answer({"hasFeatures": stored is not None, **_input_block(context, stored)})


@router.get("/raw-data/data-explorer/predictions")
def get_data_explorer_predictions(context: Reader) -> Response:
    """Return what the model that was trained when the points were computed predicts for each window."""
    stored = _stored(context)
    if stored is None or not stored["predicted"]:
        raise ApiError("The data explorer has no predictions: train a model, then generate its features again")
    names = context.store.samples.names({window[0] for window in stored["windows"]})
    found = zip(stored["windows"], stored["predicted"], strict=True)
    predictions = [
        {
            "sampleId": sample,
            "startMs": start,
            "endMs": end,
            "label": stored["labels"][label],
            "prediction": predicted,
            "predictionCorrect": predicted == stored["labels"][label],
        }
        for (sample, start, end, label, _), predicted in found
        if sample in names
    ]
    return answer({"predictions": predictions, "labels": stored["labels"], "classificationType": "classification"})


@router.get("/raw-data/data-explorer/settings")
def get_data_explorer_settings(context: Reader) -> Response:
    """Return the settings of the data explorer."""
    settings = _settings(context).model_dump(by_alias=True, exclude_none=True)
    return answer({**settings, "dimensionalityReductionRecommendation": _recommended(context)})


@router.post("/raw-data/data-explorer/settings")
def set_data_explorer_settings(
    context: Admin, body: Annotated[ExplorerSettings, Depends(json_body(ExplorerSettings))]
) -> Response:
    """Change the settings of the data explorer."""
    if body.impulse_id is not None:
        context.store.blocks.get(context.project, body.impulse_id)
    context.store.projects.set(context.project, {SETTING: body.sent()})
    return answer()


@router.post("/raw-data/data-explorer/clear")
def clear_data_explorer(context: Admin) -> Response:
    """Delete the points."""
    context.store.artifacts.clear_results(context.project, RESULT, 0)
    return answer()


def _settings(context: RequestContext) -> ExplorerSettings:
    stored = context.store.projects.get(context.project).settings.get(SETTING, {})
    return ExplorerSettings.model_validate(stored)


def _recommended(context: RequestContext) -> Literal["tsne", "pca"]:
    enabled = context.store.samples.count(SampleFilter(context.project, None, (ENABLED,)))
    return "tsne" if enabled <= MOST_FOR_TSNE else "pca"


def _stored(context: RequestContext) -> dict[str, Any] | None:
    blob = context.store.artifacts.result(context.project, RESULT, 0)
    if blob is None:
        return None
    document: dict[str, Any] = json.loads(context.store.blobs.read(blob))
    return document


def _input_block(context: RequestContext, stored: dict[str, Any] | None) -> dict[str, Any]:
    impulse = context.store.blocks.find(context.project, stored["impulse"]) if stored else None
    return {"inputBlock": impulse.window} if impulse and impulse.blocks("inputBlocks") else {}


def _point(window: list[Any], point: list[float], labels: list[str], names: dict[int, str]) -> dict[str, Any]:
    sample, start, end, label, category = window
    where = {"id": sample, "name": names[sample], "startMs": start, "endMs": end, "category": category}
    coordinates = {str(axis): value for axis, value in enumerate(point)}
    return {"X": coordinates, "y": label + 1, "yLabel": labels[label], "sample": where}
