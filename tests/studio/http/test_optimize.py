"""The routes of the tuner, with a run whose trials are stored as a job stores them. Nothing is trained here."""

from __future__ import annotations

from typing import Any

import pytest
from studio_in_process import Api

from ei_toolkit.studio.tuner_runs import MODEL, TunerRuns

CONFIG = {"name": "first", "targetDevice": {"name": "arduino-nano-33-ble"}, "targetLatency": 200}
BLOCKS = {
    "inputBlocks": [{"type": "time-series", "windowSizeMs": 1000}], "dspBlocks": [{"type": "mfe"}],
    "learnBlocks": [{"type": "keras"}],
}  # fmt: skip
TRIAL = {
    "id": "1-0", "name": "Trial 0", "number": 0, "status": "running", "retries": 0, "blocks": [],
    "impulse": {"inputBlocks": [], "dspBlocks": [], "learnBlocks": []}, "model": {}, "log": ["first", "second"],
}  # fmt: skip


def start(api: Api, **changes: Any) -> int:
    api.fields("POST", "/1/optimize/config", json={**CONFIG, **changes})
    job: int = api.fields("POST", "/1/jobs/optimize")["id"]
    return job


def store_state(api: Api, job: int, **changes: Any) -> TunerRuns:
    runs = TunerRuns(api.studio.store, 1)
    runs.set_state(job, {"config": runs.config(), "trials": [{**TRIAL, **changes}]})
    return runs


def test_without_configuration_or_run_the_answer_names_what_is_missing(api: Api) -> None:
    assert api.error("POST", "/1/jobs/optimize") == (
        "The tuner has no configuration yet: send one to optimize/config"
    )  # fmt: skip
    assert "was not started" in api.error("GET", "/1/optimize/state")
    assert api.fields("GET", "/1/optimize/runs") == {"runs": []}
    assert "There is no trial '9-9'" in api.error("POST", "/1/jobs/set-tuner-primary-job?trialId=9-9", json={})


def test_a_configuration_is_returned_as_it_was_sent(api: Api) -> None:
    weights = [
        {"objective": "accuracy", "label": "Accuracy", "weight": 2},
        {"objective": "ram", "label": "", "weight": 0.5},
    ]
    sent = {
        **CONFIG, "optimizationObjectives": weights, "tuningMaxTrials": 3, "verboseLogging": True, "compiler": ["EON"],
        "space": [{**BLOCKS, "learnBlocks": [BLOCKS["learnBlocks"]]}],
    }  # fmt: skip
    api.fields("POST", "/1/optimize/config", json=sent)
    assert api.fields("GET", "/1/optimize/config") == sent


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"targetDevice": {"name": "toaster"}}, "targetDevice 'toaster' is not known; devices: arduino-nano-33-ble"),
        ({"targetLatency": 0}, "targetLatency"),
        ({"tuningAlgorithm": "guess"}, "tuningAlgorithm"),
        ({"space": []}, "The space is empty"),
        ({"optimizationObjectives": [{"objective": "beauty", "weight": 1}]}, "'accuracy', 'latency', 'ram' or 'rom'"),
        ({"optimizationObjectives": [{"objective": "ram", "weight": 0}]}, "must be larger than 0"),
        ({"optimizationObjectives": 2 * [{"objective": "ram", "weight": 1}]}, "has an objective twice"),
    ],
)
def test_a_configuration_that_no_run_can_use_is_refused(api: Api, changed: dict[str, Any], message: str) -> None:
    assert message in api.error("POST", "/1/optimize/config", json={**CONFIG, **changed})


def test_a_run_has_a_state_from_its_start_to_its_end(api: Api) -> None:
    job = start(api, tuningMaxTrials=4)
    assert "queued or running already" in api.error("POST", "/1/jobs/optimize")
    state = api.fields("GET", "/1/optimize/state")
    assert (state["tunerJobId"], state["trials"], state["tunerJobIsRunning"]) == (job, [], True)
    store_state(api, job)
    state = api.fields("GET", "/1/optimize/state")
    assert (state["status"]["status"], state["status"]["numRunningTrials"]) == ("running", 1)
    assert "log" not in state["trials"][0]
    api.studio.store.jobs.finish(job, success=False, reason="the studio was stopped")
    state = api.fields("GET", f"/1/optimize/{job}/state")
    assert (state["status"]["status"], state["jobError"]) == ("completed", "the studio was stopped")
    assert [trial["status"] for trial in state["trials"]] == ["failed"]


def test_runs_are_listed_renamed_hidden_and_deleted(api: Api) -> None:
    job = start(api)
    runs = store_state(api, job)
    api.studio.store.jobs.finish(job, success=True)
    [run] = api.fields("GET", "/1/optimize/runs")["runs"]
    assert (run["tunerJobId"], run["name"], run["jobStatus"], run["visible"]) == (job, "first", "success", True)
    api.fields("POST", f"/1/optimize/{job}", json={"name": "second", "visible": False})
    [run] = api.fields("GET", "/1/optimize/runs")["runs"]
    assert (run["name"], run["visible"]) == ("second", False)
    api.studio.store.artifacts.put_result(1, MODEL, job, "digest", "1-0/keras")
    assert runs.model_files(job, "1-0") == {"keras": "digest"}
    api.fields("DELETE", "/1/optimize/state")
    assert api.fields("GET", "/1/optimize/runs") == {"runs": []}
    assert runs.model_files(job, "1-0") == {}


def test_the_log_of_a_trial_begins_with_its_newest_line(api: Api) -> None:
    store_state(api, start(api))
    found = api.fields("GET", "/1/optimize/trial/1-0/stdout")
    assert [line["data"] for line in found["stdout"]] == ["second\n", "first\n"]
    assert found["totalCount"] == 2


def test_clients_create_and_end_trials_of_a_custom_run_only(api: Api) -> None:
    job = start(api, tuningAlgorithm="custom")
    runs = store_state(api, job)
    api.fields("POST", f"/1/optimize/{job}/create-trial", json={**BLOCKS, "id": "mine"})
    api.fields("GET", f"/1/optimize//{job}/trial/1-0/end-trial")
    api.fields("POST", f"/1/optimize/{job}/complete-search", json={"success": True})
    asked = runs.requests(job)
    assert [trial["id"] for trial in asked["trials"]] == ["mine"]
    assert (asked["ended"], asked["complete"]) == (["1-0"], True)
    assert "has no trial '7'" in api.error("GET", f"/1/optimize//{job}/trial/7/end-trial")
    wrong = {**BLOCKS, "dspBlocks": [{"type": "wavelet"}]}
    assert "no block of type 'wavelet'" in api.error("POST", f"/1/optimize/{job}/create-trial", json=wrong)
    api.studio.store.jobs.finish(job, success=True)
    assert "is no run of the tuner" in api.error("POST", f"/1/optimize/{job}/create-trial", json=BLOCKS)
    other = start(api)
    store_state(api, other)
    assert "tuningAlgorithm custom only" in api.error("POST", f"/1/optimize/{other}/create-trial", json=BLOCKS)


def test_a_trial_that_is_not_completed_does_not_become_the_impulse(api: Api) -> None:
    store_state(api, start(api))
    assert "Trial 1-0 is running" in api.error("POST", "/1/jobs/set-tuner-primary-job?trialId=1-0", json={})


def test_blocks_and_windows_for_a_space(api: Api, make_noise: Any) -> None:
    blocks = api.fields("GET", "/1/optimize/all-blocks")
    assert [block["type"] for block in blocks["dsp"]] == ["spectrogram", "mfe", "mfcc"]
    assert blocks["dsp"][1]["params"]["num_filters"]["defaultValue"] == "40"
    assert [block["type"] for block in api.fields("GET", "/1/optimize/all-learn-blocks")["learnBlocks"]] == ["keras"]
    assert "no processing block 3 of the organisation 2" in api.error(
        "GET", "/1/optimize/dsp-parameters?organizationId=2&organizationDspId=3"
    )
    api.upload({"a.wav": make_noise(1, 48_000)}, x_label="rock")
    api.upload({"b.wav": make_noise(2, 16_000)}, x_label="classical")
    settings = api.fields("GET", "/1/optimize/window-settings")["windowSettingsContinuous"]
    one = next(each for each in settings if (each["windowSizeMs"], each["windowIncreasePct"]) == (1000, 1.0))
    assert (one["windowCount"], one["zeroPadPercentage"], one["valid"]) == (4, 0.0, True)
    assert one["balanceScore"] == pytest.approx(1 / 3)
