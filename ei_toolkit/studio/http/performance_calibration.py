"""Performance calibration: parameters that turn the scores of a continuous recording into detections."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.jobs import queue, started
from ei_toolkit.studio.http.multipart import Bounds, receive
from ei_toolkit.studio.http.request import Admin, Reader, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.schema import ImpulseId, Integer, Line, Number, RequestModel, json_body

RESULT, WAV, UPLOAD = "performance-calibration", "performance-calibration-wav", "performance-calibration-upload"
PARAMETERS = "performance-calibration-parameters"
"""Kinds of results: the document and the recording, both of an impulse, an uploaded zip, and chosen parameters."""
LONGEST_MINUTES = 60.0  # of a synthetic recording
DEFAULT_MINUTES = 10.0

router = APIRouter(prefix="/v1/api/{projectId:int}")


class StartRequest(RequestModel):
    """A `StartPerformanceCalibrationRequest`."""

    background_noise_label: Annotated[Line, Field(min_length=1)]
    other_noise_labels: list[Line] = []
    upload_key: Line = ""
    sample_length_minutes: Annotated[Number, Field(gt=0, le=LONGEST_MINUTES)] = DEFAULT_MINUTES


class StandardParameters(RequestModel):
    """A `PerformanceCalibrationParametersStandard`."""

    average_window_duration_ms: Annotated[Number, Field(gt=0)]
    detection_threshold: Annotated[Number, Field(ge=0, le=1)]
    suppression_ms: Annotated[Number, Field(ge=0)]


class Parameters(RequestModel):
    """A `PerformanceCalibrationParameters`."""

    type: Literal["standard"]
    version: Integer
    parameters_standard: StandardParameters


class ParametersRequest(RequestModel):
    """A `PerformanceCalibrationSaveParameterSetRequest`."""

    params: Parameters


@router.post("/jobs/performance-calibration")
def start_performance_calibration_job(
    context: Admin, body: Annotated[StartRequest, Depends(json_body(StartRequest))], impulseId: ImpulseId = None
) -> Response:
    """Start a job that calibrates the trained model of an impulse."""
    impulse = _impulse(context, impulseId)
    if reason := _unsupported(context, impulse):
        raise ApiError(reason)
    options = {"sampleLengthMinutes": body.sample_length_minutes, **body.sent()}
    spec = {"impulse": impulse, "options": options}
    return started(queue(context, RESULT, f"calibration-{impulse}", "Performance calibration", spec))


@router.get("/performance-calibration/status")
def get_performance_calibration_status(context: Reader, impulseId: ImpulseId = None) -> Response:
    """Return whether there is a result, and the options that it was made with."""
    impulse = _impulse(context, impulseId)
    document, reason = _document(context, impulse), _unsupported(context, impulse)
    fields: dict[str, Any] = {"available": document is not None}
    if reason:
        fields["unsupportedProjectError"] = reason
    if document is not None:
        fields["options"] = document["options"]
    return answer(fields)


@router.get("/performance-calibration/ground-truth")
def get_performance_calibration_ground_truth(context: Reader, impulseId: ImpulseId = None) -> Response:
    """Return the labelled regions of the recording."""
    return answer({"samples": _required(context, impulseId)["groundTruth"]})


@router.get("/performance-calibration/raw-result")
def get_performance_calibration_raw_result(context: Reader, impulseId: ImpulseId = None) -> Response:
    """Return the scores of all windows."""
    return answer({"detections": _required(context, impulseId)["rawResult"]})


@router.get("/performance-calibration/parameter-sets")
def get_performance_calibration_parameter_sets(context: Reader, impulseId: ImpulseId = None) -> Response:
    """Return the parameters that no others exceed, with what they detect."""
    return answer({"parameterSets": _required(context, impulseId)["parameterSets"]})


@router.get("/performance-calibration/wav")
def get_wav_file(context: Reader, impulseId: ImpulseId = None) -> Response:
    """Return the recording."""
    blob = context.store.artifacts.result(context.project, WAV, _impulse(context, impulseId))
    if blob is None:
        raise _none_yet()
    return Response(context.store.blobs.read(blob), media_type="audio/wav")


@router.get("/performance-calibration/parameters")
def get_performance_calibration_saved_parameters(context: Reader, impulseId: ImpulseId = None) -> Response:
    """Return the parameters that were chosen."""
    blob = context.store.artifacts.result(context.project, PARAMETERS, _impulse(context, impulseId))
    return answer({} if blob is None else {"params": json.loads(context.store.blobs.read(blob))})


@router.post("/performance-calibration/parameters")
def set_performance_calibration_saved_parameters(
    context: Admin,
    body: Annotated[ParametersRequest, Depends(json_body(ParametersRequest))],
    impulseId: ImpulseId = None,
) -> Response:
    """Choose parameters."""
    blob = context.store.blobs.put(json.dumps(body.params.model_dump(by_alias=True)).encode())
    context.store.artifacts.put_result(context.project, PARAMETERS, _impulse(context, impulseId), blob)
    return answer()


@router.delete("/performance-calibration/parameters")
def delete_performance_calibration_saved_parameters(context: Admin, impulseId: ImpulseId = None) -> Response:
    """Forget the parameters that were chosen."""
    context.store.artifacts.clear_results(context.project, PARAMETERS, _impulse(context, impulseId))
    return answer()


@router.post("/performance-calibration/clear")
def clear_performance_calibration_state(context: Admin, impulseId: ImpulseId = None) -> Response:
    """Delete the result and the uploaded recordings; the chosen parameters stay."""
    impulse = _impulse(context, impulseId)
    for kind, subject in ((RESULT, impulse), (WAV, impulse), (UPLOAD, 0)):
        context.store.artifacts.clear_results(context.project, kind, subject)
    return answer()


@router.post("/performance-calibration/files")
async def upload_labeled_audio(request: Request, context: Admin) -> Response:
    """Store a zip with a WAV file and a label track; the response has the key for a calibration with it."""
    with context.store.packs.begin() as pack:
        parts = await receive(request.headers.get("content-type", ""), request.stream(), pack, Bounds())
        part = next((part for part in parts if part.name == "zip"), None)
        if part is None or part.error:
            raise ApiError(part.error if part else "The request has no part zip")
        blob = await run_in_threadpool(context.store.blobs.put_chunks, part.content.chunks())
    key = blob[:32]
    await run_in_threadpool(context.store.artifacts.put_result, context.project, UPLOAD, 0, blob, key)
    return answer({"uploadKey": key})


def _impulse(context: RequestContext, impulse_id: int | None) -> int:
    return context.store.blocks.get(context.project, impulse_id).id


def _unsupported(context: RequestContext, impulse_id: int) -> str:
    """Return why an impulse cannot be calibrated; "" if it can."""
    impulse = context.store.blocks.get(context.project, impulse_id)
    trained = [b for b in impulse.blocks("learnBlocks") if context.store.artifacts.model(context.project, b["id"])]
    if not trained:
        return "No learn block of this impulse is trained yet"
    if not impulse.blocks("dspBlocks"):
        return "The impulse has no processing block for sound"
    return ""


def _document(context: RequestContext, impulse: int) -> dict[str, Any] | None:
    blob = context.store.artifacts.result(context.project, RESULT, impulse)
    if blob is None:
        return None
    document: dict[str, Any] = json.loads(context.store.blobs.read(blob))
    return document


def _required(context: RequestContext, impulse_id: int | None) -> dict[str, Any]:
    document = _document(context, _impulse(context, impulse_id))
    if document is None:
        raise _none_yet()
    return document


def _none_yet() -> ApiError:
    return ApiError("There is no performance calibration of this impulse: start one first")
