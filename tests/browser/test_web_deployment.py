"""The browser deployment: its page, opened from the disk, its module in Node, and the studio's page that runs it."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from studio_pages import Project, Window
from trained_project import FIGURES, REPORT

from ei_toolkit.audio.decode import read_clip
from ei_toolkit.audio.level import apply_level
from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.audio.window import cut
from ei_toolkit.eon import toolchain
from ei_toolkit.eon.library import LibraryDspBlock, LibraryRequest, WindowLevel, package
from ei_toolkit.errors import MissingToolError
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.interpreter import Interpreter
from ei_toolkit.studio.impulse import fingerprint
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.artifacts import Deployment
from ei_toolkit.training.request import ModelFiles, TrainRequest
from ei_toolkit.training.train import train

MODEL = Path(__file__).parents[1] / "board" / "models" / "mfe_int8.tflite"
MFE = {"frame_length": 0.025, "frame_stride": 0.025, "fft_length": 512, "num_filters": 40, "noise_floor_db": -65}
BLOCK = LibraryDspBlock(2, "mfe", 4, MFE)
WINDOW, RATE = 48000, 16000
STATUS_TIMEOUT_MS = 600_000
LARGEST_BYTES = 250_000
CLASSIFY = "/classify/v2/"  # the path of a request to the studio
Windows = npt.NDArray[np.int16]


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    try:
        toolchain.wasm_compiler()
    except MissingToolError as error:
        pytest.skip(f"{error.what}: {error.why}")


def request_of(tflite: bytes, labels: Sequence[str]) -> LibraryRequest:
    return LibraryRequest(
        'Music </script> "Genres"', 1, "tests", 3, tuple(labels), tflite, WINDOW, RATE, (BLOCK,),
        target="wasm-browser-simd",
    )  # fmt: skip


def unpacked(request: LibraryRequest, folder: Path) -> Path:
    with zipfile.ZipFile(package(request, folder).path) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def request_of_genres() -> LibraryRequest:
    return request_of(MODEL.read_bytes(), ("classical", "rock"))


@pytest.fixture(scope="session")
def deployment(request_of_genres: LibraryRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a deployment."""
    return unpacked(request_of_genres, tmp_path_factory.mktemp("web"))


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Callable[[Path], Any]]:
    """Open a page from the disk, in a browser without a network. At the end it must have no error."""
    contexts, complaints = [], []

    def open_(folder: Path) -> Any:
        context = chromium.new_context(offline=True, permissions=["microphone"])
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text))
        page.goto((folder / "index.html").as_uri())
        wait_for_status(page, r"^Ready\.$")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


def wait_for_status(page: Any, pattern: str) -> None:
    page.locator("#status", has_text=re.compile(pattern)).wait_for(timeout=STATUS_TIMEOUT_MS)


def windows(count: int) -> Windows:
    rng = np.random.default_rng(7)
    time_s = np.arange(WINDOW) / RATE
    tones = [np.sin(2 * np.pi * rng.uniform(50, 4000) * time_s) * 10 ** rng.uniform(1, 4.4) for _ in range(count)]
    return np.clip(np.round(tones + rng.normal(0, 30, (count, WINDOW))), -32768, 32767).astype(np.int16)


def python_scores(request: LibraryRequest, samples: Windows) -> npt.NDArray[np.float32]:
    features = dsp.run_many(BLOCK.type, samples, RATE, BLOCK.implementation_version, **MFE)
    return np.asarray(Interpreter(request.tflite).predict(features.astype(np.float32)), np.float32)


def classify_file(page: Any, file: Path) -> list[dict[str, str]]:
    """Give a file to the page, with windows that do not overlap, and return the rows of the table that it saves."""
    page.fill("#hop", "3")
    page.set_input_files("#file", file, timeout=STATUS_TIMEOUT_MS)
    wait_for_status(page, rf"^{file.name}: .* windows$")
    with page.expect_download() as download:
        page.click("#save")
    return list(csv.DictReader(Path(download.value.path()).read_text().splitlines()))


def scores_of(rows: Sequence[dict[str, str]], labels: Sequence[str]) -> npt.NDArray[np.float32]:
    return np.array([[row[label] for label in labels] for row in rows], np.float32)


def test_the_page_gives_the_scores_of_python_for_a_file(
    request_of_genres: LibraryRequest,
    deployment: Path,
    open_page: Any,
    check_page: Callable[[Any], None],
    tmp_path: Path,
) -> None:
    samples = windows(4)
    page = open_page(deployment)
    (tmp_path / "four.wav").write_bytes(wav_bytes(samples.reshape(-1), RATE))
    rows = classify_file(page, tmp_path / "four.wav")
    expected = python_scores(request_of_genres, samples)
    assert [float(row["start_s"]) for row in rows] == [0, 3, 6, 9]
    assert np.array_equal(scores_of(rows, request_of_genres.labels), expected)
    certain = [request_of_genres.labels[row.argmax()] if row.max() >= 0.6 else "uncertain" for row in expected]
    assert [row["decision"] for row in rows] == certain
    assert page.title() == 'Music </script> "Genres"'
    assert page.inner_text("#decision") == f"{certain[3]} at 9.00 s"
    assert "Timeline of 4 windows" in page.get_attribute("#timeline", "aria-label")
    page.locator("#threshold").fill("1")
    assert page.inner_text("#decision") == "uncertain at 9.00 s"
    check_page(page)


def test_a_file_of_another_frequency_is_resampled(deployment: Path, open_page: Any) -> None:
    page = open_page(deployment)
    tone = (8000 * np.sin(np.arange(5 * 44100) * 2 * np.pi * 440 / 44100)).astype(np.int16)
    page.fill("#hop", "1")
    page.set_input_files("#file", {"name": "tone.wav", "mimeType": "audio/wav", "buffer": wav_bytes(tone, 44100)})
    wait_for_status(page, "windows$")
    assert page.inner_text("#status") == "tone.wav: 5.0 s, resampled to 16000 Hz by the browser, 3 windows"
    page.set_input_files("#file", {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no sound"})
    wait_for_status(page, "^Error: ")
    short = wav_bytes(tone[:16000], RATE)
    page.set_input_files("#file", {"name": "short.wav", "mimeType": "audio/wav", "buffer": short})
    wait_for_status(page, "shorter than one window of 3 s$")


def test_the_microphone_is_classified_until_it_is_switched_off(deployment: Path, open_page: Any) -> None:
    page = open_page(deployment)
    page.fill("#hop", "0.2")
    page.click("#microphone")
    page.get_by_label(re.compile(r"Timeline of ([3-9]|\d\d) windows")).wait_for(timeout=60_000)
    assert page.get_attribute("#microphone", "aria-pressed") == "true"
    page.click("#microphone")
    assert page.inner_text("#status") == "The microphone is off."
    assert page.inner_text("#decision").split()[0] in ("classical", "rock", "uncertain")


NODE = """
import fs from 'node:fs';
import { Classifier, decision, model, openWav } from './classifier.js';
const classifier = await Classifier.create();
const wav = await openWav(new Blob([fs.readFileSync(process.argv[2])]));
const scores = [];
for (let at = 0; at + model.windowSamples <= wav.length; at += model.windowSamples) {
    scores.push([...classifier.classify(await wav.read(at, at + model.windowSamples))]);
}
let error = '';
try {
    classifier.classify([1, 2]);
} catch (caught) {
    error = caught.message;
}
const started = process.cpuUsage();
const window = await wav.read(0, model.windowSamples);
for (let i = 0; i < 100; i++) classifier.classify(window);
const { user, system } = process.cpuUsage(started);
console.log(JSON.stringify({ model, scores, error, decision: decision([0.5, 0.5]), ms: (user + system) / 100e3 }));
"""


def test_the_module_gives_the_scores_of_python_in_node(
    request_of_genres: LibraryRequest, deployment: Path, tmp_path: Path
) -> None:
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    samples = windows(3)
    (deployment / "run.mjs").write_text(NODE)
    soundfile.write(tmp_path / "clip.wav", np.repeat(samples.reshape(-1, 1), 2, axis=1), RATE)
    command = ["node", str(deployment / "run.mjs"), str(tmp_path / "clip.wav")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert np.array_equal(np.array(found["scores"], np.float32), python_scores(request_of_genres, samples))
    assert found["error"] == "a window has 48000 samples, but there are 2"
    assert found["decision"] == "uncertain"
    assert found["model"]["labels"] == ["classical", "rock"] and found["model"]["project"] == 'Music </script> "Genres"'
    assert found["ms"] < 5


def test_each_window_is_brought_to_the_level_of_the_training(request_of_genres: LibraryRequest, tmp_path: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    folder = unpacked(replace(request_of_genres, level=WindowLevel("rms", -26.0, 30.0)), tmp_path)
    samples = (windows(2) // 8 + 300).astype(np.int16)
    (folder / "run.mjs").write_text(NODE)
    (folder / "clip.wav").write_bytes(wav_bytes(samples.reshape(-1), RATE))
    printed = subprocess.check_output(["node", str(folder / "run.mjs"), str(folder / "clip.wav")], timeout=120)
    found = json.loads(printed)
    levelled = np.array([apply_level(window, "rms", -26.0, 30.0) for window in samples])
    expected = python_scores(request_of_genres, levelled)
    assert not np.array_equal(expected, python_scores(request_of_genres, samples))
    assert np.array_equal(np.array(found["scores"], np.float32), expected)
    assert found["model"]["level"] == "rms"


def test_the_files_are_small_and_the_types_describe_every_export(deployment: Path) -> None:
    names = ("classifier.d.ts", "classifier.js", "index.html", "package.json")
    assert sum((deployment / name).stat().st_size for name in names) < LARGEST_BYTES
    declared = (deployment / "classifier.d.ts").read_text()
    exported = [
        line.removeprefix("export ").split("(")[0].split()
        for line in (deployment / "classifier.js").read_text().splitlines()
        if line.startswith("export ")
    ]
    assert len(exported) == 5
    for words in exported:
        assert (
            f"declare {words[-1] if words[0] == 'async' else ' '.join(words[:2])}".replace("{", "").strip()
            in (declared)
            or f"declare function {words[-1]}" in declared
        )


@pytest.mark.parametrize(
    ("path", "why"), [("", "clang++ is not on the PATH"), ("only clang", "wasm-ld is not on the PATH")]
)
def test_missing_tools_are_named_with_their_packages(tmp_path: Path, path: str, why: str) -> None:
    if path:
        (tmp_path / "clang++").symlink_to(shutil.which("clang++") or "")
    with pytest.raises(MissingToolError, match="the tools for WebAssembly are not installed") as caught:
        toolchain.wasm_compiler({"PATH": str(tmp_path)})
    assert caught.value.why == why
    assert "lld wasi-libc libclang-rt-dev-wasm32 libc++-dev-wasm32" in caught.value.hint


@pytest.fixture(scope="session")
def clips(gtzan: Path) -> tuple[Windows, list[str]]:
    """Every window of 40 clips, 3 s long, and its genre."""
    files = sorted(gtzan.glob("audio/*/*.flac"))[::3][:40]
    assert len(files) == 40
    cuts = [(window, file.parent.name) for file in files for _, window in cut(read_clip(file, RATE), WINDOW, WINDOW)]
    return np.array([window for window, _ in cuts]), [genre for _, genre in cuts]


LAYERS = (
    {"type": "reshape", "columns": 40},
    {"type": "conv2d", "neurons": 8, "kernelSize": 3, "stack": 1},
    {"type": "conv2d", "neurons": 16, "kernelSize": 3, "stack": 1},
    {"type": "flatten"},
)


def trained(clips: tuple[Windows, list[str]], labels: Sequence[str], folder: Path) -> ModelFiles:
    """The models of a network that was trained on these windows. With two labels, each genre is one of two groups."""
    samples, genres = clips
    known = sorted(set(genres))
    features = dsp.run_many(BLOCK.type, samples, RATE, BLOCK.implementation_version, **MFE).astype(np.float32)
    request = TrainRequest(
        features=features, labels=[known.index(genre) % len(labels) for genre in genres], class_names=tuple(labels),
        groups=[str(number // 10) for number in range(len(genres))], visual_layers=LAYERS, epochs=30,
        learning_rate=0.001, out_dir=folder,
    )  # fmt: skip
    return train(request, lambda _: None).files


@pytest.mark.exhaustive
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("labels", [2, 10])
@pytest.mark.parametrize("variant", ["int8", "float32"])
def test_the_page_gives_the_scores_of_python_for_forty_clips(
    labels: int, variant: str, clips: tuple[Windows, list[str]], open_page: Any, tmp_path: Path
) -> None:
    names = [f"label {number}" for number in range(labels)]
    models = trained(clips, names, tmp_path / "training")
    model = models.int8 if variant == "int8" else models.float32
    assert model is not None
    request = request_of(model.read_bytes(), names)
    page = open_page(unpacked(request, tmp_path))
    (tmp_path / "clips.wav").write_bytes(wav_bytes(clips[0].reshape(-1), RATE))
    scores, expected = scores_of(classify_file(page, tmp_path / "clips.wav"), names), python_scores(request, clips[0])
    different = int((scores != expected).any(axis=1).sum())
    largest = abs(scores - expected).max()
    print(f"\n{variant}, {labels} labels: {len(expected)} windows, {different} differ, by {largest:.1e} at most")
    assert len(set(expected.argmax(axis=1))) > 1  # a network that always predicts one label would show little
    if variant == "int8":
        assert different == 0
    else:
        np.testing.assert_allclose(scores, expected, atol=2e-6)


def test_the_live_page_of_the_studio_classifies_with_the_deployment_as_the_studio_does(
    window: Window, deployment: Path, request_of_genres: LibraryRequest, tmp_path: Path
) -> None:
    project = window.project
    add_deployment(project, request_of_genres, next(deployment.glob("*.zip")))
    clip = tmp_path / "clip.wav"
    clip.write_bytes(wav_bytes(np.concatenate(list(windows(2))), RATE))
    page = window.open("jobs")
    page.click("text=Live classification")  # another document, whose policy allows the program
    page.wait_for_selector("label:has-text('in this browser (WebAssembly build 3)')")
    shown: dict[str, list[list[float]]] = {}
    sent: list[str] = []
    page.on("request", lambda one: sent.append(one.url) if CLASSIFY in one.url else None)
    assert page.is_checked("label:has-text('in this browser') >> input")
    page.set_input_files("input[type=file]", str(clip))
    for by in ("in this browser", "by the studio"):
        if by == "by the studio":
            with page.expect_request(f"**{CLASSIFY}**"):  # the recording that is shown is classified again
                page.check(f"label:has-text('{by}') >> input")
        page.wait_for_selector(".verdict")
        page.wait_for_selector("text=Classifying", state="detached")
        with page.expect_download() as download:
            page.click("text=Download the scores as CSV")
        rows = csv.DictReader(Path(download.value.path()).read_text().splitlines())
        shown[by] = [[float(row["classical"]), float(row["rock"])] for row in rows]
        assert bool(sent) == (by == "by the studio")
    assert len(shown["in this browser"]) == 3
    np.testing.assert_allclose(shown["in this browser"], shown["by the studio"], atol=1e-6)


def add_deployment(project: Project, request: LibraryRequest, archive: Path) -> None:
    """Give a project the model of a deployment, and the deployment, as a training and a build store them."""
    impulse: dict[str, Any] = {
        "inputBlocks": [{
            "id": 1, "type": "time-series", "windowSizeMs": 3000, "windowIncreaseMs": 1500, "frequencyHz": RATE,
            "padZeros": True,
        }],
        "dspBlocks": [{"id": 2, "type": "mfe", "axes": ["audio"], "implementationVersion": 4}],
        "learnBlocks": [{"id": 3, "type": "keras", "dsp": [2]}],
    }  # fmt: skip
    project.call("POST", "/impulse", json=impulse)
    project.call("POST", "/dsp/2", json={"config": {name: str(value) for name, value in MFE.items()}})
    store = Store.open(project.studio.data)
    features = Interpreter(request.tflite).input_size
    figures = {**FIGURES, "report": {label: REPORT[one] for label, one in zip(request.labels, REPORT, strict=True)}}
    summary = {
        "labels": list(request.labels), "featureCount": features, "variants": {"int8": figures}, "history": {},
        "performance": {}, "unsupported": {},
    }  # fmt: skip
    store.artifacts.put_model(project.id, 3, {"tflite-int8": store.blobs.put(request.tflite)}, summary)
    impulse_now = store.blocks.get(project.id)
    made = Deployment(
        3, impulse_now.id, impulse_now.name, request.target, request.engine, "int8", archive.name,
        store.blobs.put(archive.read_bytes()), fingerprint(store, impulse_now), {}, "2026-01-01T00:00:00Z",
    )  # fmt: skip
    store.artifacts.add_deployment(project.id, made)
    store.close()
