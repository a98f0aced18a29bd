"""One job: its state, its log, its end."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ei_toolkit.client.answer import Answer
from ei_toolkit.client.impulse.apply import learn_body
from ei_toolkit.client.impulse.state import LearnState
from ei_toolkit.client.official import official
from ei_toolkit.client.project import Studio
from ei_toolkit.client.transport import Json
from ei_toolkit.errors import ApiError, CredentialError, NetworkError
from ei_toolkit.impulse.trained_model import ModelVariant

RUNNING_ELSEWHERE = re.compile(r"job ID:?\s*(\d+)", re.IGNORECASE)
PAGE = 1000  # log entries that the API gives at once


@dataclass(frozen=True)
class Job:
    """`succeeded` is None while the job waits or runs."""

    id: int
    key: str
    category: str
    created: str
    started: str
    finished: str
    succeeded: bool | None

    @property
    def state(self) -> str:
        """One word."""
        if self.finished:
            return "succeeded" if self.succeeded else "failed"
        return "running" if self.started else "waiting"


@dataclass(frozen=True)
class Started:
    """A job to wait for. `attached`: it was running already and is not the one that was asked for."""

    id: int
    answer: Json
    attached: bool = False


def start(ask: Callable[[], Json]) -> Started:
    """Start a job, or attach to the one that the studio says is in the way. Raises as `Transport.post` does."""
    try:
        answer = ask()
    except (NetworkError, CredentialError):
        raise
    except ApiError as error:
        if found := RUNNING_ELSEWHERE.search(error.what):
            return Started(int(found[1]), {}, attached=True)
        raise
    return Started(Answer(answer, "the started job").integer("id"), answer)


def running(studio: Studio, key: str) -> Started | None:
    """The job of that key if one waits or runs; studios that queue jobs would run the same one twice."""
    found = [job.id for job in list_jobs(studio, active=True) if job.key == key]
    return Started(max(found), {}, attached=True) if found else None


def job_status(studio: Studio, job: int) -> Job:
    """How a job is doing. Raises ApiError for a job that does not exist."""
    try:
        answer = studio.transport.get(studio.path("jobs", job, "status"))
    except (NetworkError, CredentialError):
        raise
    except ApiError as error:
        if not error.hint and (error.status or 0) < 500:
            error.hint = "eitk jobs list --all"
        raise
    return read_job(Answer(answer, "the job's status").object("job"))


def list_jobs(studio: Studio, *, active: bool, limit: int = 20) -> list[Job]:
    """Jobs that wait or run, or the latest of all."""
    if active:
        answer = studio.transport.get(studio.path("jobs"))
    else:
        answer = studio.transport.get(studio.path("jobs", "all"), limit=limit, offset=0)
    return [read_job(job) for job in Answer(answer, "the list of jobs").objects("jobs")]


def cancel_job(studio: Studio, job: int, *, force: bool = False) -> None:
    """End a job; one that has ended already is no error to the studio."""
    studio.transport.post(studio.path("jobs", job, "cancel"), repeatable=True, forceCancel="true" if force else None)


def read_job(answer: Answer) -> Job:
    """A job of an answer. A job that is finished without a word about success has failed."""
    finished = answer.text("finished", "")
    return Job(
        answer.integer("id"),
        answer.text("key", ""),
        answer.text("category", ""),
        answer.text("created", ""),
        answer.text("started", ""),
        finished,
        answer.flag("finishedSuccessful", False) if finished else None,
    )


class LogReader:
    """A job's log, each entry once and in order, however often it is asked for."""

    def __init__(self, studio: Studio, job: int) -> None:
        self._studio = studio
        self._job = job
        self._seen = 0

    def fresh(self) -> list[str]:
        """Entries since the last call, oldest first. The API gives the newest first, and only the last of them."""
        answer = Answer(
            self._studio.transport.get(self._studio.path("jobs", self._job, "stdout"), limit=PAGE), "the job's log"
        )
        entries = [entry.text("data", "") for entry in answer.objects("stdout")][::-1]
        total = max(answer.integer("totalCount", len(entries)), len(entries))
        count, self._seen = total - self._seen, max(total, self._seen)
        if count <= 0:
            return []
        if count > len(entries) and count == total:
            return [self._studio.transport.text(self._studio.path("jobs", self._job, "stdout", "download"))]
        missed = [f"… {count - len(entries)} entries came too fast to be shown …\n"] if count > len(entries) else []
        return missed + entries[-count:]


def start_features(studio: Studio, dsp_id: int) -> Started:
    """Features of one processing block for all training samples."""
    body = official("GenerateFeaturesRequest")(dspId=dsp_id, calculateFeatureImportance=False, skipFeatureExplorer=True)
    return running(studio, f"dsp-{dsp_id}") or start(
        lambda: studio.transport.post(studio.path("jobs", "generate-features"), body)
    )


def start_training(studio: Studio, learn_id: int, learn: LearnState) -> Started:
    """Training of the learn block. The settings are stored first: the job alone does not always take them over."""
    if under_way := running(studio, f"keras-{learn_id}"):
        return under_way
    body = learn_body(learn)
    studio.transport.post(studio.path("training", "keras", learn_id), body, repeatable=True)
    return start(lambda: studio.transport.post(studio.path("jobs", "train", "keras", learn_id), body))


def start_retrain(studio: Studio, impulse_id: int) -> Started:
    """Features and training in one job, with the settings that the studio has."""
    return start(lambda: studio.transport.post(studio.path("jobs", "retrain"), impulseId=impulse_id))


def start_test(studio: Studio, impulse_id: int, variants: Sequence[ModelVariant]) -> Started:
    """The test set through the trained model, for each variant."""
    body = official("StartClassifyJobRequest")(modelVariants=list(variants))
    return start(lambda: studio.transport.post(studio.path("jobs", "classify"), body, impulseId=impulse_id))


def start_build(studio: Studio, impulse_id: int, target: str, engine: str, model_type: str) -> Started:
    """A library. The answer's `deploymentVersion` is what may be downloaded once the job has succeeded."""
    body = official("BuildOnDeviceModelRequest")(engine=engine, modelType=model_type)
    path = studio.path("jobs", "build-ondevice-model")
    return start(lambda: studio.transport.post(path, body, type=target, impulseId=impulse_id))


def start_profile(studio: Studio, learn_id: int) -> None:
    """Have estimates of time and memory on devices made anew; `profiling_job` says by which job."""
    studio.transport.post(studio.path("training", "keras", learn_id, "profile"))


def profiling_job(studio: Studio, learn_id: int) -> int | None:
    """The job that profiles a learn block, while there is one."""
    path = studio.path("training", "keras", learn_id, "metadata")
    answer = Answer(studio.transport.get(path, excludeLabels=True), "the trained model")
    jobs = [m.integer("profilingJobId") for m in answer.objects("modelValidationMetrics") if m.has("profilingJobId")]
    return max(jobs, default=None)
