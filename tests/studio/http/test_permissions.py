"""Every request and every event of the live log, with every kind of key, compared with docs/permissions.md."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from studio_in_process import Api

from ei_toolkit.studio.http.app import API_ROUTERS, INGESTION_ROUTERS, api_app, ingestion_app
from ei_toolkit.studio.live.session import Session
from ei_toolkit.studio.permissions import LIVE_EVENTS, PERMISSIONS
from ei_toolkit.studio.store.keys import ROLES, Key, Role

PAGE = (Path(__file__).resolve().parents[3] / "docs/permissions.md").read_text(encoding="utf-8")
Request = tuple[str, str]
"""Method and path, with the names of its fields in braces."""


def rows(columns: int) -> Iterator[list[str]]:
    """The cells of the rows of the tables of the page that have a number of columns."""
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == columns:
            yield cells


TABLE = list(rows(5))
ALLOWED = {name: {role for role, answer in zip(TABLE[0][1:], answers, strict=True) if answer == "yes"}
           for name, *answers in TABLE[1:]}  # fmt: skip
REQUESTS: dict[Request, str] = {
    (method, path): permission for method, path, permission in rows(3) if method != "method"
}
EVENTS = {event: permission for event, permission in rows(2) if event != "event"}


def served() -> set[Request]:
    """Every method and path that the two services have."""
    return {
        (method, route.path.replace(":int", ""))
        for router in (*API_ROUTERS, *INGESTION_ROUTERS)
        for route in router.routes
        if isinstance(route, APIRoute) and "{path:path}" not in route.path
        for method in route.methods
    }


def status(api: Api, request: Request, key: str, project: int = 1) -> tuple[int, str]:
    """Send an empty request; return the status and the message. The project has nothing with the id 99."""
    method, path = request
    app = api_app(api.studio) if path.startswith("/v1/") else ingestion_app(api.studio)
    filled = path.replace("{projectId}", str(project)).replace("{category}", "training")
    filled = re.sub(r"\{\w*(Id|Version|Index)\}", "99", filled)
    response = api.send(app, method, re.sub(r"\{\w+\}", "x", filled), headers={"x-api-key": key} if key else {})
    return response.status_code, response.text


def test_the_page_lists_every_request_every_event_and_every_role() -> None:
    assert set(REQUESTS) == served() and len(REQUESTS) > 120
    assert EVENTS == LIVE_EVENTS
    assert TABLE[0][1:] == list(ROLES)
    assert {name: set(roles) for name, roles in PERMISSIONS.items()} == ALLOWED
    assert set(REQUESTS.values()) == {*PERMISSIONS, "no key"}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_its_permissions_allow_and_nothing_else(api: Api, role: Role) -> None:
    last = ("DELETE", "/v1/api/{projectId}")  # after it, the key does not exist any more
    for request in sorted(REQUESTS, key=lambda one: one == last):
        code, text = status(api, request, api.keys[role])
        is_allowed = role in ALLOWED.get(REQUESTS[request], set(ROLES))
        assert ("insufficient permissions" in text) is not is_allowed, (request, text)
        assert (code == 403) is not is_allowed and code not in (401, 404), (request, code, text)


@pytest.mark.parametrize("kind", ["none", "unknown", "revoked", "expired", "of a deleted project"])
def test_a_key_that_is_not_valid_may_do_nothing(api: Api, kind: str) -> None:
    keys, secret = api.studio.store.keys, "" if kind == "none" else "ei_0123456789abcdef"
    if kind == "revoked":
        keys.revoke(1, keys.add(1, "k", "admin", secret))
    elif kind == "expired":
        keys.add(1, "k", "admin", secret, expires="2020-01-01T00:00:00.000Z")
    elif kind == "of a deleted project":
        project = api.studio.store.projects.create("Other").id
        keys.add(project, "k", "admin", secret)
        api.studio.store.projects.delete(project)
    answered = {request for request in REQUESTS if status(api, request, secret)[0] != 401}
    assert answered == {request for request, permission in REQUESTS.items() if permission == "no key"}


def test_a_key_of_another_project_may_do_nothing_in_this_one(api: Api) -> None:
    other = api.studio.store.projects.create("Other").id
    api.studio.store.keys.add(other, "k", "admin", "ei_0123456789abcdef")
    for request in REQUESTS:
        if "{projectId}" in request[1]:
            assert status(api, request, "ei_0123456789abcdef")[0] == 403, request


def send_event(api: Api, key: Key, event: str, job: int) -> tuple[bool, bool]:
    """Send an event on a connection with a key; return whether it was carried out and whether the connection ended."""

    async def run() -> tuple[bool, bool]:
        session = Session(api.studio, key, 4)
        await session.receive("42" + json.dumps([event, {"jobId": job}]))
        packets = [session.outbox.get_nowait() for _ in range(session.outbox.qsize())]
        is_done = bool(session.subscriptions) or api.studio.store.jobs.by_id(job).reason == "cancelled"
        session.close()
        return is_done, None in packets

    return api.loop.run(run())


def add_job(api: Api, project: int = 1) -> int:
    return api.studio.store.jobs.add(project, "export", "k", "c", {}).id


def key_of(api: Api, role: str) -> Key:
    key = api.studio.store.keys.find(api.keys[role])
    assert key is not None
    return key


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("event", EVENTS)
def test_an_event_is_carried_out_for_the_roles_that_its_permission_allows(api: Api, event: str, role: Role) -> None:
    assert send_event(api, key_of(api, role), event, add_job(api)) == (role in ALLOWED[EVENTS[event]], False)


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_for_a_job_of_another_project_is_ignored(api: Api, event: str) -> None:
    job = add_job(api, api.studio.store.projects.create("Other").id)
    assert send_event(api, key_of(api, "admin"), event, job) == (False, False)


@pytest.mark.parametrize("end", ["revoked", "expired"])
@pytest.mark.parametrize("event", EVENTS)
def test_an_event_of_a_key_that_is_not_valid_any_more_ends_the_connection(api: Api, event: str, end: str) -> None:
    key, job = key_of(api, "admin"), add_job(api)
    if end == "revoked":
        api.studio.store.keys.revoke(1, key.id)
    else:
        api.studio.store.database.run("UPDATE keys SET expires = '2020' WHERE id = ?", (key.id,))
    assert send_event(api, key, event, job) == (False, True)


@pytest.mark.parametrize("role", ROLES)
def test_a_token_for_the_live_log_is_given_to_the_roles_that_may_read_it(api: Api, role: Role) -> None:
    response = api.call("GET", "/1/socket-token", role)
    assert (response.status_code == 200) is (role in ALLOWED["read builds"])
