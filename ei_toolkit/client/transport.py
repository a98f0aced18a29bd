"""How long to wait before asking again: exponential with jitter, and what the server says about it."""

from __future__ import annotations

import email.utils
import json
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import requests
import urllib3
from requests.adapters import HTTPAdapter

from ei_toolkit.client.answer import redact
from ei_toolkit.client.endpoint import Endpoint, is_loopback
from ei_toolkit.config.atomic_write import replace_file
from ei_toolkit.errors import ApiError, CredentialError, EitkError, NetworkError

RETRYABLE = frozenset({408, 425, 429, 500, 502, 503, 504})
LONGEST_PAUSE_S = 120.0  # a server that asks for more is taken at its word up to here
RATE_LIMIT = re.compile(r"\b(r|remaining|t|reset)\s*=\s*(\d+)")


def backoff(tries: int, *, first: float = 0.2, longest: float = 8.0) -> float:
    """Seconds to wait after the `tries`-th failure (1, 2, …): doubling, half of it random."""
    ceiling = min(longest, first * 2.0 ** (tries - 1))
    return ceiling * (0.5 + random.random() / 2)


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that `Retry-After` (a number or a date) asks for; 0 where it asks for nothing."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        seconds = _until(value)
    return min(max(seconds, 0.0), LONGEST_PAUSE_S)


def rate_limit_pause(headers: Mapping[str, str]) -> float:
    """Seconds to hold back because the answer says that the allowance is used up; 0 otherwise.

    Reads `RateLimit-Remaining`/`RateLimit-Reset` and the single `RateLimit` field of the later IETF drafts.
    """
    remaining = headers.get("RateLimit-Remaining")
    reset = headers.get("RateLimit-Reset")
    if remaining is None:
        found = dict(RATE_LIMIT.findall(headers.get("RateLimit", "")))
        remaining, reset = found.get("r", found.get("remaining")), found.get("t", found.get("reset"))
    if remaining is None or reset is None or not (remaining.isdigit() and reset.isdigit()) or int(remaining) > 0:
        return 0.0
    return min(float(reset), LONGEST_PAUSE_S)


def _until(date: str) -> float:
    try:
        return email.utils.parsedate_to_datetime(date).timestamp() - time.time()
    except ValueError:
        return 0.0


ROLE = re.compile(r"insufficient permission|valid roles", re.IGNORECASE)
BAD_KEY = re.compile(r"(invalid|unknown|wrong|missing|no) (api )?key|not authenticated", re.IGNORECASE)
KEY_HINT = "Set EI_API_KEY or run: eitk login"
ROLE_HINT = "Make a key with the role admin in the studio (Dashboard, Keys); eitk doctor says what this key may do."


def was_never_sent(error: requests.RequestException) -> bool:
    """Whether the server cannot have seen the request, so that sending it again is safe."""
    if isinstance(error, requests.exceptions.SSLError):
        return False
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", None)
    return isinstance(error, requests.ConnectTimeout) or isinstance(reason, urllib3.exceptions.NewConnectionError)


def no_answer(error: requests.RequestException, endpoint: Endpoint, url: str = "") -> NetworkError:
    """A broken or impossible connection. `url` is the address where it is not the API's."""
    where = url or endpoint.api_url
    hint = "Is the studio running? eitk doctor" if is_loopback(where) else "Check the network; then: eitk doctor"
    return NetworkError(f"no answer from {where}", why=redact(_reason(error), endpoint.key), hint=hint)


def refusal(status: int, said: str, path: str) -> EitkError:
    """An answer that says no."""
    if status == 403 or ROLE.search(said):
        return CredentialError("this key may not do that", why=said or f"HTTP {status} for {path}", hint=ROLE_HINT)
    if status == 401 or BAD_KEY.search(said):
        return CredentialError("the studio does not accept the key", why=said or f"HTTP {status}", hint=KEY_HINT)
    if 300 <= status < 400:
        return ApiError("the studio redirects elsewhere", why=f"HTTP {status}", hint="Check studio.url", status=status)
    if not said and status < 300:
        return ApiError(f"the answer for {path} is not what a studio sends", hint="Check studio.url", status=status)
    return ApiError(said or f"the studio answered HTTP {status}", why=f"asked for {path}", status=status)


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "the certificate could not be verified"
    if isinstance(error, requests.ConnectTimeout):
        return "no connection within the time limit"
    if isinstance(error, requests.Timeout):
        return "the answer took too long"
    if was_never_sent(error):
        return "nobody listens there"
    return "the connection broke"


CONNECT_S = 3.0
READ_S = 60.0
TRIES = 4
LARGEST_ANSWER = 256 * 2**20
LARGEST_SAYING = 2**16
CHUNK = 2**16

T = TypeVar("T")
Json = dict[str, Any]
Query = Mapping[str, str | int | bool | None]


class Body(Protocol):
    """A request class of the official client."""

    def to_dict(self) -> Json:
        """The body as the API wants it."""


class Transport:
    """Speaks to one studio. Safe to use from several threads."""

    def __init__(self, endpoint: Endpoint, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.endpoint = endpoint
        self._sleep = sleep
        self._session = requests.Session()
        self._session.headers.update({"x-api-key": endpoint.key, "Accept": "application/json", "User-Agent": "eitk"})
        self._session.trust_env = not is_loopback(endpoint.api_url)  # loopback never goes through a proxy
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=16))

    def get(self, path: str, **query: str | int | bool | None) -> Json:
        """GET a path below the API address. Raises ApiError, NetworkError or CredentialError."""
        return self._json("GET", path, query, None, repeatable=True)

    def post(
        self, path: str, body: Body | Json | None = None, *, repeatable: bool = False, **query: str | int | None
    ) -> Json:
        """POST a body: a request class or, where that says little, plain JSON.

        `repeatable` says that doing it twice is the same as doing it once.
        """
        return self._json("POST", path, query, _plain(body), repeatable=repeatable)

    def delete(self, path: str) -> Json:
        """DELETE a path."""
        return self._json("DELETE", path, {}, None, repeatable=True)

    def download(self, path: str, to: Path, *, largest: int) -> Mapping[str, str]:
        """Stream an answer into the file `to` in one step and return its headers.

        Raises ApiError where the answer is an error, is cut off, or is larger than `largest` bytes.
        """
        to.parent.mkdir(parents=True, exist_ok=True)

        def fetch() -> Mapping[str, str]:
            with self._send("GET", path, {}, None) as answer, replace_file(to) as partial, partial.open("wb") as file:
                _refuse_json(answer, path)
                for chunk in _chunks(answer, largest):
                    file.write(chunk)
                return answer.headers

        return self._retried(fetch, repeatable=True)

    def text(self, path: str) -> str:
        """A plain text answer."""

        def fetch() -> str:
            with self._send("GET", path, {}, None) as answer:
                raw = b"".join(_chunks(answer, LARGEST_ANSWER))
                if answer.status_code >= 300:
                    raise refusal(answer.status_code, "", path)
                return raw.decode("utf-8", errors="replace")

        return redact(self._retried(fetch, repeatable=True), self.endpoint.key)

    def _json(self, method: str, path: str, query: Query, body: Json | None, *, repeatable: bool) -> Json:
        def fetch() -> Json:
            with self._send(method, path, query, body) as answer:
                raw = b"".join(_chunks(answer, LARGEST_ANSWER))
                return checked(redact(raw.decode("utf-8", errors="replace"), self.endpoint.key), answer, path)

        return self._retried(fetch, repeatable=repeatable)

    def _retried(self, attempt: Callable[[], T], *, repeatable: bool) -> T:
        """The first result. What may have been done already is not asked for twice unless it is `repeatable`."""
        for tries in range(1, TRIES + 1):
            try:
                return attempt()
            except requests.RequestException as error:
                failure: EitkError = no_answer(error, self.endpoint)
                again, pause = repeatable or was_never_sent(error), 0.0
            except Busy as busy:
                failure = busy.refusal
                again, pause = repeatable or busy.was_not_begun, busy.pause
            if tries == TRIES or not again:
                raise failure
            self._sleep(max(backoff(tries), pause))
        raise AssertionError("TRIES is at least 1")

    def _send(self, method: str, path: str, query: Query, body: Json | None) -> requests.Response:
        answer = self._session.request(
            method,
            self.endpoint.api_url + path,
            params={key: _word(value) for key, value in query.items() if value is not None},
            json=body,
            timeout=(CONNECT_S, READ_S),
            allow_redirects=False,  # a redirect would carry the key to another host
            stream=True,
        )
        if answer.status_code in RETRYABLE:
            with answer:
                raise Busy(answer, path)
        return answer


class Busy(Exception):
    """An answer that is worth asking again: too many requests, or a server that stumbled."""

    def __init__(self, answer: requests.Response, path: str) -> None:
        super().__init__(answer.status_code)
        self.refusal = refusal(answer.status_code, said_by(answer), path)
        self.was_not_begun = answer.status_code in (429, 503)
        self.pause = retry_after(answer.headers)


class Garbled(requests.RequestException):
    """An answer that was cut off and is no longer JSON."""


def said_by(answer: requests.Response) -> str:
    """The `error` text of a JSON answer; empty where there is none or it cannot be read."""
    try:
        data = json.loads(b"".join(_chunks(answer, LARGEST_SAYING)))
    except (requests.RequestException, ApiError, ValueError):
        return ""
    key = str(answer.request.headers.get("x-api-key", ""))
    return redact(str(data.get("error") or ""), key) if isinstance(data, dict) else ""


def checked(text: str, answer: requests.Response, path: str) -> Json:
    """The JSON object of an answer that says `success`.

    Raises CredentialError for a refused key, ApiError for every other refusal, Garbled for JSON that was cut off.
    """
    try:
        data = json.loads(text)
    except ValueError:
        if answer.status_code < 300 and text.lstrip().startswith("{"):
            raise Garbled from None
        data = None
    if isinstance(data, dict) and answer.status_code < 300 and data.get("success") is True:
        return data
    said = data.get("error") if isinstance(data, dict) else None
    raise refusal(answer.status_code, str(said) if said else "", path)


def _refuse_json(answer: requests.Response, path: str) -> None:
    """A JSON answer where a file was asked for is an error, whatever its status."""
    if answer.status_code >= 300 or "json" in answer.headers.get("Content-Type", ""):
        raise refusal(answer.status_code, said_by(answer), path)


def _chunks(answer: requests.Response, largest: int) -> Iterator[bytes]:
    total = 0
    for chunk in answer.iter_content(CHUNK):
        total += len(chunk)
        if total > largest:
            raise ApiError(f"the answer is larger than {largest / 2**20:.0f} MB", hint="Is this a studio at all?")
        yield chunk


def _plain(body: Body | Json | None) -> Json | None:
    """A body as JSON; the official classes add `null` for some fields that were never set."""
    if body is None or isinstance(body, dict):
        return body
    return {key: value for key, value in body.to_dict().items() if value is not None}


def _word(value: str | int | bool | None) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
