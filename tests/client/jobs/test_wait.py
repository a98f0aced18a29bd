"""Waiting for a job of a small scripted server: log lines in order and once, outages, success and failure."""

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
from ei_toolkit.client.jobs.live_socket import BoundedWebSocket
from ei_toolkit.client.jobs.wait import Listener, LogNotifier, wait_for
from ei_toolkit.client.project import Studio
from ei_toolkit.client.transport import Transport
from ei_toolkit.errors import ApiError, JobFailed, NetworkError


@dataclass
class ScriptedJob:
    """A job that logs `step` more entries with each status request, and ends after the last."""

    entries: list[str]
    succeeds: bool | None = True
    cuts: set[int] = field(default_factory=set)
    step: int = 1
    requests: int = 0

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        shown = self.entries[: self.requests * self.step]
        if path.endswith("/status"):
            self.requests += 1
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
        done = (self.requests - 1) * self.step >= len(self.entries)
        end = {"finished": "2026-11-21T00:00:00.000Z"} if done else {}
        end |= {"finishedSuccessful": self.succeeds} if done and self.succeeds is not None else {}
        return {"id": 7, "key": "keras-3", "category": "Training", "categoryKey": "t",
                "created": "2026-11-21T00:00:00.000Z", "jobNotificationUids": [], **end}  # fmt: skip


@pytest.fixture
def serve_job(serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Callable[[ScriptedJob], Studio]:
    """Serves a scripted job, with short poll intervals."""
    monkeypatch.setattr(wait_module, "FIRST_POLL_INTERVAL_S", 0.01)
    monkeypatch.setattr(wait_module, "MAX_POLL_INTERVAL_S", 0.02)

    def begin(script: ScriptedJob) -> Studio:
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
        return Studio(Transport(Endpoint(f"{url}/v1", url, "ei_" + "k" * 40)), 1)

    return begin


def follow(studio: Studio, **options: Any) -> tuple[list[str], list[str]]:
    lines: list[str] = []
    notes: list[str] = []
    wait_for(studio, 7, Listener(lines.append, notes.append), **options)
    return lines, notes


def test_lines_are_passed_on_in_order_and_once(serve_job: Any) -> None:
    lines, _ = follow(serve_job(ScriptedJob([f"line {n}\n" for n in range(30)], step=7)))
    assert lines == [f"line {n}" for n in range(30)]


def test_entries_that_are_parts_of_lines_are_joined(serve_job: Any) -> None:
    lines, _ = follow(serve_job(ScriptedJob(["Epo", "ch 1/2\nEpoch", " 2/2\r\n", "no end"])))
    assert lines == ["Epoch 1/2", "Epoch 2/2", "no end"]


def test_a_short_outage_is_tolerated_and_noted_once(serve_job: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ei_toolkit.client.jobs.wait.time.sleep", lambda _: None)
    lines, notes = follow(serve_job(ScriptedJob([f"{n}\n" for n in range(20)], cuts=set(range(8, 17)))))
    assert lines == [str(n) for n in range(20)]
    assert len(notes) == 1
    assert "retrying" in notes[0]


def test_an_outage_that_does_not_end_is_an_error(serve_job: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait_module, "LOCAL_OUTAGE_TOLERANCE_S", 0.0)
    monkeypatch.setattr("ei_toolkit.client.jobs.wait.time.sleep", lambda _: None)
    with pytest.raises(NetworkError):
        follow(serve_job(ScriptedJob(["a\n"] * 50, cuts=set(range(10, 500)))))


@pytest.mark.parametrize("succeeds", [False, None])
def test_a_finished_job_without_a_success_flag_has_failed(serve_job: Any, succeeds: bool | None) -> None:
    with pytest.raises(JobFailed) as caught:
        follow(serve_job(ScriptedJob([f"{n}\n" for n in range(40)], succeeds, step=9)))
    assert caught.value.log[-1] == "39"
    assert len(caught.value.log) == wait_module.TAIL_LINES
    assert "eitk jobs follow 7" in caught.value.hint


def test_a_timeout_ends_the_waiting_and_not_the_job(serve_job: Any) -> None:
    with pytest.raises(JobFailed, match="has not ended within") as caught:
        follow(serve_job(ScriptedJob(["a\n"] * 10_000)), timeout_s=0.1)
    assert "continues" in caught.value.why


def test_a_log_longer_than_a_response_is_downloaded(serve_job: Any) -> None:
    count = PAGE + 500
    lines, _ = follow(serve_job(ScriptedJob([f"{n}\n" for n in range(count)], step=count)))
    assert lines == [str(n) for n in range(count)]


def test_entries_that_the_api_no_longer_returns_are_counted(serve_job: Any) -> None:
    lines, _ = follow(serve_job(ScriptedJob([f"{n}\n" for n in range(2 * PAGE + 400)], step=PAGE + 200)))
    assert lines[-1] == str(2 * PAGE + 399)
    assert any("200 entries" in line for line in lines)


def test_a_running_job_that_prevents_the_start_is_attached_to() -> None:
    def send() -> dict[str, Any]:
        raise ApiError("Another training job is already running (job ID: 42)")

    assert start(send) == Started(42, {}, attached=True)


def test_any_other_error_is_raised() -> None:
    def send() -> dict[str, Any]:
        raise ApiError("Learn block 3 is not configured")

    with pytest.raises(ApiError, match="not configured"):
        start(send)


def test_a_running_job_with_the_same_key_is_found(serve_job: Any) -> None:
    studio = serve_job(ScriptedJob(["a\n"] * 5))
    assert running(studio, "keras-3") == Started(7, {}, attached=True)
    assert running(studio, "keras-4") is None


def test_without_a_socket_there_is_no_notification(serve_job: Any) -> None:
    notifier = LogNotifier(serve_job(ScriptedJob(["a\n"])), 7)
    assert not notifier.live
    assert not notifier.wait(0.01)
    notifier.close()


def test_the_socket_of_the_local_studio_notifies(studio: Studio) -> None:
    notifier = LogNotifier(studio, 1)
    try:
        assert notifier.live
        assert notifier.wait(5)  # once for the connection
        assert notifier._socket is not None
        assert isinstance(notifier._socket.eio.ws, BoundedWebSocket)
    finally:
        notifier.close()
    assert threading.active_count() < 50


def test_a_job_without_a_category_is_called_unnamed_when_it_takes_too_long(serve_job: Any) -> None:
    script = ScriptedJob(["a\n"] * 10_000)
    real = script.job
    script.job = lambda: real() | {"category": None}  # type: ignore[method-assign]
    with pytest.raises(JobFailed, match=r"job 7 \(unnamed\) has not ended within 0\.05 s"):
        follow(serve_job(script), timeout_s=0.05)
