"""The report and other pages in a real browser: no network, no overflow, nothing that axe finds, sound that plays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from feature_tables import table_of_three_labels
from support import CHROMIUM, NO_CHROMIUM, eitk

from ei_toolkit.config import load_config
from ei_toolkit.evaluation.run_log import record_run
from ei_toolkit.features.table import write_table

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def axe() -> Any:
    """axe-core, which finds what people with a screen reader, a keyboard or little contrast cannot use."""
    module = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe: install the group dev")
    return module.Axe()


@pytest.fixture(scope="module")
def page_file(whole_page: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(whole_page, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def comparison_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `eitk runs compare --plot FILE.html` writes."""
    folder = tmp_path_factory.mktemp("comparison")
    for accuracy, history in ((0.75, [0.5, 0.7]), (0.8, [0.5, 0.6, 0.8])):
        metrics = {"test": {"int8": {"top_1_accuracy": accuracy}}, "history": {"val_accuracy": history}}
        record_run(load_config(folder, {}), "train", metrics)
    done = eitk(folder, "runs", "compare", "1", "2", "--plot", "difference.html")
    assert done.code == 0, done.err
    return folder / "difference.html"


@pytest.fixture(scope="module")
def exploration_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `eitk explore` writes."""
    folder = tmp_path_factory.mktemp("exploration")
    write_table(folder / "table.csv", table_of_three_labels())
    done = eitk(folder, "explore", "--features", "table.csv")
    assert done.code == 0, done.err
    return folder / "exploration.html"


WIDTHS = (400, 800, 1400)
OUTSIDE = """() => [...document.querySelectorAll('main *')].filter(e => !e.closest('.wide, svg')
    && e.getBoundingClientRect().right > innerWidth + 0.5).map(e => e.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("name", ["page_file", "comparison_file", "exploration_file"])
def test_it_opens_without_a_network_nothing_overflows_and_axe_finds_nothing(
    request: pytest.FixtureRequest, browser: Any, axe: Any, name: str
) -> None:
    page_file = request.getfixturevalue(name)
    for scheme in ("light", "dark"):
        context = browser.new_context(viewport={"width": 400, "height": 900}, color_scheme=scheme, offline=True)
        page, complaints = context.new_page(), []
        page.on("console", lambda message, to=complaints: to.append(message.text))
        page.on("pageerror", lambda error, to=complaints: to.append(str(error)))
        page.on("requestfailed", lambda request, to=complaints: to.append(request.url[:80]))
        page.goto(page_file.as_uri())
        assert complaints == []
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert page.evaluate(OUTSIDE) == []
            rules = {"color-contrast": {"enabled": width == WIDTHS[0]}}  # slow, and no colour depends on the width
            found = axe.run(page, {"exclude": ["svg > g"]}, {"resultTypes": ["violations"], "rules": rules})
            assert found.violations_count == 0, (scheme, width, found.generate_report())
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, ground[4:-1].split(","))) > 380) is (scheme == "light")
        context.close()


def test_the_keyboard_scrolls_a_cut_table(browser: Any, page_file: Path) -> None:
    page = browser.new_page(viewport={"width": 400, "height": 900})
    page.goto(page_file.as_uri())
    cut = page.locator("#cost .wide").first
    assert cut.evaluate("box => box.scrollWidth > box.clientWidth")
    cut.focus()
    page.keyboard.press("ArrowRight")
    while not cut.evaluate("box => box.scrollLeft > 0"):  # it scrolls smoothly; without it, the test times out
        page.wait_for_timeout(10)
    page.close()


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
