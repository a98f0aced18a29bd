"""What `eitk doctor` asks a studio: whether it responds, its clock, and the limits of the project."""

from __future__ import annotations

import email.utils
import time
from dataclasses import replace
from typing import Any

import pytest

from ei_toolkit.client.health import Limits, limits, reach
from ei_toolkit.errors import ApiError, NetworkError


def ask(script: Any, headers: dict[str, str]) -> Any:
    """Reach a server that sends these headers with an answer of any status."""
    script.answers["/api/anything"] = (404, b"nothing here", headers)
    endpoint = script.studio.transport.endpoint
    return reach(f"{endpoint.api_url}/api/anything", endpoint)


@pytest.mark.parametrize("off_s", [-3600, 0, 90])
def test_the_difference_of_the_clocks_is_this_machine_minus_the_server(scripted_studio: Any, off_s: int) -> None:
    server_time = time.time() - off_s
    found = ask(scripted_studio, {"Date": email.utils.formatdate(server_time, usegmt=True)})
    assert found.clock_off_s == pytest.approx(off_s, abs=3)
    assert 0 < found.milliseconds < 3000


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Jan 2026 00:00:00 GMT", "1764417600"])
def test_a_malformed_date_leaves_the_difference_of_the_clocks_unknown(scripted_studio: Any, date: str) -> None:
    assert ask(scripted_studio, {"Date": date}).clock_off_s is None


def test_the_key_is_not_sent_to_an_address_that_is_only_tried(scripted_studio: Any) -> None:
    ask(scripted_studio, {})
    assert "x-api-key" not in scripted_studio.seen[0].headers


def test_a_redirect_is_an_answer_and_is_not_followed(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/there"] = (302, b"", {"Location": "http://127.0.0.1:9/elsewhere"})
    endpoint = scripted_studio.studio.transport.endpoint
    assert reach(f"{endpoint.api_url}/api/there", endpoint).url.endswith("/api/there")


def test_an_address_without_a_server_is_named(scripted_studio: Any) -> None:
    endpoint = scripted_studio.studio.transport.endpoint
    with pytest.raises(NetworkError, match=r"no answer from http://127\.0\.0\.1:9/v1") as caught:
        reach("http://127.0.0.1:9/v1", endpoint)
    assert caught.value.why == "no server listens at this address"
    assert caught.value.hint == "Is the studio running? eitk doctor"


PROJECT = {"project": {"name": "Genres"}, "performance": {"jobLimitM": 20}, "computeTime": {"timeLeftMs": 90_000}}


def test_limits_are_in_minutes_and_samples_are_those_of_all_splits(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/1"] = PROJECT
    counts = {"training": 40, "validation": 6, "testing": 5}
    scripted_studio.answers["/api/1/raw-data/count"] = lambda got: {"count": counts[got.query["category"]]}
    assert limits(scripted_studio.studio) == Limits("Genres", 51, 20, 1.5)


@pytest.mark.parametrize("stated", [{}, {"performance": {}, "computeTime": {}}, {"computeTime": {"timeLeftMs": None}}])
def test_limits_that_the_studio_does_not_state_are_unknown(scripted_studio: Any, stated: dict[str, Any]) -> None:
    scripted_studio.answers["/api/1"] = {"project": {"name": "Genres"}, **stated}
    scripted_studio.answers["/api/1/raw-data/count"] = {"count": 0}
    assert limits(scripted_studio.studio) == Limits("Genres", 0, None, None)


def test_no_time_left_is_not_the_same_as_unknown(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/1"] = {**PROJECT, "computeTime": {"timeLeftMs": 0}}
    scripted_studio.answers["/api/1/raw-data/count"] = {"count": 0}
    assert limits(scripted_studio.studio).minutes_left == 0.0


def test_a_project_of_another_key_is_an_error(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/1"] = {"success": False, "error": "Project does not exist"}
    with pytest.raises(ApiError, match="Project does not exist"):
        limits(replace(scripted_studio.studio))
