"""Draw docs/images/studio-*.png, pages of the studio in a browser, with Chromium and Playwright.

eitk demo PROJECT
.venv/bin/python scripts/picture_of_studio.py PROJECT docs/images
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path
from typing import Any

import requests
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from ei_toolkit.config import load_config
from ei_toolkit.studio.browser_settings import project_settings
from ei_toolkit.studio.lifecycle import LocalStudio, ensure, sign_in_url
from ei_toolkit.studio.options import RunningServer

SIZE = {"width": 1200, "height": 860}
COLOURS = 256  # of a picture: a palette takes a third of the bytes
JOB_MS = 600_000


def main(project: Path, folder: Path) -> None:
    """Photograph the pages of a project that is trained and tested."""
    config = load_config(project, {})
    studio = ensure(config.paths, config.settings.project.name)
    running = RunningServer.read(config.paths.studio)
    assert running is not None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("chromium-headless-shell"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport=SIZE)
        page.goto(sign_in_url(running, studio.key, project_settings(config.settings)))
        page.wait_for_selector("nav")
        page.wait_for_url("**/acquisition")
        project_id = page.url.split("/")[-2]
        sample = _sample(studio, project_id)
        start = f"{page.url.rpartition('/studio/')[0]}/studio/{project_id}"
        _data(page, start, sample)
        _write(page, folder / "studio-data.png")
        _features(page, start)
        _write(page, folder / "studio-features.png")
        _training(page, start)
        _write(page, folder / "studio-training.png")
        _live(page, start, min(project.glob("clips/rock/*")))
        _write(page, folder / "studio-live.png")
        browser.close()


def _data(page: Page, start: str, sample: int) -> None:
    page.goto(f"{start}/acquisition?sample={sample}")
    page.wait_for_selector("section.sample input[type=range]:enabled")  # the player has its sound
    page.wait_for_timeout(1000)  # and draws it


def _features(page: Page, start: str) -> None:
    page.goto(f"{start}/dsp")
    page.click("text=Project by principal components")
    page.wait_for_selector("text=/Projecting the features finished/", timeout=JOB_MS)
    page.focus("canvas.scatter")
    page.keyboard.press("Enter")
    page.wait_for_selector("section.window audio")
    page.locator("fieldset:has-text('by label')").evaluate("element => element.scrollIntoView()")
    page.evaluate("scrollBy(0, -300)")
    page.wait_for_timeout(1000)


def _training(page: Page, start: str) -> None:
    page.goto(f"{start}/learning")
    page.click("button.cell >> nth=0")
    page.click("[aria-label=Windows] button >> nth=0")
    page.wait_for_selector("section.window audio")
    page.locator("h2:has-text('Curves')").evaluate("element => element.scrollIntoView()")
    page.wait_for_timeout(1000)


def _live(page: Page, start: str, clip: Path) -> None:
    page.goto(f"{start}/classification?variant=float32")
    page.set_input_files("input[type=file]", clip)
    page.wait_for_selector("section[aria-label=Timeline]")
    page.wait_for_timeout(500)


def _sample(studio: LocalStudio, project_id: str) -> int:
    """Return the newest sample for testing."""
    url = f"{studio.api_url}/api/{project_id}/raw-data"
    query: dict[str, Any] = {"category": "testing", "limit": 1}
    found = requests.get(url, query, headers={"x-api-key": studio.key}, timeout=30).json()
    return int(found["samples"][0]["id"])


def _write(page: Page, file: Path) -> None:
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
