"""Pages of a project that has nothing yet, jobs that fail, and labels that look like markup."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from studio_pages import Window
from trained_project import make_trained

PAGES = (
    "devices",
    "create-impulse",
    "dsp",
    "learning",
    "validation",
    "classification",
    "deployment",
    "versions",
    "jobs",
)
UNTRUSTED = ["<img src=x onerror=alert(1)>", "\u202edlrow \"quoted\" 'label'" + 3000 * "x"]


def test_an_empty_project_has_a_sentence_on_each_page(window: Window, check_page: Callable[[Any], None]) -> None:
    for path in PAGES:
        page = window.open(path)
        page.wait_for_selector("main p:not([role=status]), main .notice")
        assert page.locator(".notice.error").count() == 0, path
        check_page(page)


def test_a_job_that_fails_has_its_reason_and_its_log(window: Window) -> None:
    make_trained(window.project)
    page = window.open("learning")
    page.click("text=Start training")
    page.wait_for_selector("text=/Training failed: There are no labelled samples in the category training/")
    assert "no labelled samples" in page.inner_text("pre.log")
    page.wait_for_selector("button:text('Start training'):enabled")


def test_labels_that_look_like_markup_are_text_on_each_page(
    window: Window, check_page: Callable[[Any], None], make_tone: Callable[..., bytes]
) -> None:
    make_trained(window.project, UNTRUSTED)
    for number, label in enumerate(UNTRUSTED):
        [id_] = window.project.upload({f"{number}.wav": make_tone(300 + number, 0.5)})
        window.project.call("POST", f"/raw-data/{id_}/edit-label", json={"label": label})
    for path in ("dsp", "learning", f"classification?sample={id_}"):
        page = window.open(path)
        page.wait_for_selector("text=/onerror/", state="attached")
        check_page(page)
        assert page.locator("img[src='x']").count() == 0


def test_a_page_that_is_loaded_again_follows_its_running_job(window: Window, make_tone: Callable[..., bytes]) -> None:
    make_trained(window.project)
    for label in ("low", "high"):
        window.project.upload({f"{label}.wav": make_tone(300, 1.0)}, x_label=label)
    job = window.project.call("POST", "/jobs/generate-features", json={"dspId": 2})["id"]
    page = window.open("dsp")
    page.wait_for_selector(f"text=/job {job} is running|Preview/")
    page.wait_for_selector("canvas[data-bins]")
