"""The live log in the packets of both official clients: replay, subscription, pings, errors and tokens."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from ei_toolkit.studio.jobs.process import JobLog
from ei_toolkit.studio.live import hub, session
from ei_toolkit.studio.live.hub import Tokens
from ei_toolkit.studio.options import Options

WINDOW = {"id": 1, "type": "time-series", "windowSizeMs": 100, "windowIncreaseMs": 50, "frequencyHz": 16000}
DSP = {"id": 2, "type": "spectrogram", "axes": ["audio"], "input": 1, "implementationVersion": 4}


@pytest.fixture(scope="module")
def job(server: Any) -> int:
    """A job that has ended."""
    import numpy as np

    from ei_toolkit.audio.wav import wav_bytes

    server.upload({"rock.wav": wav_bytes(np.zeros(1600, np.int16), 16000)})
    server.json("POST", "/1/impulse", json={"inputBlocks": [WINDOW], "dspBlocks": [DSP], "learnBlocks": []})
    started = server.json("POST", "/1/jobs/generate-features", json={"dspId": 2})["id"]
    server.wait(started)
    return started


def open_socket(server: Any, protocol: int, role: str = "admin", token: str = "") -> ClientConnection:
    token = token or server.json("GET", "/1/socket-token", role)["token"]["socketToken"]
    url = server.api.removesuffix("/v1/api").replace("http", "ws")
    return connect(f"{url}/socket.io/?token={token}&onDemandLogs=true&transport=websocket&EIO={protocol}", proxy=None)


def events_until_end(connection: ClientConnection, job: int) -> list[list[Any]]:
    events: list[list[Any]] = []
    while not events or events[-1][0] != "job-finished":
        packet = str(connection.recv(timeout=20))
        if packet.startswith("42"):
            events.append(json.loads(packet[2:]))
    return events


def test_engine_io_4_replays_the_log_of_a_finished_job_and_sends_both_events_of_its_end(server: Any, job: int) -> None:
    with open_socket(server, 4) as connection:
        assert json.loads(str(connection.recv(5))[1:])["pingInterval"] == 25000
        connection.send("40{}")
        assert str(connection.recv(5)).startswith('40{"sid"')
        assert connection.recv(5) == '42["hello",{"hello":{"version":1}}]'
        connection.send("42" + json.dumps(["start-log-stream", {"jobId": job}]))
        events = events_until_end(connection, job)
    assert events[-2:] == [
        [f"job-finished-{job}", {"success": True}],
        ["job-finished", {"jobId": job, "success": True}],
    ]
    complete = server.call("GET", f"/1/jobs/{job}/stdout/download").text
    assert "".join(event[1]["data"] for event in events[:-2]) == complete


def test_engine_io_3_receives_the_greeting_without_a_request_and_answers_to_its_pings(server: Any, job: int) -> None:
    with open_socket(server, 3) as connection:
        assert str(connection.recv(5)).startswith("0{")
        assert [connection.recv(5), connection.recv(5)] == ["40", '42["hello",{"hello":{"version":1}}]']
        connection.send("2")
        assert connection.recv(5) == "3"
        connection.send(f'42["start-log-stream",{{"jobId":{job},"lastReceivedTimestamp":0}}]')
        assert events_until_end(connection, job)[-1][1]["success"] is True


def test_a_job_that_starts_later_is_received_line_by_line(server: Any, job: int) -> None:
    with open_socket(server, 4) as connection:
        connection.send("40{}")
        started = server.json("POST", "/1/jobs/generate-features", json={"dspId": 2})["id"]
        connection.send(f'42["start-log-stream",{{"jobId":{started}}}]')
        events = events_until_end(connection, started)
    texts = [event[1]["data"] for event in events if event[0] == f"job-data-{started}"]
    assert texts == server.call("GET", f"/1/jobs/{started}/stdout/download").text.splitlines(keepends=True)


@pytest.mark.parametrize("packet", ["42[", "42[1]", '42["start-log-stream"]', '42["start-log-stream",{"jobId":"x"}]',
                                    '42["start-log-stream",{"jobId":1e400}]', '42["start-log-stream",{"jobId":999}]',
                                    "9", "", "42" + "[" * 5000])  # fmt: skip
def test_an_invalid_packet_is_ignored_and_the_connection_stays_open(server: Any, job: int, packet: str) -> None:
    with open_socket(server, 3) as connection:
        for _ in range(3):
            connection.recv(5)
        connection.send(packet)
        connection.send("2")
        assert connection.recv(5) == "3"


def test_a_connection_with_an_unknown_token_is_rejected(server: Any) -> None:
    url = server.api.removesuffix("/v1/api").replace("http", "ws")
    with (
        pytest.raises((InvalidStatus, ConnectionClosed)),
        connect(f"{url}/socket.io/?token=x", proxy=None) as connection,
    ):
        connection.recv(5)


def test_the_token_of_another_project_gives_no_access_to_a_job(server: Any, job: int) -> None:
    other = server.json("POST", "/projects/create", json={"projectName": "Other project"})
    headers = {"x-api-key": other["apiKey"]}
    token = requests.get(f"{server.api}/{other['id']}/socket-token", headers=headers, timeout=10).json()["token"]
    url = server.api.removesuffix("/v1/api").replace("http", "ws")
    with connect(f"{url}/socket.io/?token={token['socketToken']}&EIO=3", proxy=None) as connection:
        for _ in range(3):
            connection.recv(5)
        connection.send(f'42["start-log-stream",{{"jobId":{job}}}]')
        connection.send("2")
        assert connection.recv(5) == "3"  # nothing of the job came before


def test_the_server_sends_pings_at_fixed_intervals_while_it_sends_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "PING_INTERVAL_S", 0.05)

    async def packets() -> list[str]:
        client = session.Session(studio=None, key=None, protocol=4)  # type: ignore[arg-type]
        client.send("42line")
        received: list[str] = []
        async for packet in client.outgoing():
            received.append(packet)
            if len(received) == 40:
                return received
            client.send("42line")
            await asyncio.sleep(0.01)
        return received

    assert asyncio.run(packets()).count("2") >= 3


def disconnect_abruptly(connection: ClientConnection) -> None:
    """Reset the TCP connection, as happens when the client's process is killed."""
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.socket.close()


def test_a_client_that_disconnects_while_a_log_is_sent_leaves_no_error_in_the_server_log(server: Any, job: int) -> None:
    log = JobLog(Options(server.data).logs, job)
    for number in range(2000):
        log.append(f"{number} " + "x" * 1000)
    for _ in range(5):
        with open_socket(server, 3) as connection:
            connection.send(f'42["start-log-stream",{{"jobId":{job}}}]')
            assert str(connection.recv(5)).startswith("0{")
            disconnect_abruptly(connection)
    with open_socket(server, 3) as connection:  # the server has handled the others when this one is answered
        connection.send(f'42["start-log-stream",{{"jobId":{job}}}]')
        assert events_until_end(connection, job)
    written = (server.data / "server.log").read_text()
    assert "Traceback" not in written and "never retrieved" not in written


def test_a_client_that_reads_too_slowly_is_disconnected_and_disturbs_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "MOST_QUEUED", 10)

    async def packets() -> list[str]:
        client = session.Session(studio=None, key=None, protocol=4)  # type: ignore[arg-type]
        for number in range(30):
            client.send(f"42{number}")
        await client.receive("1")
        return [packet async for packet in client.outgoing()]

    assert asyncio.run(packets()) == [f"42{number}" for number in range(9)]


def test_a_token_is_valid_for_its_key_until_it_expires() -> None:
    tokens = Tokens(lifetime_s=0.2)
    token, lifetime_s = tokens.issue(7)
    assert (tokens.key(token), lifetime_s) == (7, 0.2)
    assert tokens.key(token + "x") is None
    time.sleep(0.25)
    assert tokens.key(token) is None
    later, _ = tokens.issue(8)
    assert (tokens.key(later), tokens.key(token)) == (8, None)


def test_a_token_ends_with_its_api_key(own_server: Any) -> None:
    created = own_server.json("POST", "/1/apikeys", json={"name": "temporary", "role": "readonly"})
    headers = {"x-api-key": created["apiKey"]}
    url = f"{own_server.api}/1/socket-token"
    token = requests.get(url, headers=headers, timeout=10).json()["token"]["socketToken"]
    with open_socket(own_server, 3, token=token) as connection:
        assert str(connection.recv(5)).startswith("0{")
    own_server.json("DELETE", f"/1/apikeys/{created['id']}")
    rejected = pytest.raises((InvalidStatus, ConnectionClosed))
    with rejected, open_socket(own_server, 3, token=token) as connection:
        connection.recv(5)


def test_only_a_key_that_may_cancel_jobs_cancels_one_over_the_live_log(own_server: Any, make_noise: Any) -> None:
    for label in ("classical", "rock"):
        own_server.upload({f"{label}{n}.wav": make_noise(100 * len(label) + n) for n in range(3)}, x_label=label)
    learn = {"id": 3, "type": "keras", "dsp": [2]}
    own_server.json("POST", "/1/impulse", json={"inputBlocks": [WINDOW], "dspBlocks": [DSP], "learnBlocks": [learn]})
    job = own_server.json("POST", "/1/jobs/train/keras/3", json={"trainingCycles": 1000})["id"]
    for role in ("readonly", "admin"):
        with open_socket(own_server, 3, role) as connection:
            connection.send(f'42["job-cancel",{{"jobId":{job}}}]')
            connection.send("2")
            while connection.recv(10) != "3":
                pass
        if role == "readonly":
            time.sleep(0.5)
            assert "finished" not in own_server.json("GET", f"/1/jobs/{job}/status")["job"]
    assert own_server.wait(job)["additionalInfo"] == "cancelled"


def test_the_oldest_token_is_dropped_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "MOST_TOKENS", 3)
    tokens = Tokens()
    issued = [tokens.issue(number)[0] for number in range(4)]
    assert [tokens.key(token) for token in issued] == [None, 1, 2, 3]


def test_a_subscriber_receives_the_lines_of_its_job_only_until_it_unsubscribes() -> None:
    lines, channel = [], hub.Hub()

    def subscriber(text: str, success: bool | None) -> None:
        lines.append((text, success))

    channel.subscribe(1, subscriber)
    channel.publish_line(1, "first")
    channel.publish_line(2, "of another job")
    channel.publish_end(1, True)
    channel.unsubscribe(1, subscriber)
    channel.unsubscribe(1, subscriber)
    channel.publish_line(1, "later")
    assert lines == [("first", None), ("", True)]
