"""Login, the list of projects, and what a key is for."""

from __future__ import annotations

import pytest
from studio_in_process import Api

from ei_toolkit.studio.http.app import api_app

WRONG = "Invalid username or password (the local studio takes an admin's API key as the password)"


def login(api: Api, **body: object) -> dict[str, object]:
    document: dict[str, object] = api.send(api_app(api.studio), "POST", "/v1/api-login", json=body).json()
    return document


def test_an_admin_logs_in_with_the_api_key_as_password_and_uses_the_token(api: Api) -> None:
    token = login(api, username="anybody", password=api.keys["admin"])["token"]
    headers = {"x-jwt-token": str(token)}
    assert api.send(api_app(api.studio), "POST", "/v1/api/1/rebalance", headers=headers).json()["success"]


@pytest.mark.parametrize("role", ["readonly", "ingestiononly", "ingestion_deployment"])
def test_other_roles_cannot_log_in(api: Api, role: str) -> None:
    assert login(api, username="u", password=api.keys[role]) == {"success": False, "error": WRONG}


def test_a_login_names_what_is_missing(api: Api) -> None:
    assert login(api, username="u")["error"] == "password is missing"
    assert login(api)["error"] == "username is missing; password is missing"


def test_a_key_sees_its_own_project_only(api: Api) -> None:
    api.studio.store.projects.create("Other")
    assert [project["id"] for project in api.fields("GET", "/projects", "readonly")["projects"]] == [1]


def test_a_project_is_created_with_an_admin_key_of_its_own(api: Api) -> None:
    made = api.fields("POST", "/projects/create", json={"projectName": "Größe 🎵"})
    headers = {"x-api-key": made["apiKey"]}
    [listed] = api.send(api_app(api.studio), "GET", "/v1/api/projects", headers=headers).json()["projects"]
    assert (listed["id"], listed["name"]) == (made["id"], "Größe 🎵")
    [key] = api.send(api_app(api.studio), "GET", f"/v1/api/{made['id']}/apikeys", headers=headers).json()["apiKeys"]
    assert (key["role"], key["name"], key["isDevelopmentKey"]) == ("admin", "created with the project", True)


def test_a_project_needs_a_name_and_an_admin(api: Api) -> None:
    response = api.call("POST", "/projects/create", json={})
    assert (response.status_code, response.json()["error"]) == (400, "projectName is missing")
    assert api.call("POST", "/projects/create", "readonly", json={"projectName": "p"}).status_code == 403
    assert len(api.studio.store.projects.all()) == 1
