"""Every error has the form of Edge Impulse's API: its HTTP status, and `{"success": false, "error": …}`."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection
from typing import Any

import pytest
import requests

JSON = "application/json"


def assert_error(response: requests.Response, status: int, *parts: str) -> None:
    """The response has the status, the form of an error, and all parts in its message."""
    assert (response.status_code, response.headers["content-type"]) == (status, JSON), response.text
    document = response.json()
    assert set(document) == {"success", "error"} and document["success"] is False
    assert [part for part in parts if part not in document["error"]] == [], document["error"]


@pytest.mark.parametrize(
    ("verb", "path", "body", "status", "parts"),
    [
        ("POST", "/1/raw-data/7/move", b'{"newCategory": "train"}', 200, ["newCategory must be 'training'", "'train'"]),
        ("POST", "/1/raw-data/7/move", b"{}", 400, ["newCategory is missing"]),
        ("POST", "/1/raw-data/7/move", b"{", 400, ["The body is not JSON"]),
        ("POST", "/1/raw-data/7/move", b"[]", 400, ["The body is not a JSON object"]),
        ("POST", "/1/raw-data/7/move", b'{"newCategory": "testing"}', 200, ["No sample with this ID found (7)"]),
        ("POST", "/1/impulse", b'{"inputBlocks": [{"id": "a"}]}', 400, ["inputBlocks[0].id", "whole number", "'a'"]),
        ("POST", "/1/impulse", b'{"dspBlocks": {}}', 400, ["dspBlocks must be a list"]),
        (
            "POST", "/1/impulse", b'{"learnBlocks": [{"id": 2, "type": "keras", "dsp": [9]}]}', 200,
            ["learn block 2 names processing block 9, which does not exist"],
        ),
        ("POST", "/1/compute-time-limit", b'{"jobLimitM": 0}', 200, ["jobLimitM must be 1 or greater, but is 0"]),
        ("POST", "/1/split", b'{"trainingSplitRatio": 0}', 200, ["must not all be 0"]),
        ("POST", "/1/apikeys", b'{"role": "owner"}', 200, ["role must be 'admin'", "but is 'owner'"]),
        ("POST", "/1/apikeys", b'{"ttl": 0}', 200, ["ttl must be greater than 0, but is 0"]),
        ("POST", "/api-login", b'{"username": "u", "password": "p"}', 404, ["no such route"]),
        ("GET", "/1/raw-data?limit=many", None, 400, ["limit must be a whole number, but is 'many'"]),
        ("GET", "/1/raw-data?minLength=[]", None, 400, ["minLength must be a number", "'[]'"]),
        ("GET", "/1/raw-data?metadata=x", None, 400, ["metadata must be JSON, but is 'x'"]),
        ("GET", "/1/raw-data?metadata=[1]", None, 400, ["metadata[0] must be an object, but is 1"]),
        ("GET", "/1/raw-data?sortBy=age", None, 400, ["sortBy must be one of id-asc", "'age'"]),
        ("GET", "/1/raw-data?excludeSensors=perhaps", None, 400, ["excludeSensors must be true or false"]),
        ("GET", "/1/impulse?impulseId=first", None, 400, ["impulseId must be a whole number, but is 'first'"]),
        ("GET", "/1/raw-data/first", None, 404, ["no such route"]),
        ("GET", "/1/raw-data/9223372036854775808", None, 404, ["no such route"]),
        ("GET", "/nothing", None, 404, ["no such route"]),
        ("PUT", "/1/raw-data", None, 404, ["no such route"]),
        ("POST", "/1/jobs/autotune-dsp", b"{}", 501, ["is not implemented by the local studio"]),
        ("GET", "/2/raw-data/count", None, 403, ["The API key is for project 1, not for project 2"]),
    ],
)  # fmt: skip
def test_a_rejected_request_has_status_name_value_and_what_is_accepted(
    server: Any, verb: str, path: str, body: bytes | None, status: int, parts: list[str]
) -> None:
    assert_error(server.call(verb, path, data=body), status, *parts)


def test_a_login_that_fails_is_an_error_of_the_request(server: Any) -> None:
    url = server.api.removesuffix("/api") + "/api-login"
    response = requests.post(url, json={"username": "u", "password": "p"}, timeout=10)
    assert_error(response, 200, "Invalid username or password")


def test_requests_without_a_valid_key_are_401(server: Any) -> None:
    url = f"{server.api}/projects"
    assert_error(requests.get(url, timeout=10), 401, "no API key", "x-api-key")
    assert_error(requests.get(url, headers={"x-api-key": "ei_wrong"}, timeout=10), 401, "not valid")


def test_a_role_that_does_not_allow_a_request_is_403(server: Any) -> None:
    assert_error(server.call("POST", "/1/rebalance", "readonly"), 403, "insufficient permissions", "[admin]")


def test_a_host_name_that_is_not_served_is_421(server: Any) -> None:
    assert_error(server.call("GET", "/projects", headers={"Host": "evil.example"}), 421, "evil.example", "127.0.0.1")


def test_a_body_over_the_limit_is_413(server: Any) -> None:
    body = b'{"name": "' + b"x" * (16 * 2**20) + b'"}'
    assert_error(server.call("POST", "/1", data=body), 413, "16 MiB")
    host, port = server.api.removeprefix("http://").removesuffix("/v1/api").split(":")
    connection = HTTPConnection(host, int(port), timeout=10)
    connection.putrequest("POST", "/v1/api/1")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()
    response = connection.getresponse()
    document = json.loads(response.read())
    connection.close()
    assert response.status == 413 and document["success"] is False and "256 MiB" in document["error"]


@pytest.mark.parametrize(
    ("headers", "status", "part"),
    [
        ({}, 401, "no API key"),
        ({"x-api-key": "ei_wrong"}, 401, "not valid"),
        ({"x-api-key": "readonly"}, 403, "insufficient permissions"),
        ({"x-api-key": "admin", "Content-Type": "text/plain"}, 400, "multipart/form-data"),
        ({"x-api-key": "admin", "Content-Type": "multipart/form-data; boundary=x"}, 400, "incomplete"),
    ],
)
def test_an_upload_that_fails_has_the_same_form(server: Any, headers: dict[str, str], status: int, part: str) -> None:
    key = headers.get("x-api-key", "")
    sent = {**headers, "x-api-key": server.keys.get(key, key)}
    assert_error(requests.post(f"{server.ingestion}/training/files", headers=sent, timeout=10), status, part)


def test_a_key_is_valid_until_its_time_is_over(server: Any, make_noise: Any) -> None:
    added = server.json("POST", "/1/apikeys", json={"name": "short", "role": "admin", "ttl": 2})
    server.keys["short"] = added["apiKey"]
    end = time.monotonic() + 2
    info = server.json("GET", "/projects/api-key-info", "short")
    assert info["success"] and info["role"] == "admin"
    assert info["expires"] == next(k["expires"] for k in server.json("GET", "/1/apikeys")["apiKeys"] if "expires" in k)
    assert server.upload({"in-time.wav": make_noise(31)}, role="short").json()["files"][0]["success"]
    before = server.json("GET", "/1/raw-data/count")["count"]
    time.sleep(max(0.0, end + 0.1 - time.monotonic()))
    for verb, path in (("GET", "/projects"), ("GET", "/1/raw-data/count"), ("POST", "/1/impulse"), ("DELETE", "/1")):
        assert_error(server.call(verb, path, "short"), 401, "expired")
    late = server.upload({"late.wav": make_noise(32)}, role="short")
    assert_error(late, 401, "expired")
    assert server.json("GET", "/1/raw-data/count")["count"] == before


def test_a_key_without_a_time_does_not_expire(server: Any) -> None:
    added = server.json("POST", "/1/apikeys", json={"name": "permanent", "role": "readonly"})
    [listed] = [key for key in server.json("GET", "/1/apikeys")["apiKeys"] if key["id"] == added["id"]]
    assert "expires" not in listed
