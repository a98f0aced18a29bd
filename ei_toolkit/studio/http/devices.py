"""The devices of a project, and what is requested of those that are connected to the remote management."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.request import Admin, DeploymentReader, RequestContext, Uploader
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.schema import Flag, Integer, Line, Number, RequestModel, json_body
from ei_toolkit.studio.remote.connected import DeviceConnection
from ei_toolkit.studio.remote.messages import Name
from ei_toolkit.studio.store.devices import StoredDevice

router = APIRouter(prefix="/v1/api/{projectId:int}")
FREQUENCY_TOLERANCE = 0.05  # devices print their interval with two decimals: 0.06 ms stands for 16000 Hz
MODEL_TYPES = {"object_detection": "objectDetection", "constrained_object_detection": "constrainedObjectDetection"}
"""Types of models in the API by those in the remote management; all others are classification."""


class DeviceRequest(RequestModel):
    """A `CreateDeviceRequest`."""

    device_id: Name
    device_type: Name
    if_not_exists: Flag = False


class NameRequest(RequestModel):
    """A `RenameDeviceRequest`."""

    name: Name


class SamplingRequest(RequestModel):
    """A `StartSamplingRequest`."""

    label: Annotated[Line, Field(min_length=1)]
    length_ms: Annotated[Integer, Field(gt=0)]
    category: Literal["training", "testing", "validation"]
    interval_ms: Annotated[Number, Field(gt=0)]
    sensor: Line = ""
    label_color: Line = ""
    collected_sample_count: Number | None = None
    target_sample_count: Number | None = None


class SnapshotRequest(RequestModel):
    """A `StartDeviceSnapshotDebugStreamRequest`."""

    resolution: Literal["high", "low"]


class StreamRequest(RequestModel):
    """A `KeepDeviceDebugStreamAliveRequest` or `StopDeviceDebugStreamRequest`."""

    stream_id: Integer


class RecordsRequest(RequestModel):
    """A `GetImpulseRecordsRequest`: which records of its model a device sends."""

    index: Integer | None = None
    first_and_last: Annotated[dict[str, Integer] | None, Field(alias="range")] = None
    indexes: Annotated[list[Integer] | None, Field(alias="list", max_length=1000)] = None


@router.get("/devices")
def list_devices(context: DeploymentReader) -> Response:
    """List the devices of the project."""
    return answer({"devices": devices_answer(context)})


@router.post("/devices/create")
def create_device(context: Uploader, body: Annotated[DeviceRequest, Depends(json_body(DeviceRequest))]) -> Response:
    """Add a device."""
    if not context.store.devices.create(context.project, body.device_id, body.device_type) and not body.if_not_exists:
        raise ApiError(f"There is a device with the ID {body.device_id} in this project already")
    return answer()


@router.get("/device/{deviceId}")
def get_device(deviceId: str, context: DeploymentReader) -> Response:
    """Return one device."""
    return answer({"device": _device(context, context.store.devices.get(context.project, deviceId))})


@router.delete("/device/{deviceId}")
def delete_device(deviceId: str, context: Admin) -> Response:
    """Delete a device and end its connection; its samples stay."""
    context.store.devices.delete(context.project, deviceId)
    if connection := context.studio.devices.find(context.project, deviceId):
        connection.end()
    return answer()


@router.post("/devices/{deviceId}/rename")
def rename_device(
    deviceId: str, context: Uploader, body: Annotated[NameRequest, Depends(json_body(NameRequest))]
) -> Response:
    """Change the name of a device."""
    context.store.devices.rename(context.project, deviceId, body.name)
    return answer()


@router.post("/device/{deviceId}/start-sampling")
def start_sampling(
    deviceId: str, context: Admin, body: Annotated[SamplingRequest, Depends(json_body(SamplingRequest))]
) -> Response:
    """Let a connected device record a sample and upload it; the response has the id of the request."""
    connection = context.studio.devices.get(context.project, deviceId)
    request: dict[str, Any] = {
        "label": body.label,
        "length": body.length_ms,
        "path": f"/api/{body.category}/data",
        "hmacKey": context.store.projects.get(context.project).hmac_key,
        "interval": body.interval_ms,
        "sensor": _sensor(connection, body),
    }
    optional = body.model_dump(
        by_alias=True, include={"label_color", "collected_sample_count", "target_sample_count"}, exclude_unset=True
    )
    return answer({"id": context.studio.devices.start_sampling(context.project, deviceId, request | optional).id})


@router.post("/device/{deviceId}/get-impulse-records")
def get_impulse_records(
    deviceId: str, context: Admin, body: Annotated[RecordsRequest, Depends(json_body(RecordsRequest))]
) -> Response:
    """Request records of the model that a device runs."""
    _running_model(context, deviceId).send({"impulseRecordRequest": body.sent()})
    return answer()


@router.post("/devices/{deviceId}/request-model-update")
def request_device_model_update(deviceId: str, context: Admin) -> Response:
    """Report to a device that runs a model that there is a newer one."""
    connection = _running_model(context, deviceId)
    connection.send({"newModelAvailable": True, "deploymentVersion": "latest"})
    return answer()


@router.post("/device/{deviceId}/debug-stream/inference/start")
def start_device_inference_debug_stream(deviceId: str, context: Admin) -> Response:
    """Start a stream of the results of a device that runs a model."""
    _running_model(context, deviceId)
    return answer({"streamId": context.studio.devices.start_stream(context.project, deviceId, "inference")})


@router.post("/device/{deviceId}/debug-stream/snapshot/start")
def start_device_snapshot_debug_stream(
    deviceId: str, context: Admin, body: Annotated[SnapshotRequest, Depends(json_body(SnapshotRequest))]
) -> Response:
    """Start a stream of the pictures of a device with a camera."""
    if not context.studio.devices.get(context.project, deviceId).hello.supports_snapshot_streaming:
        raise ApiError(f"The device {deviceId} has no snapshots")
    stream = context.studio.devices.start_stream(context.project, deviceId, "snapshot", resolution=body.resolution)
    return answer({"streamId": stream})


@router.post("/device/{deviceId}/debug-stream/keep-alive")
def keep_device_debug_stream_alive(
    deviceId: str, context: Admin, body: Annotated[StreamRequest, Depends(json_body(StreamRequest))]
) -> Response:
    """Let a stream go on."""
    context.studio.devices.keep_stream(context.project, deviceId, body.stream_id)
    return answer()


@router.post("/device/{deviceId}/debug-stream/stop")
def stop_device_debug_stream(
    deviceId: str, context: Admin, body: Annotated[StreamRequest, Depends(json_body(StreamRequest))]
) -> Response:
    """End a stream."""
    context.studio.devices.stop_stream(context.project, deviceId, body.stream_id)
    return answer()


def devices_answer(context: RequestContext) -> list[dict[str, Any]]:
    """Return the devices of the project, each a `Device`."""
    return [_device(context, device) for device in context.store.devices.of(context.project)]


def _device(context: RequestContext, device: StoredDevice) -> dict[str, Any]:
    connection = context.studio.devices.find(device.project, device.device_id)
    fields: dict[str, Any] = {
        "id": device.id,
        "deviceId": device.device_id,
        "created": device.created,
        "lastSeen": device.last_seen,
        "name": device.name,
        "deviceType": device.device_type,
        "sensors": [{**sensor, "maxSampleLengthS": int(sensor["maxSampleLengthS"])} for sensor in device.sensors],
        "remote_mgmt_connected": connection is not None,
        "supportsSnapshotStreaming": device.supports_snapshots,
        "remoteMgmtMode": connection.hello.mode if connection else "disconnected",
    }
    if connection and connection.inference_info:
        fields["inferenceInfo"] = _inference_info(connection.inference_info)
    return fields


def _inference_info(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return a `DeviceInferenceInfo`, which has other names than the message."""
    return {
        "projectId": info["projectId"],
        "projectOwner": info["projectOwner"],
        "projectName": info["projectName"],
        "deployedVersion": info["deploymentVersion"],
        "modelType": MODEL_TYPES.get(info["modelType"], "classification"),
    }


def _running_model(context: RequestContext, device_id: str) -> DeviceConnection:
    connection = context.studio.devices.get(context.project, device_id)
    if connection.hello.mode != "inference":
        raise ApiError(f"The device {device_id} does not run a model: it is connected to record samples")
    return connection


def _sensor(connection: DeviceConnection, body: SamplingRequest) -> str:
    """Return the sensor of a request. Raises ApiError for a sample that the device cannot record."""
    sensors = {sensor.name: sensor for sensor in connection.hello.sensors}
    name = body.sensor or next(iter(sensors), "")
    sensor = sensors.get(name)
    if sensor is None:
        raise ApiError(f"The device has no sensor {name!r}; sensors: {', '.join(sensors) or 'none'}")
    if body.length_ms > sensor.max_sample_length_s * 1000:
        raise ApiError(
            f"{name} records {sensor.max_sample_length_s:g} s at most, but lengthMs is {body.length_ms} ms"
        )  # fmt: skip
    frequency = 1000 / body.interval_ms
    if sensor.frequencies and not any(
        abs(frequency / one - 1) <= FREQUENCY_TOLERANCE for one in sensor.frequencies
    ):  # fmt: skip
        known = ", ".join(f"{one:g}" for one in sensor.frequencies)
        raise ApiError(f"{name} has the frequencies {known} Hz, but intervalMs is {body.interval_ms:g} ms")
    return name
