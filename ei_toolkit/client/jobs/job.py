"""Jobs of the studio: start one or attach to a running one, read its state and its log."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ei_toolkit.client.impulse.apply import learn_body
from ei_toolkit.client.impulse.state import LearnState
from ei_toolkit.client.official import official
from ei_toolkit.client.project import Studio
from ei_toolkit.client.responses import Response, parse_response
from ei_toolkit.client.results import model_metadata
from ei_toolkit.client.transport import Json
from ei_toolkit.errors import ApiError, CredentialError, NetworkError
from ei_toolkit.impulse.trained_model import ModelVariant

RUNNING_JOB = re.compile(r"job ID:?\s*(\d+)", re.IGNORECASE)
CANCELLED = re.compile(r"\bcancell?ed\b", re.IGNORECASE)
PAGE = 1000  # log entries in one response


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
    reason: str = ""

    @property
    def cancelled(self) -> bool:
        """Whether the job was cancelled, if the studio gives that reason."""
        return not self.succeeded and CANCELLED.search(self.reason) is not None

    @property
    def state(self) -> str:
        """Return `waiting`, `running`, `succeeded`, `cancelled` or `failed`."""
        if self.finished:
            return "succeeded" if self.succeeded else "cancelled" if self.cancelled else "failed"
        return "running" if self.started else "waiting"


@dataclass(frozen=True)
class Started:
    """A job to wait for. `attached`: it was running before and is not the one that was requested."""

    id: int
    response: Json
    attached: bool = False


class _Job(Response, frozen=True):
    id: int
    key: str = ""
    category: str = ""
    created: str = ""
    started: str = ""
    finished: str = ""
    finished_successful: bool = False
    additional_info: str = ""

    def job(self) -> Job:
        """Return the job. One that is finished without a success flag has failed."""
        succeeded = self.finished_successful if self.finished else None
        return Job(
            self.id, self.key, self.category, self.created, self.started, self.finished, succeeded, self.additional_info
        )


class _JobStatus(Response, frozen=True):
    job: _Job


class _JobList(Response, frozen=True):
    jobs: tuple[_Job, ...]


class _StartedJob(Response, frozen=True):
    id: int


class _LogEntry(Response, frozen=True):
    data: str = ""


class _Log(Response, frozen=True):
    stdout: tuple[_LogEntry, ...]
    total_count: int = 0


def start(send: Callable[[], Json]) -> Started:
    """Start a job with a request, or attach to the job that the studio reports as the obstacle.

    Raises as `Transport.post` does.
    """
    try:
        response = send()
    except (NetworkError, CredentialError):
        raise
    except ApiError as error:
        if found := RUNNING_JOB.search(error.what):
            return Started(int(found[1]), {}, attached=True)
        raise
    return Started(parse_response(response, _StartedJob, "the started job").id, response)


def running(studio: Studio, key: str) -> Started | None:
    """Return the job with this key if one waits or runs; a studio that queues jobs would run the same job twice."""
    found = [job.id for job in list_jobs(studio, active=True) if job.key == key]
    return Started(max(found), {}, attached=True) if found else None


def job_status(studio: Studio, job: int) -> Job:
    """Return the state of a job. Raises ApiError for a job that does not exist."""
    try:
        return studio.transport.read(studio.path("jobs", job, "status"), _JobStatus).job.job()
    except (NetworkError, CredentialError):
        raise
    except ApiError as error:
        if not error.hint and (error.status or 0) < 500:
            error.hint = "eitk jobs list --all"
        raise


def list_jobs(studio: Studio, *, active: bool, limit: int = 20) -> list[Job]:
    """Return the jobs that wait or run (`active`), or the latest of all jobs."""
    if active:
        found = studio.transport.read(studio.path("jobs"), _JobList)
    else:
        found = studio.transport.read(studio.path("jobs", "all"), _JobList, limit=limit, offset=0)
    return [job.job() for job in found.jobs]


def cancel_job(studio: Studio, job: int, *, force: bool = False) -> None:
    """Cancel a job. A job that has ended before is not an error."""
    studio.transport.post(studio.path("jobs", job, "cancel"), repeatable=True, forceCancel="true" if force else None)


class LogReader:
    """The log of a job, each entry once and in order."""

    def __init__(self, studio: Studio, job: int) -> None:
        self._studio = studio
        self._job = job
        self._seen = 0

    def new_entries(self) -> list[str]:
        """Return the entries since the last call, oldest first.

        The API returns the newest entries first, and at most `PAGE`. At the first call a longer log is downloaded.
        """
        log = self._studio.transport.read(self._studio.path("jobs", self._job, "stdout"), _Log, limit=PAGE)
        entries = [entry.data for entry in log.stdout][::-1]
        total = max(log.total_count, len(entries))
        count, self._seen = total - self._seen, max(total, self._seen)
        if count <= 0:
            return []
        if count > len(entries) and count == total:
            return [self._studio.transport.text(self._studio.path("jobs", self._job, "stdout", "download"))]
        lost = [f"… {count - len(entries)} entries are not shown …\n"] if count > len(entries) else []
        return lost + entries[-count:]


def start_features(studio: Studio, dsp_id: int) -> Started:
    """Generate the features of one processing block for all training samples."""
    body = official("GenerateFeaturesRequest")(dspId=dsp_id, calculateFeatureImportance=False, skipFeatureExplorer=True)
    return running(studio, f"dsp-{dsp_id}") or start(
        lambda: studio.transport.post(studio.path("jobs", "generate-features"), body)
    )


def start_training(studio: Studio, learn_id: int, learn: LearnState) -> Started:
    """Train the learn block. The settings are stored first, because the job does not always store them."""
    if attached := running(studio, f"keras-{learn_id}"):
        return attached
    body = learn_body(learn)
    studio.transport.post(studio.path("training", "keras", learn_id), body, repeatable=True)
    return start(lambda: studio.transport.post(studio.path("jobs", "train", "keras", learn_id), body))


def start_retrain(studio: Studio, impulse_id: int) -> Started:
    """Generate features and train in one job, with the settings that the studio has."""
    return start(lambda: studio.transport.post(studio.path("jobs", "retrain"), impulseId=impulse_id))


def start_test(studio: Studio, impulse_id: int, variants: Sequence[ModelVariant]) -> Started:
    """Run the test set through each variant of the trained model."""
    body = official("StartClassifyJobRequest")(modelVariants=list(variants))
    return start(lambda: studio.transport.post(studio.path("jobs", "classify"), body, impulseId=impulse_id))


def start_build(
    studio: Studio, impulse_id: int, target: str, engine: str, model_type: str,
    parameters: Mapping[str, str] | None = None,
) -> Started:  # fmt: skip
    """Build a deployment. `deploymentVersion` of the response can be downloaded once the job has succeeded.

    `parameters` are those that the target declares.
    """
    sent = {"parameters": dict(parameters)} if parameters else {}
    body = official("BuildOnDeviceModelRequest")(engine=engine, modelType=model_type, **sent)
    path = studio.path("jobs", "build-ondevice-model")
    return start(lambda: studio.transport.post(path, body, type=target, impulseId=impulse_id))


def start_profile(studio: Studio, learn_id: int) -> None:
    """Estimate time and memory on devices again; `profiling_job` returns the job."""
    studio.transport.post(studio.path("training", "keras", learn_id, "profile"))


def profiling_job(studio: Studio, learn_id: int) -> int | None:
    """Return the job that profiles a learn block; None if there is none."""
    metrics = model_metadata(studio, learn_id).model_validation_metrics
    return max((m.profiling_job_id for m in metrics if m.profiling_job_id is not None), default=None)
