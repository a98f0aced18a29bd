"""`eitk jobs` for jobs that have ended or do not exist; `eitk test` without results."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import support

from ei_toolkit.cli.app import run
from ei_toolkit.cli.console import Console
from ei_toolkit.cli.environment import Environment
from ei_toolkit.client.endpoint import Endpoint
from ei_toolkit.client.project import Studio
from ei_toolkit.client.transport import Transport
from ei_toolkit.errors import ApiError

Eitk = Callable[..., tuple[int, str, str]]


class FourJobs(Transport):
    """A studio with four jobs: 1 runs, 2 has succeeded, 3 has failed, 4 was cancelled."""

    def __init__(self) -> None:
        super().__init__(Endpoint("http://127.0.0.1/v1", "http://127.0.0.1", "ei_k"))
        self.posted: list[str] = []

    def get(self, path: str, **_query: object) -> dict[str, Any]:
        """Return the state or the log of a job."""
        *_, job, what = path.split("/")
        if what == "stdout":
            return {"stdout": [{"data": "it broke\n"}], "totalCount": 1}
        if job not in ("1", "2", "3", "4"):
            raise ApiError("No job with this ID found", status=200)
        end = {} if job == "1" else {"finished": "today", "finishedSuccessful": job == "2"}
        end |= {"additionalInfo": "cancelled"} if job == "4" else {}
        return {"job": {"id": int(job), "started": "today", **end}}

    def post(self, path: str, *_body: object, **_query: object) -> dict[str, Any]:
        """Record the request."""
        self.posted.append(path)
        return {}


@pytest.fixture
def transport() -> FourJobs:
    return FourJobs()


@pytest.fixture
def eitk(transport: FourJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Eitk:
    studio = Studio(transport, 1)
    monkeypatch.setattr("ei_toolkit.cli.jobs.connect", lambda *_: studio)

    return partial(support.eitk, tmp_path, "jobs")


@pytest.mark.parametrize(("job", "state"), [("2", "succeeded"), ("3", "failed"), ("4", "cancelled")])
def test_a_job_that_has_ended_is_not_reported_as_cancelled(
    eitk: Eitk, transport: FourJobs, job: str, state: str
) -> None:
    assert eitk("cancel", job)[:2] == (0, f"job {job} has already ended ({state})\n")
    assert json.loads(eitk("cancel", job, "--json")[1])["cancelled"] is False
    assert transport.posted == []


def test_a_job_that_runs_is_cancelled(eitk: Eitk, transport: FourJobs) -> None:
    assert eitk("cancel", "1")[:2] == (0, "job 1 was cancelled\n")
    assert len(transport.posted) == 1


@pytest.mark.parametrize("word", ["follow", "cancel"])
def test_the_error_for_an_unknown_job_has_a_hint(eitk: Eitk, word: str) -> None:
    code, _, err = eitk(word, "99")
    assert code == 4
    assert "try: eitk jobs list --all" in err


def test_following_a_failed_job_does_not_recommend_itself(eitk: Eitk) -> None:
    code, out, err = eitk("follow", "3")
    assert (code, out) == (5, "it broke\n")
    assert "eitk jobs follow" not in err


def test_following_a_cancelled_job_does_not_call_it_failed(eitk: Eitk) -> None:
    code, _, err = eitk("follow", "4")
    assert code == 5
    assert "job 4 (unnamed) was cancelled" in err
    assert "failed" not in err


def test_a_model_without_results_has_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    current = SimpleNamespace(impulse_id=1)
    monkeypatch.setattr("ei_toolkit.cli.test.connect", lambda *_: None)
    monkeypatch.setattr("ei_toolkit.cli.test.require_impulse", lambda *_: current)
    monkeypatch.setattr("ei_toolkit.cli.test.tested_variants", lambda *_: ())
    out = io.StringIO()
    assert run(("test", "--no-run"), Environment(Console(out, io.StringIO()), tmp_path, {})) == 0
    assert out.getvalue() == "the model was not tested since its last training: eitk test\n"
