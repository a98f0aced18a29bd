"""Register a device with a studio and receive its requests: Edge Impulse's remote management, version 3, in JSON.

Messages of the server are validated before use. A thread reads them, so that pings are answered while a sample is
recorded.
"""

from __future__ import annotations

import contextlib
import json
import queue
import re
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, cast

from websocket import ABNF, WebSocketException, create_connection

from ei_toolkit.client.endpoint import Endpoint, remote_management_url_of
from ei_toolkit.client.jobs.live_socket import BoundedWebSocket
from ei_toolkit.config.untrusted_json import read_json
from ei_toolkit.errors import ApiError, CredentialError, NetworkError

PROTOCOL_VERSION = 3
MODEL_PROTOCOL_VERSION = 4  # of devices that run a model
CONNECT_TIMEOUT_S = 5.0
GREETING_TIMEOUT_S = 10.0
LONGEST_LABEL = 200
LONGEST_REASON = 300
UPLOAD_PATH = re.compile(r"/api/(training|testing|validation|split)/data")
HMAC_KEY = re.compile(r"[0-9A-Za-z_-]{0,64}")
ID_IN_USE = "is connected already"
KEY_REFUSED = re.compile(r"\b(api )?key\b|not authenticated|role", re.IGNORECASE)
KEY_HINT = "Make another key in the studio, and set EI_API_KEY or run: eitk login"


@dataclass(frozen=True)
class SensorDescription:
    """A sensor: the longest sample in seconds, and the frequencies in Hz."""

    name: str
    max_sample_length_s: float
    frequencies: Sequence[float]


@dataclass(frozen=True)
class RunningModel:
    """The project and the deployment of the model that a device runs."""

    project_id: int
    project_name: str
    deployment_version: int


@dataclass(frozen=True)
class DeviceDescription:
    """What a device states of itself; with `model`, the studio may request its predictions."""

    device_id: str
    device_type: str
    sensors: Sequence[SensorDescription]
    model: RunningModel | None = None


@dataclass(frozen=True)
class StreamRequest:
    """A request that the predictions of the device are sent from now on, or no longer."""

    is_on: bool


@dataclass(frozen=True)
class SampleRequest:
    """A sample that the studio requests; `category` is where it is uploaded, `hmac_key` signs it unless it is empty."""

    label: str
    length_ms: int
    interval_ms: float
    sensor: str
    category: str
    hmac_key: str = ""


class RemoteManagement:
    """A connection on which one device is registered. It is closed when the object is left as a context manager."""

    def __init__(self, endpoint: Endpoint, device: DeviceDescription) -> None:
        """Connect and register the device.

        Raises CredentialError if the key is refused, ApiError if the device is, NetworkError without a server.
        """
        self._url, self._key = remote_management_url_of(endpoint), endpoint.key
        self._arrived: queue.Queue[dict[str, Any] | str] = queue.Queue()  # a text is the reason of the end
        self._socket = self._opened()
        try:
            self._socket.send(json.dumps(_hello(endpoint.key, device)))
            self._check_greeting(self._next_message())
        except (WebSocketException, OSError) as error:
            self._socket.close()
            raise self._lost(str(error)) from None
        except (ApiError, CredentialError):
            self._socket.close()
            raise
        self._socket.settimeout(None)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(WebSocketException, OSError):
            self._socket.send_close()
            if self._socket.sock:  # closing it would not end the wait of the reader
                self._socket.sock.shutdown(socket.SHUT_RDWR)
        self._reader.join(CONNECT_TIMEOUT_S)
        self._socket.shutdown()  # type: ignore[no-untyped-call]

    def next_request(self, timeout_s: float) -> SampleRequest | StreamRequest | None:
        """Return the next request; None if none arrives in time. Other messages are ignored.

        A request that is not valid is refused on the connection. Raises NetworkError if the connection has ended,
        CredentialError if it ended because of the key.
        """
        try:
            message = self._arrived.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if isinstance(message, str):
            raise self._lost(message)
        if isinstance(reason := message.get("err"), str):
            raise self._refused(reason)
        for name, is_on in (("startInferenceStream", True), ("stopInferenceStream", False)):
            if message.get(name):
                return StreamRequest(is_on)
        if "sample" not in message:
            return None
        try:
            return parse_request(message["sample"])
        except ValueError as error:
            self.report_failure(f"the request is not valid: {error}")
            return None

    def report(self, **values: Any) -> None:
        """Send a message. Raises NetworkError if the connection has ended."""
        try:
            self._socket.send(json.dumps(values))
        except (WebSocketException, OSError) as error:
            raise self._lost(str(error)) from None

    def report_failure(self, reason: str) -> None:
        """Report that a requested sample was not recorded; versions of the protocol name the reason differently."""
        self.report(sample=False, err=reason, error=reason)

    def _opened(self) -> BoundedWebSocket:
        try:
            return cast(
                BoundedWebSocket,
                create_connection(
                    self._url, timeout=CONNECT_TIMEOUT_S, class_=BoundedWebSocket, enable_multithread=True,
                    http_no_proxy=["127.0.0.1", "localhost", "::1"], suppress_origin=True,
                ),
            )  # fmt: skip
        except (WebSocketException, OSError, ValueError) as error:
            raise self._lost(str(error)) from None

    def _next_message(self) -> dict[str, Any]:
        self._socket.settimeout(GREETING_TIMEOUT_S)
        return _message(self._socket.recv())

    def _check_greeting(self, message: dict[str, Any]) -> None:
        if message.get("hello") is not True:
            reason = str(message.get("err") or message.get("error") or "no reason given")
            raise self._refused(reason)

    def _read(self) -> None:
        """Put all messages into the queue, and the reason of the end of the connection."""
        try:
            while True:
                opcode, data = self._socket.recv_data()
                if opcode == ABNF.OPCODE_CLOSE:
                    self._arrived.put("the studio closed the connection")
                    return
                self._arrived.put(_message(data))
        except (WebSocketException, OSError, ApiError) as error:
            self._arrived.put(str(error) or type(error).__name__)

    def _refused(self, reason: str) -> ApiError | CredentialError:
        reason = reason.replace(self._key, "…")[:LONGEST_REASON]
        if ID_IN_USE in reason:
            return NetworkError("another program has connected this device", why=reason)
        if KEY_REFUSED.search(reason):
            return CredentialError("the studio does not accept the key for devices", why=reason, hint=KEY_HINT)
        return ApiError("the studio does not accept the device", why=reason)

    def _lost(self, reason: str) -> NetworkError:
        return NetworkError(
            f"the remote management at {self._url} does not answer",
            why=reason.replace(self._key, "…")[:LONGEST_REASON],
            hint="Start the studio: eitk studio serve, or check the network.",
        )


def parse_request(value: object) -> SampleRequest:
    """Return a request for a sample. Raises ValueError with the value that is not possible."""
    if not isinstance(value, dict):
        raise ValueError("it is not an object")
    path = UPLOAD_PATH.fullmatch(str(value.get("path", "")))
    if path is None:
        raise ValueError(f"path {str(value.get('path'))[:80]!r}")
    for name in ("length", "interval"):
        number = value.get(name)
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < 1e9:
            raise ValueError(f"{name} {str(number)[:80]!r}")
    label, sensor = value.get("label"), value.get("sensor", "")
    if not isinstance(label, str) or not 0 < len(label) <= LONGEST_LABEL or not label.isprintable():
        raise ValueError(f"label {str(label)[:80]!r}")
    if not isinstance(sensor, str) or not (sensor.isprintable() and len(sensor) <= LONGEST_LABEL):
        raise ValueError(f"sensor {str(sensor)[:80]!r}")
    key = value.get("hmacKey") or ""
    if not isinstance(key, str) or not HMAC_KEY.fullmatch(key):
        raise ValueError("hmacKey")
    return SampleRequest(label, round(value["length"]), float(value["interval"]), sensor, path[1], key)


def _message(data: str | bytes) -> dict[str, Any]:
    """Return a message of the server. Raises ApiError if it is not an object in JSON."""
    try:
        message = read_json(data)
    except ValueError as error:
        raise ApiError("the studio sent a message that is not JSON", why=str(error)) from None
    if not isinstance(message, dict):
        raise ApiError("the studio sent a message that is not an object")
    return message


def _hello(key: str, device: DeviceDescription) -> dict[str, Any]:
    sensors = [
        {"name": one.name, "maxSampleLengthS": int(one.max_sample_length_s), "frequencies": list(one.frequencies)}
        for one in device.sensors
    ]
    hello = {
        "version": PROTOCOL_VERSION, "apiKey": key, "deviceId": device.device_id, "deviceType": device.device_type,
        "connection": "daemon", "sensors": sensors, "supportsSnapshotStreaming": False,
    }  # fmt: skip
    return {"hello": hello | (_model_fields(device.model) if device.model else {})}


def _model_fields(model: RunningModel) -> dict[str, Any]:
    """Return the fields of version 4 of a device that runs a model; it stores no records of earlier predictions."""
    info = {
        "projectId": model.project_id, "projectOwner": "", "projectName": model.project_name,
        "deploymentVersion": model.deployment_version, "modelType": "classification",
    }  # fmt: skip
    none = dict.fromkeys(("firstIndex", "firstTimestamp", "lastIndex", "lastTimestamp"), 0)
    return {
        "version": MODEL_PROTOCOL_VERSION, "mode": "inference", "inferenceInfo": info, "availableRecords": none,
    }  # fmt: skip
