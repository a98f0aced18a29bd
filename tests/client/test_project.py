"""The project that a key opens, and what the role of the key allows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ei_toolkit.client.project import SHOWN, KeyInfo, key_info, open_studio, require_training
from ei_toolkit.client.transport import Transport
from ei_toolkit.errors import ApiError, CredentialError, NetworkError


def projects(*names: str) -> dict[str, Any]:
    return {"projects": [{"id": number, "name": name} for number, name in enumerate(names, 10)]}


def test_the_only_project_of_a_key_is_opened(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/projects"] = projects("Genres")
    studio = open_studio(scripted_studio.studio.transport)
    assert studio.project == 10
    assert studio.path() == "/api/10"
    assert studio.path("dsp", 3) == "/api/10/dsp/3"


def test_a_project_of_the_settings_is_opened_without_a_request(scripted_studio: Any) -> None:
    endpoint = replace(scripted_studio.studio.transport.endpoint, project=77)
    assert open_studio(Transport(endpoint)).project == 77
    assert scripted_studio.seen == []


def test_a_key_of_several_projects_needs_a_choice(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/projects"] = projects("Genres", "Größe 🎸")
    with pytest.raises(ApiError, match="the key opens 2 projects") as caught:
        open_studio(scripted_studio.studio.transport)
    assert caught.value.why == "10 (Genres), 11 (Größe 🎸)"
    assert caught.value.hint == "Set [studio] project to the id of one."


def test_an_error_names_a_limited_number_of_projects(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/projects"] = projects(*["many"] * 200)
    with pytest.raises(ApiError, match="the key opens 200 projects") as caught:
        open_studio(scripted_studio.studio.transport)
    assert caught.value.why.count("many") == SHOWN


def test_a_key_without_a_project_is_an_error(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/projects"] = projects()
    with pytest.raises(ApiError, match="the key opens 0 projects"):
        open_studio(scripted_studio.studio.transport)


@pytest.mark.parametrize("damaged", [{}, {"projects": {}}, {"projects": [{"name": "no id"}]}, {"projects": ["x"]}])
def test_a_damaged_list_of_projects_is_an_error_of_the_studio(scripted_studio: Any, damaged: dict[str, Any]) -> None:
    scripted_studio.answers["/api/projects"] = damaged
    with pytest.raises(ApiError, match="the response for /api/projects is not valid"):
        open_studio(scripted_studio.studio.transport)


@pytest.mark.parametrize(
    ("role", "trains"),
    [("admin", True), ("readonly", False), ("ingestiononly", False), ("ingestion_deployment", False), ("new", False)],
)
def test_only_an_administrator_trains(scripted_studio: Any, role: str, trains: bool) -> None:
    scripted_studio.answers["/api/projects/api-key-info"] = {"projectId": 1, "role": role}
    transport = scripted_studio.studio.transport
    assert key_info(transport).can_train is trains
    if trains:
        require_training(transport)
        return
    with pytest.raises(CredentialError, match=f"this key has the role {role} and cannot change") as caught:
        require_training(transport)
    assert "admin" in caught.value.hint


def test_the_end_of_a_key_is_read_where_it_has_one(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/projects/api-key-info"] = [
        {"projectId": 1, "role": "admin", "expires": "2027-01-01T00:00:00Z"},
        {"projectId": 1, "role": "admin", "expires": None},
    ]
    transport = scripted_studio.studio.transport
    assert key_info(transport) == KeyInfo(1, "admin", "2027-01-01T00:00:00Z")
    assert key_info(transport).expires == ""


@pytest.mark.parametrize("answer", [{"projectId": 1}, (404, b"not found", {})])
def test_a_studio_that_does_not_state_the_role_may_train(scripted_studio: Any, answer: Any) -> None:
    scripted_studio.answers["/api/projects/api-key-info"] = answer
    require_training(scripted_studio.studio.transport)


def test_a_rejected_key_is_not_taken_for_an_unknown_role(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/projects/api-key-info"] = (401, b'{"success":false,"error":"Invalid API key"}', {})
    with pytest.raises(CredentialError, match="does not accept the key"):
        require_training(scripted_studio.studio.transport)


def test_a_studio_that_cannot_be_reached_is_left_to_the_next_request(
    scripted_studio: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("urllib3.util.retry.time.sleep", lambda _: None)
    nowhere = replace(scripted_studio.studio.transport.endpoint, api_url="http://127.0.0.1:9/v1")
    require_training(Transport(nowhere))
    with pytest.raises(NetworkError):
        key_info(Transport(nowhere))
