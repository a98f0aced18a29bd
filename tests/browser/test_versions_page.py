"""Saved states side by side: versions, restored after samples were deleted, and impulses with their models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from studio_pages import Window
from trained_project import make_trained


def test_a_version_is_saved_and_restores_deleted_samples(
    window: Window, check_page: Callable[[Any], None], make_tone: Callable[..., bytes]
) -> None:
    files = {f"{number}.wav": make_tone(300 + number, 0.3) for number in range(2)}
    kept, sample = window.project.upload(files, x_label="tone")
    page = window.open("versions")
    page.fill("input[name=description]", 'before <b>the</b> "change"')
    page.click("text=Save a version")
    page.wait_for_selector("text=/Saving the version (finished|failed)/")
    page.wait_for_selector('text=before <b>the</b> "change"')
    window.project.call("DELETE", f"/raw-data/{sample}")
    page.click("[aria-label=Versions] button:has-text('Restore')")
    check_page(page)
    page.click("dialog button.main")
    page.wait_for_selector("text=/Restoring the version (finished|failed)/")
    page.wait_for_selector("text=Saved before version 1 was restored")
    assert [one["id"] for one in window.project.samples()] == [sample, kept]
    page.click("[aria-label=Versions] button:has-text('Delete') >> nth=0")
    page.click("dialog button.main")
    page.wait_for_selector("text=Version 2 was deleted")


def test_impulses_are_compared_by_parameters_and_figures(window: Window, check_page: Callable[[Any], None]) -> None:
    make_trained(window.project)
    page = window.open("jobs")
    page.click("[aria-label=Impulses] button:has-text('Copy')")
    page.wait_for_selector("text=/Copying finished/")
    window.project.call("POST", "/dsp/2", json={"config": {"num_filters": "23"}})
    window.project.call("POST", "/training/keras/3", json={"trainingCycles": 77, "batchSize": 9})
    page = window.open("jobs")
    page.wait_for_selector("table.impulses")
    shown = page.inner_text("table.impulses")
    assert "Sample rate" in shown and "F1 of high" in shown and "50.0 %" in shown
    page.check("text=Only what differs")
    page.wait_for_selector("table.impulses >> text=Sample rate", state="detached")
    rows = dict(row.split("\t", 1) for row in page.inner_text("table.impulses").splitlines() if "\t" in row)
    assert (
        rows["Filter number"] == "23\t40" and rows["Epochs"].startswith("77\t") and rows["Batch size"].startswith("9\t")
    )
    assert "differs=1" in page.url
    check_page(page)
