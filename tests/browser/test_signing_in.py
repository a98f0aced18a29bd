"""The studio in Chromium: signing in and out, framing, errors that become sentences, and the first load."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from studio_pages import Project, Window

LARGEST_FIRST_LOAD = 250_000  # bytes, compressed


def test_an_address_of_eitk_studio_open_signs_in_once(chromium: Any, project: Project) -> None:
    address, texts = project.sign_in_url, []
    for _ in range(2):
        context = chromium.new_context()
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("nav, .notice")
        texts.append(page.inner_text("body"))
        assert "token" not in page.url
        context.close()
    assert "Sign out" in texts[0]
    assert "used already" in texts[1]
    assert "eitk studio open" in texts[1]


def test_a_reload_stays_signed_in_and_signing_out_ends_it(window: Window) -> None:
    page = window.page
    page.reload()
    page.wait_for_selector("nav")
    page.click("text=Sign out")
    page.wait_for_selector("text=To sign in")
    page.reload()
    page.wait_for_selector("text=not signed in")
    assert page.query_selector("nav") is None


def test_a_page_has_a_heading_while_it_signs_in_and_while_it_loads(window: Window) -> None:
    page, held = window.page, list[Any]()
    for address in ("**/session", "**/web/data/page.js"):
        page.route(address, lambda route: held.append(route))
    page.reload(wait_until="commit")
    for status, heading in (("Signing in…", "eitk studio"), ("Loading…", "Data")):
        page.wait_for_selector(f"main > p[role=status]:text-is('{status}')")
        assert page.inner_text("h1") == heading
        assert "To sign in" not in page.inner_text("main")
        held.pop().continue_()
    page.wait_for_selector("main:not(:has(> p[role=status])) h1:text-is('Data')")


def test_a_page_of_another_origin_cannot_frame_the_studio_or_use_its_session(window: Window, studio: Any) -> None:
    own = studio.api.removesuffix("/v1/api")
    other = window.page.context.new_page()
    other.goto(own.replace("127.0.0.1", "localhost") + "/web/icon.svg")  # another origin, with no policy for its frames
    other.route("**/attack", lambda route: route.fulfill(content_type="text/html", body="<p>attack</p>"))
    other.goto(own.replace("127.0.0.1", "localhost") + "/attack")
    framed = other.evaluate(
        """address => new Promise(resolve => {
            const frame = document.createElement("iframe");
            frame.onload = () => { try { resolve(frame.contentDocument !== null) } catch { resolve("blocked") } };
            frame.src = address;
            document.body.append(frame);
        })""",
        f"{own}/studio",
    )
    assert framed is False or framed == "blocked"
    assert not any(frame.url.startswith(own) and "Sign out" in frame.content() for frame in other.frames[1:])
    outcome = other.evaluate(
        """address => fetch(address, {method: "POST", credentials: "include"}).then(() => "read", () => "blocked")""",
        f"{own}/v1/api/{window.project.id}/raw-data/delete-all",
    )
    assert outcome == "blocked"
    other.close()
    window.complaints.clear()
    window.foreign.clear()


def test_scripts_in_the_page_are_not_run(window: Window) -> None:
    outcome = window.page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            document.body.append(script);
            const element = document.createElement("div");
            element.innerHTML = "<img src=/x onerror='window.ran = true'>";
            document.body.append(element);
            setTimeout(() => eval("window.ran = true"));  // outside of the debugger, which may evaluate text
            return new Promise(resolve => setTimeout(() => resolve(window.ran ?? false), 200));
        }"""
    )
    assert outcome is False
    assert any("Content Security Policy" in line for line in window.complaints)
    window.complaints.clear()


def test_a_studio_that_stops_and_starts_again_is_a_sentence_with_a_way_back(window: Window) -> None:
    page = window.open("acquisition")
    page.route("**/v1/**", lambda route: route.abort())
    page.route("**/session", lambda route: route.abort())
    page.reload()
    page.wait_for_selector("text=does not respond")
    page.unroute("**/v1/**")
    page.unroute("**/session")
    page.click("button:has-text('Try again')")
    page.wait_for_selector("nav")
    page.route("**/session", lambda route: route.abort())
    page.click("text=Live classification")  # a document of its own, which is not loaded in vain
    page.wait_for_selector("text=does not respond")
    assert page.url.endswith("/acquisition")


def test_an_event_before_the_first_frame_of_the_pages_is_not_missed(window: Window) -> None:
    window.page.add_init_script(
        """import("/web/api.js").then(api => new MutationObserver((_, observer) => {
            if (!document.querySelector("nav")) return;
            observer.disconnect();
            api.connection.dispatchEvent(new Event("unreachable"));
        }).observe(document, {childList: true, subtree: true}))"""
    )
    window.page.reload()
    window.page.wait_for_selector("text=does not respond")


def respond(status: int, body: str, route: Any) -> None:
    route.fulfill(status=status, body=body)


def test_a_response_that_is_an_error_or_no_answer_is_a_sentence(window: Window) -> None:
    page = window.page
    failed = '{"success":false,"error":"it failed"}'
    for status, body, start in ((500, "<html>", "The studio"), (500, failed, "It failed."), (200, "{", "The studio")):
        page.route("**/v1/**", partial(respond, status, body))
        window.open("acquisition")
        page.wait_for_selector(".notice.error")
        assert page.inner_text(".notice.error").startswith(start)
    page.unroute("**/v1/**")
    page.click("main button:has-text('Try again')")
    page.wait_for_selector(".notice.error", state="detached")


def test_a_page_that_fails_is_a_sentence_and_the_navigation_stays(window: Window) -> None:
    script = "export default function Page() { throw new Error('no such value') }"
    window.page.route("**/web/data/page.js", lambda route: route.fulfill(content_type="text/javascript", body=script))
    window.page.goto(window.page.url)
    window.page.wait_for_selector("text=This page could not be shown: no such value")
    assert window.page.query_selector("nav") is not None


def test_an_unknown_page_and_another_project_are_sentences_with_links(window: Window) -> None:
    page = window.page
    base = page.url.partition("/studio")[0]
    page.goto(f"{base}/studio/{window.project.id}/unknown")
    page.wait_for_selector("text=There is no page with this address")
    page.goto(f"{base}/studio/999999/acquisition")
    page.wait_for_selector("text=not to project 999999")
    page.click("text=Go to its data")
    page.wait_for_selector("h1")


def test_a_revoked_key_leads_to_the_page_for_signing_in(window: Window, project: Project) -> None:
    page = window.open("acquisition")
    for key in project.call("GET", "/apikeys")["apiKeys"]:
        project.call("DELETE", f"/apikeys/{key['id']}")
    page.reload()
    page.wait_for_selector("text=was revoked")
    assert "eitk studio open" in page.inner_text("main")


def test_the_first_load_is_small_and_soon_interactive(
    open_window: Callable[..., Window], project: Project, chromium: Any
) -> None:
    window = open_window()
    page = window.page
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    received: list[int] = []
    client.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    client.send("Network.setCacheDisabled", {"cacheDisabled": True})
    page.reload()
    page.wait_for_selector("h1")
    page.wait_for_load_state("networkidle")
    assert 5_000 < sum(received) <= LARGEST_FIRST_LOAD


def test_axe_finds_nothing_on_the_page_for_signing_in(
    chromium: Any, project: Project, check_page: Callable[[Any], None]
) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(project.studio.api.removesuffix("/v1/api") + "/studio")
    page.wait_for_selector("text=not signed in")
    check_page(page)
    context.close()
