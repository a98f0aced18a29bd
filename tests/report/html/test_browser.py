"""The report in a real browser: no network, no overflow at 400 and 1,400 px, light and dark, sound that plays."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.report.html.page import build_page
from ei_toolkit.report.project_summary import ProjectSummary

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt install chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page_file(whole: ProjectSummary, tmp_path: Path) -> Path:
    file = tmp_path / "report.html"
    file.write_text(build_page(whole), encoding="utf-8")
    return file


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
def test_it_opens_without_a_network_and_nothing_overflows(
    browser: Any, page_file: Path, width: int, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url[:80]))
    page.goto(page_file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    outside = """() => [...document.querySelectorAll('main *')].filter(e => !e.closest('.wide, svg')
        && e.getBoundingClientRect().right > innerWidth + 0.5).map(e => e.outerHTML.slice(0, 80))"""
    assert page.evaluate(outside) == []
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, ground[4:-1].split(","))) > 380) is (scheme == "light")
    assert complaints == []
    context.close()


def test_the_players_hold_three_seconds_of_sound(browser: Any, page_file: Path) -> None:
    page = browser.new_page()
    page.goto(page_file.as_uri())
    durations = page.evaluate("""() => Promise.all([...document.querySelectorAll('audio')].map(audio =>
        new Promise((done, fail) => {
            audio.onloadedmetadata = () => done(audio.duration);
            audio.onerror = () => fail(new Error('cannot be decoded'));
            audio.preload = 'metadata';
            audio.load();
        })))""")
    assert durations == pytest.approx([3.0] * 4, abs=0.01)
    page.close()
