"""The checks in front of all routes: host names, sizes of bodies, and the count of active requests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send
from studio_in_process import Api

from ei_toolkit.studio.context import Activity
from ei_toolkit.studio.http.guard import Guard


async def echo_length(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that answers with the number of bytes of the body."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await PlainTextResponse(str(size))(scope, receive, send)


def guard(host: str = "127.0.0.1", largest: int = 2**20) -> Guard:
    return Guard(echo_length, Activity(), host, largest)


@pytest.mark.parametrize(
    ("listens_on", "host", "status"),
    [
        ("127.0.0.1", "127.0.0.1:4800", 200),
        ("127.0.0.1", "LocalHost", 200),
        ("127.0.0.1", "[::1]:4800", 200),
        ("127.0.0.1", "192.168.1.5:4800", 421),
        ("127.0.0.1", "127.0.0.1:port", 421),
        ("192.168.1.5", "192.168.1.5", 200),
        ("192.168.1.5", "192.168.1.6", 421),
        ("fe80::1", "[fe80::1]:4800", 200),
        ("0.0.0.0", "192.168.1.5:4800", 200),
        ("::", "[2001:db8::7]:4800", 200),
        ("0.0.0.0", "studio.example", 421),
        ("0.0.0.0", "999.1.1.1", 421),
    ],
)
def test_a_host_name_is_accepted_only_if_it_cannot_be_one_of_another_site(
    api: Api, listens_on: str, host: str, status: int
) -> None:
    response = api.send(guard(listens_on), "GET", "/", headers={"Host": host})
    assert response.status_code == status
    if status == 421:
        name = host.lower() if host.endswith("port") else host.lower().removesuffix(":4800")
        assert response.json()["error"] == f"The host name {name!r} is not served by this studio: use 127.0.0.1"


def test_a_long_host_name_is_shortened_in_the_message(api: Api) -> None:
    response = api.send(guard(), "GET", "/", headers={"Host": "a" * 500})
    assert f"{'a' * 100!r} is not served" in response.json()["error"]


def test_a_body_of_exactly_the_largest_size_is_accepted_and_one_byte_more_is_not(api: Api) -> None:
    assert api.send(guard(), "POST", "/", content=b"x" * 2**20).text == str(2**20)
    rejected = api.send(guard(), "POST", "/", content=b"x" * (2**20 + 1))
    assert (rejected.status_code, rejected.json()["error"]) == (
        413,
        "The body has more than the 1 MiB that are accepted",
    )


def test_a_chunked_body_without_a_length_is_limited_while_it_is_read(api: Api) -> None:
    async def chunks(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b" " * 2**20

    def post(count: int) -> Any:
        return api.call("POST", "/1/rebalance", content=chunks(count))

    api_limit = 16
    assert post(api_limit).json()["success"]
    too_large = api.call("POST", "/1", content=chunks(api_limit + 1))
    assert too_large.status_code == 413
    assert too_large.json()["error"] == "The body has more than the 16 MiB that are accepted"


@pytest.mark.parametrize(("length", "status"), [("\u00b2", 200), ("-5", 200), ("", 200), ("9" * 5000, 413)])
def test_a_length_that_is_no_number_counts_as_unknown_and_a_huge_one_is_rejected(
    api: Api, length: str, status: int
) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"abc"}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"content-length", length.encode("latin-1"))]
    api.loop.run(guard()({"type": "http", "headers": headers}, receive, send))
    assert sent[0]["status"] == status


def test_a_websocket_of_an_unknown_host_is_closed_with_the_code_for_a_policy_violation(api: Api) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("a rejected connection is not read")

    async def send(message: Message) -> None:
        sent.append(message)

    api.loop.run(guard()({"type": "websocket", "headers": [(b"host", b"evil.example")]}, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_a_request_counts_as_active_until_it_has_ended_also_if_it_fails(api: Api) -> None:
    activity, seen = Activity(), []

    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((activity.active, activity.idle_s))
        raise RuntimeError("the app failed")

    async def nothing(*_: object) -> Message:
        return {}

    with pytest.raises(RuntimeError, match="the app failed"):
        api.loop.run(
            Guard(fail, activity, "localhost", 10)(
                {"type": "http", "headers": [(b"host", b"localhost")]}, nothing, nothing
            )
        )
    assert seen == [(1, 0.0)]
    assert activity.active == 0 and activity.idle_s > 0


def test_other_messages_of_the_server_are_passed_on_without_a_check(api: Api) -> None:
    passed: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(scope["type"])

    async def nothing(*_: object) -> Message:
        return {}

    activity = Activity()
    api.loop.run(Guard(app, activity, "localhost", 10)({"type": "lifespan"}, nothing, nothing))
    assert passed == ["lifespan"] and activity.active == 0
