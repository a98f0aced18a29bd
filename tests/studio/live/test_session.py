"""One connection of the live log, packet by packet, without a network."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from studio_in_process import Api

from ei_toolkit.studio.live import session as module
from ei_toolkit.studio.live.hub import Hub
from ei_toolkit.studio.live.session import HELLO, Session

Action = Callable[[Session], Coroutine[Any, Any, None]]


def talk(api: Api, action: Action, *, protocol: int = 4, role: str = "admin", opened: bool = False) -> list[str]:
    """Let an action use a connection; return the packets that the client is sent, without the first ones."""
    key = api.studio.store.keys.find(api.keys[role])
    assert key is not None

    async def run() -> list[str]:
        session = Session(api.studio, key, protocol)
        session.open()
        first = 3 if protocol == 3 else 1
        await action(session)
        packets = [session.outbox.get_nowait() for _ in range(session.outbox.qsize())]
        session.close()
        return [str(packet) for packet in (packets if opened else packets[first:])]

    return api.loop.run(run())


def receive(*packets: str) -> Action:
    async def action(session: Session) -> None:
        for packet in packets:
            await session.receive(packet)

    return action


def event(name: str, **fields: Any) -> str:
    return "42" + json.dumps([name, fields])


def events(packets: list[str]) -> list[list[Any]]:
    return [json.loads(packet[2:]) for packet in packets if packet.startswith("42")]


def add_job(api: Api, *lines: str) -> int:
    """A queued job with a log."""
    job = api.studio.store.jobs.add(1, "export", f"key-{len(lines)}", "c", {}).id
    for line in lines:
        api.studio.runner.log(job).append(line)
    return job


def finish(api: Api, job: int, success: bool) -> None:
    api.studio.store.jobs.start(job)
    api.studio.store.jobs.finish(job, success=success)


def test_engine_io_4_opens_with_a_handshake_and_waits_for_the_client(api: Api) -> None:
    [handshake] = talk(api, receive(), opened=True)
    found = json.loads(handshake[1:])
    assert handshake[0] == "0" and found["upgrades"] == []
    assert (found["pingInterval"], found["pingTimeout"], found["maxPayload"]) == (25_000, 20_000, 1_000_000)
    [connected, hello] = talk(api, receive("40{}"))
    assert connected.startswith('40{"sid":"') and hello == HELLO


def test_engine_io_3_is_connected_and_greeted_at_once(api: Api) -> None:
    [handshake, connected, hello] = talk(api, receive(), protocol=3, opened=True)
    assert handshake[0] == "0" and (connected, hello) == ("40", HELLO)


def test_every_connection_has_an_id_of_its_own(api: Api) -> None:
    ids = {json.loads(talk(api, receive(), opened=True)[0][1:])["sid"] for _ in range(10)}
    assert len(ids) == 10


@pytest.mark.parametrize(("protocol", "answers"), [(3, ["3", "3probe"]), (4, [])])
def test_pings_of_the_client_are_answered_in_version_3_only(api: Api, protocol: int, answers: list[str]) -> None:
    assert talk(api, receive("2", "2probe"), protocol=protocol) == answers


def test_a_client_that_closes_ends_the_packets(api: Api) -> None:
    async def action(session: Session) -> None:
        await session.receive("1")
        packets = [packet async for packet in session.outgoing()]
        assert len(packets) == 1  # the handshake

    assert talk(api, action) == []


@pytest.mark.parametrize(
    "packet",
    [
        "", "5", "41", "42", "42{", "42[]", "42[1]", '42["start-log-stream"]', '42["start-log-stream",{}]',
        '42["start-log-stream",{"jobId":"x"}]', '42["start-log-stream",{"jobId":1e400}]', '42["unknown",{"jobId":1}]',
        '42["start-log-stream",{"jobId":99}]', '42["job-cancel",{"jobId":99999999999999999999999}]',
        "42" + "[" * 100_000,
    ],
)  # fmt: skip
def test_a_packet_that_means_nothing_is_ignored(api: Api, packet: str) -> None:
    assert talk(api, receive(packet)) == []


def test_the_log_of_a_finished_job_is_replayed_with_its_end(api: Api) -> None:
    job = add_job(api, "größe 1", "line 2")
    finish(api, job, success=False)
    assert events(talk(api, receive(event("start-log-stream", jobId=job)))) == [
        [f"job-data-{job}", {"data": "größe 1\n", "jobId": job}],
        [f"job-data-{job}", {"data": "line 2\n", "jobId": job}],
        [f"job-finished-{job}", {"success": False}],
        ["job-finished", {"jobId": job, "success": False}],
    ]


def test_a_job_id_may_be_sent_as_text(api: Api) -> None:
    job = add_job(api, "line")
    assert len(events(talk(api, receive(event("start-log-stream", jobId=str(job)))))) == 1


def test_lines_after_the_replay_follow_and_the_end_is_sent_once(api: Api) -> None:
    job = add_job(api, "old")

    async def action(session: Session) -> None:
        await session.receive(event("start-log-stream", jobId=job))
        api.studio.hub.publish_line(job, "new\n")
        api.studio.hub.publish_line(job + 1, "of another job\n")
        api.studio.hub.publish_end(job, True)
        api.studio.hub.publish_end(job, True)

    found = events(talk(api, action))
    assert [fields.get("data") for _, fields in found] == ["old\n", "new\n", None, None]
    assert found[-1] == ["job-finished", {"jobId": job, "success": True}]


def test_a_second_subscription_to_the_same_job_repeats_nothing(api: Api) -> None:
    job = add_job(api, "line")
    start = event("start-log-stream", jobId=job)
    assert len(events(talk(api, receive(start, start)))) == 1


def test_several_jobs_are_followed_at_once(api: Api) -> None:
    one, two = add_job(api, "a"), add_job(api, "b", "c")

    async def action(session: Session) -> None:
        for job in (one, two):
            await session.receive(event("start-log-stream", jobId=job))
        api.studio.hub.publish_line(one, "d\n")

    names = [name for name, _ in events(talk(api, action))]
    assert names == [f"job-data-{one}", f"job-data-{two}", f"job-data-{two}", f"job-data-{one}"]


def test_a_closed_connection_receives_nothing_any_more(api: Api) -> None:
    job = add_job(api)

    async def action(session: Session) -> None:
        await session.receive(event("start-log-stream", jobId=job))
        session.close()
        api.studio.hub.publish_line(job, "later\n")

    assert talk(api, action) == []


def test_a_job_of_another_project_is_not_followed(api: Api) -> None:
    other = api.studio.store.projects.create("Other").id
    job = api.studio.store.jobs.add(other, "export", "k", "c", {}).id
    api.studio.runner.log(job).append("secret")

    async def action(session: Session) -> None:
        await session.receive(event("start-log-stream", jobId=job))
        api.studio.hub.publish_line(job, "secret\n")

    assert talk(api, action) == []


@pytest.mark.parametrize(
    ("role", "cancels"),
    [("admin", True), ("ingestion_deployment", True), ("readonly", False), ("ingestiononly", False)],
)
def test_a_job_is_cancelled_by_the_roles_that_may_build(api: Api, role: str, cancels: bool) -> None:
    job = add_job(api)
    talk(api, receive(event("job-cancel", jobId=job)), role=role)
    assert (api.studio.store.jobs.by_id(job).reason == "cancelled") is cancels


def test_a_slow_client_is_disconnected_after_the_packets_that_were_queued(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_QUEUED", 5)
    job = add_job(api, *map(str, range(20)))

    async def action(session: Session) -> None:
        session.outbox = asyncio.Queue(5)
        await session.receive(event("start-log-stream", jobId=job))
        sent = [packet async for packet in session.outgoing()]
        assert [json.loads(packet[2:])[1]["data"] for packet in sent] == ["0\n", "1\n", "2\n", "3\n"]

    talk(api, action)


def test_an_open_connection_ends_after_its_key_was_revoked(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEY_CHECK_INTERVAL_S", 0.02)

    async def action(session: Session) -> None:
        packets = session.outgoing()
        await anext(packets)  # the handshake
        waiting = asyncio.ensure_future(anext(packets, "the end"))
        assert not (await asyncio.wait([waiting], timeout=0.1))[0]
        api.studio.store.keys.revoke(1, session.key.id)
        assert await asyncio.wait_for(waiting, 5) == "the end"

    talk(api, action)


def test_pings_are_sent_in_version_4_only_and_after_the_interval(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PING_INTERVAL_S", 0.03)

    async def action(session: Session) -> None:
        packets = session.outgoing()
        await anext(packets)  # the handshake
        waiting = asyncio.ensure_future(anext(packets))
        done, _ = await asyncio.wait([waiting], timeout=0.15)
        assert bool(done) is (session.protocol == 4)
        if done:
            assert waiting.result() == "2"
        waiting.cancel()

    talk(api, action)

    async def without_greeting(session: Session) -> None:
        for _ in range(2):
            session.outbox.get_nowait()
        await action(session)

    talk(api, without_greeting, protocol=3)


@pytest.mark.parametrize(("role", "project", "count"), [("admin", 1, 1), ("readonly", 1, 0), ("admin", 2, 0)])
def test_a_debug_stream_reaches_those_who_may_start_one_in_its_project(
    api: Api, role: str, project: int, count: int
) -> None:
    async def action(session: Session) -> None:
        api.studio.hub.publish_stream(project, 5, {"index": 1})

    assert events(talk(api, action, role=role)) == count * [["debug-stream-data-5", {"index": 1}]]


def test_a_line_reaches_every_subscriber_of_its_job_also_if_one_leaves_meanwhile() -> None:
    hub, seen = Hub(), []

    def leaving(text: str, success: bool | None) -> None:
        seen.append("leaving")
        hub.unsubscribe(1, leaving)

    def staying(text: str, success: bool | None) -> None:
        seen.append(text)

    hub.subscribe(1, leaving)
    hub.subscribe(1, staying)
    for line in ("a", "b"):
        hub.publish_line(1, line)
    assert sorted(seen) == ["a", "b", "leaving"]
    hub.publish_end(1, True)
    assert seen[-1] == ""
