"""Live classification: the microphone, files, and errors."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from studio_pages import Project, Window, file_in
from support import eitk
from trained_project import LABELS, RATE, WINDOW_MS, make_trained, model

from ei_toolkit.audio.level import apply_level
from ei_toolkit.impulse.decision import UNCERTAIN_LABEL, smoothed, stable_labels

SETTINGS = f"""
[slice]
sample_rate = {RATE}
window_ms = {WINDOW_MS}
hop_ms = {WINDOW_MS}
level = "rms"
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
    Window(project, page).open("classification?level=rms")
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


DECISIONS = """async ([rows, depth, settings]) => {
    const { smoothed, stableLabels } = await import("/web/testing/decision.js");
    return stableLabels(smoothed(rows, depth), settings);
}"""
LEVELS = """async ([samples, settings]) => {
    const { levelled } = await import("/web/testing/level.js");
    return [...levelled(Int16Array.from(samples), settings)];
}"""


def test_the_page_decides_and_levels_as_the_sketch_does(window: Window) -> None:
    page = window.open("jobs")
    random = np.random.default_rng(7)
    labels = ["a", "b", "c"]
    for depth, threshold, hysteresis, hold in (
        (1, 0.6, 0.05, 0),
        (3, 0.4, 0.1, 2),
        (8, 0.35, 0.0, 4),
        (2, 0.9, 0.3, 1),
    ):
        scores = (random.dirichlet([0.5] * 3, 200) * 256).round() / 256  # as an int8 model has them
        rows = [dict(zip(labels, map(float, row), strict=True)) for row in scores]
        found = page.evaluate(
            DECISIONS, [rows, depth, {"threshold": threshold, "hysteresis": hysteresis, "hold": hold}]
        )
        expected = stable_labels(smoothed(np.asarray(scores, np.float32), depth), threshold, hysteresis, hold)
        assert found == ["uncertain" if one == UNCERTAIN_LABEL else labels[one] for one in expected]
        assert len(set(found)) > 2
    for level, loudness, offset, target, gain in (
        ("none", 3000, 90, -20, 40), ("dc", 9000, -700, -20, 40), ("rms", 400, 55, -20, 40), ("rms", 3, -2, -20, 40),
        ("rms", 20000, 0, -3, 120), ("rms", 0, 5, -20, 40), ("dc", 40000, 8000, -20, 40),
    ):  # fmt: skip
        samples = np.clip(random.normal(offset, loudness, 4001), -32768, 32767).astype(np.int16)
        settings = {"level": level, "targetDbfs": target, "maxGainDb": gain}
        found = page.evaluate(LEVELS, [samples.tolist(), settings])
        assert found == apply_level(samples, level, target, gain).tolist(), settings  # type: ignore[arg-type]


def test_the_settings_of_the_board_are_those_of_the_address_and_change_the_label(
    window: Window, check_page: Callable[[Any], None], make_tone: Callable[..., bytes], tmp_path: Path
) -> None:
    make_trained(window.project)
    passed = json.dumps({"level": "none", "threshold": 0.01, "smoothing": 2, "holdMs": "many"})
    page = window.open("classification")
    page.evaluate("([key, text]) => localStorage.setItem(key, text)", [f"eitk-settings-{window.project.id}", passed])
    page.reload()
    page.wait_for_selector("text=/level none, threshold 0.01, mean of 2, hysteresis 0.05, hold 0 ms/")
    page.set_input_files("input[type=file]", str(file_in(tmp_path, "quiet.wav", make_tone(300, 2.0))))
    page.wait_for_selector(".verdict")
    assert "uncertain" not in page.inner_text(".verdict")
    page.click(".board-settings summary")
    page.fill("input[name=threshold]", "1")
    page.keyboard.press("Tab")
    page.wait_for_selector(".verdict:has-text('uncertain 100.0 %')")
    page.click("summary:text('Scores of')")
    scores = page.inner_text("table.scores tbody")
    with page.expect_response("**/classify/v2/*"):
        page.select_option("select[name=level]", "rms")
    page.wait_for_selector("text=Classifying", state="detached")
    page.click("summary:text('Scores of')")
    assert page.inner_text("table.scores tbody") != scores
    assert page.input_value("input[name=targetDbfs]") == "-20" and "level=rms" in page.url
    check_page(page)


LEVELLED_PARTS = """async () => {
    const { levelledParts } = await import("/web/testing/classify.js");
    const { levelled, toInt16 } = await import("/web/testing/level.js");
    const input = { windowSizeMs: 1000, windowIncreaseMs: 300, frequencyHz: 8000 };
    const how = { level: "rms", targetDbfs: -20, maxGainDb: 40 };
    const [window, increase] = [8000, 2400];
    const samples = Float32Array.from({ length: 5 * 8000 }, (_, i) => Math.sin(i * i / 9000) * (i % 9973) / 20000);
    const { parts, step } = levelledParts(samples, input, how, 8000);
    const cut = [];  // as the studio cuts windows
    const counts = [];
    for (const part of parts) {
        const sent = new Int16Array(await part().slice(44).arrayBuffer());
        const own = [];
        for (let at = 0; at + window <= sent.length; at += increase) own.push(sent.slice(at, at + window));
        const kept = own.filter((_, i) => i % step === 0);
        counts.push([counts.length + 1, kept.length]);
        cut.push(...kept);
    }
    const whole = toInt16(samples);
    const same = cut.every((one, i) =>
        one.join() === levelled(whole.slice(i * increase, i * increase + window), how).join());
    return [same && cut.length === Math.floor((whole.length - window) / increase) + 1, ...counts];
}"""


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
    assert page.evaluate(LEVELLED_PARTS) == [True, [1, 6], [2, 6], [3, 2]]
    page.set_input_files("input[type=file]", str(file_in(tmp_path, "long.wav", make_tone(300, 330.0))))
    page.wait_for_selector("section[aria-label=Timeline]", timeout=120_000)
    assert "660 windows" in page.inner_text(".verdict")
    assert window.project.samples("post-processing") == []
