"""Messages of the remote management protocol, in JSON or CBOR. Those of devices are untrusted.

A text frame is JSON. A binary frame is CBOR, or JSON that begins with `{`; the first message decides what is sent back.
Versions 2 to 4 of the protocol differ only in keys of the first message that devices may omit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import cbor2
from pydantic import AfterValidator, Field

from ei_toolkit.audio.acquisition_parts import read_cbor
from ei_toolkit.studio.http.errors import Malformed
from ei_toolkit.studio.http.schema import BrokenRule, Flag, Integer, Line, Number, RequestModel, parse
from ei_toolkit.studio.http.text import read_request_json

VERSIONS = (2, 3, 4)
LARGEST_MESSAGE = 65_536  # bytes; the server closes a connection that sends more
LONGEST_NAME = 128
MOST_SENSORS = 64

Form = Literal["json", "cbor"]


def _checked_name(text: str) -> str:
    if not text.strip():
        raise BrokenRule("must not be empty")
    if len(text) > LONGEST_NAME:
        raise BrokenRule(f"may have {LONGEST_NAME} characters at most")
    return text


Name = Annotated[Line, AfterValidator(_checked_name)]


class Sensor(RequestModel):
    """A sensor, the longest sample that the device can record of it in s, and its frequencies in Hz."""

    name: Name
    max_sample_length_s: Annotated[Number, Field(ge=0)]
    frequencies: Annotated[list[Annotated[Number, Field(gt=0)]], Field(max_length=MOST_SENSORS)] = []


class InferenceInfo(RequestModel):
    """The model that a device runs."""

    project_id: Integer
    project_owner: Line = ""
    project_name: Line = ""
    deployment_version: Integer
    model_type: Literal["classification", "object_detection", "constrained_object_detection", "freeform"] = (
        "classification"
    )


class Hello(RequestModel):
    """What a device states of itself when it connects."""

    version: Integer
    api_key: Name
    device_id: Name
    device_type: Name
    connection: Literal["ip", "daemon"]
    sensors: Annotated[list[Sensor], Field(max_length=MOST_SENSORS)] = []
    supports_snapshot_streaming: Flag = False
    mode: Literal["ingestion", "inference"] = "ingestion"
    inference_info: InferenceInfo | None = None


def read_message(frame: str | bytes) -> tuple[dict[str, Any], Form]:
    """Return the object of a frame and its form. Raises Malformed for anything else."""
    is_json = isinstance(frame, str) or frame.lstrip()[:1] == b"{"
    form: Form = "json" if is_json else "cbor"
    try:
        message = read_request_json(frame) if is_json else read_cbor(frame)  # type: ignore[arg-type]
    except ValueError as error:
        raise Malformed(f"The message is not {form.upper()}: {error}"[:300]) from error
    if not isinstance(message, dict) or not all(isinstance(name, str) for name in message):
        raise Malformed("The message is not an object with names")
    return message, form


def read_hello(message: Mapping[str, Any]) -> Hello:
    """Return the first message of a device. Raises Malformed or ApiError with what is wrong in it."""
    content = message.get("hello")
    if not isinstance(content, dict):
        raise Malformed("The first message must be hello")
    hello = parse(Hello, content)
    if hello.version not in VERSIONS:
        raise Malformed(f"hello.version must be one of {', '.join(map(str, VERSIONS))}, but is {hello.version}")
    return hello


def encode(message: Mapping[str, Any], form: Form) -> str | bytes:
    """Return a message as the frame that a device expects."""
    return json.dumps(message, separators=(",", ":")) if form == "json" else cbor2.dumps(dict(message))
