"""The key of a request: where it may be, what its role allows, and for which project it is."""

from __future__ import annotations

import pytest
from studio_in_process import Api

from ei_toolkit.studio.http.app import api_app
from ei_toolkit.studio.http.request import RequestContext


def status(api: Api, path: str = "/projects", **arguments: object) -> int:
    return api.send(api_app(api.studio), "GET", f"/v1/api{path}", **arguments).status_code


@pytest.mark.parametrize("header", ["x-api-key", "x-jwt-token", "authorization"])
def test_a_key_may_be_in_any_of_the_headers_that_the_clients_use(api: Api, header: str) -> None:
    prefix = "Bearer " if header == "authorization" else ""
    assert status(api, headers={header: prefix + api.keys["admin"]}) == 200
    assert status(api, headers={header: prefix + api.keys["admin"][:-1]}) == 401


def test_a_key_may_be_in_the_cookie_of_a_login(api: Api) -> None:
    assert status(api, headers={"Cookie": f"theme=dark; jwt={api.keys['admin']}"}) == 200
    assert status(api, headers={"Cookie": "jwt="}) == 401


def test_the_api_key_counts_if_another_token_is_sent_too(api: Api) -> None:
    both = {"x-api-key": api.keys["readonly"], "x-jwt-token": "unknown"}
    assert status(api, "/1/raw-data/count", headers=both) == 200
    assert status(api, "/1/raw-data/count", headers={**both, "x-api-key": "unknown"}) == 401


def test_a_missing_key_and_an_unknown_key_have_different_messages(api: Api) -> None:
    app = api_app(api.studio)
    missing = api.send(app, "GET", "/v1/api/projects").json()["error"]
    unknown = api.send(app, "GET", "/v1/api/projects", headers={"x-api-key": "ei_x"}).json()["error"]
    assert missing == "The request has no API key: send it in the header x-api-key"
    assert unknown == "The API key is not valid: it is unknown, revoked or expired"


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("admin", {"read", "change", "build", "builds"}),
        ("readonly", {"read", "builds"}),
        ("ingestiononly", set()),
        ("ingestion_deployment", {"build", "builds"}),
    ],
)
def test_each_role_allows_its_own_kinds_of_requests(api: Api, role: str, allowed: set[str]) -> None:
    requests = {
        "read": ("GET", "/1/raw-data/count"),
        "change": ("POST", "/1/rebalance"),
        "build": ("POST", "/1/jobs/build-ondevice-model"),
        "builds": ("GET", "/1/deployment/history"),
    }
    found = {kind for kind, (verb, path) in requests.items() if api.call(verb, path, role).status_code == 200}
    assert found == allowed


def test_the_rejection_of_a_role_names_the_valid_roles(api: Api) -> None:
    response = api.call("GET", "/1/raw-data/count", "ingestiononly")
    assert response.status_code == 403
    assert response.json()["error"] == "insufficient permissions (valid roles: [admin, readonly])"


def test_a_key_of_another_project_is_rejected_by_both_ids_and_also_for_projects_that_do_not_exist(api: Api) -> None:
    for other in (2, 0, 99):
        response = api.call("GET", f"/{other}/raw-data/count")
        assert response.status_code == 403
        assert response.json()["error"] == f"The API key is for project 1, not for project {other}"


def test_an_id_that_sqlite_cannot_hold_is_no_route(api: Api) -> None:
    assert api.call("GET", f"/1/raw-data/{2**63 - 1}").json()["error"] == "No sample with this ID found"
    response = api.call("GET", f"/1/raw-data/{2**63}")
    assert response.status_code == 404
    assert response.json()["error"] == f"There is no such route: an id in the path is larger than {2**63 - 1}"


def test_the_key_is_checked_before_the_body_is_read(api: Api) -> None:
    response = api.call("POST", "/1/raw-data/1/move", "readonly", content=b"{")
    assert response.status_code == 403


def test_the_secret_of_a_request_is_not_shown_in_its_representation(api: Api) -> None:
    key = api.studio.store.keys.find(api.keys["admin"])
    assert key is not None
    assert api.keys["admin"] not in repr(RequestContext(api.studio, key, api.keys["admin"]))
