"""Both services as a whole: unexpected errors, broken requests, and the idle time of the studio."""

from __future__ import annotations

import errno
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.types import Message
from studio_in_process import Api

from ei_toolkit.studio.http.app import api_app, ingestion_app
from ei_toolkit.studio.store.packs import Pack
from ei_toolkit.studio.store.samples import Samples


def test_an_unexpected_error_is_logged_with_its_traceback_and_not_shown(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> int:
        raise RuntimeError("the secret reason")

    monkeypatch.setattr(Samples, "count", fail)
    with caplog.at_level(logging.ERROR, "ei_toolkit.studio"):
        response = api.call("GET", "/1/raw-data/count")
    assert response.status_code == 500
    assert response.json() == {
        "success": False,
        "error": "An internal error occurred in the local studio: its server.log has the details",
    }
    assert "GET /v1/api/1/raw-data/count failed" in caplog.text and "the secret reason" in caplog.text


def test_the_studio_serves_requests_after_an_unexpected_error(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Samples, "count", lambda *_: 1 / 0)
    assert api.call("GET", "/1/raw-data/count").status_code == 500
    monkeypatch.undo()
    assert api.fields("GET", "/1/raw-data/count") == {"count": 0}
    assert api.studio.activity.active == 0


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EDQUOT, "Disk quota exceeded")]
)
def test_a_full_disk_is_507_without_a_traceback(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: OSError
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(Pack, "write", fail)
    with caplog.at_level(logging.ERROR, "ei_toolkit.studio"):
        parts = [("data", ("a.wav", b"RIFF" * 100, "audio/wav"))]
        headers = {"x-api-key": api.keys["admin"]}
        response = api.send(ingestion_app(api.studio), "POST", "/api/training/files", files=parts, headers=headers)
    assert response.status_code == 507
    assert response.json()["error"].startswith("The disk of the local studio is full")
    assert "the disk is full" in caplog.text and "Traceback" not in caplog.text


def test_a_full_database_is_507(api: Api) -> None:
    with api.studio.store.database.write() as connection:  # the same connection is used again
        connection.execute("PRAGMA max_page_count = 1")  # SQLite raises it to the present number of pages
    for _ in range(2000):
        response = api.call("POST", "/1/apikeys", json={"name": "k" * 200, "role": "admin"})
        if response.status_code != 200:
            break
    assert response.status_code == 507
    assert api.call("GET", "/1/raw-data/count").status_code == 200


def test_another_error_of_the_system_stays_an_unexpected_error(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Samples, "count", fail)
    assert api.call("GET", "/1/raw-data/count").status_code == 500


def send_raw(api: Api, app: Any, path: str, headers: dict[str, str], messages: list[Message]) -> tuple[int, bytes]:
    """Call an app with given messages of the server; return status and body of the response."""
    sent: list[Message] = []
    waiting = iter(messages)

    async def receive() -> Message:
        return next(waiting)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(b"host", b"127.0.0.1"), *((name.encode(), value.encode()) for name, value in headers.items())],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 4800),
    }  # fmt: skip
    api.loop.run(app(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def test_a_client_that_disconnects_within_its_request_leaves_nothing(api: Api) -> None:
    form = {"x-api-key": api.keys["admin"], "content-type": "multipart/form-data; boundary=b"}
    begin = b'--b\r\nContent-Disposition: form-data; name="data"; filename="a.wav"\r\n\r\nRIFF'
    messages: list[Message] = [
        {"type": "http.request", "body": begin, "more_body": True}, {"type": "http.disconnect"},
    ]  # fmt: skip
    status, body = send_raw(api, ingestion_app(api.studio), "/api/training/files", form, messages)
    assert status == 400 and b"The client closed the connection before the end of its request" in body
    assert not list((api.data / "incoming").iterdir()) and not list((api.data / "packs").iterdir())
    assert api.fields("GET", "/1/raw-data/count") == {"count": 0}


@pytest.mark.parametrize(
    ("path", "verb"), [("/v1/api/1/raw-data/7/", "GET"), ("/v1/api//projects", "GET"), ("/web/", "GET")]
)
def test_a_path_is_not_corrected_by_a_redirect(api: Api, path: str, verb: str) -> None:
    response = api.send(api_app(api.studio), verb, path, headers={"x-api-key": api.keys["admin"]})
    assert response.status_code == 404 and response.json()["success"] is False
    upload = api.send(ingestion_app(api.studio), "POST", "/api/training/files/")
    assert upload.status_code == 404


def test_no_pages_of_a_web_framework_are_served(api: Api) -> None:
    for path in ("/docs", "/redoc", "/openapi.json"):
        for app in (api_app(api.studio), ingestion_app(api.studio)):
            assert api.send(app, "GET", path).status_code == 404


def test_the_two_services_have_different_routes(api: Api) -> None:
    headers = {"x-api-key": api.keys["admin"]}
    assert api.send(ingestion_app(api.studio), "GET", "/v1/api/projects", headers=headers).status_code == 404
    assert api.send(ingestion_app(api.studio), "GET", "/studio").status_code == 404


def test_the_api_accepts_uploads_of_the_pages_which_send_requests_to_their_own_address_only(api: Api) -> None:
    headers = {"x-api-key": api.keys["admin"]}
    response = api.send(api_app(api.studio), "POST", "/api/training/files", headers=headers)
    assert (
        response.json()["error"]
        == api.send(ingestion_app(api.studio), "POST", "/api/training/files", headers=headers).json()["error"]
    )


def test_ingestion_accepts_no_other_verb(api: Api) -> None:
    response = api.send(ingestion_app(api.studio), "GET", "/api/training/files")
    assert response.status_code == 405
    assert response.json()["error"] == "There is no such route: GET /api/training/files"


@pytest.mark.parametrize(
    ("query", "name"), [("limitPayloadValues=many", "limitPayloadValues"), ("truncateStructuredLabels=7", "truncate")]
)
def test_a_wrong_value_of_a_query_is_named(api: Api, query: str, name: str) -> None:
    response = api.call("GET", f"/1/raw-data/1?{query}")
    assert response.status_code == 400 and response.json()["error"].startswith(name)


def test_an_id_that_is_no_number_is_no_route(api: Api) -> None:
    for path in ("/1/jobs/x/status", "/x/raw-data/count", "/1/dsp/2.5", "/1/classify/-1"):
        assert api.call("GET", path).status_code == 404


def test_unknown_parameters_of_a_query_are_ignored(api: Api) -> None:
    assert api.fields("GET", "/1/raw-data/count?cacheBuster=1&x=y") == {"count": 0}


def test_a_body_without_a_content_type_is_read_as_json(api: Api) -> None:
    response = api.call("POST", "/1", content=b'{"name": "Gr\xc3\xb6\xc3\x9fe"}')
    assert response.json() == {"success": True}
    assert api.fields("GET", "/1/public-info")["name"] == "Größe"


def test_a_body_that_arrives_byte_by_byte_is_read_whole(api: Api) -> None:
    async def bytes_of(text: str) -> AsyncIterator[bytes]:
        for byte in text.encode():
            yield bytes([byte])

    assert api.call("POST", "/1", content=bytes_of('{"description": "langsam"}')).json() == {"success": True}
    assert api.fields("GET", "/1")["project"]["description"] == "langsam"
