"""Training jobs up to the training itself: which windows, labels, groups and settings it gets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from studio_in_process import Api, RecordingTask

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.config import TrainingSettings
from ei_toolkit.impulse import dsp
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.jobs.features import generate_features
from ei_toolkit.studio.store.artifacts import PREDICTIONS
from ei_toolkit.training.request import TrainRequest

RATE = 16000
IMPULSE: dict[str, Any] = {
    "inputBlocks": [{"id": 1, "windowSizeMs": 100, "windowIncreaseMs": 50, "frequencyHz": RATE}],
    "dspBlocks": [
        {"id": 2, "type": "spectrogram", "implementationVersion": 4},
        {"id": 4, "type": "mfe", "implementationVersion": 4},
    ],
    "learnBlocks": [{"id": 3, "type": "keras", "dsp": [2]}],
}
FRAMES, BINS = dsp.output_shape("spectrogram", 1600, RATE, 4)


@pytest.fixture
def made(api: Api) -> Api:
    """A studio with two labels: a sample of two windows, and one of one window."""
    api.fields("POST", "/1/impulse", json=IMPULSE)
    upload(api, 1, 2400, "rock", artist="x")
    upload(api, 2, 1600, "jazz")
    return api


def upload(api: Api, seed: int, count: int, label: str, category: str = "training", **metadata: str) -> int:
    values = np.random.default_rng(seed).integers(-3000, 3000, count).astype(np.int16)
    [id_] = api.upload({f"{seed}.wav": wav_bytes(values, RATE)}, category=category, x_label=label)
    api.fields("POST", f"/1/raw-data/{id_}/metadata", json={"metadata": metadata})
    return id_


def allow_scripts(api: Api, allowed: bool = True) -> None:
    """Let the studio go on as if it had been started with, or without, --allow-scripts."""
    api.studio = replace(api.studio, options=replace(api.studio.options, allow_scripts=allowed))


def train(api: Api, **settings: Any) -> list[str]:
    return api.run(api.fields("POST", "/1/jobs/train/keras/3", json=settings)["id"])


def test_a_training_gets_the_windows_with_the_index_of_their_label_in_the_alphabet(
    made: Api, requests: list[TrainRequest]
) -> None:
    assert train(made)[-1] == "Model training complete."
    [request] = requests
    assert request.class_names == ["jazz", "rock"] and list(request.labels) == [1, 1, 0]
    assert request.features.shape == (3, FRAMES * BINS) and request.features.dtype == np.float32
    assert (request.columns, list(request.groups), list(request.validation)) == (BINS, [], [])


def test_settings_of_the_block_become_those_of_the_training(made: Api, requests: list[TrainRequest]) -> None:
    layers = [{"type": "dense", "neurons": 9}]
    train(
        made, trainingCycles=7, learningRate=0.02, batchSize=8, trainTestSplit=0.3, autoClassWeights=True,
        visualLayers=layers, profileInt8=False, customParameters={"seed": "42"},
        kFoldsValidationConfig={"numFolds": 5}, augmentationPolicySpectrogram={"enabled": True},
    )  # fmt: skip
    [request] = requests
    assert (request.epochs, request.learning_rate, request.batch_size) == (7, 0.02, 8)
    assert (request.validation_fraction, request.auto_class_weights, request.int8) == (0.3, True, False)
    assert (request.visual_layers, request.seed, request.k_folds) == (layers, 42, 5)
    assert request.spec_augment == {"enabled": True} and request.script == ""


def test_settings_that_were_never_sent_have_their_defaults(made: Api, requests: list[TrainRequest]) -> None:
    train(made)
    [request] = requests
    assert (request.epochs, request.k_folds, request.seed) == (100, 0, TrainingSettings().seed)
    assert request.visual_layers[0] == {"type": "reshape", "columns": BINS}


def test_a_stored_script_is_used_in_expert_mode_only(made: Api, requests: list[TrainRequest]) -> None:
    made.studio.store.blocks.configure(1, 3, {"script": "model = 1"})
    train(made)
    made.studio.store.blocks.configure(1, 3, {"mode": "expert"})
    allow_scripts(made)
    train(made)
    assert [request.script for request in requests] == ["", "model = 1"]


@pytest.mark.parametrize("route", ["train/keras/3", "retrain"])
def test_a_job_does_not_run_its_script_in_a_studio_that_allows_none(
    made: Api, requests: list[TrainRequest], route: str
) -> None:
    allow_scripts(made)
    made.fields("POST", "/1/training/keras/3", json={"mode": "expert", "script": "model = 1"})
    job = made.fields("POST", f"/1/jobs/{route}", json={})["id"]
    allow_scripts(made, False)  # as after a restart without the option
    with pytest.raises(ApiError, match="started without --allow-scripts"):
        made.run(job)
    assert requests == []


@pytest.mark.parametrize("route", ["train/keras/3", "retrain"])
def test_a_job_does_not_run_a_script_that_was_changed_after_it_was_accepted(
    made: Api, requests: list[TrainRequest], route: str
) -> None:
    allow_scripts(made)
    made.fields("POST", "/1/training/keras/3", json={"mode": "expert", "script": "model = 1"})
    job = made.fields("POST", f"/1/jobs/{route}", json={})["id"]
    made.fields("POST", "/1/training/keras/3", json={"script": "model = 2"})
    with pytest.raises(ApiError, match="was changed after the job was accepted: start the training again"):
        made.run(job)
    assert requests == []


def test_a_job_that_an_older_version_queued_with_a_script_does_not_run(made: Api, requests: list[TrainRequest]) -> None:
    allow_scripts(made)
    made.studio.store.blocks.configure(1, 3, {"mode": "expert", "script": "model = 1"})
    job = made.studio.store.jobs.add(1, "train-keras", "k", "c", {"learn": 3})
    with pytest.raises(ApiError, match="start the training again"):
        made.run(job.id)
    assert requests == []


def test_windows_of_samples_with_equal_metadata_are_one_group(made: Api, requests: list[TrainRequest]) -> None:
    upload(made, 3, 1600, "rock", artist="x")
    train(made, customValidationMetadataKey="artist")
    [request] = requests
    assert list(request.groups) == ["x", "x", "sample 2", "x"]


def test_samples_of_the_category_validation_are_used_for_validation(made: Api, requests: list[TrainRequest]) -> None:
    upload(made, 4, 2400, "jazz", category="validation")
    upload(made, 5, 1600, "blues", category="validation")
    lines = train(made)
    [request] = requests
    assert list(request.labels) == [1, 1, 0, 0, 0]
    assert list(request.validation) == [False, False, False, True, True]
    message = "Samples for validation that are left out, because no training sample has their label: 1"
    assert message in lines


def test_features_of_several_blocks_are_joined_and_have_no_common_columns(
    made: Api, requests: list[TrainRequest]
) -> None:
    learn = {**IMPULSE["learnBlocks"][0], "dsp": [2, 4]}
    made.fields("POST", "/1/impulse", json={**IMPULSE, "learnBlocks": [learn]})
    train(made)
    [request] = requests
    frames, bins = dsp.output_shape("mfe", 1600, RATE, 4)
    assert request.features.shape == (3, FRAMES * BINS + frames * bins) and request.columns == 0


def test_a_training_needs_two_labels(made: Api, requests: list[TrainRequest]) -> None:
    made.fields("POST", "/1/raw-data/batch/edit-labels?category=all", json={"label": "rock"})
    with pytest.raises(ApiError, match="Training needs at least two labels; there is only rock"):
        train(made)
    assert requests == []


def test_a_training_needs_samples(api: Api, requests: list[TrainRequest]) -> None:
    api.fields("POST", "/1/impulse", json=IMPULSE)
    with pytest.raises(ApiError, match="There are no labelled samples in the category training: upload some first"):
        train(api)


def test_a_trained_model_is_stored_with_its_files_and_summary(made: Api, requests: list[TrainRequest]) -> None:
    made.studio.store.artifacts.put_result(1, "classify", 1, "0" * 64, "int8")
    train(made)
    model = made.studio.store.artifacts.model(1, 3)
    assert model is not None and sorted(model.files) == ["keras", "tflite-float32", PREDICTIONS]
    assert made.studio.store.blobs.read(model.files["keras"]) == b"keras"
    summary = model.summary
    assert (summary["labels"], summary["featureCount"]) == (["jazz", "rock"], FRAMES * BINS)
    assert summary["windows"] == {"training": 4, "validation": 1} and summary["warnings"] == ["w"]
    assert list(summary["performance"]) == ["float32"] and summary["unsupported"] == {}
    assert made.studio.store.artifacts.result(1, "classify", 1, "int8") is None  # it was of the previous model
    assert not list((made.data / "incoming").iterdir())


def test_retraining_trains_every_learn_block(made: Api, requests: list[TrainRequest]) -> None:
    learn = [{"id": 3, "type": "keras", "dsp": [2]}, {"id": 5, "type": "keras", "dsp": [4]}]
    made.fields("POST", "/1/impulse", json={**IMPULSE, "learnBlocks": learn})
    made.run(made.fields("POST", "/1/jobs/retrain")["id"])
    assert len(requests) == 2
    assert made.studio.store.artifacts.model(1, 3) and made.studio.store.artifacts.model(1, 5)


def test_an_impulse_without_a_learn_block_is_not_retrained(made: Api) -> None:
    made.fields("POST", "/1/impulse", json={**IMPULSE, "learnBlocks": []})
    with pytest.raises(ApiError, match="The impulse has no learn block"):
        made.run(made.fields("POST", "/1/jobs/retrain")["id"])


def features_job(api: Api) -> list[str]:
    return api.run(api.fields("POST", "/1/jobs/generate-features", json={"dspId": 2})["id"])


def test_a_features_job_reports_windows_by_label_and_what_was_cached(made: Api) -> None:
    assert features_job(made) == [
        "Creating windows from training files...",
        "[2/2] spectrogram features...",
        "Features computed for 2 samples, 0 were cached",
        'Created 3 windows: {"jazz": 1, "rock": 2}',
        "Creating features OK",
    ]
    assert "Features computed for 0 samples, 2 were cached" in features_job(made)


def test_a_relabelled_or_moved_sample_is_not_computed_again(made: Api) -> None:
    features_job(made)
    made.fields("POST", "/1/raw-data/1/edit-label", json={"label": "blues"})
    made.fields("POST", "/1/raw-data/2/rename", json={"name": "new"})
    lines = features_job(made)
    assert "Features computed for 0 samples, 2 were cached" in lines
    assert 'Created 3 windows: {"blues": 2, "jazz": 1}' in lines


def test_windows_that_end_without_a_label_are_omitted_and_counted(made: Api) -> None:
    ranges = [{"startIndex": 0, "endIndex": 1599, "label": "rock"}]  # the second window ends at 2399
    made.fields("POST", "/1/raw-data/1/structured-labels", json={"structuredLabels": ranges})
    lines = features_job(made)
    assert "1 windows are omitted: they end in a part of a multi-label sample that has no label" in lines
    assert 'Created 2 windows: {"jazz": 1, "rock": 1}' in lines


def test_a_sample_shorter_than_a_window_has_no_windows(made: Api) -> None:
    upload(made, 6, 100, "rock")
    lines = features_job(made)
    assert 'Created 3 windows: {"jazz": 1, "rock": 2}' in lines
    assert "Features computed for 3 samples, 0 were cached" in lines


def test_progress_is_reported_at_intervals(made: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ei_toolkit.studio.jobs.features.REPORT_EVERY", 2)
    for seed in range(10, 13):
        upload(made, seed, 1600, "rock")
    found = [line for line in features_job(made) if line.startswith("[")]
    assert found == [f"[{done}/5] spectrogram features..." for done in (2, 4, 5)]


def test_features_of_a_deleted_block_are_not_stored(made: Api) -> None:
    job = made.studio.store.jobs.add(1, "generate-features", "k", "c", {"dsp": 2})
    made.fields("DELETE", "/1/impulse")
    with pytest.raises(ApiError, match=r"No DSP block with this ID found \(2\)"):
        generate_features(RecordingTask(made.studio.store, job, made.data))


def test_a_new_training_deletes_the_test_results_of_the_previous_model(made: Api, requests: list[TrainRequest]) -> None:
    for number, label in enumerate(("jazz", "rock")):
        upload(made, 50 + number, 1600, label, "testing")
    for job in ("train", "classify", "train"):
        train(made) if job == "train" else made.run(made.fields("POST", "/1/jobs/classify", json={})["id"])
        found = made.json("GET", "/1/classify/all/result?variant=float32")
        assert found["success"] is (job == "classify"), found
    assert len(requests) == 2


@pytest.mark.usefixtures("requests")
def test_the_predictions_for_the_measured_windows_are_kept_with_the_model(made: Api) -> None:
    later = upload(made, 3, 1600, "rock", "validation")
    train(made)
    [metrics] = made.fields("GET", "/1/training/keras/3/metadata")["modelValidationMetrics"]
    assert metrics["predictions"] == [
        {
            "sampleId": later, "startMs": 0.0, "endMs": 100.0, "label": "rock", "prediction": "jazz",
            "predictionCorrect": False,
        }
    ]  # fmt: skip
    assert [one["id"] for one in made.fields("GET", "/1/downloads")["downloads"]] == ["3-tflite-float32", "3-keras"]
