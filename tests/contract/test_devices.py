"""All methods of the official DevicesApi, with a device that is connected to a running studio.

The device speaks the remote management protocol as Edge Impulse's tools do, and uploads its samples to ingestion.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import cbor2
import numpy as np
import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from ei_toolkit.audio.acquisition import read_acquisition

MICROPHONE = {"name": "Built-in microphone", "maxSampleLengthS": 3, "frequencies": [16000.0]}
RATE = 16_000


def hello(project: Any, device_id: str, **values: Any) -> dict[str, Any]:
    return {
        "hello": {
            "version": 3, "apiKey": project.studio.key, "deviceId": device_id, "deviceType": "ARDUINO_NANO33BLE",
            "connection": "daemon", "sensors": [MICROPHONE], "supportsSnapshotStreaming": False, **values,
        }
    }  # fmt: skip


def sample_file(samples: np.ndarray, device_id: str) -> bytes:
    """A data acquisition file as the firmware writes it."""
    payload = {
        "device_name": device_id, "device_type": "ARDUINO_NANO33BLE", "interval_ms": 1000 / RATE,
        "sensors": [{"name": "audio", "units": "wav"}], "values": samples.tolist(),
    }  # fmt: skip
    return cbor2.dumps({"protected": {"ver": "v1", "alg": "none"}, "signature": "0" * 64, "payload": payload})


class Device(threading.Thread):
    """A device that records what is requested; the messages that it receives are in `received`."""

    def __init__(self, project: Any, device_id: str, form: str, **values: Any) -> None:
        super().__init__(daemon=True)
        self.project, self.device_id, self.form = project, device_id, form
        self.received: list[dict[str, Any]] = []
        self.arrived = threading.Condition()
        self.stack = ExitStack()
        self.socket: ClientConnection = self.stack.enter_context(
            connect(project.studio.remote_management_url, proxy=None)
        )
        self.send(hello(project, device_id, **values))
        self.greeting = self.read()

    def send(self, message: dict[str, Any]) -> None:
        self.socket.send(json.dumps(message) if self.form == "json" else cbor2.dumps(message))

    def read(self) -> dict[str, Any]:
        frame = self.socket.recv(timeout=10)
        assert isinstance(frame, str) == (self.form == "json")
        return json.loads(frame) if isinstance(frame, str) else cbor2.loads(frame)

    def run(self) -> None:
        try:
            while True:
                message = self.socket.recv()
                decoded = json.loads(message) if isinstance(message, str) else cbor2.loads(message)
                if "sample" in decoded:
                    self.record(decoded["sample"])
                with self.arrived:
                    self.received.append(decoded)
                    self.arrived.notify_all()
        except ConnectionClosed:
            return

    def record(self, request: dict[str, Any]) -> None:
        for message in ({"sample": True}, {"sampleStarted": True}, {"sampleProcessing": True}):
            self.send(message)
        self.send({"sampleReading": True, "progressPercentage": 50})
        samples = np.arange(round(request["length"] / request["interval"])) % 1000
        headers = {
            "x-api-key": self.project.studio.key, "x-file-name": f"{request['label']}.cbor",
            "x-label": request["label"], "content-type": "application/cbor",
        }  # fmt: skip
        self.send({"sampleUploading": True})
        url = f"{self.project.studio.ingestion_url}{request['path']}"
        requests.post(url, data=sample_file(samples, self.device_id), headers=headers, timeout=30).raise_for_status()
        self.send({"sampleFinished": True})

    def wait_for(self, name: str) -> dict[str, Any]:
        """Return the first message that has a name."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: any(name in one for one in self.received), timeout=10), self.received
            return next(one for one in self.received if name in one)

    def close(self) -> None:
        self.stack.close()
        self.join(10)


@pytest.fixture
def connected(project: Any) -> Iterator[Callable[..., Device]]:
    devices: list[Device] = []

    def make(device_id: str, form: str = "json", **values: Any) -> Device:
        device = Device(project, device_id, form, **values)
        devices.append(device)
        device.start()
        return device

    yield make
    for device in devices:
        device.close()


@pytest.fixture(scope="module")
def api(project: Any) -> Any:
    import edgeimpulse_api as ea

    host, keys = project.studio.api_url, {"ApiKeyAuthentication": project.studio.key}
    return ea.DevicesApi(ea.ApiClient(ea.Configuration(host=host, api_key=keys)))


def request(model: str, /, **values: Any) -> Any:
    import edgeimpulse_api as ea

    return getattr(ea, model)(**values)


def error_of(call: Callable[[], Any]) -> str:
    """Return the error of an answer, which the official client raises as a plain exception."""
    with pytest.raises(Exception) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize("form", ["json", "cbor"])
def test_a_sample_that_the_official_client_requests_arrives_in_the_project(
    project: Any, api: Any, connected: Callable[..., Device], form: str
) -> None:
    device = connected(f"dev:{form}", form)
    assert device.greeting["hello"] is True
    found = api.get_device(project.id, device.device_id).device
    assert (found.remote_mgmt_mode, found.remote_mgmt_connected) == ("ingestion", True)
    assert found.sensors[0].max_sample_length_s == 3
    wanted = request("StartSamplingRequest", label=f"hum {form}", lengthMs=500, category="testing", intervalMs=0.0625)
    assert api.start_sampling(project.id, device.device_id, wanted).id > 0
    sent = device.wait_for("sample")["sample"]
    assert (sent["sensor"], sent["path"]) == ("Built-in microphone", "/api/testing/data")
    samples = project.call("GET", "/raw-data?category=testing")["samples"]
    sample = next(one for one in samples if one["label"] == f"hum {form}")
    assert (sample["totalLengthMs"], sample["deviceType"]) == (500, "ARDUINO_NANO33BLE")
    url = f"{project.studio.api_url}/api/{project.id}/raw-data/{sample['id']}/wav?axisIx=0"
    assert requests.get(url, headers=project.headers, timeout=30).content[:4] == b"RIFF"
    project.call("DELETE", f"/raw-data/{sample['id']}")  # other tests use the labels of this project


def test_what_a_device_cannot_record_is_refused(project: Any, api: Any, connected: Callable[..., Device]) -> None:
    connected("dev:limits")

    def refused(**values: Any) -> str:
        body = {"label": "x", "lengthMs": 1000, "category": "training", "intervalMs": 0.0625, **values}
        wanted = request("StartSamplingRequest", **body)
        return error_of(lambda: api.start_sampling(project.id, "dev:limits", wanted))

    assert "records 3 s at most, but lengthMs is 36000000 ms" in refused(lengthMs=36_000_000)
    assert "has no sensor 'Camera'; sensors: Built-in microphone" in refused(sensor="Camera")
    assert "has the frequencies 16000 Hz, but intervalMs is 10 ms" in refused(intervalMs=10)


def test_devices_are_created_listed_renamed_and_deleted(project: Any, api: Any) -> None:
    body = {"deviceId": "ac:87:a3:0a:2d:1b", "deviceType": "ARDUINO_NANO33BLE", "ifNotExists": False}
    assert api.create_device(project.id, request("CreateDeviceRequest", **body)).success
    assert "already" in error_of(lambda: api.create_device(project.id, request("CreateDeviceRequest", **body)))
    assert api.create_device(project.id, request("CreateDeviceRequest", **{**body, "ifNotExists": True})).success
    assert api.rename_device(project.id, body["deviceId"], request("RenameDeviceRequest", name="desk")).success
    found = next(one for one in api.list_devices(project.id).devices if one.device_id == body["deviceId"])
    assert (found.name, found.remote_mgmt_mode, found.sensors) == ("desk", "disconnected", [])
    assert [one["name"] for one in project.call("GET", "")["devices"] if one["deviceId"] == body["deviceId"]] == [
        "desk"
    ]
    assert api.delete_device(project.id, body["deviceId"]).success
    assert body["deviceId"] in error_of(lambda: api.get_device(project.id, body["deviceId"]))


def test_a_device_that_is_not_connected_cannot_record(project: Any, api: Any) -> None:
    body = {"label": "x", "lengthMs": 1000, "category": "training", "intervalMs": 0.0625}
    error = error_of(lambda: api.start_sampling(project.id, "dev:none", request("StartSamplingRequest", **body)))
    assert error == "The device dev:none is not connected to the remote management"


def test_a_device_that_runs_a_model_streams_results_and_learns_of_a_new_model(
    project: Any, api: Any, connected: Callable[..., Device]
) -> None:
    info = {
        "projectId": project.id, "projectOwner": "local", "projectName": "tunes", "deploymentVersion": 3,
        "modelType": "constrained_object_detection",
    }  # fmt: skip
    device = connected("dev:runner", version=4, mode="inference", inferenceInfo=info)
    found = api.get_device(project.id, "dev:runner").device
    assert (found.remote_mgmt_mode, found.inference_info.deployed_version) == ("inference", 3)
    stream = api.start_device_inference_debug_stream(project.id, "dev:runner").stream_id
    assert device.wait_for("startInferenceStream")
    body = request("KeepDeviceDebugStreamAliveRequest", streamId=stream)
    assert api.keep_device_debug_stream_alive(project.id, "dev:runner", body).success
    stop = request("StopDeviceDebugStreamRequest", streamId=stream)
    assert api.stop_device_debug_stream(project.id, "dev:runner", stop).success
    assert device.wait_for("stopInferenceStream")
    assert "no debug stream" in error_of(lambda: api.stop_device_debug_stream(project.id, "dev:runner", stop))
    assert api.get_impulse_records(project.id, "dev:runner", request("GetImpulseRecordsRequest", index=4)).success
    assert device.wait_for("impulseRecordRequest")["impulseRecordRequest"] == {"index": 4}
    assert api.request_device_model_update(project.id, "dev:runner").success
    assert device.wait_for("newModelAvailable")["deploymentVersion"] == "latest"


def test_only_a_camera_has_a_stream_of_snapshots(project: Any, api: Any, connected: Callable[..., Device]) -> None:
    resolution = request("StartDeviceSnapshotDebugStreamRequest", resolution="low")
    connected("dev:microphone")
    without = error_of(lambda: api.start_device_snapshot_debug_stream(project.id, "dev:microphone", resolution))
    assert "has no snapshots" in without
    camera = connected("dev:camera", supportsSnapshotStreaming=True)
    assert api.start_device_snapshot_debug_stream(project.id, "dev:camera", resolution).stream_id
    assert camera.wait_for("startSnapshot")["resolution"] == "low"


def test_the_file_of_the_device_is_a_data_acquisition_file() -> None:
    assert len(read_acquisition(sample_file(np.arange(10), "dev"), "cbor").values) == 10
