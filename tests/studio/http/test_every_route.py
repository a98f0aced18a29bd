"""What holds for every route: it needs a key, of the project in its path, with a role that allows it."""

from __future__ import annotations

import pytest
from fastapi.routing import APIRoute
from studio_in_process import Api, routes

from ei_toolkit.studio.http.app import INGESTION_ROUTERS, api_app, ingestion_app

WITHOUT_KEY = {("POST", "/v1/api-login")}
READS_BY_POST = {  # the API of Edge Impulse has these as POST, although they change nothing
    "/v1/api/1/dsp/1/run",
    "/v1/api/1/dsp/1/raw-data/1/slice/run",
    "/v1/api/1/classify/v2/1",
    "/v1/api/1/classify/v2/1/variants",
    "/v1/api/1/pretrained-model/test",
    "/v1/api/1/jobs/profile-tflite/1/result",
}
BUILDS = {"/v1/api/1/jobs/build-ondevice-model", "/v1/api/1/jobs/1/cancel"}
FOR_UPLOADS = {
    "/v1/api/1", "/v1/api/projects", "/v1/api/projects/api-key-info", "/v1/api/1/public-info",
    "/v1/api/1/devkeys/hmac", "/v1/api/deployment/targets",
}  # fmt: skip


def statuses(api: Api, key: str, project: int = 1) -> dict[tuple[str, str], int]:
    """The status of every route for a key."""
    app, headers = api_app(api.studio), {"x-api-key": key} if key else {}
    return {(verb, path): api.send(app, verb, path, headers=headers).status_code for verb, path in routes(project)}


def test_there_are_as_many_routes_as_methods_that_are_implemented() -> None:
    found = list(routes())
    assert len(found) == len(set(found)) > 120


@pytest.mark.parametrize("key", ["", "ei_unknown"])
def test_no_route_is_answered_without_a_valid_key(api: Api, key: str) -> None:
    answered = {route for route, status in statuses(api, key).items() if status != 401}
    assert answered == WITHOUT_KEY


def test_no_route_of_another_project_is_answered(api: Api) -> None:
    other = api.studio.store.projects.create("Other").id
    answered = {path for (_, path), status in statuses(api, api.keys["admin"], other).items() if status != 403}
    assert {path for path in answered if f"/{other}" in path} == set()


def test_a_key_for_reading_changes_nothing(api: Api) -> None:
    found = statuses(api, api.keys["readonly"])
    allowed = {path for (verb, path), status in found.items() if verb != "GET" and status != 403}
    assert allowed == READS_BY_POST | {path for _, path in WITHOUT_KEY}


def test_a_key_for_reading_reads_everything_but_the_keys(api: Api) -> None:
    found = statuses(api, api.keys["readonly"])
    denied = {path for (verb, path), status in found.items() if verb == "GET" and status == 403}
    assert denied == {"/v1/api/1/apikeys", "/v1/api/1/devkeys", "/v1/api/1/hmackeys"}


def test_a_key_for_uploads_reads_only_what_an_upload_needs(api: Api) -> None:
    found = statuses(api, api.keys["ingestiononly"])
    allowed = {route for route, status in found.items() if status != 403}
    assert allowed == {("GET", path) for path in FOR_UPLOADS} | WITHOUT_KEY


def test_a_key_for_builds_changes_nothing_but_builds(api: Api) -> None:
    found = statuses(api, api.keys["ingestion_deployment"])
    allowed = {path for (verb, path), status in found.items() if verb != "GET" and status != 403}
    assert allowed == BUILDS | {path for _, path in WITHOUT_KEY}


def test_no_route_fails_in_an_empty_project(api: Api) -> None:
    store = api.studio.store
    app, headers = api_app(api.studio), {"x-api-key": api.keys["admin"]}
    failed = {}
    for verb, path in routes():
        if (verb, path) == ("DELETE", "/v1/api/1"):
            continue
        response = api.send(app, verb, path, headers=headers, content=b"{}" if verb != "GET" else None)
        if response.status_code >= 500 or response.status_code == 404:
            failed[verb, path] = response.text
    assert failed == {}
    assert store.projects.get(1).id == 1


@pytest.mark.parametrize(("role", "status"), [("admin", 400), ("readonly", 403), ("ingestiononly", 400)])
def test_uploads_need_a_role_that_may_upload(api: Api, role: str, status: int) -> None:
    for router in INGESTION_ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            path = route.path.replace("{category}", "training")
            headers = {"x-api-key": api.keys[role], "x-file-name": "a.wav"}
            assert api.send(ingestion_app(api.studio), "POST", path, headers=headers).status_code == status
