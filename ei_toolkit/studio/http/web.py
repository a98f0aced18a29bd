"""The studio in a browser: signing in, the page, and its scripts and style sheets.

The page has no data of its own. Its scripts send the requests of Edge Impulse's API as every other client does, with
the session of the browser in place of a key.
"""

from __future__ import annotations

import gzip
import hashlib
import secrets
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from ipaddress import ip_address
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from ei_toolkit.config.palette import LABEL_COLOURS, PALETTE
from ei_toolkit.config.project import bundled
from ei_toolkit.studio.browser_settings import defaults_js
from ei_toolkit.studio.context import Studio
from ei_toolkit.studio.http.browser_session import CSRF_HEADER, check_origin, cookie_name, own_origin, session_of
from ei_toolkit.studio.http.errors import Forbidden, Unauthorised, Unknown
from ei_toolkit.studio.http.request import Anyone
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.schema import RequestModel, json_body
from ei_toolkit.studio.sessions import BrowserSession

MEDIA_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
POLICY = (
    "default-src 'none'; script-src 'self'{wasm}; worker-src 'self'; style-src 'self' 'nonce-{nonce}';"
    " img-src 'self' blob:; media-src 'self' blob:; connect-src 'self' {websocket}; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of the page. wavesurfer.js puts a style sheet into its element, which needs the nonce."""
WASM_PAGE = "classification"
"""The only page that may compile WebAssembly: the program that the studio built from the model of the project."""


class SignInRequest(RequestModel):
    """The one-time token of `eitk studio open`."""

    token: str


@dataclass(frozen=True)
class StaticFile:
    """A file that the page loads, with its compressed form."""

    media_type: str
    content: bytes
    compressed: bytes
    etag: str


def _on_this_machine(request: Request) -> None:
    """Raise Forbidden for a client of another machine: cookies and tokens are not encrypted on their way."""
    host = request.client.host if request.client else ""
    if not host or not ip_address(host.partition("%")[0]).is_loopback:
        raise Forbidden("The studio in a browser is served to this machine only: open it where the studio runs")


router = APIRouter(dependencies=[Depends(_on_this_machine)])


@router.get("/")
def start() -> Response:
    """Go to the page."""
    return RedirectResponse("/studio")


@router.get("/studio")
@router.get("/studio/{path:path}")
def page(request: Request) -> Response:
    """Return the page, which is the same for every address; its scripts read the address."""
    nonce = secrets.token_urlsafe(16)
    websocket = own_origin(request).replace("http:", "ws:", 1)
    html = _source("index.html").read_text(encoding="utf-8").replace("{nonce}", nonce)
    is_wasm_page = request.url.path.split("/")[3:4] == [WASM_PAGE]
    policy = POLICY.format(nonce=nonce, websocket=websocket, wasm=" 'wasm-unsafe-eval'" if is_wasm_page else "")
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return Response(html, media_type="text/html; charset=utf-8", headers=headers)


@router.get("/web/{name:path}")
def static_file(name: str, request: Request) -> Response:
    """Return a script or a style sheet; 304 if the browser has it already."""
    found = static_files().get(name)
    if found is None:
        raise Unknown(f"There is no such route: GET /web/{name[:200]}")
    headers = {"ETag": found.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if found.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(found.content, media_type=found.media_type, headers=headers)
    return Response(found.compressed, media_type=found.media_type, headers={**headers, "Content-Encoding": "gzip"})


@router.post("/session/tokens")
def issue_token(context: Anyone) -> Response:
    """Return a one-time token for the key of the request."""
    sessions = context.studio.sessions
    return answer({"token": sessions.issue_token(context.key.id), "lifetimeSeconds": sessions.token_lifetime_s})


@router.post("/session")
def sign_in(request: Request, body: Annotated[SignInRequest, Depends(json_body(SignInRequest))]) -> Response:
    """Exchange a one-time token for the cookie of a session."""
    check_origin(request)
    studio: Studio = request.app.state.studio
    signed_in = studio.sessions.sign_in(body.token)
    if signed_in is None:
        raise Unauthorised("The address of this page was used already, or is older than a minute: run eitk studio open")
    secret, session = signed_in
    response = _session(studio, session)
    lifetime_s = int(studio.sessions.lifetime_s)
    response.set_cookie(cookie_name(request), secret, max_age=lifetime_s, path="/", httponly=True, samesite="strict")
    return response


@router.get("/session")
def get_session(request: Request) -> Response:
    """Return project and CSRF token of the session. Only pages of the studio can read the response."""
    session = session_of(request)
    if session is None:
        raise Unauthorised("This browser is not signed in: run eitk studio open")
    return _session(request.app.state.studio, session)


@router.delete("/session")
def sign_out(request: Request) -> Response:
    """End the session of this browser."""
    if session_of(request) is not None:
        request.app.state.studio.sessions.sign_out(request.cookies[cookie_name(request)])
    response = answer()
    response.delete_cookie(cookie_name(request), path="/", httponly=True, samesite="strict")
    return response


def _session(studio: Studio, session: BrowserSession) -> Response:
    key = studio.store.keys.by_id(session.key)
    if key is None:
        raise Unauthorised("The API key of this session was revoked or has expired: run eitk studio open")
    name = studio.store.projects.get(key.project).name
    project = {"projectId": key.project, "projectName": name, "role": key.role}
    return answer({**project, "csrfHeader": CSRF_HEADER, "csrfToken": session.csrf_token})


@cache
def static_files() -> dict[str, StaticFile]:
    """Return what the page loads, by its name below `/web/`."""
    found = dict(_files_below(_source("")))
    found["palette.css"] = _static_file("palette.css", palette_css().encode())
    found["defaults.js"] = _static_file("defaults.js", defaults_js().encode())
    classifier = bundled("firmware") / "web" / "classifier.js"  # the module of browser deployments
    found["classifier.js"] = _static_file("classifier.js", classifier.read_bytes())
    return found


def _files_below(folder: Traversable, prefix: str = "") -> list[tuple[str, StaticFile]]:
    found: list[tuple[str, StaticFile]] = []
    for entry in folder.iterdir():
        name = prefix + entry.name
        if entry.is_dir():
            found += _files_below(entry, f"{name}/")
        elif _suffix(name) in MEDIA_TYPES:
            found.append((name, _static_file(name, entry.read_bytes())))
    return found


def _static_file(name: str, content: bytes) -> StaticFile:
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return StaticFile(MEDIA_TYPES[_suffix(name)], content, gzip.compress(content, 9, mtime=0), etag)


def _suffix(name: str) -> str:
    return name[name.rfind(".") :]


def palette_css() -> str:
    """Return the style sheet that defines the colours of the palette and of labels, in light and in dark mode."""
    names = [*PALETTE.items(), *((f"label-{number}", colours) for number, colours in enumerate(LABEL_COLOURS))]
    light, dark = ("".join(f"--{name}:{colours[mode]};" for name, colours in names) for mode in (0, 1))
    count = f"--label-colours:{len(LABEL_COLOURS)};"
    return f":root{{color-scheme:light dark;{count}{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}\n"


def _source(name: str) -> Traversable:
    return files("ei_toolkit.studio").joinpath("web", name) if name else files("ei_toolkit.studio").joinpath("web")
