"""Jobs: their state, the requests that start them, and the job that stands in the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.client.impulse.state import LearnState, wanted_impulse
from ei_toolkit.client.jobs.job import (
    PAGE,
    LogReader,
    Started,
    cancel_job,
    job_status,
    list_jobs,
    profiling_job,
    running,
    start_build,
    start_features,
    start_profile,
    start_retrain,
    start_test,
    start_training,
)
from ei_toolkit.config import load_config
from ei_toolkit.config.recipes import write_recipe
from ei_toolkit.errors import ApiError, CredentialError, NetworkError

STAMP = "2026-11-21T00:00:00Z"


def status(**changes: Any) -> dict[str, Any]:
    return {"job": {"id": 7, "key": "keras-3", "category": "Training", "created": STAMP, **changes}}


@pytest.mark.parametrize(
    ("changes", "state", "succeeded"),
    [
        ({}, "waiting", None),
        ({"started": STAMP}, "running", None),
        ({"started": STAMP, "finishedSuccessful": True}, "running", None),
        ({"finished": STAMP, "finishedSuccessful": True}, "succeeded", True),
        ({"finished": STAMP, "finishedSuccessful": False}, "failed", False),
        ({"finished": STAMP}, "failed", False),
        ({"started": None, "finished": None}, "waiting", None),
    ],
)
def test_the_state_of_a_job(scripted_studio: Any, changes: dict[str, Any], state: str, succeeded: bool | None) -> None:
    scripted_studio.answers["/api/1/jobs/7/status"] = status(**changes)
    job = job_status(scripted_studio.studio, 7)
    assert (job.state, job.succeeded) == (state, succeeded)


def test_a_job_that_does_not_exist_has_a_hint(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/1/jobs/7/status"] = {"success": False, "error": "No job with id 7"}
    with pytest.raises(ApiError, match="No job with id 7") as caught:
        job_status(scripted_studio.studio, 7)
    assert caught.value.hint == "eitk jobs list --all"


def test_an_error_of_the_server_is_not_called_a_wrong_job_number(
    scripted_studio: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("urllib3.util.retry.time.sleep", lambda _: None)
    scripted_studio.answers["/api/1/jobs/7/status"] = (500, b'{"success":false,"error":"database is locked"}', {})
    with pytest.raises(ApiError, match="database is locked") as caught:
        job_status(scripted_studio.studio, 7)
    assert (caught.value.hint, caught.value.status) == ("", 500)


def test_a_rejected_key_keeps_its_own_hint(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/1/jobs/7/status"] = (401, b"{}", {})
    with pytest.raises(CredentialError) as caught:
        job_status(scripted_studio.studio, 7)
    assert "eitk login" in caught.value.hint


def test_active_and_all_jobs_are_different_lists(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/1/jobs"] = {"jobs": [status()["job"]]}
    scripted_studio.answers["/api/1/jobs/all"] = {"jobs": []}
    assert [job.id for job in list_jobs(scripted_studio.studio, active=True)] == [7]
    assert list_jobs(scripted_studio.studio, active=False, limit=5) == []
    assert scripted_studio.seen[1].query == {"limit": "5", "offset": "0"}


@pytest.mark.parametrize(("force", "query"), [(False, {}), (True, {"forceCancel": "true"})])
def test_a_job_is_cancelled_by_force_only_on_request(scripted_studio: Any, force: bool, query: dict[str, str]) -> None:
    scripted_studio.answers["POST /api/1/jobs/7/cancel"] = {}
    cancel_job(scripted_studio.studio, 7, force=force)
    assert scripted_studio.seen[0].query == query


def test_the_latest_of_several_jobs_with_a_key_is_attached_to(scripted_studio: Any) -> None:
    jobs = [{"id": number, "key": "dsp-2"} for number in (4, 9, 6)] + [{"id": 30, "key": "dsp-22"}]
    scripted_studio.answers["/api/1/jobs"] = {"jobs": jobs}
    assert running(scripted_studio.studio, "dsp-2") == Started(9, {}, attached=True)


@pytest.fixture
def learn(tmp_path: Path) -> LearnState:
    write_recipe("reference", tmp_path, clips=None, name=None, force=True)
    return wanted_impulse(load_config(tmp_path, {}).settings, tmp_path).learn


def test_the_settings_are_stored_before_the_training_starts(scripted_studio: Any, learn: LearnState) -> None:
    scripted_studio.answers |= {
        "/api/1/jobs": {"jobs": []},
        "POST /api/1/training/keras/3": {},
        "POST /api/1/jobs/train/keras/3": {"id": 12},
    }
    started = start_training(scripted_studio.studio, 3, replace(learn, epochs=4, seed=11))
    assert (started.id, started.attached) == (12, False)
    stored, trained = [one for one in scripted_studio.seen if one.method == "POST"]
    assert (stored.path, trained.path) == ("/api/1/training/keras/3", "/api/1/jobs/train/keras/3")
    assert stored.json == trained.json
    assert stored.json["trainingCycles"] == 4
    assert stored.json["customParameters"] == {"seed": "11"}
    assert None not in stored.json.values()


def test_storing_the_settings_is_repeated_and_the_start_of_the_training_is_not(
    scripted_studio: Any, learn: LearnState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("urllib3.util.retry.time.sleep", lambda _: None)
    broken = (500, b'{"success":false,"error":"database is locked"}', {})
    scripted_studio.answers |= {
        "/api/1/jobs": {"jobs": []},
        "POST /api/1/training/keras/3": [broken, {}],
        "POST /api/1/jobs/train/keras/3": broken,
    }
    with pytest.raises(ApiError, match="database is locked"):
        start_training(scripted_studio.studio, 3, learn)
    paths = [path.removeprefix("POST /api/1/") for path in scripted_studio.requests("POST")]
    assert paths == ["training/keras/3", "training/keras/3", "jobs/train/keras/3"]


def test_no_second_training_of_the_same_block_is_started(scripted_studio: Any, learn: LearnState) -> None:
    scripted_studio.answers["/api/1/jobs"] = {"jobs": [{"id": 5, "key": "keras-3", "started": STAMP}]}
    assert start_training(scripted_studio.studio, 3, learn) == Started(5, {}, attached=True)
    assert scripted_studio.requests("POST") == []


def test_a_training_that_another_training_prevents_is_attached_to(scripted_studio: Any, learn: LearnState) -> None:
    busy = {"success": False, "error": "A job is already running (Job id: 42)"}
    scripted_studio.answers |= {
        "/api/1/jobs": {"jobs": []},
        "POST /api/1/training/keras/3": {},
        "POST /api/1/jobs/train/keras/3": busy,
    }
    assert start_training(scripted_studio.studio, 3, learn) == Started(42, {}, attached=True)


def test_an_answer_without_the_number_of_the_job_is_an_error(scripted_studio: Any) -> None:
    scripted_studio.answers["POST /api/1/jobs/retrain"] = {}
    with pytest.raises(ApiError, match="the response for the started job is not valid"):
        start_retrain(scripted_studio.studio, 2)


def test_features_are_generated_without_importance_and_explorer(scripted_studio: Any) -> None:
    scripted_studio.answers |= {"/api/1/jobs": {"jobs": []}, "POST /api/1/jobs/generate-features": {"id": 3}}
    assert start_features(scripted_studio.studio, 2).id == 3
    body = scripted_studio.seen[-1].json
    assert body == {"dspId": 2, "calculateFeatureImportance": False, "skipFeatureExplorer": True}


def test_a_test_names_the_impulse_and_the_variants(scripted_studio: Any) -> None:
    scripted_studio.answers["POST /api/1/jobs/classify"] = {"id": 8}
    start_test(scripted_studio.studio, 4, ["int8", "float32"])
    assert scripted_studio.seen[0].query == {"impulseId": "4"}
    assert scripted_studio.seen[0].json == {"modelVariants": ["int8", "float32"]}


def test_a_build_names_target_engine_and_model_type(scripted_studio: Any) -> None:
    scripted_studio.answers["POST /api/1/jobs/build-ondevice-model"] = {"id": 8, "deploymentVersion": 3}
    started = start_build(scripted_studio.studio, 4, "arduino", "tflite-eon", "int8")
    assert started.response["deploymentVersion"] == 3
    assert scripted_studio.seen[0].query == {"type": "arduino", "impulseId": "4"}
    assert scripted_studio.seen[0].json == {"engine": "tflite-eon", "modelType": "int8"}


@pytest.mark.parametrize(("jobs", "job"), [([], None), ([None], None), ([4], 4), ([4, None, 9], 9)])
def test_the_job_that_profiles_a_model_is_in_its_metadata(
    scripted_studio: Any, jobs: list[int | None], job: int | None
) -> None:
    metrics = [{"type": "int8", "accuracy": 1, "loss": 0, "profilingJobId": number} for number in jobs]
    answer = {"classNames": ["a"], "modelValidationMetrics": metrics}
    scripted_studio.answers["/api/1/training/keras/3/metadata"] = answer
    assert profiling_job(scripted_studio.studio, 3) == job


def test_a_profile_is_requested_of_the_learn_block(scripted_studio: Any) -> None:
    scripted_studio.answers["POST /api/1/training/keras/3/profile"] = {}
    start_profile(scripted_studio.studio, 3)
    assert scripted_studio.requests() == ["POST /api/1/training/keras/3/profile"]


def log_of(*entries: str, total: int | None = None) -> dict[str, Any]:
    """A response of the API, which has the newest entry first."""
    stdout = [{"data": entry} for entry in reversed(entries)]
    return {"stdout": stdout, **({} if total is None else {"totalCount": total})}


def test_a_log_without_a_total_is_read_once(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/1/jobs/7/stdout"] = [log_of("a\n"), log_of("a\n", "b\n"), log_of("a\n", "b\n")]
    reader = LogReader(scripted_studio.studio, 7)
    assert [reader.new_entries() for _ in range(3)] == [["a\n"], ["b\n"], []]


def test_a_log_that_has_become_shorter_shows_nothing_twice(scripted_studio: Any) -> None:
    scripted_studio.answers["/api/1/jobs/7/stdout"] = [log_of("a\n", "b\n"), log_of("a\n"), log_of("a\n", "b\n", "c\n")]
    reader = LogReader(scripted_studio.studio, 7)
    assert [reader.new_entries() for _ in range(3)] == [["a\n", "b\n"], [], ["c\n"]]


def test_a_long_log_is_downloaded_at_the_first_call_only(scripted_studio: Any) -> None:
    page = [f"{number}\n" for number in range(PAGE)]
    scripted_studio.answers |= {
        "/api/1/jobs/7/stdout": [log_of(*page, total=PAGE + 1), log_of(*page, total=PAGE * 2 + 4)],
        "/api/1/jobs/7/stdout/download": (200, b"the whole log\n", {"Content-Type": "text/plain"}),
    }
    reader = LogReader(scripted_studio.studio, 7)
    assert reader.new_entries() == ["the whole log\n"]
    later = reader.new_entries()
    assert later[0] == "… 3 entries are not shown …\n"
    assert later[1:] == page


def test_no_job_is_attached_to_when_the_connection_fails(scripted_studio: Any) -> None:
    def cut(_: Any) -> Any:
        raise ConnectionAbortedError  # the handler ends without an answer

    scripted_studio.answers["POST /api/1/jobs/retrain"] = cut
    with pytest.raises(NetworkError, match="no answer from"):
        start_retrain(scripted_studio.studio, 2)
    assert len(scripted_studio.seen) == 1
