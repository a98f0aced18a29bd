"""From windows to a pinned library: against the local studio and, with EITK_CLOUD_TEST=1 and a key, the cloud."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import support

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.config import ProjectPaths
from ei_toolkit.config.lockfile import read_lock
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.dataset.provenance import PROVENANCE_NAME, TrainingProvenance, read_provenance
from ei_toolkit.studio import lifecycle as launch

CLOUD_KEY = os.environ.get("EI_API_KEY", "") if os.environ.get("EITK_CLOUD_TEST") == "1" else ""
CONFIG = """
[project]
name = "eitk end to end"
labels = ["classical", "rock"]
[dataset]
root = "clips"
[slice]
window_ms = 500
hop_ms = 500
[impulse.dsp]
type = "spectrogram"
frame_length = 0.025
frame_stride = 0.025
fft_length = 64
noise_floor_db = -50
[[impulse.layers]]
type = "reshape"
columns = 33
[[impulse.layers]]
type = "conv1d"
filters = 4
[[impulse.layers]]
type = "flatten"
[training]
epochs = 4
learning_rate = 0.01
[build]
target = "arduino"
"""


def make_project(folder: Path) -> Path:
    """Sixty clips of one window of noise, with high frequencies or without; one artist of each label is held out.

    One in five is labelled wrongly, so that the accuracies are not all 100 %.
    """
    (folder / "eitk.toml").write_text(CONFIG)
    windows = ProjectPaths(folder).windows
    windows.mkdir(parents=True)
    rng = np.random.default_rng(3)
    rows = []
    for number in range(60):
        noise = rng.standard_normal(8000)
        label = "rock" if number % 2 else "classical"
        samples = (4000 * noise if label == "rock" else 300 * np.convolve(noise, np.ones(16) / 4, "same")).astype(
            np.int16
        )
        content = wav_bytes(samples, 16_000)
        digest = hashlib.sha256(content).hexdigest()
        name = f"{label}.{number:03d}.0.{digest[:12]}.wav"
        (windows / name).write_bytes(content)
        if number % 5 == 4:
            label = "classical" if label == "rock" else "rock"
        clip = folder / "clips" / label / name
        clip.parent.mkdir(parents=True, exist_ok=True)
        clip.write_bytes(content)
        artist = number // 2 % 6
        split = "testing" if artist == 5 else "training"
        rows.append(Window(name, digest, f"{label}/{name}", digest, f"artist {artist}", 0, label, split))  # type: ignore[arg-type]
    Manifest(tuple(rows)).write(windows / "manifest.csv")
    return folder


@pytest.fixture
def eitk(tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    folder = make_project(tmp_path)

    def command(environ: dict[str, str], *words: str) -> tuple[int, str, str]:
        return support.eitk(folder, *words, environ=environ)

    return command


def whole_road(eitk: Any, environ: dict[str, str], folder: Path) -> list[dict[str, Any]]:
    """Upload, apply, train and build; return the lines of `eitk train --eon --json`."""
    for words in (("upload",), ("impulse", "apply")):
        code, _, err = eitk(environ, *words)
        assert code == 0, err
    code, out, err = eitk(environ, "train", "--eon", "--json")
    assert code == 0, err
    lock = read_lock(ProjectPaths(folder).lock)
    assert lock is not None
    for path, digest in ((lock.zip_path(folder), lock.zip_sha256), (lock.model_path(folder), lock.model_sha256)):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
    return [json.loads(line) for line in out.splitlines()]


def assert_figures_agree(eitk: Any, environ: dict[str, str], trained: dict[str, Any], folder: Path) -> None:
    """The figures of one model on the same windows are the same in train, test, evaluate, gate, report and card."""
    train = trained["test"]["int8"]
    test = json.loads(eitk(environ, "test", "--no-run", "--json")[1])["int8"]
    code, out, err = eitk(environ, "evaluate", "--protocol", "test", "--conditions", "none", "--json")
    assert code == 0, err
    evaluation = json.loads(out)
    code, out, err = eitk(environ, "gate", "--json")
    assert code in (0, 7), err  # the verdict does not matter here
    gate = json.loads(out)
    own, clean = gate["challenger"], evaluation["clean"]
    names = ("thresholded_accuracy", "top_1_accuracy", "majority", "windows", "threshold")
    first = [train[name] for name in names]
    assert first == [test[name] for name in names]
    assert first == pytest.approx([
        clean["thresholded_accuracy"], clean["window_accuracy"], clean["majority"], clean["windows"],
        evaluation["threshold"],
    ])  # fmt: skip
    assert first[:3] == pytest.approx([own["thresholded_accuracy"], own["top_1_accuracy"], gate["majority"]])
    assert own["confusion"] == train["confusion_matrix"] == test["confusion_matrix"]
    assert train["thresholded_accuracy"] < train["top_1_accuracy"] < 1  # otherwise this would show nothing
    for command in ("report", "card"):
        assert eitk(environ, command)[0] == 0
    for text in (gate["text"], (folder / "report.html").read_text(), (folder / "MODEL_CARD.md").read_text()):
        for name, value in (("accuracy at threshold 0.6", train["thresholded_accuracy"]),
                            ("top-1 accuracy", train["top_1_accuracy"]),
                            ("clip accuracy", clean["track_accuracy"])):  # fmt: skip
            assert re.search(rf"{re.escape(name)}\W+(<[^>]*>\W*)*{100 * value:.1f} %", text), (name, value)


def test_with_the_local_studio(eitk: Any, local_studio: launch.LocalStudio, studio: Any, tmp_path: Path) -> None:
    environ = {
        "EITK_STUDIO_URL": local_studio.api_url,
        "EITK_STUDIO_INGESTION_URL": local_studio.ingestion_url,
        "EI_API_KEY": local_studio.key,
    }
    events = whole_road(eitk, environ, tmp_path)
    assert [e["title"] for e in events if e["event"] == "done"] == [
        "features: Spectrogram",
        "training",
        "test",
        "build",
    ]
    epochs = [e["epoch"] for e in events if e["event"] == "progress" and e["phase"] == "training"]
    assert epochs == sorted(epochs)
    assert set(epochs) == {1, 2, 3, 4}
    kept = read_provenance(read_lock(tmp_path / "eitk.lock").model_path(tmp_path).parent / PROVENANCE_NAME)  # type: ignore[union-attr]
    assert kept == TrainingProvenance.of_manifest(Manifest.read(ProjectPaths(tmp_path).manifest))
    result = events[-1]
    assert result["event"] == "result"
    for part in ("validation", "test"):
        for variant in ("int8", "float32"):
            found = result[part][variant]
            assert sum(map(sum, found["confusion_matrix"])) == found["windows"] > 0
            assert 0 <= found["accuracy"] <= 1
    assert result["hardware"]["int8"]["ram_bytes"] > 0
    assert result["deployment_version"] == read_lock(tmp_path / "eitk.lock").deployment_version  # type: ignore[union-attr]
    assert_figures_agree(eitk, environ, result, tmp_path)
    code, out, _ = eitk(environ, "test", "--no-run", "--json")
    assert (code, json.loads(out)["int8"]["windows"]) == (0, 10)
    assert json.loads(eitk(environ, "profile", "--json")[1])["profiles"]


def test_a_failed_build_leaves_the_lock_as_it_was(
    eitk: Any, local_studio: launch.LocalStudio, studio: Any, tmp_path: Path
) -> None:
    environ = {
        "EITK_STUDIO_URL": local_studio.api_url,
        "EITK_STUDIO_INGESTION_URL": local_studio.ingestion_url,
        "EI_API_KEY": local_studio.key,
    }
    (tmp_path / "eitk.lock").write_text("before = 1\n")
    assert eitk(environ, "upload")[0] == 0
    assert eitk(environ, "impulse", "apply")[0] == 0
    code, _, err = eitk(environ, "build")  # never trained, so the job cannot succeed
    assert code == 3, err
    assert (tmp_path / "eitk.lock").read_text() == "before = 1\n"
    assert not list(ProjectPaths(tmp_path).builds.glob("*")) or not ProjectPaths(tmp_path).builds.exists()


@pytest.mark.cloud
@pytest.mark.skipif(not CLOUD_KEY, reason="needs EITK_CLOUD_TEST=1 and EI_API_KEY of a project made for tests")
def test_with_the_cloud(eitk: Any, tmp_path: Path) -> None:
    environ = {"EITK_STUDIO_URL": "https://studio.edgeimpulse.com/v1", "EI_API_KEY": CLOUD_KEY}
    result = whole_road(eitk, environ, tmp_path)[-1]
    assert 0 <= result["test"]["int8"]["accuracy"] <= 1
