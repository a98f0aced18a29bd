"""What holds for every route; which keys it needs is in `test_permissions.py`."""

from __future__ import annotations

from studio_in_process import Api, routes

from ei_toolkit.studio.http.app import api_app


def test_there_are_as_many_routes_as_methods_that_are_implemented() -> None:
    found = list(routes())
    assert len(found) == len(set(found)) > 120


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
