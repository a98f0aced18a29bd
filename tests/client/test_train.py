"""Training, test, profile and build in a studio: their order, their checks, and what is reported."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.client import train as train_module
from ei_toolkit.client.deployments import BuildSpec
from ei_toolkit.client.impulse.current import Current
from ei_toolkit.client.impulse.state import ImpulseState, wanted_impulse
from ei_toolkit.client.jobs.job import Job, Started
from ei_toolkit.client.samples import Sample
from ei_toolkit.client.train import (
    BUILD_TRIES,
    SHOWN,
    build,
    profiles,
    provenance_file,
    provenance_of_samples,
    ready_impulse,
    require_trained,
    train,
)
from ei_toolkit.config import ProjectPaths, load_config
from ei_toolkit.config.lockfile import read_lock
from ei_toolkit.config.recipes import write_recipe
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.errors import ApiError, ConfigurationError, DataError, JobFailed, MissingStepError

MODEL = b"\x1c\x00\x00\x00TFL3 weights"
SPEC = BuildSpec("arduino", "tflite-eon", "int8")
METADATA = "/api/1/training/keras/3/metadata"


@pytest.fixture
def wanted(tmp_path: Path) -> ImpulseState:
    write_recipe("reference", tmp_path, clips=None, name=None, force=True)
    return wanted_impulse(load_config(tmp_path, {}).settings, tmp_path)


class Followed(list[str]):
    """Stands in for the progress bar: records which jobs were waited for, and can let one fail."""

    def __init__(self, failing: str = "") -> None:
        super().__init__()
        self._failing = failing

    def __call__(self, started: Started, title: str, epochs: int | None = None) -> Job:
        self.append(f"{title} {started.id}" + (f" of {epochs} epochs" if epochs else ""))
        if title == self._failing:
            raise JobFailed(f"job {started.id} failed")
        return Job(started.id, "", "", "", "", "now", True)


def metrics(**changes: Any) -> dict[str, Any]:
    one = {"type": "int8", "accuracy": 0.75, "loss": 0.5, "confusionMatrix": [[3, 1], [1, 3]], **changes}
    return {"classNames": ["classical", "rock"], "modelValidationMetrics": [one]}


@pytest.fixture
def studio_with_impulse(scripted_studio: Any, wanted: ImpulseState) -> Any:
    """A studio whose impulse is that of the reference recipe, with 40 samples for training and 10 for testing."""
    learn, (dsp,) = wanted.learn, wanted.dsp
    counts = {"training": 40, "testing": 10}
    window = {"id": 1, "windowSizeMs": 3000, "windowIncreaseMs": 1500, "frequencyHz": 16_000, "padZeros": True}
    block = {"id": 2, "type": dsp.type, "name": dsp.name, "implementationVersion": dsp.version}
    scripted_studio.answers |= {
        "/api/1/impulse": {"impulse": {"id": 9, "inputBlocks": [window], "dspBlocks": [block],
                                       "learnBlocks": [{"id": 3, "type": "keras"}]}},
        "/api/1/dsp/2": {"config": [{"items": [{"param": k, "value": v} for k, v in dsp.config.items()]}]},
        "/api/1/training/keras/3": {
            "mode": "visual", "trainingCycles": learn.epochs, "learningRate": learn.learning_rate,
            "visualLayers": [dict(layer) for layer in learn.layers], "batchSize": learn.batch_size,
            "trainTestSplit": learn.validation, "customValidationMetadataKey": learn.validation_group,
            "autoClassWeights": learn.auto_class_weights, "profileInt8": learn.profile_int8,
            "augmentationPolicySpectrogram": {"enabled": learn.spec_augment}},
        "/api/1/raw-data/count": lambda got: {"count": counts[got.query["category"]]},
        "/api/1/jobs": {"jobs": []},
        "POST /api/1/jobs/generate-features": {"id": 50},
        "POST /api/1/jobs/train/keras/3": {"id": 51},
        "POST /api/1/jobs/classify": {"id": 52},
        METADATA: metrics(),
        "/api/1/classify/all/result": {
            "accuracy": {"allLabels": ["classical", "rock", "uncertain"], "accuracyScore": 0.5,
                         "confusionMatrixValues": {"rock": {"rock": 4, "uncertain": 1}}}},
    }  # fmt: skip
    return scripted_studio


def test_an_impulse_that_equals_eitk_toml_is_ready(studio_with_impulse: Any, wanted: ImpulseState) -> None:
    current = ready_impulse(studio_with_impulse.studio, wanted, "")
    assert (current.impulse_id, current.input_id, current.dsp_ids, current.learn_id) == (9, 1, (2,), 3)


def test_an_impulse_that_differs_is_not_trained(studio_with_impulse: Any, wanted: ImpulseState) -> None:
    other = replace(wanted, learn=replace(wanted.learn, epochs=99, batch_size=8))
    with pytest.raises(ConfigurationError, match=r"not that of eitk\.toml: 2 values differ") as caught:
        ready_impulse(studio_with_impulse.studio, other, "")
    assert caught.value.why == f"learn.epochs is {wanted.learn.epochs} there, 99 here"
    assert caught.value.hint == "eitk impulse apply (or eitk impulse pull)"
    other = replace(wanted, learn=replace(wanted.learn, epochs=99))
    with pytest.raises(ConfigurationError, match=r"not that of eitk\.toml: 1 value differs"):
        ready_impulse(studio_with_impulse.studio, other, "")


def test_without_settings_of_an_impulse_the_studio_decides(studio_with_impulse: Any) -> None:
    assert ready_impulse(studio_with_impulse.studio, None, "").learn_id == 3


@pytest.mark.parametrize("empty", ["training", "testing"])
def test_a_split_without_samples_is_not_trained(studio_with_impulse: Any, wanted: ImpulseState, empty: str) -> None:
    studio_with_impulse.answers["/api/1/raw-data/count"] = lambda got: {"count": int(got.query["category"] != empty)}
    with pytest.raises(MissingStepError, match=f"the project has no samples for {empty}") as caught:
        ready_impulse(studio_with_impulse.studio, wanted, "")
    assert caught.value.hint == "eitk upload"


@pytest.fixture
def current(studio_with_impulse: Any) -> Current:
    return ready_impulse(studio_with_impulse.studio, None, "")


def test_features_training_and_test_run_in_this_order(studio_with_impulse: Any, current: Current) -> None:
    studio_with_impulse.answers["POST /api/1/training/keras/3"] = {}
    followed = Followed()
    report = train(studio_with_impulse.studio, current, followed, features=True)
    epochs = current.state.learn.epochs
    assert followed == ["features: Spectrogram 50", f"training 51 of {epochs} epochs", "test 52"]
    data = report.data()
    assert data["impulse"] == 9
    assert data["validation"]["int8"]["accuracy"] == 0.75
    assert data["test"]["int8"]["confusion_matrix"] == [[0, 0, 0], [0, 4, 1]]
    assert (data["hardware"], data["history"]) == ({}, {})


def test_present_features_are_used_again_on_request(studio_with_impulse: Any, current: Current) -> None:
    studio_with_impulse.answers["POST /api/1/training/keras/3"] = {}
    followed = Followed()
    train(studio_with_impulse.studio, current, followed, features=False)
    assert "POST /api/1/jobs/generate-features" not in studio_with_impulse.requests()
    assert len(followed) == 2


def test_a_failed_training_is_not_tested(studio_with_impulse: Any, current: Current) -> None:
    studio_with_impulse.answers["POST /api/1/training/keras/3"] = {}
    with pytest.raises(JobFailed):
        train(studio_with_impulse.studio, current, Followed("training"), features=False)
    assert "POST /api/1/jobs/classify" not in studio_with_impulse.requests()


def test_the_profile_of_a_training_has_the_first_engine(studio_with_impulse: Any, current: Current) -> None:
    memory = {"ramRequired": 4096, "romRequired": 30_000, "arenaSize": 3000}
    device = {"mcu": "arduino-nano-33-ble", "name": "Nano", "latency": 12.5, "eon": memory, "tflite": memory}
    studio_with_impulse.answers[METADATA] = metrics(onDevicePerformance=[device, device | {"mcu": "other"}])
    studio_with_impulse.answers["POST /api/1/training/keras/3"] = {}
    report = train(studio_with_impulse.studio, current, Followed(), features=False)
    assert report.data()["hardware"] == {
        "int8": {"device": "arduino-nano-33-ble", "engine": "eon", "latency_ms": 12.5, "ram_bytes": 4096,
                 "flash_bytes": 30_000}}  # fmt: skip


@pytest.mark.parametrize("message", ["Block 3 is not yet trained", "Train it first", "There is no trained model"])
def test_a_model_that_was_never_trained_has_a_hint(scripted_studio: Any, message: str) -> None:
    scripted_studio.answers[METADATA] = {"success": False, "error": message}
    with pytest.raises(MissingStepError, match=message) as caught:
        require_trained(scripted_studio.studio, 3)
    assert caught.value.hint == "Train it: eitk train"


def test_another_error_of_the_metadata_has_no_hint_about_training(scripted_studio: Any) -> None:
    scripted_studio.answers[METADATA] = {"success": False, "error": "No such block"}
    with pytest.raises(ApiError) as caught:
        require_trained(scripted_studio.studio, 3)
    assert caught.value.hint == ""


DEVICE = {"mcu": "nano-33-ble", "latency": 12.5}
PROFILED = metrics(onDevicePerformance=[DEVICE])
IN_PROGRESS = metrics(onDevicePerformance=[DEVICE], profilingJobId=60)


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_module, "PROFILE_POLL_INTERVAL_S", 0.0)


@pytest.mark.parametrize(("again", "requests"), [(False, 0), (True, 1)])
def test_a_profile_is_estimated_again_on_request_only(
    scripted_studio: Any, no_pause: None, again: bool, requests: int
) -> None:
    scripted_studio.answers |= {METADATA: PROFILED, "POST /api/1/training/keras/3/profile": {}}
    (found,) = profiles(scripted_studio.studio, 3, Followed(), again=again)
    assert found.latency_ms == 12.5
    assert len(scripted_studio.requests("POST")) == requests


def test_a_model_without_a_profile_gets_one(scripted_studio: Any, no_pause: None) -> None:
    answers = [metrics(), IN_PROGRESS, IN_PROGRESS, PROFILED]
    scripted_studio.answers |= {METADATA: answers, "POST /api/1/training/keras/3/profile": {}}
    followed = Followed()
    assert len(profiles(scripted_studio.studio, 3, followed, again=False)) == 1
    assert scripted_studio.requests("POST") == ["POST /api/1/training/keras/3/profile"]
    assert followed == ["profile 60"]


def test_a_profile_that_does_not_come_is_an_error(
    scripted_studio: Any, no_pause: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_module, "PROFILE_POLLS", 3)
    scripted_studio.answers |= {METADATA: metrics(), "POST /api/1/training/keras/3/profile": {}}
    with pytest.raises(ApiError, match="the studio returns no profile of this model") as caught:
        profiles(scripted_studio.studio, 3, Followed(), again=False)
    assert caught.value.hint == "eitk jobs list --all"


@pytest.fixture
def buildable(scripted_studio: Any) -> Callable[[list[Any]], Any]:
    """A studio that answers each request for a build with the next of the given responses, and has deployment 5."""

    def make(responses: list[Any]) -> Any:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("genres.h", "// a library")
        link = "/v1/api/1/learn-data/3/model/int8"
        scripted_studio.answers |= {
            "POST /api/1/jobs/build-ondevice-model": responses,
            "/api/1/deployment/history/5": {"deployment": {"deploymentVersion": 5, "deploymentFormat": "arduino",
                                                           "engine": "tflite-eon", "impulseId": 4}},
            "/api/1/deployment/history/5/download": (200, stream.getvalue(), {"Content-Type": "application/zip"}),
            "/api/1/downloads": {"downloads": [{"name": "TensorFlow Lite (int8)", "link": link}]},
            "/api/1/learn-data/3/model/int8": (200, MODEL, {"Content-Type": "application/octet-stream"}),
        }  # fmt: skip
        return scripted_studio

    return make


OWN = {"id": 70, "deploymentVersion": 5}
BUSY = {"success": False, "error": "A build is already running (job ID: 66)"}


def test_the_version_that_was_built_is_pinned(buildable: Any, tmp_path: Path) -> None:
    studio, followed = buildable([OWN]).studio, Followed()
    lock = build(studio, 4, SPEC, ProjectPaths(tmp_path), followed)
    assert (lock.deployment_version, lock.impulse) == (5, 4)
    assert lock.model_sha256 == hashlib.sha256(MODEL).hexdigest()
    assert followed == ["build 70"]


def test_another_build_is_waited_for_and_then_the_requested_one_starts(buildable: Any, tmp_path: Path) -> None:
    studio, followed = buildable([BUSY, OWN]).studio, Followed()
    assert build(studio, 4, SPEC, ProjectPaths(tmp_path), followed).deployment_version == 5
    assert followed == ["build 66", "build 70"]


def test_a_studio_that_always_builds_for_others_is_an_error(buildable: Any, tmp_path: Path) -> None:
    followed = Followed()
    with pytest.raises(DataError, match=f"{BUILD_TRIES} other builds were in progress") as caught:
        build(buildable([BUSY]).studio, 4, SPEC, ProjectPaths(tmp_path), followed)
    assert len(followed) == BUILD_TRIES
    assert "eitk build again" in caught.value.hint


def test_a_failed_build_leaves_the_lock_as_it_was(buildable: Any, tmp_path: Path) -> None:
    studio, paths = buildable([OWN]).studio, ProjectPaths(tmp_path)
    before = build(studio, 4, SPEC, paths, Followed())
    with pytest.raises(JobFailed):
        build(studio, 4, SPEC, paths, Followed("build"))
    assert read_lock(paths.lock) == before


def test_a_build_without_a_version_is_an_error(buildable: Any, tmp_path: Path) -> None:
    with pytest.raises(ApiError, match="the response for the started build is not valid"):
        build(buildable([{"id": 70}]).studio, 4, SPEC, ProjectPaths(tmp_path), Followed())


def test_each_studio_project_and_impulse_has_a_provenance_of_its_own(scripted_studio: Any, tmp_path: Path) -> None:
    paths = ProjectPaths(tmp_path)
    names = {provenance_file(replace(scripted_studio.studio, project=p), paths, i).name for p in (1, 2) for i in (1, 2)}
    assert names == {"local.1.1.json", "local.1.2.json", "local.2.1.json", "local.2.2.json"}


def test_a_hint_names_a_limited_number_of_samples_to_delete() -> None:
    clip = "c" * 64
    manifest = Manifest((Window("w.wav", "0" * 64, "w.wav", clip, "x", 0, "rock", "testing"),))
    wrong = [Sample(n, f"by hand {n}", "training", "rock", 3000.0, (("clip_sha256", clip),)) for n in range(50)]
    with pytest.raises(DataError, match="50 samples in the studio are in another split") as caught:
        provenance_of_samples(manifest, wrong)
    assert caught.value.why == "a clip would be trained on and tested; the first is sample 0 in training"
    ids = " ".join(str(number) for number in range(SHOWN))
    assert caught.value.hint == f"eitk upload, then eitk samples delete {ids} ..."
