"""The state of a studio: whether it can be reached, the project of the key, its limits, and the clock."""

from __future__ import annotations

import time
from dataclasses import dataclass

import requests

from ei_toolkit.client.endpoint import Endpoint, is_loopback
from ei_toolkit.client.project import Studio
from ei_toolkit.client.responses import Response
from ei_toolkit.client.retries import http_date
from ei_toolkit.client.samples import CATEGORIES, count_samples
from ei_toolkit.client.transport import unreachable_error
from ei_toolkit.config.response_deadline import DeadlineAdapter

MAX_CLOCK_DIFFERENCE_S = 60.0  # with a larger one, signatures and tokens are rejected
TIMEOUT_S = 3.0


@dataclass(frozen=True)
class Reached:
    """An address that responded. `clock_off_s` is this machine's clock minus the server's; None if that is unknown."""

    url: str
    milliseconds: float
    clock_off_s: float | None


@dataclass(frozen=True)
class Limits:
    """What a project may use. None where the studio does not state it."""

    project: str
    samples: int
    minutes_per_job: float | None
    minutes_left: float | None


class _Project(Response, frozen=True):
    name: str = ""


class _Performance(Response, frozen=True):
    job_limit_m: float | None = None


class _ComputeTime(Response, frozen=True):
    time_left_ms: float | None = None


class _ProjectInfo(Response, frozen=True):
    project: _Project
    performance: _Performance = _Performance()
    compute_time: _ComputeTime = _ComputeTime()


def reach(url: str, endpoint: Endpoint) -> Reached:
    """Send a request to an address, without the key. Raises NetworkError where no server responds."""
    session = requests.Session()
    session.trust_env = not is_loopback(url)
    for scheme in ("http://", "https://"):
        session.mount(scheme, DeadlineAdapter())
    started = time.monotonic()
    try:
        response = session.get(url, timeout=TIMEOUT_S, allow_redirects=False, stream=True)  # the body is not read
        response.close()
    except requests.RequestException as error:
        raise unreachable_error(error, endpoint, url) from None
    date = http_date(response.headers.get("Date", ""))
    off = None if date is None else time.time() - date
    return Reached(url, (time.monotonic() - started) * 1000, off)


def limits(studio: Studio) -> Limits:
    """Return the project's name and limits."""
    info = studio.transport.read(studio.path(), _ProjectInfo)
    left = info.compute_time.time_left_ms
    return Limits(
        info.project.name,
        sum(count_samples(studio, category) for category in CATEGORIES),
        info.performance.job_limit_m,
        None if left is None else left / 60_000,
    )
