"""The steps from the impulse to the deployment with the keyboard only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from studio_pages import Window
from trained_project import make_trained

MOST_TABS, JOB_MS = 80, 240_000
FOCUSED = """() => {
    const element = document.activeElement;
    const label = element.closest("label") ?? element;
    const text = element.matches("a, button, input, select, summary") ? label.innerText : "";
    return (element.getAttribute("aria-label") ?? "") + " " + text;
}"""


def tab_to(page: Any, text: str) -> None:
    """Press Tab until the focus is on an element whose name has a text."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if text in page.evaluate(FOCUSED):
            return
    raise AssertionError(f"Tab does not reach {text!r}")


def activate(page: Any, text: str, key: str = "Enter") -> None:
    tab_to(page, text)
    page.keyboard.press(key)


MAIN_ACTIONS = {
    "devices": ("Rename", "dialog[open] input[name=name]"),
    "create-impulse": ("Save the impulse", "text=The impulse was saved."),
    "dsp": ("Generate features", "section.job"),
    "learning": ("Start training", "section.job"),
    "validation": ("Test the model", "section.job"),
    "classification": ("Record from the microphone", "text=Stop after"),
    "deployment": ("Build", "section.job"),
    "versions": ("Save a version", "section.job"),
    "jobs": ("Only what differs", "[aria-label=Impulses]"),
}
"""The main action of each page: the name of its button or box, and what is shown when it was activated. The table of
the data page is in test_data_page.py."""


def test_the_main_action_of_each_page_works_without_a_mouse(window: Window, make_tone: Callable[..., bytes]) -> None:
    """The jobs are refused at once: what they do is tested by mouse, and in the exhaustive test below."""
    make_trained(window.project)
    window.project.upload({"a.wav": make_tone(300, 0.6)}, x_label="low")
    window.project.call("POST", "/devices/create", json={"deviceId": "dev:1", "deviceType": "BOARD"})
    refused = {"success": False, "error": "The queue is full"}
    window.page.route("**/jobs/**", lambda route: _refuse(route, refused))
    for path, (name, shown) in MAIN_ACTIONS.items():
        page = window.open(path)
        page.wait_for_selector("main button, main input", state="attached")
        if path == "versions":
            tab_to(page, "Description")
            page.keyboard.type("as it is")
        activate(page, name, "Space")
        page.wait_for_selector(shown)
        if path in ("dsp", "learning", "validation", "deployment", "versions"):
            page.wait_for_selector("section.job:has-text('The queue is full')")


def _refuse(route: Any, answer: dict[str, Any]) -> None:
    """Refuse a request that starts a job; others go on."""
    if route.request.method == "POST":
        route.fulfill(json=answer)
    else:
        route.continue_()


@pytest.mark.exhaustive
def test_the_steps_of_the_pages_work_without_a_mouse(window: Window, make_tone: Callable[..., bytes]) -> None:
    make_trained(window.project)
    for label, pitch in (("low", 200), ("high", 2000)):
        window.project.upload({f"{label}.wav": make_tone(pitch, 1.0)}, x_label=label)
        window.project.upload({f"{label}.wav": make_tone(pitch + 9, 1.0)}, "testing", x_label=label)
    page = window.open("create-impulse")
    activate(page, "Pad short recordings", "Space")
    activate(page, "Save the impulse")
    page.wait_for_selector("text=The impulse was saved.")
    activate(page, "Parameters and features")
    page.wait_for_selector("canvas[data-bins]")
    tab_to(page, "Filter number")
    page.keyboard.press("ArrowUp")
    page.wait_for_selector("canvas[data-bins='41']")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("canvas[data-bins='40']")
    activate(page, "Generate features")
    page.wait_for_selector("text=/Generating features finished/", timeout=JOB_MS)
    activate(page, "Project by principal components")
    page.wait_for_selector("canvas.scatter", timeout=JOB_MS)
    tab_to(page, "Points of 8 windows")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("+")
    page.keyboard.press("Enter")
    page.wait_for_selector("section.window audio")
    activate(page, "Close the window")
    page.wait_for_selector("section.window", state="detached")
    page = window.open("learning")
    activate(page, "windows of high predicted as low", "Space")
    page.wait_for_selector("text=/actual=high/", state="detached")
    assert "actual=high&predicted=low" in page.url
    page = window.open("validation")
    activate(page, "Test the model")
    page.wait_for_selector("text=/Testing finished/", timeout=JOB_MS)
    activate(page, "Only wrong ones", "Space")
    assert "wrong=1" in page.url
    page = window.open("deployment")
    page.wait_for_selector("table.estimate")
    activate(page, "Build")
    page.wait_for_selector("text=/Building finished/", timeout=JOB_MS)
    activate(page, "SHA-256")
    page.wait_for_selector("code.hash")
