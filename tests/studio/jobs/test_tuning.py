"""The job of the tuner: which search it continues, and the impulse of a trial as that of the project."""

from __future__ import annotations

from typing import Any

import pytest
from studio_in_process import Api, RecordingTask

from ei_toolkit.studio.jobs.primary_trial import set_primary
from ei_toolkit.studio.jobs.tuning import Run, TrialPruned, _open, _replay, _trained, score, weights_of
from ei_toolkit.studio.tuner_runs import MODEL, TunerRuns
from ei_toolkit.studio.tuner_space import ApiSpace, checked_space, default_space, trial_impulse
from ei_toolkit.tuning.search import Pruning, SearchOptions

CONFIG = {"targetDevice": {"name": "arduino-nano-33-ble"}, "targetLatency": 200, "tuningAlgorithm": "random"}
OPTIONS = SearchOptions(("accuracy", "time"), (True, False), "random", "none", 5, 1, 1)
VALUES = {
    "input": {"windowSizeMs": 100}, "dsp": {"type": "mfe", "num_filters": 20, "frame_length": 0.02},
    "learn": {"dimension": "dense", "denseLayers": 1},
}  # fmt: skip


def started(api: Api, kind: str, **spec: Any) -> RecordingTask:
    job = api.studio.store.jobs.add(1, kind, kind, "EON Tuner", spec)
    return RecordingTask(api.studio.store, job, api.data)


def test_an_interrupted_search_with_the_same_configuration_is_continued(api: Api) -> None:
    task, space = started(api, "optimize"), checked_space(default_space())
    trial = _open(task, CONFIG, space, OPTIONS).ask(space, OPTIONS)
    again = _open(task, {**CONFIG, "name": "another name"}, space, OPTIONS)
    assert [each.parameters for each in again.trials()] == [trial.parameters]
    assert task.lines == ["Continuing an interrupted search with 1 trials"]
    assert _open(task, {**CONFIG, "targetLatency": 100}, space, OPTIONS).trials() == []


def test_a_complete_search_is_not_continued(api: Api) -> None:
    task, space = started(api, "optimize"), ApiSpace(default_space())
    search = _open(task, CONFIG, space, OPTIONS)
    search.ask(space, OPTIONS)
    search.set_attribute("complete", True)
    assert _open(task, CONFIG, space, OPTIONS).trials() == []


def test_the_score_weighs_accuracy_and_what_is_left_of_the_limits() -> None:
    limits = {"ram": 1000, "rom": 4000, "timeMs": 200}
    cost = {"ram": 250, "rom": 4000, "timeMs": 100, "dspMs": 40}
    assert score({"accuracy": 1}, 0.9, cost, limits) == 0.9
    assert score({"accuracy": 3, "latency": 1}, 0.9, cost, limits) == pytest.approx((3 * 0.9 + 0.5) / 4)
    assert score({"ram": 1, "rom": 1}, 0.9, cost, limits) == pytest.approx(0.75 / 2)
    assert weights_of({"optimizationObjectives": [{"objective": "ram", "label": "RAM", "weight": 2}]}) == {"ram": 2.0}
    assert weights_of(CONFIG) == {}


def hyperband(api: Api, documents: list[dict[str, Any]]) -> Run:
    task, space = started(api, f"optimize {len(documents)}"), ApiSpace(default_space())
    search = _open(task, CONFIG, space, OPTIONS)
    return Run(task, CONFIG, space, OPTIONS, search, TunerRuns(task.store, 1), documents, Pruning("hyperband", 9, 3))


def keras_lines(accuracy: float) -> list[str]:
    line = f"3/3 - 0s - 12ms/step - accuracy: 0.7 - loss: 0.5 - val_accuracy: {accuracy:.4f} - val_loss: 0.6"
    return [each for epoch in range(9) for each in (f"Epoch {epoch + 1}/9", line)]


def follow(run: Run, number: int, accuracy: float) -> int:
    """Give a run the log of a training; return the epochs until Hyperband gives it up, or all of them."""
    document = {"number": number, "status": "running", "accuracies": []}
    run.trials.append(document)
    try:
        for line in keras_lines(accuracy):
            run.follow(document, line)
        document["status"] = "completed"
    except TrialPruned:
        document |= {"status": "failed", "pruned": True}
    return len(document["accuracies"])


def test_hyperband_gives_up_weak_trials_after_few_epochs_also_after_an_interruption(api: Api) -> None:
    run = hyperband(api, [])
    epochs = [follow(run, number, 0.9 - number / 40) for number in range(30)]
    assert set(epochs) == {1, 3, 9}, "a third of the trials goes on to three times the epochs"
    assert _trained(run) == 30
    again = hyperband(api, run.trials[:20])
    _replay(again)
    assert [follow(again, number, 0.9 - number / 40) for number in range(20, 30)] == epochs[20:]


def test_without_hyperband_no_trial_is_given_up(api: Api) -> None:
    run = hyperband(api, [])
    run.pruning = Pruning("none", 9)
    assert [follow(run, number, 0.5) for number in range(5)] == [0] * 5
    assert run.limits == {"ram": 262_144, "rom": 1_048_576, "timeMs": 200}


@pytest.fixture
def tried(api: Api, make_noise: Any) -> Api:
    """A project with samples and an impulse, and a run of an earlier job with one completed trial."""
    for label in ("rock", "classical"):
        api.upload({f"{label}.wav": make_noise(len(label), 3200)}, x_label=label)
    api.fields("POST", "/1/impulse", json={"inputBlocks": [{"id": 7, "windowSizeMs": 50}]})
    impulse = trial_impulse(VALUES, None, (1, 2, 3))
    stored = {"document": impulse.document, "dsp": impulse.dsp_config, "keras": impulse.keras_config,
              "summary": {"labels": ["classical", "rock"]}, "job": 4}  # fmt: skip
    trial = {"id": "4-0", "name": "Trial 0", "status": "completed", "stored": stored}
    job = api.studio.store.jobs.add(1, "optimize", "optimize", "EON Tuner", {})
    TunerRuns(api.studio.store, 1).set_state(job.id, {"config": CONFIG, "trials": [trial]})
    blob = api.studio.store.blobs.put(b"model")
    api.studio.store.artifacts.put_result(1, MODEL, 4, blob, "4-0/tflite-int8")
    return api


def test_the_impulse_of_a_trial_becomes_that_of_the_project_with_features_and_model(tried: Api) -> None:
    task = started(tried, "tuner-primary", trial="4-0", name="best")
    set_primary(task)
    impulse = tried.fields("GET", "/1/impulse")["impulse"]
    [window], [dsp], [learn] = impulse["inputBlocks"], impulse["dspBlocks"], impulse["learnBlocks"]
    assert (impulse["name"], window["windowSizeMs"], dsp["type"], learn["dsp"]) == ("best", 100, "mfe", [dsp["id"]])
    assert len({window["id"], dsp["id"], learn["id"], 7}) == 4
    store = tried.studio.store
    features, model = store.artifacts.features(1, dsp["id"]), store.artifacts.model(1, learn["id"])
    assert features is not None and features.summary["windowCount"] == 4
    assert model is not None and store.blobs.read(model.files["tflite-int8"]) == b"model"
    assert store.blocks.config(1, dsp["id"])["num_filters"] == "20"
    [trial] = TunerRuns(store, 1).state(TunerRuns(store, 1).latest().id)["trials"]
    assert trial["impulseAddedToProject"]["impulseId"] == impulse["id"]


def test_the_state_of_a_run_keeps_no_earlier_version(tried: Api) -> None:
    runs = TunerRuns(tried.studio.store, 1)
    job = runs.latest().id
    before = tried.studio.store.artifacts.result(1, "tuner-state", job)
    runs.set_state(job, {**runs.state(job), "name": "renamed"})
    assert before is not None and not tried.studio.store.blobs.path(before).exists()
    assert runs.state(job)["name"] == "renamed"
