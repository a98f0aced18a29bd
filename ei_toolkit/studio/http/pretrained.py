"""Models that were trained elsewhere, as Edge Impulse describes them."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.job_queue import queue, started
from ei_toolkit.studio.http.multipart import Bounds, Part, receive
from ei_toolkit.studio.http.request import Admin, Body, ModelBody, Reader, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.parameters import RequestParameters

MOST_LABELS = 1000


def pretrained_answer(document: Mapping[str, Any] | None, device_chosen: bool) -> dict[str, Any]:
    """Fields of a `GetPretrainedModelResponse`."""
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


def read_parameters(body: RequestParameters, outputs: int) -> dict[str, Any]:
    """`input` and `model` of a `SavePretrainedModelRequest`: classification of raw values."""
    given, wanted = RequestParameters(body.mapping("input")), RequestParameters(body.mapping("model"))
    if wanted.text("modelType", "classification") != "classification":
        raise ApiError("Only classification models can be built by the local studio")
    labels = [str(label) for label in wanted.items("labels")[:MOST_LABELS]] or [str(n) for n in range(outputs)]
    if len(labels) != outputs:
        raise ApiError(f"The model has {outputs} outputs, and {len(labels)} labels were given")
    kind = given.text("inputType", "other")
    source: dict[str, Any] = {"inputType": kind}
    if kind in ("audio", "time-series"):
        source["frequencyHz"] = float(given.number("frequencyHz"))
    if kind == "time-series":
        source["windowLengthMs"] = given.integer("windowLengthMs")
    return {"input": source, "model": {"modelType": "classification", "labels": labels}}


router = APIRouter(prefix="/v1/api/{projectId:int}")
BOUNDS = Bounds(file_size=200 * 2**20, files=8)
FILE_TYPES = ("tflite", "saved_model")


@router.post("/pretrained-model/upload")
async def upload_pretrained_model(request: Request, context: Admin) -> Response:
    """Take a model in; the job brings it into shape."""
    with context.store.packs.begin() as pack:
        parts = await receive(request.headers.get("content-type", ""), request.stream(), pack, BOUNDS)
        return await run_in_threadpool(_take, context, parts)


@router.get("/pretrained-model")
def get_pretrained_model_info(context: Reader) -> Response:
    """What is known of the model."""
    device = context.store.projects.get(context.project).settings.get("latencyDevice")
    return answer(pretrained_answer(_document(context), device is not None))


@router.post("/pretrained-model/profile")
def profile_pretrained_model(context: Admin) -> Response:
    """Estimate the model on devices."""
    _required(context)
    return started(queue(context, "pretrained-profile", "pretrained", "Profiling pretrained model", {}))


@router.post("/pretrained-model/save")
def save_pretrained_model_parameters(context: Admin, body: Body) -> Response:
    """Say what goes into the model and what comes out; it can be built from then on."""
    document = _required(context)
    impulse = context.store.blocks.find(context.project)
    if impulse is not None and impulse.document.get("type") != "BYOM":
        raise ApiError("This project has an impulse, which a build would take: bring the model to a project of its own")
    parameters = read_parameters(body, document["outputs"][0]["shape"][-1])
    blob = context.store.blobs.put(json.dumps({**document, "parameters": parameters}).encode())
    context.store.artifacts.put_result(context.project, "pretrained", 0, blob)
    if impulse is None:
        empty = {"type": "BYOM", "inputBlocks": [], "dspBlocks": [], "learnBlocks": [], "postProcessingBlocks": []}
        context.store.blocks.put(context.project, 1, "Pretrained model", empty)
    return answer()


@router.post("/pretrained-model/test")
def test_pretrained_model(context: Reader, body: Body) -> Response:
    """Scores of one row of raw features."""
    document = _required(context)
    parameters = read_parameters(RequestParameters(body.mapping("modelInfo")), document["outputs"][0]["shape"][-1])
    features = [float(RequestParameters({"feature": value}).number("feature")) for value in body.items("features")]
    model = context.store.blobs.path(next(iter(document["models"].values())))
    scores = context.studio.compute_worker.compute("predict", model=str(model), features=features)
    return answer({"result": dict(zip(parameters["model"]["labels"], scores, strict=True))})


@router.get("/pretrained-model/download/{pretrainedModelDownloadType}")
def download_pretrained_model(pretrainedModelDownloadType: str, context: Reader) -> Response:
    """The model in .tflite form."""
    models = _required(context)["models"]
    variant = {"float32": "float32", "int8": "int8", "int8-quantized": "int8"}.get(pretrainedModelDownloadType, "")
    if variant not in models:
        raise ApiError(f"There is no {pretrainedModelDownloadType} model")
    return Response(context.store.blobs.read(models[variant]), media_type="application/octet-stream")


@router.post("/jobs/profile-tflite")
def start_profile_tflite_job(context: Admin, body: ModelBody) -> Response:
    """Estimate a model that is sent."""
    try:
        model = base64.b64decode(body.text("tfliteFileBase64"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ApiError("tfliteFileBase64 is not base64") from error
    spec = {"model": context.store.blobs.put(model), "device": body.text("device")}
    return started(queue(context, "profile-tflite", f"tflite-{spec['model'][:12]}", "Profiling TFLite model", spec))


@router.get("/jobs/profile-tflite/{jobId:int}/result")
@router.post("/jobs/profile-tflite/{jobId:int}/result")
def get_profile_tflite_job_result(jobId: int, context: Reader) -> Response:
    """What the estimate gave."""
    blob = context.store.artifacts.result(context.project, "profile-tflite", jobId)
    if blob is None:
        raise ApiError("No job with this ID found, or it has no result")
    return answer(json.loads(context.store.blobs.read(blob)))


def _take(context: RequestContext, parts: list[Part]) -> Response:
    fields = {part.name: _text(part) for part in parts if part.name not in ("modelFile", "representativeFeatures")}
    files = {part.name: part for part in parts if part.name in ("modelFile", "representativeFeatures")}
    if "modelFile" not in files or files["modelFile"].error:
        raise ApiError(files["modelFile"].error if files else "The request carries no modelFile")
    spec = _spec(RequestParameters(fields))
    blobs = {name: context.store.blobs.put_chunks(part.content.chunks()) for name, part in files.items()}
    spec |= {"model": blobs["modelFile"], "features": blobs.get("representativeFeatures")}
    return started(queue(context, "pretrained-upload", "pretrained", "Uploading pretrained model", spec))


def _spec(fields: RequestParameters) -> dict[str, Any]:
    kind = fields.text("modelFileType")
    if kind not in FILE_TYPES:
        raise ApiError(
            f"Models of type {kind!r} are not implemented by the local studio; {' and '.join(FILE_TYPES)} are"
        )
    return {"fileName": fields.text("modelFileName", "model"), "fileType": kind, "device": fields.text("device", "")}


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
        raise ApiError("No model was uploaded yet")
    return document
