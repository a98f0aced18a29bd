"""The session of a request from a browser: a cookie, of requests from the studio's own pages only.

A browser sends the cookie whichever page causes the request, and pages of other ports of this machine count as the same
site. So a request with a session must come from the studio's own address, and one that changes something must carry the
CSRF token, which only the studio's pages can read.
"""

from __future__ import annotations

from fastapi import Request

from ei_toolkit.studio.context import Studio
from ei_toolkit.studio.http.errors import Forbidden
from ei_toolkit.studio.sessions import BrowserSession

CSRF_HEADER = "x-csrf-token"
UNCHANGING = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_PAGES = frozenset({"same-origin", "none"})
"""Values of Sec-Fetch-Site: a page of the same address, or an address that the user entered."""


def cookie_name(request: Request) -> str:
    """Return the name of the cookie, with the port: browsers send the cookies of a host to all of its ports."""
    return f"eitk-session-{request.url.port or 80}"


def own_origin(request: Request) -> str:
    """Return the origin of the studio's pages, as the browser names it."""
    return f"http://{request.headers.get('host', '')}"


def check_origin(request: Request) -> None:
    """Raise Forbidden if another origin causes the request; one that changes something must name its origin."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site", "none")
    allowed = request.method in UNCHANGING if origin is None else origin == own_origin(request)
    if not allowed or site not in OWN_PAGES:
        raise Forbidden("The request does not come from a page of this studio")


def session_of(request: Request) -> BrowserSession | None:
    """Return the session of a request; None if it has none that is valid.

    Raises Forbidden if another origin causes the request, or if it changes something without the CSRF token.
    """
    studio: Studio = request.app.state.studio
    session = studio.sessions.find(request.cookies.get(cookie_name(request), ""))
    if session is None:
        return None
    check_origin(request)
    if request.method not in UNCHANGING and not session.has_csrf_token(request.headers.get(CSRF_HEADER, "")):
        raise Forbidden(f"The CSRF token is missing or not valid: load the page again (header {CSRF_HEADER})")
    return session
