"""The page of versions: saved, and restored after samples were deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from studio_pages import Window


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
