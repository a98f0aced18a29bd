"""The waiter against a small server that plays a job: in order, once, through cuts, and never a failure for success."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ei_toolkit.client.endpoint import Endpoint
from ei_toolkit.client.jobs import wait as wait_module
from ei_toolkit.client.jobs.job import PAGE, Started, running, start
from ei_toolkit.client.jobs.wait import Listener, LogNotifier, wait_for
from ei_toolkit.client.project import Studio
from ei_toolkit.client.transport import Transport
from ei_toolkit.errors import ApiError, JobFailed, NetworkError


@dataclass
class Play:
    """A job that logs one more entry each time it is asked about, and ends after the last."""

    entries: list[str]
    succeeds: bool | None = True
    cuts: set[int] = field(default_factory=set)
    step: int = 1
    asked: int = 0

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        shown = self.entries[: self.asked * self.step]
        if path.endswith("/status"):
            self.asked += 1
            return 200, {"success": True, "job": self.job()}
        if path.endswith("/stdout"):
            newest = shown[::-1][: int(query.get("limit", ["1000"])[0])]
            stdout = [{"created": "2026-11-21T00:00:00.000Z", "data": entry} for entry in newest]
            return 200, {"success": True, "stdout": stdout, "totalCount": len(shown)}
        if path.endswith("/stdout/download"):
            return 200, "".join(shown)
        if path.endswith("/jobs"):
            return 200, {"success": True, "jobs": [self.job()], "totalJobCount": 1}
        return 200, {"success": False, "error": "no such route"}

    def job(self) -> dict[str, Any]:
        done = (self.asked - 1) * self.step >= len(self.entries)
        end = {"finished": "2026-11-21T00:00:00.000Z"} if done else {}
        end |= {"finishedSuccessful": self.succeeds} if done and self.succeeds is not None else {}
        return {"id": 7, "key": "keras-3", "category": "Training", "categoryKey": "t",
                "created": "2026-11-21T00:00:00.000Z", "jobNotificationUids": [], **end}  # fmt: skip


@pytest.fixture
def play(serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Callable[[Play], Studio]:
    """Serves a play, with short pauses."""
    monkeypatch.setattr(wait_module, "POLL_S", (0.01, 0.02))

    def begin(script: Play) -> Studio:
        requests = [0]

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                requests[0] += 1
                if requests[0] in script.cuts:
                    self.close_connection = True
                    return
                parts = urlsplit(self.path)
                status, data = script.answer(parts.path, parse_qs(parts.query))
                body = data.encode() if isinstance(data, str) else json.dumps(data).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        url = serve(Handler)
        return Studio(Transport(Endpoint(f"{url}/v1", url, "ei_" + "k" * 40), sleep=lambda _: None), 1)

    return begin


def follow(studio: Studio, **options: Any) -> tuple[list[str], list[str]]:
    lines: list[str] = []
    notes: list[str] = []
    wait_for(studio, 7, Listener(lines.append, notes.append), **options)
    return lines, notes


def test_lines_come_in_order_and_once(play: Any) -> None:
    lines, _ = follow(play(Play([f"line {n}\n" for n in range(30)], step=7)))
    assert lines == [f"line {n}" for n in range(30)]


def test_entries_that_are_parts_of_lines_are_put_together(play: Any) -> None:
    lines, _ = follow(play(Play(["Epo", "ch 1/2\nEpoch", " 2/2\r\n", "no end"])))
    assert lines == ["Epoch 1/2", "Epoch 2/2", "no end"]


def test_a_cut_of_the_network_is_bridged(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ei_toolkit.client.jobs.wait.time.sleep", lambda _: None)
    lines, notes = follow(play(Play([f"{n}\n" for n in range(20)], cuts=set(range(8, 17)))))
    assert lines == [str(n) for n in range(20)]
    assert len(notes) == 1  # said once, however often it is tried
    assert "trying again" in notes[0]


def test_a_cut_that_does_not_end_is_an_error(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait_module, "LOCAL_OUTAGE_TOLERANCE_S", 0.0)
    monkeypatch.setattr("ei_toolkit.client.jobs.wait.time.sleep", lambda _: None)
    with pytest.raises(NetworkError):
        follow(play(Play(["a\n"] * 50, cuts=set(range(10, 500)))))


@pytest.mark.parametrize("succeeds", [False, None])
def test_a_job_that_does_not_say_that_it_succeeded_has_failed(play: Any, succeeds: bool | None) -> None:
    with pytest.raises(JobFailed) as caught:
        follow(play(Play([f"{n}\n" for n in range(40)], succeeds, step=9)))
    assert caught.value.log[-1] == "39"
    assert len(caught.value.log) == wait_module.TAIL
    assert "eitk jobs follow 7" in caught.value.hint


def test_a_time_limit_ends_the_watching_and_not_the_job(play: Any) -> None:
    with pytest.raises(JobFailed, match="not done within") as caught:
        follow(play(Play(["a\n"] * 10_000)), timeout_s=0.1)
    assert "goes on" in caught.value.why


def test_a_log_longer_than_the_api_gives_is_fetched_whole(play: Any) -> None:
    count = PAGE + 500
    lines, _ = follow(play(Play([f"{n}\n" for n in range(count)], step=count)))
    assert lines == [str(n) for n in range(count)]


def test_entries_that_came_too_fast_are_counted_and_not_passed_over_in_silence(play: Any) -> None:
    lines, _ = follow(play(Play([f"{n}\n" for n in range(2 * PAGE + 400)], step=PAGE + 200)))
    assert lines[-1] == str(2 * PAGE + 399)
    assert any("200 entries" in line for line in lines)


def test_a_job_in_the_way_is_attached_to() -> None:
    def ask() -> dict[str, Any]:
        raise ApiError("Another training job is already running (job ID: 42)")

    assert start(ask) == Started(42, {}, attached=True)


def test_any_other_refusal_is_an_error() -> None:
    def ask() -> dict[str, Any]:
        raise ApiError("Learn block 3 is not configured")

    with pytest.raises(ApiError, match="not configured"):
        start(ask)


def test_a_job_of_the_same_key_that_runs_is_found(play: Any) -> None:
    studio = play(Play(["a\n"] * 5))
    assert running(studio, "keras-3") == Started(7, {}, attached=True)
    assert running(studio, "keras-4") is None


def test_without_a_socket_the_bell_is_silent(play: Any) -> None:
    bell = LogNotifier(play(Play(["a\n"])), 7)
    assert not bell.live
    assert not bell.wait(0.01)
    bell.close()


def test_the_bell_rings_over_the_real_studios_socket(studio: Studio) -> None:
    bell = LogNotifier(studio, 1)
    try:
        assert bell.live
        assert bell.wait(5)  # once for the connection itself
    finally:
        bell.close()
    assert threading.active_count() < 50
