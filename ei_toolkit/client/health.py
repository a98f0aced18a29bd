"""How the studio is doing, as facts: reachable, key, project, limits, clock."""

from __future__ import annotations

import email.utils
import time
from dataclasses import dataclass

import requests

from ei_toolkit.client.answer import Answer
from ei_toolkit.client.endpoint import Endpoint, is_loopback
from ei_toolkit.client.project import Studio
from ei_toolkit.client.samples import CATEGORIES, count_samples
from ei_toolkit.client.transport import no_answer

CLOCK_S = 60.0  # how far a clock may be off before signatures and tokens suffer
ASK_S = 3.0


@dataclass(frozen=True)
class Reached:
    """An address that answered. `clock_off_s` is this machine's clock minus the server's; None without a Date."""

    url: str
    milliseconds: float
    clock_off_s: float | None


@dataclass(frozen=True)
class Limits:
    """What a project may use. None where the studio does not say."""

    project: str
    samples: int
    minutes_per_job: float | None
    minutes_left: float | None


def reach(url: str, endpoint: Endpoint) -> Reached:
    """Ask an address anything at all, without the key. Raises NetworkError where nobody answers."""
    session = requests.Session()
    session.trust_env = not is_loopback(url)
    started = time.monotonic()
    try:
        answer = session.get(url, timeout=ASK_S, allow_redirects=False)
    except requests.RequestException as error:
        raise no_answer(error, endpoint, url) from None
    date = email.utils.parsedate_to_datetime(answer.headers["Date"]) if "Date" in answer.headers else None
    off = time.time() - date.timestamp() if date else None
    return Reached(url, (time.monotonic() - started) * 1000, off)


def limits(studio: Studio) -> Limits:
    """The project's name and limits."""
    answer = Answer(studio.transport.get(studio.path()), "the project")
    performance = answer.object("performance") if answer.has("performance") else Answer({}, "the project")
    compute = answer.object("computeTime") if answer.has("computeTime") else Answer({}, "the project")
    return Limits(
        answer.object("project").text("name", ""),
        sum(count_samples(studio, category) for category in CATEGORIES),
        performance.number("jobLimitM") if performance.has("jobLimitM") else None,
        compute.number("timeLeftMs") / 60000 if compute.has("timeLeftMs") else None,
    )
