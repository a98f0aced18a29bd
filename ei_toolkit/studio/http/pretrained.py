"""Models that were trained outside of the studio, as Edge Impulse's API describes them."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, Request
from pydantic import Field, model_validator
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from ei_toolkit.studio.code_policy import SAVED_MODEL, require_allowed
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.jobs import queue, started
from ei_toolkit.studio.http.multipart import Bounds, Part, receive
from ei_toolkit.studio.http.request import Admin, Reader, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.schema import Integer, Number, RequestModel, json_body, parse

MOST_LABELS = 1000
LARGEST_MODEL_BODY = 140 * 2**20  # bytes: a model of 100 MB as base64


class ModelInput(RequestModel):
    """What goes into a model: frequency in Hz, length in ms."""

    input_type: str = "other"
    frequency_hz: Number | None = None
    window_length_ms: Integer | None = None

    @model_validator(mode="after")
    def _has_what_its_type_needs(self) -> Self:
        if self.input_type in ("audio", "time-series") and self.frequency_hz is None:
            raise ValueError(f"frequencyHz is missing, which inputType {self.input_type!r} needs")
        if self.input_type == "time-series" and self.window_length_ms is None:
            raise ValueError("windowLengthMs is missing, which inputType 'time-series' needs")
        return self

    def document(self) -> dict[str, Any]:
        """Return the input as it is stored."""
        source: dict[str, Any] = {"inputType": self.input_type}
        if self.input_type in ("audio", "time-series"):
            source["frequencyHz"] = self.frequency_hz
        if self.input_type == "time-series":
            source["windowLengthMs"] = self.window_length_ms
        return source


class ModelOutput(RequestModel):
    """What comes out of a model: the local studio builds classifiers only."""

    model_type: Literal["classification"] = "classification"
    labels: Annotated[list[str], Field(max_length=MOST_LABELS)] = []


class ModelParameters(RequestModel):
    """A `SavePretrainedModelRequest`."""

    input: ModelInput = ModelInput()
    model: ModelOutput = ModelOutput()

    def document(self, outputs: int) -> dict[str, Any]:
        """Return the parameters as they are stored, for a model with that many outputs. Raises ApiError."""
        labels = self.model.labels or [str(number) for number in range(outputs)]
        if len(labels) != outputs:
            raise ApiError(f"The model has {outputs} outputs, but {len(labels)} labels were sent: send {outputs}")
        return {"input": self.input.document(), "model": {"modelType": self.model.model_type, "labels": labels}}


class TestModelRequest(RequestModel):
    """A `TestPretrainedModelRequest`: one row of raw features."""

    model_info: ModelParameters = ModelParameters()
    features: list[Number] = []


class UploadFields(RequestModel):
    """The text fields of an upload."""

    model_file_type: Literal["tflite", "saved_model"]
    model_file_name: str = "model"
    device: str = ""


class ProfileRequest(RequestModel):
    """A `ProfileTfLiteRequest`: the model as base64, and the device."""

    tflite_file_base64: str
    device: str


def pretrained_answer(document: Mapping[str, Any] | None, device_chosen: bool) -> dict[str, Any]:
    """Return the fields of a `GetPretrainedModelResponse`."""
    if document is None:
        return {"specificDeviceSelected": device_chosen, "availableModelTypes": []}
    model: dict[str, Any] = {
        "fileName": document["fileName"],
        "inputs": document["inputs"],
        "outputs": document["outputs"],
        "supportsTFLite": True,
    }
    if "profile" in document:
        model["profileInfo"] = document["profile"]
    fields: dict[str, Any] = {
        "specificDeviceSelected": bool(document.get("device")) or device_chosen,
        "availableModelTypes": list(document["models"]),
        "model": model,
    }
    return {**fields, **({"modelInfo": document["parameters"]} if "parameters" in document else {})}


router = APIRouter(prefix="/v1/api/{projectId:int}")
BOUNDS = Bounds(file_size=200 * 2**20, files=8)


@router.post("/pretrained-model/upload")
async def upload_pretrained_model(request: Request, context: Admin) -> Response:
    """Store a model, and start a job that converts it."""
    with context.store.packs.begin() as pack:
        parts = await receive(request.headers.get("content-type", ""), request.stream(), pack, BOUNDS)
        return await run_in_threadpool(_store_model, context, parts)


@router.get("/pretrained-model")
def get_pretrained_model_info(context: Reader) -> Response:
    """Return the description of the model."""
    device = context.store.projects.get(context.project).settings.get("latencyDevice")
    return answer(pretrained_answer(_document(context), device is not None))


@router.post("/pretrained-model/profile")
def profile_pretrained_model(context: Admin) -> Response:
    """Start a job that estimates time and memory of the model on devices."""
    _required(context)
    return started(queue(context, "pretrained-profile", "pretrained", "Profiling pretrained model", {}))


@router.post("/pretrained-model/save")
def save_pretrained_model_parameters(
    context: Admin, body: Annotated[ModelParameters, Depends(json_body(ModelParameters))]
) -> Response:
    """Store what goes into the model and what comes out, which a build needs."""
    document = _required(context)
    impulse = context.store.blocks.find(context.project)
    if impulse is not None and impulse.document.get("type") != "BYOM":
        raise ApiError("This project has an impulse, which a build would use: upload the model to another project")
    parameters = body.document(document["outputs"][0]["shape"][-1])
    blob = context.store.blobs.put(json.dumps({**document, "parameters": parameters}).encode())
    context.store.artifacts.put_result(context.project, "pretrained", 0, blob)
    if impulse is None:
        empty = {"type": "BYOM", "inputBlocks": [], "dspBlocks": [], "learnBlocks": [], "postProcessingBlocks": []}
        context.store.blocks.put(context.project, 1, "Pretrained model", empty)
    return answer()


@router.post("/pretrained-model/test")
def test_pretrained_model(
    context: Reader, body: Annotated[TestModelRequest, Depends(json_body(TestModelRequest))]
) -> Response:
    """Return the scores of one row of raw features."""
    document = _required(context)
    parameters = body.model_info.document(document["outputs"][0]["shape"][-1])
    model = context.store.blobs.path(next(iter(document["models"].values())))
    scores = context.studio.compute_worker.compute("predict", model=str(model), features=body.features)
    return answer({"result": dict(zip(parameters["model"]["labels"], scores, strict=True))})


@router.get("/pretrained-model/download/{pretrainedModelDownloadType}")
def download_pretrained_model(pretrainedModelDownloadType: str, context: Reader) -> Response:
    """Return the model as a .tflite file."""
    models = _required(context)["models"]
    variant = {"float32": "float32", "int8": "int8", "int8-quantized": "int8"}.get(pretrainedModelDownloadType, "")
    if variant not in models:
        raise ApiError(f"There is no {pretrainedModelDownloadType!r} model; variants: {', '.join(sorted(models))}")
    return Response(context.store.blobs.read(models[variant]), media_type="application/octet-stream")


@router.post("/jobs/profile-tflite")
def start_profile_tflite_job(
    context: Admin, body: Annotated[ProfileRequest, Depends(json_body(ProfileRequest, LARGEST_MODEL_BODY))]
) -> Response:
    """Start a job that estimates time and memory of a model that is sent."""
    try:
        model = base64.b64decode(body.tflite_file_base64, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ApiError(f"tfliteFileBase64 is not valid base64: {error}") from error
    spec = {"model": context.store.blobs.put(model), "device": body.device}
    return started(queue(context, "profile-tflite", f"tflite-{spec['model'][:12]}", "Profiling TFLite model", spec))


@router.get("/jobs/profile-tflite/{jobId:int}/result")
@router.post("/jobs/profile-tflite/{jobId:int}/result")
def get_profile_tflite_job_result(jobId: int, context: Reader) -> Response:
    """Return the result of such a job."""
    blob = context.store.artifacts.result(context.project, "profile-tflite", jobId)
    if blob is None:
        raise ApiError("No job with this ID found, or it has no result")
    return answer(json.loads(context.store.blobs.read(blob)))


def _store_model(context: RequestContext, parts: list[Part]) -> Response:
    fields = {part.name: _text(part) for part in parts if part.name not in ("modelFile", "representativeFeatures")}
    files = {part.name: part for part in parts if part.name in ("modelFile", "representativeFeatures")}
    if "modelFile" not in files or files["modelFile"].error:
        raise ApiError(files["modelFile"].error if files else "The request has no part modelFile")
    upload = parse(UploadFields, fields)
    if upload.model_file_type == "saved_model":
        require_allowed(SAVED_MODEL, context.studio.options.allow_scripts)
    blobs = {name: context.store.blobs.put_chunks(part.content.chunks()) for name, part in files.items()}
    spec = {
        "fileName": upload.model_file_name,
        "fileType": upload.model_file_type,
        "device": upload.device,
        "model": blobs["modelFile"],
        "features": blobs.get("representativeFeatures"),
    }
    return started(queue(context, "pretrained-upload", "pretrained", "Uploading pretrained model", spec))


def _text(part: Part) -> str:
    return part.content.read(0, 1000).decode("utf-8", "replace")


def _document(context: RequestContext) -> dict[str, Any] | None:
    blob = context.store.artifacts.result(context.project, "pretrained", 0)
    if blob is None:
        return None
    document: dict[str, Any] = json.loads(context.store.blobs.read(blob))
    return document


def _required(context: RequestContext) -> dict[str, Any]:
    document = _document(context)
    if document is None:
        raise ApiError("This project has no pretrained model yet: upload one")
    return document
