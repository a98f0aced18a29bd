"""The whole job in the browser, from samples to a downloaded library, with one small training."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from studio_pages import Window, file_in

CLIPS = 20  # of each label
PITCHES = {"low": 200.0, "high": 2000.0}
JOB_MS = 240_000


def upload_clips(window: Window, make_tone: Callable[..., bytes], folder: Path) -> None:
    """Upload clips for training on the data page, those of each artist together, and some for testing."""
    page = window.open("acquisition")
    page.click("summary:text-is('Add samples')")
    page.select_option("label:has-text('Split') >> nth=0 >> select", "training")
    for artist in range(2):
        page.fill("label:has-text('Artist (optional)') input", f"artist {artist}")
        files = [
            file_in(folder, f"{label}.{number}.wav", make_tone(pitch + 5 * number))
            for label, pitch in PITCHES.items()
            for number in range(artist, CLIPS, 2)
        ]
        page.set_input_files("input[type=file]", files)
        page.wait_for_selector(f"text={CLIPS} files accepted, 0 rejected, of {CLIPS}.")
        page.wait_for_selector(f"text={CLIPS * (artist + 1)} samples found")
    for label, pitch in PITCHES.items():
        later = {f"{label}.{number}.wav": make_tone(pitch + 5 * number) for number in range(CLIPS, CLIPS + 4)}
        window.project.upload(later, "testing", x_label=label)


def wait_for_job(page: Any, what: str) -> None:
    page.wait_for_selector(f"section.job >> text=/{what} (finished|failed)/", timeout=JOB_MS)
    assert page.locator("section.job >> text=/failed/").count() == 0, page.inner_text("section.job")


def test_the_whole_job_by_mouse(
    window: Window, check_page: Callable[[Any], None], make_tone: Callable[..., bytes], tmp_path: Path
) -> None:
    upload_clips(window, make_tone, tmp_path)
    design_the_impulse(window, check_page)
    explore_the_features(window, check_page)
    train(window, check_page)
    play_a_window_of_the_confusion_matrix(window, check_page)
    classify_a_file(window, check_page, file_in(tmp_path, "song.wav", make_tone(2050, 3.0)))
    see_the_test_results(window, check_page)
    build_and_download_a_library(window, check_page)
    look_at_the_jobs(window, check_page)


def design_the_impulse(window: Window, check_page: Callable[[Any], None]) -> None:
    page = window.open("create-impulse")
    page.select_option("select[name=kind]", "mfe")
    page.fill("input[name=windowSizeMs]", "500")
    check_page(page)
    page.click("text=Create the impulse")
    page.click("text=Parameters and features")
    page.wait_for_selector("h1:text('Features')")


def explore_the_features(window: Window, check_page: Callable[[Any], None]) -> None:
    page = window.page
    page.wait_for_selector("canvas[data-bins='40']")
    cost = page.inner_text(".cost")
    page.fill("input[name=num_filters]", "20")
    page.wait_for_selector("canvas[data-bins='20']")
    assert page.inner_text(".cost") != cost
    page.click("text=Generate features")
    wait_for_job(page, "Generating features")
    page.click("text=Project by principal components")
    page.wait_for_selector("canvas.scatter", timeout=JOB_MS)
    page.focus("canvas.scatter")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert sound_of(page) > 0.4
    check_page(page)


def train(window: Window, check_page: Callable[[Any], None]) -> None:
    page = window.open("learning")
    page.fill("input[name=trainingCycles]", "12")
    page.fill("input[name=learningRate]", "0.01")
    check_page(page)
    page.click("text=Start training")
    page.wait_for_selector(".curves", timeout=JOB_MS)
    caption = page.locator(".curves figcaption").first
    seen = set()
    while page.locator("text=/Training (finished|failed)/").count() == 0:
        seen.add(caption.inner_text())
        page.wait_for_timeout(20)
    wait_for_job(page, "Training")
    epochs = {int(found[1]) for text in seen if (found := re.search(r"epoch (\d+):", text))}
    assert len(epochs) > 2, seen
    page.wait_for_selector("text=epoch 12")
    page.wait_for_selector("figure:has-text('Learning rate'):has-text('training 0.01')")


def play_a_window_of_the_confusion_matrix(window: Window, check_page: Callable[[Any], None]) -> None:
    page = window.page
    page.click("button.cell >> nth=0")
    page.click("[aria-label=Windows] button >> nth=0")
    assert sound_of(page) > 0.4
    page.click("summary:text('By artist')")
    page.wait_for_selector("[aria-label='Accuracy by artist'] >> text=artist")
    check_page(page)


def classify_a_file(window: Window, check_page: Callable[[Any], None], file: Path) -> None:
    page = window.open("classification")
    page.set_input_files("input[type=file]", str(file))
    page.wait_for_selector("section[aria-label=Timeline]")
    assert "high" in page.inner_text(".verdict")
    assert window.project.samples("post-processing") == []
    page.click("summary:text('Scores of each window')")
    assert page.locator("table.scores tbody tr").count() == 6
    with page.expect_download() as download:
        page.click("text=Download the scores as CSV")
    lines = Path(download.value.path()).read_text().splitlines()
    assert lines[0] == "start_ms,label,high,low" and len(lines) == 7
    page.click("button:text('Zoom in')")
    check_page(page)


def see_the_test_results(window: Window, check_page: Callable[[Any], None]) -> None:
    page = window.open("validation")
    page.click("text=Test the model")
    wait_for_job(page, "Testing")
    page.wait_for_selector("button.cell")
    assert "of 16 windows" in page.inner_text(".accuracy")
    page.check("text=Only wrong ones")
    assert "wrong=1" in page.url
    page.check("text=tracks")
    page.wait_for_selector("[aria-label=Tracks]")
    check_page(page)


def build_and_download_a_library(window: Window, check_page: Callable[[Any], None]) -> None:
    page = window.open("deployment")
    page.wait_for_selector("table.estimate")
    request_a_program(page)
    page.click("button:text('Build')")
    wait_for_job(page, "Building")
    with page.expect_download() as download:
        page.click("[aria-label=Builds] a >> nth=0")
    content = Path(download.value.path()).read_bytes()
    project = window.project
    address = f"{project.studio.api}/{project.id}/deployment/history/1/download"
    built = requests.get(address, headers={"x-api-key": project.key}, timeout=60)
    assert content == built.content and content[:2] == b"PK"
    page.click("[aria-label=Builds] button >> nth=0")
    page.wait_for_selector(f"text={hashlib.sha256(content).hexdigest()}")
    check_page(page)


def request_a_program(page: Any) -> None:
    """The page offers engines and parameters of the target, and sends them; the build itself is not started."""
    page.select_option("[name=engine]", "tflite")
    page.select_option("[name=target]", "runner-linux-x86_64")
    assert page.input_value("[name=engine]") == "tflite-eon"
    page.select_option("[name=level]", "rms")
    page.fill("[name=targetDbfs]", "-23")
    page.route("**/jobs/build-ondevice-model*", lambda route: route.fulfill(json={"success": False, "error": "full"}))
    with page.expect_request("**/jobs/build-ondevice-model*") as sent:
        page.click("button:text('Build')")
    assert sent.value.post_data_json == {
        "engine": "tflite-eon", "modelType": "int8",
        "parameters": {"level": "rms", "targetDbfs": "-23", "maxGainDb": "40.0"},
    }  # fmt: skip
    page.wait_for_selector("text=full")
    page.unroute("**/jobs/build-ondevice-model*")
    page.select_option("[name=target]", "arduino")
    page.select_option("[name=engine]", "tflite-eon")
    assert page.locator("[name=level]").count() == 0


def look_at_the_jobs(window: Window, check_page: Callable[[Any], None]) -> None:
    page = window.open("jobs")
    page.click("[aria-label=Jobs] button >> nth=0")
    page.wait_for_selector("text=Download the whole log")
    assert page.locator("[aria-label=Jobs] tbody tr").count() == 5
    page.wait_for_selector("table.impulses")
    check_page(page)


def sound_of(page: Any) -> float:
    """The length in s of what the player of a window has loaded."""
    audio = page.wait_for_selector("section.window audio")
    length: float = audio.evaluate(
        "audio => audio.duration || new Promise(found => { audio.onloadedmetadata = () => found(audio.duration); })"
    )
    return length
