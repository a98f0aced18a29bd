"""Live classification: the microphone, files, and errors."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from studio_pages import Project, Window, file_in
from support import eitk
from trained_project import LABELS, RATE, WINDOW_MS, make_trained, model

SETTINGS = f"""
[slice]
sample_rate = {RATE}
window_ms = {WINDOW_MS}
hop_ms = {WINDOW_MS}
level = "none"
[impulse.dsp]
type = "mfe"
[board]
hop_ms = {WINDOW_MS}
"""


def read_scores(file: Path) -> np.ndarray:
    with file.open() as lines:
        return np.array([[float(row[label]) for label in LABELS] for row in csv.DictReader(lines)])


def test_the_microphone_and_eitk_classify_give_the_same_scores(
    launch: Callable[..., Any], project: Project, make_tone: Callable[..., bytes], tmp_path: Path
) -> None:
    make_trained(project)
    source = file_in(tmp_path, "played.wav", make_tone(700, 4.0))
    browser = launch(f"--use-file-for-fake-audio-capture={source}")
    page = browser.new_page()
    page.goto(project.sign_in_url)
    page.wait_for_selector("nav")
    Window(project, page).open("classification")
    page.click("text=Record from the microphone")
    page.wait_for_selector("text=/of 3 windows/")
    page.click("text=Stop after")
    page.wait_for_selector("section[aria-label=Timeline]")
    recording, scores = tmp_path / "recording.wav", tmp_path / "browser.csv"
    for text, file in (("Download the recording", recording), ("Download the scores as CSV", scores)):
        with page.expect_download() as download:
            page.click(f"text={text}")
        download.value.save_as(file)
    browser.close()
    assert project.samples("post-processing") == []
    file_in(tmp_path, "eitk.toml", SETTINGS.encode())
    network = file_in(tmp_path, "network.tflite", model())
    labels = ",".join(LABELS)
    outcome = eitk(
        tmp_path, "classify", str(recording), "--model", str(network), "--labels", labels, "--csv", "cli.csv"
    )
    assert outcome.code == 0, outcome.err
    np.testing.assert_allclose(read_scores(scores), read_scores(tmp_path / "cli.csv"), atol=1e-4)


def test_a_refused_microphone_is_a_sentence(window: Window) -> None:
    make_trained(window.project)
    page = window.open("classification")
    refuse = "() => Promise.reject(new DOMException('refused', 'NotAllowedError'))"
    page.evaluate(f"() => {{ navigator.mediaDevices.getUserMedia = {refuse}; }}")
    page.click("text=Record from the microphone")
    page.wait_for_selector("text=allow it for this address")


def test_a_damaged_file_is_named_and_the_result_before_it_stays(
    window: Window, make_tone: Callable[..., bytes], tmp_path: Path
) -> None:
    make_trained(window.project)
    page = window.open("classification")
    page.set_input_files("input[type=file]", str(file_in(tmp_path, "good.wav", make_tone(300, 2.0))))
    page.wait_for_selector("h3:has-text('good')")
    with page.expect_response("**/classify/v2/*variant=float32"):  # the same recording with the other model
        page.check("text=float32")
    page.wait_for_selector("text=Classifying", state="detached")
    page.set_input_files("input[type=file]", str(file_in(tmp_path, "bad.mp3", b"nothing to decode")))
    page.wait_for_selector("text=bad.mp3 cannot be decoded")
    assert page.locator("h3:has-text('good')").count() == 1


def test_a_recording_is_kept_for_testing_with_its_label(
    window: Window, make_tone: Callable[..., bytes], tmp_path: Path
) -> None:
    make_trained(window.project)
    page = window.open("classification")
    page.set_input_files("input[type=file]", str(file_in(tmp_path, "kept.wav", make_tone(300, 2.0))))
    page.fill("label:has-text('Label') >> input", "low")
    page.click("text=Keep it for testing")
    page.wait_for_selector("text=of the category testing")
    [sample] = window.project.samples()
    assert (sample["category"], sample["label"], sample["filename"]) == ("testing", "low", "kept")


def test_a_sample_of_the_project_is_classified_by_its_address(window: Window, make_tone: Callable[..., bytes]) -> None:
    make_trained(window.project)
    [id_] = window.project.upload({"own.wav": make_tone(300, 2.0)}, x_label="low")
    page = window.open(f"classification?sample={id_}")
    page.wait_for_selector("h3:has-text('own')")
    window.project.call("DELETE", f"/raw-data/{id_}")
    page.reload()
    page.wait_for_selector("text=No sample with this ID found.")


def test_a_long_recording_is_classified_in_parts_whose_windows_are_those_of_the_whole(
    window: Window, make_tone: Callable[..., bytes], tmp_path: Path
) -> None:
    make_trained(window.project)
    page = window.open("classification")
    parts = page.evaluate(
        """async () => {
            const { partsOf } = await import("/web/testing/classify.js");
            const input = { windowSizeMs: 1000, windowIncreaseMs: 250 };
            return [partsOf(5100, 1000, input, 2000), partsOf(100, 1000, input)];
        }"""
    )
    assert parts == [[[0, 2000], [1250, 3250], [2500, 4500], [3750, 5100]], [[0, 100]]]
    page.set_input_files("input[type=file]", str(file_in(tmp_path, "long.wav", make_tone(300, 330.0))))
    page.wait_for_selector("section[aria-label=Timeline]", timeout=120_000)
    assert "660 windows" in page.inner_text(".verdict")
    assert window.project.samples("post-processing") == []
