"""Processing blocks: settings, features, single runs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import FileResponse, Response

from ei_toolkit.studio.access import Admin, Body, Call, Reader
from ei_toolkit.studio.answers.catalogue import parameters_of
from ei_toolkit.studio.answers.dsp import dsp_info, dsp_metadata, parameter_groups, read_parameters
from ei_toolkit.studio.http import answer
from ei_toolkit.studio.impulse import ProcessingBlock, processing_block
from ei_toolkit.studio.refusal import Refusal
from ei_toolkit.studio.store.artifacts import Features
from ei_toolkit.studio.store.sample_filter import SampleFilter

router = APIRouter(prefix="/v1/api/{projectId:int}")


@router.get("/dsp/{dspId:int}")
def get_dsp_config(dspId: int, call: Reader) -> Response:
    """Settings of a block."""
    return answer(dsp_config(call, processing_block(call.store, call.project, dspId)))


@router.post("/dsp/{dspId:int}")
def set_dsp_config(dspId: int, call: Admin, body: Body) -> Response:
    """Overwrite the settings that are sent; the block must be able to run with the result."""
    block = processing_block(call.store, call.project, dspId)
    changes = read_parameters(body, parameters_of(call.studio.calculator.catalogue(), block.type))
    _shape(call, block, {**block.config, **changes})
    call.store.blocks.configure(call.project, dspId, changes)
    return answer()


@router.post("/dsp/{dspId:int}/clear")
def clear_dsp_block(dspId: int, call: Admin) -> Response:
    """Forget the features of a block."""
    processing_block(call.store, call.project, dspId)
    call.store.artifacts.clear_features(call.project, dspId)
    return answer()


@router.get("/dsp/{dspId:int}/metadata")
def get_dsp_metadata(dspId: int, call: Reader) -> Response:
    """What the features were made of."""
    block = processing_block(call.store, call.project, dspId)
    features = call.store.artifacts.features(call.project, dspId, call.query.text("category", "training"))
    included = not call.query.flag("excludeIncludedSamples", False)
    created = call.store.blocks.get(call.project, block.impulse).modified
    return answer(dsp_metadata(features, block.window, block.config, created, included))


@router.get("/dsp-data/{dspId:int}/x/{category}")
def download_dsp_data(dspId: int, category: str, call: Reader) -> Response:
    """Features as a NumPy file, (windows, features) float32."""
    return _npy(call, _features(call, dspId, category).x)


@router.get("/dsp-data/{dspId:int}/y/{category}")
def download_dsp_labels(dspId: int, category: str, call: Reader) -> Response:
    """For each window: label index (from 1), sample id, start and end in ms, as a NumPy file of int32."""
    return _npy(call, _features(call, dspId, category).y)


def dsp_config(call: Call, block: ProcessingBlock) -> dict[str, Any]:
    """Fields of a `DSPConfigResponse`."""
    parameters = parameters_of(call.studio.calculator.catalogue(), block.type)
    features = call.store.artifacts.features(call.project, block.id)
    expected = call.store.samples.count(SampleFilter(call.project, "training", (("disabled = 0", ()),)))
    info = dsp_info(block.document, block.window, call.store.samples.labels(call.project), features, expected)
    return {"dsp": info, "config": parameter_groups(parameters, block.config)}


def _features(call: Call, block: int, category: str) -> Features:
    processing_block(call.store, call.project, block)
    features = call.store.artifacts.features(call.project, block, category)
    if features is None:
        raise Refusal(f"No features were generated for this block yet ({category})")
    return features


def _npy(call: Call, digest: str) -> Response:
    return FileResponse(call.store.blobs.path(digest), media_type="application/octet-stream")


def _shape(call: Call, block: ProcessingBlock, config: dict[str, str]) -> tuple[int, int]:
    """(frames, bins) of a window; refuses settings that the block cannot run with."""
    frames, bins = call.studio.calculator.ask("shape", **block.question(config))
    return frames, bins
