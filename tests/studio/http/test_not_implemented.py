"""Paths without a route: methods that Edge Impulse has and the studio has not, and paths that nobody has."""

from __future__ import annotations

import pytest
from fastapi import APIRouter
from studio_in_process import Api

from ei_toolkit.studio.http.app import api_app
from ei_toolkit.studio.http.not_implemented import Method, find_method, official_methods, route_shapes

TUNER = Method("optimization", "get_tuner", "GET", "/api/{projectId}/tuner/{tunerId}")


@pytest.mark.parametrize(
    ("verb", "path", "matches"),
    [
        ("GET", "/api/1/tuner/abc", True),
        ("GET", "/api/x/tuner/%20", True),
        ("POST", "/api/1/tuner/abc", False),
        ("GET", "/api/1/tuner", False),
        ("GET", "/api/1/tuner/", False),
        ("GET", "/api/1/tuner/a/b", False),
        ("GET", "/v1/api/1/tuner/a", False),
    ],
)
def test_a_field_of_a_path_is_one_part_that_is_not_empty(verb: str, path: str, matches: bool) -> None:
    assert TUNER.matches(verb, path) is matches


def test_characters_of_a_path_have_no_meaning_as_a_pattern() -> None:
    method = Method("a", "b", "GET", "/api/v1.0/{id}")
    assert method.matches("GET", "/api/v1.0/2") and not method.matches("GET", "/api/v1x0/2")


def test_two_routes_are_compared_without_the_names_and_types_of_their_fields() -> None:
    router = APIRouter()
    router.get("/v1/api/{project:int}/tuner/{id}")(lambda: None)
    assert route_shapes(router.routes) == {TUNER.shape} == {"GET /api/{}/tuner/{}"}


def test_every_official_method_is_found_by_a_request_for_it() -> None:
    methods = official_methods()
    assert len(methods) > 500 and len(set(methods)) == len(methods)
    for method in methods:
        path = "/".join("7" if part.startswith("{") else part for part in method.path.split("/"))
        found = find_method(method.verb, path)
        assert found is not None and found.verb == method.verb
        assert found.matches(method.verb, path)


def test_a_method_that_is_missing_is_named_with_its_verb_and_path(api: Api) -> None:
    response = api.call("POST", "/1/jobs/autotune-dsp", json={})
    assert response.status_code == 501
    assert response.json()["error"] == (
        "autotune_dsp_job (POST /api/{projectId}/jobs/autotune-dsp) is not implemented by the local studio"
    )


def test_an_implemented_method_with_an_id_that_is_no_number_is_not_called_missing(api: Api) -> None:
    response = api.call("GET", "/1/raw-data/seven")
    assert response.status_code == 404
    assert response.json()["error"] == "There is no such route: GET /v1/api/1/raw-data/seven"


def test_a_long_path_is_shortened_in_the_message(api: Api) -> None:
    error = api.call("GET", "/" + "x" * 1000).json()["error"]
    assert error == f"There is no such route: GET /v1/{('api/' + 'x' * 1000)[:200]}"


def test_an_unknown_path_is_answered_only_with_a_key(api: Api) -> None:
    assert api.call("GET", "/nothing", headers={"x-api-key": "unknown"}).status_code == 401


@pytest.mark.parametrize("verb", ["GET", "POST", "PUT", "DELETE", "PATCH"])
def test_every_verb_without_a_route_is_404(api: Api, verb: str) -> None:
    assert api.call(verb, "/no/such/path").status_code == 404


def test_a_path_outside_of_the_api_is_404_with_json(api: Api) -> None:
    response = api.send(api_app(api.studio), "GET", "/favicon.ico")
    assert response.status_code == 404
    assert response.json()["error"] == "There is no such route: GET /favicon.ico"
