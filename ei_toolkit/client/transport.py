"""HTTP requests to one studio: the key, retries, limits on size and time, and errors in the terms of eitk."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import requests
from urllib3.exceptions import NewConnectionError, ReadTimeoutError

from ei_toolkit.client.endpoint import Endpoint, is_loopback
from ei_toolkit.client.responses import error_text, foreign_body, not_valid, parse_response, redact
from ei_toolkit.client.retries import (
    RETRY_BUDGET,
    RETRYABLE_STATUS,
    TRIES,
    RetryBudget,
    RetryPolicy,
    backoff,
)
from ei_toolkit.config.atomic_write import replace_file
from ei_toolkit.config.response_deadline import DeadlineAdapter, limited_body
from ei_toolkit.config.units import mib
from ei_toolkit.config.untrusted_json import NestedTooDeeply, read_json
from ei_toolkit.errors import ApiError, CredentialError, EitkError, NetworkError

CONNECT_TIMEOUT_S = 3.0
READ_TIMEOUT_S = 60.0  # a request that has no answer for this long ends, and is not repeated
BODY_TIMEOUT_S = 300.0  # from the end of the headers to the end of the body
DOWNLOAD_TIMEOUT_S = 3600.0  # the same for a file
SLOW_S = 5.0  # after this time without an answer a note is printed
INSUFFICIENT_STORAGE = 507  # not retryable: the disk stays full until someone frees space
MAX_RESPONSE_BYTES = 256 * 2**20
MAX_ERROR_BYTES = 2**16

ROLE_ERROR = re.compile(r"insufficient permission|valid roles", re.IGNORECASE)
KEY_ERROR = re.compile(r"\b(invalid|unknown|wrong|missing|no) (api )?keys?\b|not authenticated", re.IGNORECASE)
KEY_HINT = "Set EI_API_KEY or run: eitk login"
ROLE_HINT = "Make a key with the role admin in the studio (Dashboard, Keys); eitk doctor shows the role of this key."
STORAGE_HINT = "Free space on the disk of the studio, then run the same command again."
FOREIGN_HINT = "Check studio.url, and whether a proxy (HTTPS_PROXY) or the sign-in page of a network is in between."

T = TypeVar("T")
R = TypeVar("R")
Json = dict[str, Any]
Query = Mapping[str, str | int | bool | None]
Notify = Callable[[str], None]


class Body(Protocol):
    """A request class of the official client."""

    def to_dict(self) -> Json:
        """Return the body as the API expects it."""


def ignore(_message: str) -> None:
    """Show no message."""


def once(notify: Notify) -> Notify:
    """Return a function that shows the first message only: many requests of one upload may be slow at the same time."""
    shown = threading.Lock()

    def show(message: str) -> None:
        if shown.acquire(blocking=False):
            notify(message)

    return show


@contextmanager
def note_when_slow(notify: Notify, address: str, limit_s: float) -> Iterator[None]:
    """Call `notify` once if the block takes longer than SLOW_S; `limit_s` is the time after which it gives up."""
    message = f"no answer from {address} for {SLOW_S:g} s; waiting up to {limit_s:g} s"
    timer = threading.Timer(SLOW_S, notify, (message,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Transport:
    """Sends requests to one studio. Safe to use from several threads. `notify` shows a message to the user.

    A command has one transport, whose retry budget its uploads use as well.
    """

    def __init__(self, endpoint: Endpoint, notify: Notify = ignore) -> None:
        self.endpoint = endpoint
        self.notify = notify
        self.retry_budget = RetryBudget(RETRY_BUDGET)
        self._session = _session(endpoint, RetryPolicy.for_requests(self.retry_budget, repeatable=False))
        self._retrying_session = _session(endpoint, RetryPolicy.for_requests(self.retry_budget, repeatable=True))

    def get(self, path: str, **query: str | int | bool | None) -> Json:
        """GET a path below the API address. Raises ApiError, NetworkError or CredentialError."""
        return self._json("GET", path, query, None, repeatable=True)

    def read(self, path: str, model: type[R], **query: str | int | bool | None) -> R:
        """GET a path and return the response as an instance of `model`. Raises ApiError where it does not fit."""
        return parse_response(self.get(path, **query), model, path)

    def post(
        self, path: str, body: Body | Json | None = None, *, repeatable: bool = False, **query: str | int | None
    ) -> Json:
        """POST a body: a request class of the official client, or plain JSON.

        `repeatable` means that sending the request twice has the same effect as sending it once.
        """
        return self._json("POST", path, query, _body_json(body), repeatable=repeatable)

    def delete(self, path: str) -> Json:
        """DELETE a path."""
        return self._json("DELETE", path, {}, None, repeatable=True)

    def download(self, path: str, to: Path, *, max_bytes: int) -> Mapping[str, str]:
        """Stream a response into the file `to`, in one step, and return its headers.

        Raises ApiError where the response is an error, is incomplete, or is larger than `max_bytes`.
        """
        to.parent.mkdir(parents=True, exist_ok=True)

        def fetch() -> Mapping[str, str]:
            with (
                self._send("GET", path, {}, None, repeatable=True) as response,
                replace_file(to) as partial,
                partial.open("wb") as file,
            ):
                _check_is_file(response, path)
                for chunk in _chunks(response, max_bytes, DOWNLOAD_TIMEOUT_S):
                    file.write(chunk)
                return response.headers

        return self._with_whole_body(fetch, repeatable=True)

    def text(self, path: str) -> str:
        """GET a plain text response."""

        def fetch() -> str:
            with self._send("GET", path, {}, None, repeatable=True) as response:
                content = body_text(response, MAX_RESPONSE_BYTES)
                if response.status_code >= 300:
                    raise error_of_response(response.status_code, "", path, foreign_body(content))
                return content

        return redact(self._with_whole_body(fetch, repeatable=True), self.endpoint.key)

    def _json(self, method: str, path: str, query: Query, body: Json | None, *, repeatable: bool) -> Json:
        def fetch() -> Json:
            with self._send(method, path, query, body, repeatable=repeatable) as response:
                return _parse_success(
                    redact(body_text(response, MAX_RESPONSE_BYTES), self.endpoint.key), response, path
                )

        return self._with_whole_body(fetch, repeatable=repeatable)

    def _with_whole_body(self, fetch: Callable[[], T], *, repeatable: bool) -> T:
        """Repeat a request whose body arrived incomplete: RetryPolicy ends when the headers have arrived."""
        for tries in range(1, TRIES + 1):
            try:
                result = fetch()
            except requests.RequestException as error:
                if tries == TRIES or not repeatable or _is_timeout(error) or not self.retry_budget.spend():
                    raise unreachable_error(error, self.endpoint) from None
                time.sleep(backoff(tries))
            else:
                self.retry_budget.earn()
                return result
        raise AssertionError("TRIES is at least 1")

    def _send(self, method: str, path: str, query: Query, body: Json | None, *, repeatable: bool) -> requests.Response:
        """Send a request, with retries, and return the response with its body still to be read."""
        session = self._retrying_session if repeatable else self._session
        try:
            with note_when_slow(self.notify, self.endpoint.api_url, READ_TIMEOUT_S):
                response = session.request(
                    method,
                    self.endpoint.api_url + path,
                    params={key: _query_text(value) for key, value in query.items() if value is not None},
                    json=body,
                    timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                    allow_redirects=False,  # a redirect would carry the key to another host
                    stream=True,
                )
        except requests.RequestException as error:
            raise unreachable_error(error, self.endpoint) from None
        if response.status_code in RETRYABLE_STATUS:
            with response:
                raise _error_of_body(response, path)
        return response


def was_never_sent(error: requests.RequestException) -> bool:
    """Whether the server cannot have received the request, so that sending it again is safe."""
    if isinstance(error, requests.exceptions.SSLError):
        return False
    return isinstance(error, requests.ConnectTimeout) or isinstance(_cause(error), NewConnectionError)


def unreachable_error(error: requests.RequestException, endpoint: Endpoint, url: str = "") -> NetworkError:
    """Return the error for a connection that failed. `url` is the address if it is not the one of the API."""
    address = url or endpoint.api_url
    hint = "Is the studio running? eitk doctor" if is_loopback(address) else "Check the network; then: eitk doctor"
    return NetworkError(f"no answer from {address}", why=redact(_reason(error), endpoint.key), hint=hint)


def error_of_response(status: int, message: str, path: str, foreign: str = "") -> EitkError:
    """Return the error for a response that is not a success.

    `message` is its `error` text, or empty; `foreign` describes its body if no studio sends such a body.
    """
    if foreign and not 300 <= status < 400:
        what, why = f"answered by something that is not the studio: {foreign}", f"HTTP {status} for {path}"
        return ApiError(what, why=why, hint=FOREIGN_HINT, status=status)
    if status == 403 or ROLE_ERROR.search(message):
        return CredentialError("this key may not do that", why=message or f"HTTP {status} for {path}", hint=ROLE_HINT)
    if status == 401 or KEY_ERROR.search(message):
        return CredentialError("the studio does not accept the key", why=message or f"HTTP {status}", hint=KEY_HINT)
    if status == INSUFFICIENT_STORAGE:
        return ApiError(
            message or "the studio has no space left", why=f"HTTP {status}", hint=STORAGE_HINT, status=status
        )
    if 300 <= status < 400:
        return ApiError("the studio redirects elsewhere", why=f"HTTP {status}", hint="Check studio.url", status=status)
    if not message and status < 300:
        return ApiError(f"the response for {path} is not one of a studio", hint="Check studio.url", status=status)
    return ApiError(message or f"the studio answered HTTP {status}", why=f"requested {path}", status=status)


def body_text(response: requests.Response, max_bytes: int) -> str:
    """Read the body of a streamed response as text.

    Raises ApiError for more than `max_bytes`, requests.RequestException where it is cut off or does not end in time.
    """
    return b"".join(_chunks(response, max_bytes, BODY_TIMEOUT_S)).decode("utf-8", errors="replace")


class IncompleteJson(requests.RequestException):
    """A JSON response that ends before its closing brace."""


def _session(endpoint: Endpoint, policy: RetryPolicy) -> requests.Session:
    session = requests.Session()
    session.headers.update({"x-api-key": endpoint.key, "Accept": "application/json", "User-Agent": "eitk"})
    session.trust_env = not is_loopback(endpoint.api_url)  # requests to this machine use no proxy
    for scheme in ("http://", "https://"):
        session.mount(scheme, DeadlineAdapter(pool_maxsize=16, max_retries=policy))
    return session


def _is_timeout(error: requests.RequestException) -> bool:
    """Whether no answer, or no further part of one, arrived in time."""
    if isinstance(error, requests.Timeout):
        return True
    return any(isinstance(cause, ReadTimeoutError) for cause in (_cause(error), *error.args[:1]))


def _cause(error: requests.RequestException) -> object:
    """The error of urllib3 for which requests has raised."""
    cause = error.args[0] if error.args else None
    return getattr(cause, "reason", None)


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "the certificate could not be verified"
    if isinstance(error, requests.ConnectTimeout):
        return f"no connection within {CONNECT_TIMEOUT_S:g} s"
    if _is_timeout(error):
        return "the response took too long"
    if was_never_sent(error):
        return "no server listens at this address"
    return "the connection was interrupted"


def _error_of_body(response: requests.Response, path: str) -> EitkError:
    """The error for a response whose body is still to be read; without its text if it cannot be read."""
    start = b""
    try:
        for chunk in limited_body(response, MAX_ERROR_BYTES, READ_TIMEOUT_S):
            start += chunk
    except requests.RequestException:
        return error_of_response(response.status_code, "", path)
    text = redact(start.decode("utf-8", errors="replace"), str(response.request.headers.get("x-api-key", "")))
    return error_of_response(response.status_code, error_text(text), path, foreign_body(text))


def _parse_success(text: str, response: requests.Response, path: str) -> Json:
    """Return the JSON object of a response with `"success": true`.

    Raises CredentialError for a rejected key, IncompleteJson for JSON that was cut off, ApiError for everything else.
    """
    try:
        data = read_json(text)
    except NestedTooDeeply as error:
        raise not_valid(path, error) from None
    except ValueError:
        if response.status_code < 300 and text.lstrip().startswith("{"):
            raise IncompleteJson from None
        data = None
    if isinstance(data, dict) and response.status_code < 300 and data.get("success") is True:
        return data
    raise error_of_response(response.status_code, error_text(text), path, foreign_body(text))


def _check_is_file(response: requests.Response, path: str) -> None:
    """Raise for JSON or a page where a file was requested: it is an error, whatever its status."""
    content_type = response.headers.get("Content-Type", "")
    if response.status_code >= 300 or "json" in content_type or "html" in content_type:
        raise _error_of_body(response, path)


def _chunks(response: requests.Response, max_bytes: int, limit_s: float) -> Iterator[bytes]:
    total = 0
    for chunk in limited_body(response, max_bytes, limit_s):
        total += len(chunk)
        if total > max_bytes:
            raise ApiError(f"the response is larger than {mib(max_bytes)}", hint="Check studio.url")
        yield chunk


def _body_json(body: Body | Json | None) -> Json | None:
    """A body as JSON, without the `null` that the official classes have for some fields that were never set."""
    if body is None or isinstance(body, dict):
        return body
    return {key: value for key, value in body.to_dict().items() if value is not None}


def _query_text(value: str | int | bool | None) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
