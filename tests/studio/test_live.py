"""The live log as both official clients speak it, byte by byte."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from ei_toolkit.studio.live import session

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


def open_socket(server: Any, protocol: int) -> ClientConnection:
    token = server.json("GET", "/1/socket-token")["token"]["socketToken"]
    url = server.api.removesuffix("/v1/api").replace("http", "ws")
    return connect(f"{url}/socket.io/?token={token}&onDemandLogs=true&transport=websocket&EIO={protocol}", proxy=None)


def events_until_end(socket: ClientConnection, job: int) -> list[list[Any]]:
    events: list[list[Any]] = []
    while not events or events[-1][0] != "job-finished":
        packet = str(socket.recv(timeout=20))
        if packet.startswith("42"):
            events.append(json.loads(packet[2:]))
    return events


def test_engine_io_4_replays_a_job_that_is_over_and_tells_its_end_twice(server: Any, job: int) -> None:
    with open_socket(server, 4) as socket:
        assert json.loads(str(socket.recv(5))[1:])["pingInterval"] == 25000
        socket.send("40{}")
        assert str(socket.recv(5)).startswith('40{"sid"')
        assert socket.recv(5) == '42["hello",{"hello":{"version":1}}]'
        socket.send("42" + json.dumps(["start-log-stream", {"jobId": job}]))
        events = events_until_end(socket, job)
    assert events[-2:] == [
        [f"job-finished-{job}", {"success": True}],
        ["job-finished", {"jobId": job, "success": True}],
    ]
    whole = server.call("GET", f"/1/jobs/{job}/stdout/download").text
    assert "".join(event[1]["data"] for event in events[:-2]) == whole


def test_engine_io_3_is_greeted_unasked_and_its_pings_are_answered(server: Any, job: int) -> None:
    with open_socket(server, 3) as socket:
        assert str(socket.recv(5)).startswith("0{")
        assert [socket.recv(5), socket.recv(5)] == ["40", '42["hello",{"hello":{"version":1}}]']
        socket.send("2")
        assert socket.recv(5) == "3"
        socket.send(f'42["start-log-stream",{{"jobId":{job},"lastReceivedTimestamp":0}}]')
        assert events_until_end(socket, job)[-1][1]["success"] is True


def test_a_job_that_starts_later_is_heard_line_by_line(server: Any, job: int) -> None:
    with open_socket(server, 4) as socket:
        socket.send("40{}")
        started = server.json("POST", "/1/jobs/generate-features", json={"dspId": 2})["id"]
        socket.send(f'42["start-log-stream",{{"jobId":{started}}}]')
        events = events_until_end(socket, started)
    texts = [event[1]["data"] for event in events if event[0] == f"job-data-{started}"]
    assert texts == server.call("GET", f"/1/jobs/{started}/stdout/download").text.splitlines(keepends=True)


@pytest.mark.parametrize("packet", ["42[", "42[1]", '42["start-log-stream"]', '42["start-log-stream",{"jobId":"x"}]',
                                    '42["start-log-stream",{"jobId":1e400}]', '42["start-log-stream",{"jobId":999}]',
                                    "9", "", "42" + "[" * 5000])  # fmt: skip
def test_nonsense_is_ignored_and_the_line_stays_up(server: Any, job: int, packet: str) -> None:
    with open_socket(server, 3) as socket:
        for _ in range(3):
            socket.recv(5)
        socket.send(packet)
        socket.send("2")
        assert socket.recv(5) == "3"


def test_a_wrong_token_opens_nothing(server: Any) -> None:
    url = server.api.removesuffix("/v1/api").replace("http", "ws")
    with pytest.raises((InvalidStatus, ConnectionClosed)), connect(f"{url}/socket.io/?token=x", proxy=None) as socket:
        socket.recv(5)


def test_another_project_cannot_listen(server: Any, job: int) -> None:
    other = server.json("POST", "/projects/create", json={"projectName": "Listener"})
    headers = {"x-api-key": other["apiKey"]}
    token = requests.get(f"{server.api}/{other['id']}/socket-token", headers=headers, timeout=10).json()["token"]
    url = server.api.removesuffix("/v1/api").replace("http", "ws")
    with connect(f"{url}/socket.io/?token={token['socketToken']}&EIO=3", proxy=None) as socket:
        for _ in range(3):
            socket.recv(5)
        socket.send(f'42["start-log-stream",{{"jobId":{job}}}]')
        socket.send("2")
        assert socket.recv(5) == "3"  # nothing of the job came before


def test_the_server_pings_by_the_clock_while_a_log_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "PING_S", 0.05)

    async def packets() -> list[str]:
        talk = session.Session(studio=None, project=1, protocol=4)  # type: ignore[arg-type]
        talk.send("42line")
        heard: list[str] = []
        async for packet in talk.outgoing():
            heard.append(packet)
            if len(heard) == 40:
                return heard
            talk.send("42line")
            await asyncio.sleep(0.01)
        return heard

    assert asyncio.run(packets()).count("2") >= 3
