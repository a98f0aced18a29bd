"""What went wrong on the wire, in words that say what to do."""

from __future__ import annotations

import re

import requests
import urllib3

from ei_toolkit.api.endpoint import Endpoint, is_loopback
from ei_toolkit.api.redact import redact
from ei_toolkit.errors import ApiError, CredentialError, EitkError, NetworkError

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
