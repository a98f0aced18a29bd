"""The data explorer: points for the windows of all samples, and what the model predicts for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from official_client import OfficialClient
from studio_in_process import Api
from tiny_model import classifier

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.impulse import dsp
from ei_toolkit.studio.jobs.explorer import project

RATE = 16000
IMPULSE: dict[str, Any] = {
    "inputBlocks": [
        {
            "id": 1, "type": "time-series", "name": "Time series", "title": "Time series data",
            "windowSizeMs": 100, "windowIncreaseMs": 50, "frequencyHz": RATE, "padZeros": True,
        }
    ],
    "dspBlocks": [{"id": 2, "type": "spectrogram", "name": "Spectrogram", "implementationVersion": 4}],
    "learnBlocks": [{"id": 3, "type": "keras", "dsp": [2]}],
}  # fmt: skip
FEATURES = int(np.prod(dsp.output_shape("spectrogram", 1600, RATE, 4)))


@pytest.fixture
def made(api: Api) -> Api:
    """Noises and tones of two windows each, one of each for testing."""
    api.fields("POST", "/1/impulse", json=IMPULSE)
    t = np.arange(2400) / RATE
    for seed in range(4):
        category = "testing" if seed == 3 else "training"
        noise = np.random.default_rng(seed).integers(-3000, 3000, 2400).astype(np.int16)
        tone = (8000 * np.sin(2 * np.pi * (300 + 10 * seed) * t)).astype(np.int16)
        api.upload({f"noise{seed}.wav": wav_bytes(noise, RATE)}, category, x_label="noise")
        api.upload({f"tone{seed}.wav": wav_bytes(tone, RATE)}, category, x_label="tone")
    return api


def generate(api: Api) -> list[str]:
    return api.run(api.fields("POST", "/1/jobs/data-explorer-features")["id"])


def points(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.fields("GET", "/1/raw-data/data-explorer/features")["data"]
    return found


def set_technique(api: Api, technique: str) -> None:
    body = {"dimensionalityReductionTechnique": technique}
    api.fields("POST", "/1/raw-data/data-explorer/settings", json=body)


def test_every_window_of_every_category_is_a_point_and_labels_are_apart(made: Api) -> None:
    set_technique(made, "pca")
    generate(made)
    found = points(made)
    assert len(found) == 16
    first = found[0]
    assert first["sample"] == {"id": 1, "name": "noise0", "startMs": 0.0, "endMs": 100.0, "category": "training"}
    assert (first["y"], first["yLabel"]) == (1, "noise")
    assert [one["sample"]["category"] for one in found].count("testing") == 4
    at = {label: [one["X"]["0"] for one in found if one["yLabel"] == label] for label in ("noise", "tone")}
    assert max(at["noise"]) < min(at["tone"]) or max(at["tone"]) < min(at["noise"])


def test_points_of_deleted_samples_are_left_out_and_all_can_be_cleared(made: Api) -> None:
    set_technique(made, "pca")
    generate(made)
    made.fields("DELETE", "/1/raw-data/1")
    assert len(points(made)) == 14
    made.fields("POST", "/1/raw-data/data-explorer/clear")
    assert made.fields("GET", "/1/raw-data/data-explorer/features") == {"hasFeatures": False, "data": []}


def test_the_trained_model_predicts_a_label_for_each_point(made: Api) -> None:
    files = {"tflite-int8": made.studio.store.blobs.put(classifier(FEATURES, 2, seed=1))}
    made.studio.store.artifacts.put_model(1, 3, files, {"labels": ["noise", "tone"], "featureCount": FEATURES})
    made.fields("POST", "/1/training/keras/3", json={"minimumConfidenceRating": 0})
    set_technique(made, "pca")
    generate(made)
    found = made.fields("GET", "/1/raw-data/data-explorer/predictions")["predictions"]
    assert len(found) == 16
    right = [one["prediction"] == one["label"] for one in found]
    assert [one["predictionCorrect"] for one in found] == right
    scores = made.fields("GET", "/1/classify/1")["classifications"][0]["result"]
    assert [one["prediction"] for one in found[:2]] == [max(row, key=row.get) for row in scores]


def test_without_a_model_there_are_no_predictions(made: Api) -> None:
    set_technique(made, "pca")
    assert "No learn block is trained: the points have no predictions" in generate(made)
    assert made.error("GET", "/1/raw-data/data-explorer/predictions").startswith("The data explorer has no predictions")


@pytest.mark.parametrize(
    ("technique", "shape"), [("pca", (40, 6)), ("pca", (1, 6)), ("pca", (5, 1)), ("tsne", (9, 6)), ("tsne", (2, 6))]
)
def test_each_technique_gives_finite_points_and_always_the_same(technique: str, shape: tuple[int, int]) -> None:
    features = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    found = project(features, technique)
    assert found.shape == (shape[0], 2) and np.isfinite(found).all()
    assert np.array_equal(found, project(features, technique))


def test_a_project_without_samples_or_impulse_learns_what_to_do(api: Api) -> None:
    assert api.error("POST", "/1/jobs/data-explorer-features") == "This project has no impulse yet"
    assert api.error("POST", "/1/raw-data/data-explorer/settings", json={"preset": "images"}).startswith(
        "preset must be"
    )


def test_the_official_client_explores_data(made: Api) -> None:
    client = OfficialClient(made)
    assert client.call("RawDataApi", "has_data_explorer_features")["hasFeatures"] is False
    settings = client.call("RawDataApi", "get_data_explorer_settings")
    assert (settings["preset"], settings["dimensionalityReductionRecommendation"]) == ("current-impulse", "tsne")
    body = client.model("DataExplorerSettings", preset="current-impulse", dimensionalityReductionTechnique="pca")
    client.call("RawDataApi", "set_data_explorer_settings", body)
    made.run(client.call("JobsApi", "generate_data_explorer_features")["id"])
    found = client.call("RawDataApi", "get_data_explorer_features")
    assert found["hasFeatures"] and len(found["data"]) == 16 and found["inputBlock"]["windowSizeMs"] == 100
    client.call("RawDataApi", "clear_data_explorer")
    assert client.call("RawDataApi", "get_data_explorer_features")["data"] == []
