"""The gate with real models: trained here, quantised, measured, tried on real sound."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from support import eitk

from ei_toolkit.config import Config, load_config
from ei_toolkit.config.lockfile import Lock, read_lock, write_lock
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.dataset.provenance import PROVENANCE_NAME, TrainingProvenance, write_provenance
from ei_toolkit.dataset.window_store import reader_of
from ei_toolkit.evaluation.champions import champion_file, read_champion
from ei_toolkit.evaluation.clips import impulse_features
from ei_toolkit.evaluation.run_log import list_runs
from ei_toolkit.training.request import TrainRequest
from ei_toolkit.training.train import train

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # Keras 3 with NumPy 2
]
LAYERS = [
    {"type": "reshape", "columns": 40},
    {"type": "conv1d", "neurons": 8, "kernelSize": 3, "stack": 1},
    {"type": "flatten"},
]

Build = Callable[..., Path]


@pytest.fixture(scope="module")
def trained() -> dict[float, bytes]:
    """Models by the share of swapped labels, trained when first asked for: every test has the same windows."""
    return {}


@pytest.fixture
def build(sliced: Config, trained: dict[float, bytes]) -> Build:
    """Train on the project's windows, with some labels swapped, and pin the int8 model in eitk.lock."""

    def make(name: str, *, swapped: float = 0.0) -> Path:
        file = sliced.paths.builds / name / "model.tflite"
        file.parent.mkdir(parents=True)
        if swapped not in trained:
            trained[swapped] = train_on(sliced, swapped, file.parent)
        file.write_bytes(trained[swapped])
        write_provenance(
            file.parent / PROVENANCE_NAME, TrainingProvenance.of_manifest(Manifest.read(sliced.paths.manifest))
        )
        digest, path = sha256(trained[swapped]).hexdigest(), str(file.relative_to(sliced.paths.root))
        write_lock(sliced.paths.lock, Lock(1, 1, "tflite-eon", "int8", "arduino", path, digest, path, digest, "now"))
        return file

    return make


def train_on(config: Config, swapped: float, out: Path) -> bytes:
    windows = [w for w in Manifest.read(config.paths.manifest).windows if w.split == "training" and not w.augmentation]
    samples = np.stack([reader_of(config).samples(window) for window in windows])
    labels = np.array([window.label == "rock" for window in windows], dtype=int)
    labels[np.random.default_rng(1).random(len(labels)) < swapped] ^= 1
    request = TrainRequest(
        impulse_features(samples, config.settings), labels.tolist(), ["classical", "rock"], out, visual_layers=LAYERS,
        columns=40, epochs=20, batch_size=8, learning_rate=0.002, validation_fraction=0.0,
    )  # fmt: skip
    int8 = train(request, lambda _line: None).files.int8
    assert int8
    return int8.read_bytes()


def gate(folder: Path, *arguments: str) -> tuple[int, dict[str, object], str]:
    done = eitk(folder, "gate", "--json", *arguments)
    return done.code, done.data or {}, done.err


def test_the_first_is_promoted_an_equal_passes_and_one_that_learned_wrong_labels_is_refused(
    sliced: Config, build: Build
) -> None:
    root = sliced.paths.root
    good = build("good").read_bytes()
    code, figures, _ = gate(root)
    assert (code, figures["promoted"]) == (0, True), figures["text"]
    champion = read_champion(champion_file(sliced.paths))
    assert champion
    assert champion.model == good

    code, figures, _ = gate(root)
    assert (code, figures["promoted"]) == (0, False)
    assert "It is identical to the champion, so there is nothing to promote." in str(figures["text"])
    assert figures["difference"]["low"] == figures["difference"]["high"] == 0  # type: ignore[index]

    build("wrong", swapped=1.0)
    code, figures, err = gate(root)
    assert code == 7
    assert figures["verdict"] == "refused"
    assert "even the upper end of the interval" in err
    assert read_champion(champion_file(sliced.paths)) == champion
    lock = read_lock(sliced.paths.lock)
    assert lock and lock.model_sha256 == champion.sha256 and "eitk.lock names the champion again" in err
    assert [row.metrics["verdict"] for row in list_runs(sliced.paths, "gate")] == ["passed", "passed", "refused"]


def test_a_dry_run_judges_and_leaves_no_trace(sliced: Config, build: Build) -> None:
    build("good")
    code, figures, _ = gate(sliced.paths.root, "--dry-run")
    assert (code, figures["verdict"], figures["promoted"]) == (0, "passed", False)
    assert not champion_file(sliced.paths).exists()
    assert list_runs(sliced.paths) == []


def test_a_champion_of_another_level_is_tried_through_its_own_way(sliced: Config, build: Build) -> None:
    """The champion was trained on levelled windows; the challenger's project is not levelled any more."""
    build("good")
    assert gate(sliced.paths.root)[0] == 0
    text = sliced.file.read_text() if sliced.file else ""
    (sliced.paths.root / "eitk.toml").write_text(text.replace('level = "rms"', 'level = "none"'))
    assert load_config(sliced.paths.root, {}).settings.slice.level == "none"
    _, figures, _ = gate(sliced.paths.root)
    assert figures["champion"]["thresholded_accuracy"] == pytest.approx(1.0)  # type: ignore[index]


def test_clips_that_one_of_the_two_was_trained_on_do_not_count(sliced: Config, build: Build) -> None:
    build("good")
    assert gate(sliced.paths.root)[0] == 0
    file = champion_file(sliced.paths)
    kept = json.loads(file.read_text())
    testing = sorted({w.clip_sha256 for w in Manifest.read(sliced.paths.manifest).windows if w.split == "testing"})
    file.write_text(json.dumps(kept | {"trained_on": testing[1:]}))
    assert gate(sliced.paths.root)[1]["clips"] == 1
    file.write_text(json.dumps(kept | {"trained_on": testing}))
    code, _, err = gate(sliced.paths.root)
    assert code == 1
    assert "seen in training by the challenger or the champion" in err


def test_other_labels_are_not_compared(sliced: Config, build: Build) -> None:
    build("good")
    assert gate(sliced.paths.root)[0] == 0
    file = champion_file(sliced.paths)
    file.write_text(file.read_text().replace('"rock"', '"jazz"'))
    code, _, err = gate(sliced.paths.root)
    assert code == 3
    assert "champion.json" in err


def test_without_a_build_there_is_nothing_to_judge(sliced: Config) -> None:
    code, _, err = gate(sliced.paths.root)
    assert code == 3
    assert "eitk train --eon" in err


def test_a_model_that_is_not_the_pinned_one_is_refused(sliced: Config, build: Build) -> None:
    file = build("good")
    file.write_bytes(file.read_bytes() + b"\0")
    assert gate(sliced.paths.root)[0] == 1


def test_settings_that_no_longer_describe_the_model_are_named(sliced: Config, build: Build) -> None:
    build("good")
    text = (sliced.paths.root / "eitk.toml").read_text()
    (sliced.paths.root / "eitk.toml").write_text(text.replace("num_filters = 40", "num_filters = 32"))
    code, _, err = gate(sliced.paths.root)
    assert code == 1
    assert "takes 4800 features, the impulse gives 3840" in err


def test_the_settings_of_the_gate_hold(sliced: Config, build: Build) -> None:
    build("good")
    with (sliced.paths.root / "eitk.toml").open("a") as file:
        file.write("\n[gate]\nmax_ram_kb = 0.001\n")
    code, figures, _ = gate(sliced.paths.root)
    assert code == 7
    assert len(figures["reasons"]) == 1  # type: ignore[arg-type]
    assert not champion_file(sliced.paths).exists()
