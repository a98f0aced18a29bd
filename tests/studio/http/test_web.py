"""The studio in a browser: signing in, what is refused with a session, the page and the files that it loads."""

from __future__ import annotations

import gzip
import re
import time
from typing import Any

import httpx
import pytest
from studio_in_process import Api

from ei_toolkit.config.palette import PALETTE
from ei_toolkit.studio.http.app import api_app, ingestion_app
from ei_toolkit.studio.http.web import palette_css, static_files
from ei_toolkit.studio.sessions import Sessions

OWN = "http://127.0.0.1:4800"


def token_of(api: Api, role: str = "admin") -> str:
    """A new one-time token, as `eitk studio open` requests it."""
    response = api.send(api_app(api.studio), "POST", "/session/tokens", headers={"x-api-key": api.keys[role]})
    return str(response.json()["token"])


def sign_in(api: Api, token: str, **headers: str) -> httpx.Response:
    sent = {"Origin": OWN, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return api.send(api_app(api.studio), "POST", "/session", json={"token": token}, headers=sent)


class Browser:
    """A browser that has signed in: its cookie, and the CSRF token that the page reads."""

    def __init__(self, api: Api, role: str = "admin") -> None:
        self.api = api
        response = sign_in(api, token_of(api, role))
        assert response.status_code == 200, response.text
        self.cookie = response.headers["set-cookie"]
        self.csrf = response.json()["csrfToken"]

    def send(self, verb: str, path: str, csrf: bool = True, **headers: str | None) -> httpx.Response:
        """Send a request of the page; a header that is None is left out."""
        own = {"Cookie": self.cookie.partition(";")[0], "Origin": OWN, "Sec-Fetch-Site": "same-origin"}
        if csrf:
            own["x-csrf-token"] = self.csrf
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in {**own, **given}.items() if value is not None}
        return self.api.send(api_app(self.api.studio), verb, path, headers=sent)


@pytest.fixture
def browser(api: Api) -> Browser:
    return Browser(api)


@pytest.mark.parametrize(
    "page", ["", "acquisition", "dsp", "learning", "devices", "jobs", "classification/x", "x/classification"]
)
def test_only_the_page_of_live_classification_may_compile_webassembly(api: Api, page: str) -> None:
    policy = api.send(api_app(api.studio), "GET", f"/studio/1/{page}").headers["content-security-policy"]
    assert ("'wasm-unsafe-eval'" in policy) == page.startswith("classification")
    assert "'unsafe-eval'" not in policy and "'unsafe-inline'" not in policy


def test_a_token_becomes_a_cookie_that_scripts_and_other_sites_do_not_get(api: Api) -> None:
    response = sign_in(api, token_of(api))
    assert re.fullmatch(
        r"eitk-session-4800=[\w-]{43}; HttpOnly; Max-Age=43200; Path=/; SameSite=strict", response.headers["set-cookie"]
    )
    assert response.json() == {
        "success": True, "projectId": 1, "projectName": "Test Project", "role": "admin",
        "csrfHeader": "x-csrf-token", "csrfToken": response.json()["csrfToken"],
    }  # fmt: skip


def test_the_session_has_the_rights_of_its_key(api: Api) -> None:
    reader = Browser(api, "readonly")
    assert reader.send("GET", "/v1/api/1/raw-data/count").json() == {"success": True, "count": 0}
    assert reader.send("POST", "/v1/api/1/raw-data/delete-all").status_code == 403
    assert reader.send("GET", "/v1/api/2/raw-data/count").status_code == 403


def test_a_page_uploads_to_its_own_address(api: Api, browser: Browser, make_noise: Any) -> None:
    request = httpx.Request("POST", OWN, files=[("data", ("a.wav", make_noise(1), "audio/wav"))])
    headers = {"Cookie": browser.cookie.partition(";")[0], "Origin": OWN, "x-csrf-token": browser.csrf}
    sent = {**headers, "content-type": request.headers["content-type"], "x-label": "rock"}
    response = api.send(api_app(api.studio), "POST", "/api/training/files", content=request.read(), headers=sent)
    [outcome] = response.json()["files"]
    assert outcome["success"] is True
    assert api.json("GET", f"/1/raw-data/{outcome['sampleId']}")["sample"]["label"] == "rock"


def test_a_token_is_refused_when_it_is_sent_again(api: Api) -> None:
    token = token_of(api)
    assert sign_in(api, token).status_code == 200
    replayed = sign_in(api, token)
    assert (replayed.status_code, replayed.headers.get("set-cookie")) == (401, None)
    assert "used already" in replayed.json()["error"]


def test_a_token_is_refused_when_it_is_late(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    token, later = token_of(api), time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert sign_in(api, token).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://evil.example"}, {"Origin": "http://127.0.0.1:4801"}, {"Origin": "null"},
     {"Sec_Fetch_Site": "same-site"}, {"Sec_Fetch_Site": "cross-site"}],
)  # fmt: skip
def test_a_token_is_refused_from_another_origin_and_stays_valid(api: Api, headers: dict[str, str]) -> None:
    token = token_of(api)
    assert sign_in(api, token, **headers).status_code == 403
    assert sign_in(api, token).status_code == 200


def test_an_unknown_token_is_refused(api: Api) -> None:
    assert sign_in(api, "x" * 43).status_code == 401
    assert sign_in(api, "").status_code == 401


def test_a_token_needs_a_key(api: Api, browser: Browser) -> None:
    assert api.send(api_app(api.studio), "POST", "/session/tokens").status_code == 401


CHANGE = "/v1/api/1/raw-data/delete-all"
READ = "/v1/api/1/raw-data/count"


def test_a_request_that_changes_something_needs_the_csrf_token(browser: Browser) -> None:
    missing = browser.send("POST", CHANGE, csrf=False)
    assert missing.status_code == 403
    assert "CSRF token" in missing.json()["error"]
    assert browser.send("POST", CHANGE, x_csrf_token="x" * 43).status_code == 403
    assert browser.send("POST", CHANGE, x_csrf_token="").status_code == 403
    assert browser.send("DELETE", "/session", csrf=False).status_code == 403
    assert browser.send("POST", "/api/training/files", csrf=False).status_code == 403
    assert browser.send("POST", CHANGE).json() == {"success": True}


def test_the_csrf_token_of_another_session_is_refused(api: Api, browser: Browser) -> None:
    assert browser.send("POST", CHANGE, x_csrf_token=Browser(api).csrf).status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:4801", "http://localhost:4800", "null"])
def test_a_request_of_another_origin_is_refused(browser: Browser, origin: str) -> None:
    assert browser.send("POST", CHANGE, Origin=origin).status_code == 403
    assert browser.send("GET", READ, Origin=origin).status_code == 403


@pytest.mark.parametrize("site", ["same-site", "cross-site"])
def test_a_request_that_the_browser_marks_as_one_of_another_page_is_refused(browser: Browser, site: str) -> None:
    assert browser.send("POST", CHANGE, Sec_Fetch_Site=site).status_code == 403
    assert browser.send("GET", READ, Origin=None, Sec_Fetch_Site=site).status_code == 403


def test_a_change_without_an_origin_is_refused_and_reading_is_not(browser: Browser) -> None:
    assert browser.send("POST", CHANGE, Origin=None).status_code == 403
    assert browser.send("GET", READ, Origin=None).json() == {"success": True, "count": 0}
    assert browser.send("GET", READ, Origin=None, Sec_Fetch_Site="none").status_code == 200


def test_the_cookie_of_another_port_is_no_session(browser: Browser) -> None:
    other = browser.cookie.partition(";")[0].replace("4800", "4801")
    assert browser.send("GET", READ, Cookie=other).status_code == 401


def test_a_foreign_host_name_is_refused_with_a_session_as_well(browser: Browser) -> None:
    assert browser.send("GET", READ, Host="studio.example:4800").status_code == 421


def test_a_client_of_another_machine_gets_no_page_and_no_session(api: Api) -> None:
    async def body() -> dict[str, Any]:
        return {"type": "http.request", "body": b'{"token":""}', "more_body": False}

    async def status(verb: str, path: str) -> int:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "method": verb, "path": path, "raw_path": path.encode(), "query_string": b"",
            "headers": [(b"host", b"127.0.0.1:4800"), (b"origin", OWN.encode())], "client": ("192.168.1.5", 5000),
            "server": ("127.0.0.1", 4800), "scheme": "http", "http_version": "1.1", "root_path": "",
        }  # fmt: skip
        await api_app(api.studio)(scope, body, send)
        return int(sent[0]["status"])

    for verb, path in (("GET", "/studio"), ("GET", "/web/app.js"), ("GET", "/session"), ("POST", "/session")):
        assert api.loop.run(status(verb, path)) == 403, path


def test_a_session_ends_with_its_key(api: Api, browser: Browser) -> None:
    api.studio.store.keys.revoke(1, 1)
    assert browser.send("GET", READ).status_code == 401
    assert "revoked" in browser.send("GET", "/session").json()["error"]


def test_a_session_ends_when_the_user_signs_out(browser: Browser) -> None:
    response = browser.send("DELETE", "/session")
    assert "Max-Age=0" in response.headers["set-cookie"]
    assert browser.send("GET", READ).status_code == 401
    assert browser.send("GET", "/session").status_code == 401


def test_a_session_ends_with_the_server(api: Api, browser: Browser) -> None:
    object.__setattr__(api.studio, "sessions", Sessions())
    assert browser.send("GET", READ).status_code == 401


def test_the_page_reads_the_csrf_token_of_its_session(browser: Browser) -> None:
    assert browser.send("GET", "/session").json()["csrfToken"] == browser.csrf
    assert browser.send("GET", "/session", Origin="http://127.0.0.1:4801").status_code == 403


def test_the_secret_of_no_key_is_in_a_response_to_a_session(api: Api, browser: Browser) -> None:
    for path in ("", "/devkeys", "/apikeys"):
        text = browser.send("GET", f"/v1/api/1{path}").text
        assert not any(key in text for key in api.keys.values())


def page(api: Api, path: str = "/studio/1/acquisition") -> httpx.Response:
    return api.send(api_app(api.studio), "GET", path)


def test_the_page_may_load_nothing_but_the_files_of_the_studio(api: Api) -> None:
    response = page(api)
    policy = dict(part.strip().split(" ", 1) for part in response.headers["content-security-policy"].split(";"))
    nonce = policy["style-src"].partition("'nonce-")[2].rstrip("'")
    assert policy == {
        "default-src": "'none'", "script-src": "'self'", "worker-src": "'self'",
        "style-src": f"'self' 'nonce-{nonce}'", "img-src": "'self' blob:", "media-src": "'self' blob:",
        "connect-src": "'self' ws://127.0.0.1:4800", "base-uri": "'none'", "form-action": "'none'",
        "frame-ancestors": "'none'",
    }  # fmt: skip
    assert f'content="{nonce}"' in response.text
    assert nonce not in page(api).text
    assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|https?://", response.text)


def test_no_response_may_be_framed_or_read_as_another_type(api: Api) -> None:
    responses = [
        page(api), page(api, "/web/app.js"), page(api, "/missing"), api.call("GET", "/1/raw-data/count"),
        api.send(ingestion_app(api.studio), "POST", "/api/training/files"),
        api.send(api_app(api.studio), "GET", "/studio", headers={"Host": "evil.example"}),
    ]  # fmt: skip
    for response in responses:
        assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
        assert response.headers["x-frame-options"] == "DENY"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/", "/studio", "/studio/1/acquisition/training?label=rock", "/studio/1/unknown/x"])
def test_every_address_of_the_studio_leads_to_the_page(api: Api, path: str) -> None:
    response = page(api, path)
    if path == "/":
        assert (response.status_code, response.headers["location"]) == (307, "/studio")
    else:
        assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_everything_that_the_page_names_is_served(api: Api) -> None:
    names = re.findall(r'(?:src|href)="/web/([^"]+)"', page(api).text)
    assert len(names) >= 5
    assert set(names) <= static_files().keys()


IMPORT = re.compile(r"""(?:from|import\()\s*["'](\.[^"']+)["']""")


def test_every_import_of_a_script_is_served() -> None:
    found = 0
    for name, file in static_files().items():
        for target in IMPORT.findall(file.content.decode()) if name.endswith(".js") else ():
            path = httpx.URL(f"http://x/{name}").join(target).path.removeprefix("/")
            assert path in static_files(), (name, target)
            found += 1
    assert found > 5


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("app.js", "text/javascript"), ("app.css", "text/css"), ("palette.css", "text/css"), ("icon.svg", "image/svg+xml"),
     ("vendor/preact.js", "text/javascript")],
)  # fmt: skip
def test_a_file_has_its_type_is_compressed_and_is_sent_once(api: Api, name: str, media_type: str) -> None:
    app = api_app(api.studio)
    plain = api.send(app, "GET", f"/web/{name}", headers={"accept-encoding": "identity"})
    assert (plain.status_code, plain.headers["content-type"].partition(";")[0]) == (200, media_type)
    assert plain.content == static_files()[name].content
    packed = api.send(app, "GET", f"/web/{name}", headers={"accept-encoding": "gzip, br"})
    assert (packed.headers["content-encoding"], packed.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert packed.content == plain.content
    assert gzip.decompress(static_files()[name].compressed) == plain.content
    again = api.send(app, "GET", f"/web/{name}", headers={"if-none-match": plain.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = api.send(app, "GET", f"/web/{name}", headers={"if-none-match": '"other"'})
    assert other.status_code == 200


@pytest.mark.parametrize(
    "name", ["", "missing.js", "index.html", "../options.py", "%2e%2e/options.py", "vendor/libraries.json"]
)
def test_nothing_else_is_served(api: Api, name: str) -> None:
    assert page(api, f"/web/{name}").status_code == 404


def test_the_colours_of_the_page_are_those_of_the_report() -> None:
    light, dark = palette_css().split("@media")
    for name, colours in PALETTE.items():
        assert f"--{name}:{colours[0]};" in light
        assert f"--{name}:{colours[1]};" in dark


def test_no_script_of_the_studio_makes_markup_or_code_of_text() -> None:
    forbidden = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|https?://")
    for name, file in static_files().items():
        if name.endswith(".js") and not name.startswith("vendor/"):
            assert not forbidden.search(file.content.decode()), name
