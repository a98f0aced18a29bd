"""Roles of keys, revoked keys, host names, and limits of requests."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import requests

ADMIN_ONLY = [
    ("POST", "/1/impulse"), ("POST", "/1/jobs/retrain"), ("DELETE", "/1/raw-data/1"), ("GET", "/1/apikeys"),
    ("POST", "/1/raw-data/delete-all"), ("DELETE", "/1"), ("POST", "/1/training/keras/3"),
]  # fmt: skip


@pytest.mark.parametrize(("verb", "path"), ADMIN_ONLY)
@pytest.mark.parametrize("role", ["readonly", "ingestiononly", "ingestion_deployment"])
def test_requests_for_admins_are_rejected_for_other_roles(server: Any, role: str, verb: str, path: str) -> None:
    answer = server.call(verb, path, role, json={})
    assert answer.status_code == 403
    assert answer.json() == {"success": False, "error": "insufficient permissions (valid roles: [admin])"}


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        ("readonly", "/1/raw-data/count", 200), ("ingestiononly", "/1/raw-data/count", 403),
        ("ingestion_deployment", "/1/deployment/targets", 200), ("ingestiononly", "/1/deployment/targets", 403),
        ("ingestiononly", "/projects", 200), ("ingestion_deployment", "/1/devkeys/hmac", 200),
    ],
)  # fmt: skip
def test_each_role_can_read_what_it_needs(server: Any, role: str, path: str, status: int) -> None:
    assert server.call("GET", path, role).status_code == status


@pytest.mark.parametrize(("role", "status"), [("readonly", 403), ("ingestiononly", 200), ("ingestion_deployment", 200)])
def test_uploads_need_a_key_that_may_upload(server: Any, make_noise: Any, role: str, status: int) -> None:
    assert server.upload({f"{role}.wav": make_noise(len(role))}, role=role).status_code == status


@pytest.mark.parametrize("key", ["", "ei_" + "0" * 64, "é", "x" * 5000])
def test_an_unknown_key_is_401_with_json(server: Any, key: str) -> None:
    answer = requests.get(server.api + "/projects", headers={"x-api-key": key.encode()}, timeout=10)
    assert answer.status_code == 401
    assert answer.json()["success"] is False


def test_a_key_is_valid_for_its_own_project_only(server: Any) -> None:
    other = server.json("POST", "/projects/create", json={"projectName": "Other"})
    assert server.call("GET", f"/{other['id']}/raw-data/count").status_code == 403
    mine = {"x-api-key": other["apiKey"]}
    assert requests.get(f"{server.api}/{other['id']}/raw-data/count", headers=mine, timeout=10).json()["count"] == 0
    assert requests.get(f"{server.api}/1/raw-data/count", headers=mine, timeout=10).status_code == 403


def test_keys_are_stored_hashed_and_lists_do_not_show_them(server: Any) -> None:
    listed = server.json("GET", "/1/apikeys")["apiKeys"]
    assert all(secret not in str(listed) for secret in server.keys.values())
    stored = b"".join(file.read_bytes() for file in server.data.glob("studio.sqlite*"))
    assert all(secret.encode() not in stored for secret in server.keys.values())


def test_a_revoked_key_is_not_valid(server: Any) -> None:
    added = server.json("POST", "/1/apikeys", json={"name": "k", "role": "readonly", "isDevelopmentKey": False})
    headers = {"x-api-key": added["apiKey"]}
    assert requests.get(server.api + "/projects", headers=headers, timeout=10).status_code == 200
    server.json("DELETE", f"/1/apikeys/{added['id']}")
    assert requests.get(server.api + "/projects", headers=headers, timeout=10).status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "evil.example:4800", "127.0.0.1.evil.example", ""])
def test_an_unknown_host_header_is_rejected(server: Any, host: str) -> None:
    answer = server.call("GET", "/projects", headers={"Host": host})
    assert answer.status_code == 421
    assert "projects" not in answer.json()


def test_responses_do_not_allow_other_origins(server: Any) -> None:
    answer = server.call("GET", "/projects", headers={"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert server.call("OPTIONS", "/projects", headers={"Origin": "https://evil.example"}).status_code in (404, 405)


@pytest.mark.parametrize(("path", "status"), [("/nothing/here", 404), ("/1/nothing", 404), ("/1/raw-data/x", 404),
                                              ("/1/jobs/autotune-dsp", 501), ("/organizations", 501)])  # fmt: skip
def test_unknown_routes_are_404_and_missing_methods_501_with_json(server: Any, path: str, status: int) -> None:
    verb = "POST" if "/jobs/" in path else "GET"
    answer = server.call(verb, path)
    assert answer.status_code == status
    assert answer.json()["success"] is False
    if status == 501:
        assert answer.json()["error"].endswith("is not implemented by the local studio")


def test_a_body_with_a_huge_content_length_is_rejected_before_it_is_read(server: Any) -> None:
    head = f"POST /v1/api/1/impulse HTTP/1.1\r\nHost: 127.0.0.1\r\nx-api-key: {server.keys['admin']}\r\n"
    host, port = server.api.removeprefix("http://").removesuffix("/v1/api").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall((head + f"Content-Length: {10**12}\r\n\r\n").encode())
        assert b" 413 " in connection.recv(4096)


def test_a_file_over_the_limit_is_rejected_and_the_other_files_are_stored(server: Any, make_noise: Any) -> None:
    large = make_noise(77) + bytes(101 * 2**20)
    files = server.upload({"large.wav": large, "small.wav": make_noise(78)}).json()["files"]
    assert [file["success"] for file in files] == [False, True]
    assert "100 MiB" in files[0]["error"]


def test_file_names_are_not_used_as_paths(server: Any, make_noise: Any) -> None:
    before = {path for path in server.data.parent.rglob("*") if path.is_file()}
    [outcome] = server.upload({"../../../escape.wav": make_noise(79)}).json()["files"]
    assert outcome["success"] and outcome["fileName"] == "escape.wav"
    new = {path for path in server.data.parent.rglob("*") if path.is_file()} - before
    assert all(server.data in path.parents for path in new)
    assert not [path for path in new if "escape" in path.name]


def test_scripts_are_disabled_and_the_error_names_the_option(server: Any) -> None:
    blocks = {"inputBlocks": [{"id": 1, "type": "time-series"}], "dspBlocks": [],
              "learnBlocks": [{"id": 3, "type": "keras", "dsp": []}]}  # fmt: skip
    server.json("POST", "/1/impulse", json=blocks)
    refused = server.json("POST", "/1/training/keras/3", json={"mode": "expert", "script": "print(1)"})
    assert refused["success"] is False and "--allow-scripts" in refused["error"]


def test_an_error_response_has_no_traceback(server: Any) -> None:
    answer = server.call("POST", "/1/impulse", data=b"[" * 100_000)
    assert answer.status_code == 400
    assert "Traceback" not in answer.text
