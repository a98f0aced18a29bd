"""Connections of devices: who is accepted, messages that are refused, and what a connection changes in the project."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import cbor2
import pytest
from official_daemon import RECORDED
from starlette.websockets import WebSocketDisconnect
from studio_in_process import Api

from ei_toolkit.studio.http.app import remote_management_app
from ei_toolkit.studio.remote import session

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it asks for httpx2, which only its HTTP requests would use
    from starlette.testclient import TestClient, WebSocketTestSession

MICROPHONE = {"name": "Built-in microphone", "maxSampleLengthS": 3, "frequencies": [16000.0]}


@pytest.fixture
def devices(api: Api) -> Iterator[Any]:
    """Opens connections to the remote management of a studio in this process."""
    with (
        TestClient(remote_management_app(api.studio), base_url="http://127.0.0.1:4802") as client,
        ExitStack() as stack,
    ):
        yield lambda: stack.enter_context(client.websocket_connect("ws://127.0.0.1:4802/"))


def hello(api: Api, role: str = "admin", **values: Any) -> dict[str, Any]:
    content = {
        "version": 3, "apiKey": api.keys[role], "deviceId": "dev:1", "deviceType": "ARDUINO_NANO33BLE",
        "connection": "daemon", "sensors": [MICROPHONE], "supportsSnapshotStreaming": False,
    }  # fmt: skip
    return {"hello": {key: value for key, value in (content | values).items() if value is not None}}


def exchange(socket: WebSocketTestSession, message: dict[str, Any]) -> dict[str, Any]:
    socket.send_text(json.dumps(message))
    return socket.receive_json()


def is_closed(socket: WebSocketTestSession) -> bool:
    try:
        socket.receive_json()
    except WebSocketDisconnect as error:
        return error.code == session.POLICY_VIOLATION
    return False


def mode(api: Api, device: str = "dev:1") -> str:
    return str(api.fields("GET", f"/1/device/{device}")["device"]["remoteMgmtMode"])


def test_a_device_is_known_from_its_first_connection_and_stays_known_after_it(api: Api, devices: Any) -> None:
    socket = devices()
    greeting = exchange(socket, hello(api))
    assert greeting["hello"] is True and greeting["serverTimestamp"] > 1_700_000_000_000
    [found] = api.fields("GET", "/1/devices")["devices"]
    assert (found["deviceId"], found["name"], found["deviceType"]) == ("dev:1", "dev:1", "ARDUINO_NANO33BLE")
    assert found["sensors"] == [MICROPHONE] and found["remote_mgmt_connected"] is True
    api.fields("POST", "/1/devices/dev:1/rename", json={"name": "desk"})
    socket.close()
    while mode(api) != "disconnected":
        pass
    assert exchange(devices(), hello(api))["hello"] is True
    [found] = api.fields("GET", "/1/devices")["devices"]
    assert (found["name"], found["remoteMgmtMode"]) == ("desk", "ingestion")


@pytest.mark.parametrize("version", [2, 3, 4])
def test_versions_2_to_4_are_accepted_in_json_and_cbor(api: Api, devices: Any, version: int) -> None:
    socket = devices()
    socket.send_bytes(cbor2.dumps(hello(api, version=version, deviceId="cbor")))
    assert cbor2.loads(socket.receive_bytes())["hello"] is True
    assert exchange(devices(), hello(api, version=version, deviceId="json"))["hello"] is True


@pytest.mark.parametrize("role", ["ingestiononly", "ingestion_deployment"])
def test_a_key_that_may_upload_is_enough(api: Api, devices: Any, role: str) -> None:
    assert exchange(devices(), hello(api, role))["hello"] is True


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"apiKey": "ei_wrong"}, "The API key is not valid"),
        ({"apiKey": None}, "apiKey is missing"),
        ({"version": 9}, "hello.version must be one of 2, 3, 4, but is 9"),
        ({"deviceId": ""}, "deviceId must not be empty"),
        ({"deviceId": "x" * 200}, "deviceId may have 128 characters at most"),
        ({"deviceId": "a\nb"}, "deviceId must not contain control characters"),
        ({"deviceType": 7.5, "connection": "carrier pigeon"}, "connection must be 'ip' or 'daemon'"),
        ({"sensors": "microphone"}, "sensors must be a list"),
        ({"sensors": [{"name": "m", "maxSampleLengthS": -1}]}, "maxSampleLengthS must be 0 or greater"),
        ({"sensors": [MICROPHONE] * 65}, "sensors may have 64 entries at most"),
    ],
)
def test_a_hello_that_is_not_accepted_is_answered_with_the_reason(
    api: Api, devices: Any, change: dict[str, Any], reason: str
) -> None:
    socket = devices()
    answer = exchange(socket, hello(api, **change))
    assert answer["hello"] is False and reason in answer["err"]
    assert is_closed(socket)
    assert api.fields("GET", "/1/devices")["devices"] == []


def test_a_key_that_may_only_read_is_refused(api: Api, devices: Any) -> None:
    answer = exchange(devices(), hello(api, "readonly"))
    assert answer == {"hello": False, "err": "The role of the API key does not allow uploads", "auth": False}


@pytest.mark.parametrize(
    "frame",
    [
        b"{", "{", "[]", "null", '{"hello":1}', '{"sample":true}', b"\xff\xff", b"\xa1\x01\x02", b"", "",
        "[" * 5000, b"\x81" * 5000, '{"hello":"\\u0000"}', b"{\xff}", cbor2.dumps([1]), b"\xbf\x61",
    ],
)  # fmt: skip
def test_a_first_message_that_is_not_understood_ends_the_connection(api: Api, devices: Any, frame: Any) -> None:
    socket = devices()
    socket.send_text(frame) if isinstance(frame, str) else socket.send_bytes(frame)
    message = socket.receive()
    answer = json.loads(message["text"]) if message.get("text") else cbor2.loads(message["bytes"])
    assert answer["hello"] is False and answer["err"]
    assert is_closed(socket)


def test_a_device_that_sends_nothing_is_disconnected(devices: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "HELLO_TIMEOUT_S", 0.05)
    socket = devices()
    assert socket.receive_json()["err"] == "No hello within 0.05 s"
    assert is_closed(socket)


def test_a_second_connection_cannot_claim_the_id_of_a_connected_device(api: Api, devices: Any) -> None:
    first, second = devices(), devices()
    exchange(first, hello(api))
    answer = exchange(second, hello(api))
    assert answer["hello"] is False and "dev:1 is connected already" in answer["err"]
    assert is_closed(second) and mode(api) == "ingestion"


def test_a_connected_device_cannot_become_another_one(api: Api, devices: Any) -> None:
    socket = devices()
    exchange(socket, hello(api))
    assert "hello was sent twice" in exchange(socket, hello(api, deviceId="dev:2"))["err"]
    assert is_closed(socket)
    assert [one["deviceId"] for one in api.fields("GET", "/1/devices")["devices"]] == ["dev:1"]


@pytest.mark.parametrize("frame", ["{", "[1]", "x" * 60_000])
def test_a_malformed_message_of_a_connected_device_ends_its_connection(api: Api, devices: Any, frame: str) -> None:
    socket = devices()
    exchange(socket, hello(api))
    socket.send_text(frame)
    assert socket.receive_json()["err"]
    assert is_closed(socket)


def test_the_connection_ends_when_its_key_is_revoked(api: Api, devices: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "KEY_CHECK_INTERVAL_S", 0.02)
    key = api.studio.store.keys.find(api.keys["ingestiononly"])
    socket = devices()
    exchange(socket, hello(api, "ingestiononly"))
    assert key is not None
    api.studio.store.keys.revoke(1, key.id)
    assert socket.receive_json() == {"err": "The API key was revoked or has expired"}
    assert is_closed(socket)


def sampling(api: Api) -> dict[str, Any]:
    body = {"label": "rock", "lengthMs": 1000, "category": "training", "intervalMs": 0.06}
    return api.json("POST", "/1/device/dev:1/start-sampling", json=body)


def answered(api: Api, socket: WebSocketTestSession, *answers: dict[str, Any]) -> dict[str, Any]:
    """Request a sample, and let the device give these answers."""
    with ThreadPoolExecutor(1) as pool:
        response = pool.submit(sampling, api)
        assert socket.receive_json()["sample"]["label"] == "rock"
        for answer in answers:
            socket.send_json(answer)
        return response.result(10)


def test_a_request_for_a_sample_has_what_the_device_needs(api: Api, devices: Any) -> None:
    socket = devices()
    exchange(socket, hello(api))
    with ThreadPoolExecutor(1) as pool:
        response = pool.submit(sampling, api)
        request = socket.receive_json()["sample"]
        socket.send_json({"sample": True})
        assert response.result(10)["success"] is True
    hmac_key = api.fields("GET", "/1/devkeys")["hmacKey"]
    assert request == {
        "label": "rock", "length": 1000, "path": "/api/training/data", "hmacKey": hmac_key, "interval": 0.06,
        "sensor": "Built-in microphone",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["err", "error"])
def test_a_device_that_refuses_is_quoted_and_may_be_asked_again(api: Api, devices: Any, name: str) -> None:
    socket = devices()
    exchange(socket, hello(api))
    refused = answered(api, socket, {"sample": False, name: "the buffer is full"})
    assert refused["error"] == "The device dev:1 did not record the sample: the buffer is full"
    assert answered(api, socket, {"sample": True})["success"] is True


def test_a_device_records_one_sample_at_a_time(api: Api, devices: Any) -> None:
    socket = devices()
    exchange(socket, hello(api))
    assert answered(api, socket, {"sample": True}, {"sampleStarted": True})["success"] is True
    assert sampling(api)["error"] == "The device dev:1 is recording a sample already"
    socket.send_json({"sampleReading": True, "progressPercentage": 400})
    socket.send_json({"sampleFinished": True})
    assert answered(api, socket, {"sample": True})["success"] is True


def test_a_device_that_disconnects_while_it_records_fails_the_request(api: Api, devices: Any) -> None:
    socket = devices()
    exchange(socket, hello(api))
    with ThreadPoolExecutor(1) as pool:
        response = pool.submit(sampling, api)
        socket.receive_json()
        socket.close()
        assert "the device has disconnected" in response.result(10)["error"]


def test_a_deleted_device_is_disconnected(api: Api, devices: Any) -> None:
    socket = devices()
    exchange(socket, hello(api))
    api.fields("DELETE", "/1/device/dev:1")
    with pytest.raises(WebSocketDisconnect):
        socket.receive_json()
    assert api.fields("GET", "/1/devices")["devices"] == []


def test_devices_of_another_project_are_not_seen(api: Api, devices: Any) -> None:
    other = api.fields("POST", "/projects/create", json={"projectName": "other"})
    exchange(devices(), hello(api, apiKey=other["apiKey"]))
    assert api.fields("GET", "/1/devices")["devices"] == []
    assert "not connected" in sampling(api)["error"]


def test_a_debug_stream_without_a_keep_alive_ends(api: Api, devices: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "KEY_CHECK_INTERVAL_S", 0.02)
    monkeypatch.setattr("ei_toolkit.studio.remote.connected.STREAM_LIFETIME_S", 0.05)
    socket = devices()
    exchange(socket, hello(api, supportsSnapshotStreaming=True))
    path = "/1/device/dev:1/debug-stream/snapshot/start"
    stream = api.fields("POST", path, json={"resolution": "low"})["streamId"]
    assert socket.receive_json() == {"startSnapshot": True, "resolution": "low"}
    assert socket.receive_json() == {"stopSnapshot": True}
    keep = "/1/device/dev:1/debug-stream/keep-alive"
    assert "no debug stream" in api.error("POST", keep, json={"streamId": stream})


def test_a_device_sends_predictions_until_the_last_stream_ends(api: Api, devices: Any) -> None:
    info = {"projectId": 1, "deploymentVersion": 2, "modelType": "classification"}
    socket = devices()
    exchange(socket, hello(api, version=4, mode="inference", inferenceInfo=info))
    path = "/1/device/dev:1/debug-stream"
    first, second = (api.fields("POST", f"{path}/inference/start")["streamId"] for _ in range(2))
    assert [socket.receive_json() for _ in range(2)] == 2 * [{"startInferenceStream": True}]
    api.fields("POST", f"{path}/stop", json={"streamId": first})
    assert exchange(socket, {"impulseRecord": {}, "index": 7}) == {"impulseRecordAck": True, "index": 7}
    api.fields("POST", f"{path}/stop", json={"streamId": second})
    assert socket.receive_json() == {"stopInferenceStream": True}


def test_the_messages_of_the_official_daemon_are_accepted(api: Api, devices: Any) -> None:
    first, *answers = RECORDED["messages"]
    socket = devices()
    stated = {**first["hello"], "apiKey": api.keys["ingestion_deployment"], "deviceId": "dev:1"}
    assert exchange(socket, {"hello": stated})["hello"] is True
    body = {"deviceId": "dev:1", "deviceType": stated["deviceType"], "ifNotExists": True}
    role = "ingestion_deployment"  # of the key that the daemon makes for itself
    api.fields("POST", "/1/devices/create", role, json=body)
    assert api.fields("GET", "/1/device/dev:1", role)["device"]["name"] == "dev:1"
    api.fields("POST", "/1/devices/dev:1/rename", role, json={"name": "desk"})
    assert answered(api, socket, *answers)["success"] is True
    assert answered(api, socket, *answers)["success"] is True
    assert (mode(api), api.fields("GET", "/1/device/dev:1")["device"]["name"]) == ("ingestion", "desk")
