"""A job that is followed: events for programs, progress for people, and the log."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.cli.console import Console
from ei_toolkit.cli.environment import Environment
from ei_toolkit.cli.follow import Follower
from ei_toolkit.client.jobs import wait as wait_module
from ei_toolkit.client.jobs.job import Started
from ei_toolkit.errors import JobFailed

STATUS, LOG = "/api/1/jobs/7/status", "/api/1/jobs/7/stdout"
EPOCHS = ["Epoch 1/2\n", "loss: 0.5 - accuracy: 0.75\n", "Epoch 2/2\n", "loss: 0.25 - accuracy: 0.875\n"]


def job(**changes: Any) -> dict[str, Any]:
    return {"job": {"id": 7, "category": "Training", **changes}}


def log(*entries: str) -> dict[str, Any]:
    return {"stdout": [{"data": entry} for entry in reversed(entries)], "totalCount": len(entries)}


DONE = job(finished="now", finishedSuccessful=True)
Follow = Callable[..., tuple[Follower, Console]]


@pytest.fixture
def follower(scripted_studio: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Follow:
    """Follows job 7, which trains for two epochs and succeeds."""
    monkeypatch.setattr(wait_module, "FIRST_POLL_INTERVAL_S", 0.0)
    scripted_studio.answers |= {STATUS: [job(), job(), DONE], LOG: [log(), log(*EPOCHS[:3]), log(*EPOCHS)]}

    def make(**flags: bool) -> tuple[Follower, Console]:
        console = Console(io.StringIO(), io.StringIO(), **flags)
        return Follower(Environment(console, tmp_path, {}), scripted_studio.studio), console

    return make


def events(console: Console) -> list[dict[str, Any]]:
    return [json.loads(line) for line in console.stdout.getvalue().splitlines()]  # type: ignore[attr-defined]


def messages(console: Console) -> str:
    return str(console.stderr.getvalue())  # type: ignore[attr-defined]


def test_a_program_gets_the_start_each_step_and_the_end(follower: Follow) -> None:
    follow, console = follower(json_output=True)
    assert follow(Started(7, {}), "training", 2).succeeded
    found = events(console)
    assert found[0] == {"event": "job", "job": 7, "title": "training", "attached": False}
    assert found[-1] == {"event": "done", "job": 7, "title": "training"}
    steps = [event for event in found if event["event"] == "progress"]
    assert [(step["epoch"], step.get("loss")) for step in steps] == [(1, None), (1, 0.5), (2, 0.5), (2, 0.25)]
    assert {step["epochs"] for step in steps} == {2}


def test_people_get_no_events_on_stdout(follower: Follow) -> None:
    follow, console = follower()
    follow(Started(7, {}), "training", 2)
    assert events(console) == []


def test_the_log_is_shown_with_verbose(follower: Follow) -> None:
    follow, console = follower(verbose=True)
    follow(Started(7, {}), "training", 2)
    assert messages(console).splitlines() == [
        "  | Epoch 1/2", "  | loss: 0.5 - accuracy: 0.75", "  | Epoch 2/2", "  | loss: 0.25 - accuracy: 0.875",
        "training: job 7 has succeeded",
    ]  # fmt: skip


def test_a_job_that_was_running_before_is_noted(follower: Follow) -> None:
    follow, console = follower()
    follow(Started(7, {}, attached=True), "training")
    assert messages(console) == "job 7 was running before; following it\n"


def test_a_failed_job_has_its_last_lines_and_no_end(follower: Follow, scripted_studio: Any) -> None:
    scripted_studio.answers |= {STATUS: job(finished="now"), LOG: log("out of memory\n")}
    follow, console = follower(json_output=True)
    with pytest.raises(JobFailed, match=r"job 7 \(Training\) failed") as caught:
        follow(Started(7, {}), "training")
    assert caught.value.log == ("out of memory",)
    assert [event["event"] for event in events(console)] == ["job"]


@pytest.mark.parametrize("category", ["", None])
def test_a_failed_job_without_a_category_is_called_unnamed(
    follower: Follow, scripted_studio: Any, category: str | None
) -> None:
    scripted_studio.answers |= {STATUS: job(finished="now", category=category), LOG: log()}
    with pytest.raises(JobFailed, match=r"job 7 \(unnamed\) failed"):
        follower()[0](Started(7, {}), "training")


def test_the_log_of_a_job_is_printed_line_by_line(follower: Follow) -> None:
    follow, console = follower()
    assert follow.print_log(7).id == 7
    assert console.stdout.getvalue() == "".join(EPOCHS)  # type: ignore[attr-defined]


def test_the_log_of_a_job_as_events(follower: Follow) -> None:
    follow, console = follower(json_output=True)
    follow.print_log(7)
    assert events(console) == [{"event": "log", "job": 7, "line": line.rstrip()} for line in EPOCHS]


def test_the_time_to_wait_is_limited(follower: Follow, scripted_studio: Any, tmp_path: Path) -> None:
    scripted_studio.answers[STATUS] = job()
    env = Environment(Console(io.StringIO(), io.StringIO()), tmp_path, {})
    with pytest.raises(JobFailed, match=r"job 7 \(Training\) has not ended within 0 s") as caught:
        Follower(env, scripted_studio.studio, timeout_s=0.0)(Started(7, {}), "training")
    assert caught.value.hint == "eitk jobs follow 7, or eitk jobs cancel 7"


def test_an_outage_of_the_studio_is_a_warning(follower: Follow, scripted_studio: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(wait_module, "RETRY_INTERVAL_S", 0.0)
    monkeypatch.setattr("urllib3.util.retry.time.sleep", lambda _: None)
    broken = (500, b'{"success":false,"error":"database is locked"}', {})
    scripted_studio.answers[STATUS] = [job(), *[broken] * 4, DONE]
    follow, console = follower()
    assert follow(Started(7, {}), "training").succeeded
    assert messages(console) == "warning: database is locked; the job continues, retrying\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("columns", "is_plotted"), [(120, True), (80, False)])
def test_a_wide_terminal_shows_curves_and_a_narrow_one_a_line_for_each_epoch(
    follower: Follow, monkeypatch: pytest.MonkeyPatch, columns: int, is_plotted: bool
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    follow, console = follower()
    console.stderr = Terminal()
    follow(Started(7, {}), "training", 2)
    shown = messages(console)
    assert ("epochs 1 to 2" in shown) is is_plotted
    assert ("epoch 2: loss 0.250, accuracy 0.875" in shown) is not is_plotted


def test_a_pipe_gets_neither_curves_nor_lines(follower: Follow) -> None:
    follow, console = follower()
    follow(Started(7, {}), "training", 2)
    assert messages(console) == ""


def test_each_epoch_is_logged_once(follower: Follow) -> None:
    found: list[Any] = []
    follow, _ = follower()
    replace(follow, on_epoch=[found.append])(Started(7, {}), "training", 2)
    assert found == [(1, {"loss": 0.5, "accuracy": 0.75}), (2, {"loss": 0.25, "accuracy": 0.875})]
