"""One Chromium and one studio for all tests of the pages; each test has a project and a window of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from studio_pages import Project, Window
from studio_server import Server, make_data
from support import CHROMIUM, NO_CHROMIUM

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.studio.manage import add_project

FLAGS = ("--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--mute-audio")
TIMEOUT_MS = 60_000  # a machine that is busy, or stands still for a moment, is no error of a page
NOT_A_MISTAKE = "Failed to load resource"  # Chromium's own line for each response with a status of 400 or more


@pytest.fixture(scope="package")
def launch() -> Iterator[Callable[..., Any]]:
    """Start a Chromium, with further flags if some are given.

    Playwright keeps an event loop running, in which tests of other folders could run none of their own.
    """
    if CHROMIUM is None:
        pytest.skip(NO_CHROMIUM)
    sync_api = pytest.importorskip("playwright.sync_api", reason="no Playwright: install the group dev")
    with sync_api.sync_playwright() as playwright:
        yield lambda *flags: playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])


@pytest.fixture(scope="package")
def chromium(launch: Callable[..., Any]) -> Iterator[Any]:
    """A running Chromium."""
    browser = launch()
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def axe() -> Any:
    """axe-core, which finds what people with a screen reader, a keyboard or little contrast cannot use."""
    module = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe: install the group dev")
    return module.Axe()


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A studio for the tests of all pages; it allows scripts, as the one that commands start does."""
    data = tmp_path_factory.mktemp("studio")
    running = Server(data, make_data(data), ["--allow-scripts"])
    running.start()
    yield running
    running.end()


@pytest.fixture
def project(studio: Server, request: pytest.FixtureRequest) -> Project:
    """A new, empty project."""
    return Project(studio, *add_project(studio.data, request.node.name[:60]))


@pytest.fixture
def open_window(chromium: Any, project: Project) -> Iterator[Callable[..., Window]]:
    """Open a window that is signed in. At the end it must have no error and no request to another address."""
    contexts, windows = [], []

    def open_(**options: Any) -> Window:
        context = chromium.new_context(viewport={"width": 1200, "height": 800}, **options)
        context.set_default_timeout(TIMEOUT_MS)
        window = Window(project, context.new_page())
        contexts.append(context)
        windows.append(window)
        own = project.studio.api.removesuffix("/v1/api")
        context.on("console", lambda message: window.complaints.append(message.text))
        context.on("weberror", lambda error: window.complaints.append(str(error.error)))
        context.on(
            "request", lambda sent: None if sent.url.startswith((own, "blob:")) else window.foreign.append(sent.url)
        )
        window.page.goto(project.sign_in_url)
        window.page.wait_for_selector("nav")
        return window

    yield open_
    for context in contexts:
        context.close()
    for window in windows:
        assert [line for line in window.complaints if NOT_A_MISTAKE not in line] == []
        assert window.foreign == []


@pytest.fixture
def window(open_window: Callable[..., Window]) -> Window:
    """A window that is signed in."""
    return open_window()


OUTSIDE = """() => [...document.querySelectorAll('body *')].filter(e => !e.closest('.wide, svg, dialog:not([open])')
    && getComputedStyle(e).position !== 'absolute' && e.getBoundingClientRect().right > innerWidth + 0.5)
    .map(e => e.outerHTML.slice(0, 80))"""


def run_axe(axe: Any, page: Any, options: dict[str, Any]) -> Any:
    """Return the results of axe-core, whose script is added once to each document."""
    results = pytest.importorskip("axe_playwright_python.base").AxeResults
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe.axe_script)
    return results(page.evaluate("options => axe.run(options)", options))


@pytest.fixture
def check_page(axe: Any) -> Callable[[Any], None]:
    """Check a page in light and dark, at 360 px and wide: axe finds nothing, and nothing is wider than the window.

    `preload` makes axe add inline style sheets, which the policy of the page blocks.
    """

    def check(page: Any) -> None:
        for scheme, width in itertools.product(("light", "dark"), (360, 1200)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 800})
            page.wait_for_timeout(50)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(OUTSIDE) == []
            if scheme == "light" or width == 1200:  # no colour depends on the width, and only contrast on the colours
                rules = {} if scheme == "light" else {"runOnly": ["color-contrast"]}
                found = run_axe(axe, page, {"resultTypes": ["violations"], "preload": False, **rules})
                assert found.violations_count == 0, found.generate_report()
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 1200, "height": 800})

    return check


@pytest.fixture(scope="session")
def make_tone() -> Callable[[float, float], bytes]:
    """A function of pitch in Hz and length in s that returns a WAV file of 16 kHz."""
    import numpy as np

    def make(pitch: float, seconds: float = 1.0) -> bytes:
        time = np.arange(int(16_000 * seconds)) / 16_000
        noise = np.random.default_rng(int(pitch * 1000)).standard_normal(len(time))
        sound = 0.3 * np.sin(2 * np.pi * pitch * time) + 0.02 * noise
        return wav_bytes((sound * 32767).astype(np.int16), 16_000)

    return make
