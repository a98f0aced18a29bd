"""The tuner as Edge Impulse's API describes it: configuration, space, runs, trials and the blocks of a space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import ConfigDict, Field, field_validator
from starlette.responses import Response

from ei_toolkit.config.setting import range_of
from ei_toolkit.config.settings import TrainingSettings
from ei_toolkit.studio.devices import DEVICES
from ei_toolkit.studio.http.dsp import parameter_groups
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.impulses import input_blocks, learn_blocks, processing_blocks
from ei_toolkit.studio.http.jobs import log_answer, queue, started
from ei_toolkit.studio.http.request import Admin, Reader, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.schema import Flag, Integer, Line, Number, RequestModel, json_body, within
from ei_toolkit.studio.jobs.process import LogEntry
from ei_toolkit.studio.store.jobs import Job
from ei_toolkit.studio.store.sample_filter import SampleFilter
from ei_toolkit.studio.tuner_runs import JOB_KEY, TunerRuns
from ei_toolkit.studio.tuner_space import checked_space, default_space

router = APIRouter(prefix="/v1/api/{projectId:int}")
WINDOWS_MS = (1000, 2000, 3000, 5000)
INCREASES = (0.25, 0.5, 1.0)
LARGEST_LATENCY_MS = 10 * 60_000


class TargetDevice(RequestModel):
    """The target: a device of `project-info`, or memory in bytes that replaces that of the device."""

    name: Line
    ram: Annotated[Integer, Field(gt=0)] | None = None
    rom: Annotated[Integer, Field(gt=0)] | None = None

    @field_validator("name")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in [each.mcu for each in DEVICES]:
            raise ValueError(f"targetDevice {name!r} is not known; devices: {', '.join(d.mcu for d in DEVICES)}")
        return name


class ObjectiveRequest(RequestModel):
    """One of the `optimizationObjectives`: what is optimised, and how much it counts beside the others."""

    objective: Literal["accuracy", "latency", "ram", "rom"]
    label: Line | None = None
    weight: Annotated[Number, Field(ge=0)]


class OptimizeConfigRequest(RequestModel):
    """An `OptimizeConfig`. Settings that the local studio does not use are kept and returned as they are."""

    model_config = ConfigDict(extra="allow")

    name: Line | None = None
    target_latency: Annotated[Integer, Field(gt=0, le=LARGEST_LATENCY_MS)]
    target_device: TargetDevice
    training_cycles: Annotated[Integer, within(range_of(TrainingSettings, "epochs"))] | None = None
    tuning_max_trials: Annotated[Integer, Field(ge=1, le=10_000)] | None = None
    tuning_algorithm: Literal["random", "hyperband", "bayesian", "custom"] | None = None
    optimization_objectives: list[ObjectiveRequest] | None = None
    disable_constraints: Flag | None = None
    min_maccs: Annotated[Number | None, Field(alias="minMACCS")] = None
    max_maccs: Annotated[Number | None, Field(alias="maxMACCS")] = None
    space: list[dict[str, Any]] | None = None

    @field_validator("optimization_objectives")
    @classmethod
    def _have_a_weight(cls, objectives: list[ObjectiveRequest] | None) -> list[ObjectiveRequest] | None:
        names = [one.objective for one in objectives or []]
        if len(set(names)) < len(names):
            raise ValueError("optimizationObjectives has an objective twice")
        if objectives and not any(one.weight for one in objectives):
            raise ValueError("optimizationObjectives: the weight of one objective must be larger than 0")
        return objectives


class RunRequest(RequestModel):
    """An `UpdateTunerRunRequest`: another name of a run, or whether it is listed as visible."""

    name: Line | None = None
    visible: Flag | None = None


class CompleteRequest(RequestModel):
    """A `TunerCompleteSearch`."""

    success: Flag


class TrialRequest(RequestModel):
    """A `TunerCreateTrialImpulse`: one block of each kind, whose values are no lists."""

    id: Line | None = None
    input_blocks: list[dict[str, Any]]
    dsp_blocks: list[dict[str, Any]]
    learn_blocks: list[dict[str, Any]]


class PrimaryRequest(RequestModel):
    """A `SetTunerPrimaryJobRequest`: the name of the impulse."""

    name: Line | None = None


ConfigBody = Annotated[OptimizeConfigRequest, Depends(json_body(OptimizeConfigRequest))]
PrimaryBody = Annotated[PrimaryRequest, Depends(json_body(PrimaryRequest))]
TrialBody = Annotated[TrialRequest, Depends(json_body(TrialRequest))]


@router.post("/jobs/optimize")
def optimize_job(context: Admin) -> Response:
    """Start a run of the tuner with the stored configuration."""
    config = _runs(context).config()
    return started(queue(context, "optimize", JOB_KEY, "EON Tuner", {"name": config.get("name") or ""}))


@router.post("/jobs/set-tuner-primary-job")
def set_tuner_primary_job(
    context: Admin,
    trialId: Annotated[Line, Query()],
    body: PrimaryBody,
) -> Response:
    """Start a job that makes the impulse of a trial the impulse of the project."""
    _, trial = _runs(context).trial(trialId)
    if trial["status"] != "completed":
        raise ApiError(f"Trial {trialId} is {trial['status']}, so its impulse cannot be used")
    spec = {"trial": trialId, "name": body.name or ""}
    return started(queue(context, "tuner-primary", "tuner-primary", "Setting the impulse of a trial", spec))


@router.get("/optimize/config")
def get_config(context: Reader) -> Response:
    """Return the configuration of the next run."""
    return answer(_runs(context).config())


@router.post("/optimize/config")
def update_config(context: Admin, body: ConfigBody) -> Response:
    """Check and store the configuration of the next run."""
    config = body.sent()
    if body.space is not None:
        checked_space(body.space)
    _runs(context).set_config(config)
    return answer()


@router.get("/optimize/state")
def get_state(context: Reader) -> Response:
    """Return the state of the latest run."""
    runs = _runs(context)
    active, _ = context.store.jobs.page(context.project, active=True, key=JOB_KEY)
    if active and active[0].id not in [job.id for job in runs.jobs()]:
        return answer(_state(runs, active[0], {"config": runs.config(), "trials": []}))
    latest = runs.latest()
    return answer(_state(runs, latest, runs.state(latest.id)))


@router.delete("/optimize/state")
def delete_state(context: Admin) -> Response:
    """Delete the states and models of all runs that have ended."""
    runs = _runs(context)
    for job in runs.jobs():
        if job.state == "finished":
            runs.forget(job.id)
    return answer()


@router.get("/optimize/runs")
def list_tuner_runs(context: Reader) -> Response:
    """List the runs, newest first."""
    runs = _runs(context)
    jobs = runs.jobs()
    return answer({"runs": [_run(runs, job, len(jobs) - number) for number, job in enumerate(jobs)]})


@router.get("/optimize/space")
def get_space(context: Reader) -> Response:
    """Return the space that is searched if a configuration has none."""
    return answer({"impulse": default_space()})


@router.get("/optimize/all-blocks")
def get_all_blocks(context: Reader) -> Response:
    """List the blocks that a space can have, with the parameters of the processing blocks: those for a board."""
    catalogue = context.studio.compute_worker.catalogue()
    dsp = [
        {**shown, "params": _parameters(block["parameters"])}
        for shown, block in zip(processing_blocks(catalogue), catalogue, strict=True)
        if shown["recommended"]
    ]
    return answer({"input": input_blocks(), "dsp": dsp, "learn": learn_blocks()})


@router.get("/optimize/all-learn-blocks")
def get_all_learn_blocks(context: Reader) -> Response:
    """List the learn blocks."""
    return answer({"learnBlocks": learn_blocks()})


@router.get("/optimize/dsp-parameters")
def get_dsp_parameters(
    context: Reader, organizationId: Annotated[Integer, Query()], organizationDspId: Annotated[Integer, Query()]
) -> Response:
    """Answer that there is no processing block of an organisation: the local studio has no organisations."""
    raise ApiError(f"There is no processing block {organizationDspId} of the organisation {organizationId}")


@router.get("/optimize/window-settings")
def get_window_settings(context: Reader) -> Response:
    """Return window lengths and increases with the number of windows that the training samples give."""
    lengths = [
        (sample.length_ms, sample.label)
        for sample in context.store.samples.select(SampleFilter(context.project, "training"))
    ]
    found = [_window(lengths, size, share) for size in WINDOWS_MS for share in INCREASES]
    return answer({"windowSettingsEvent": found, "windowSettingsContinuous": found})


@router.get("/optimize/transfer-learning-models")
def get_transfer_learning_models(context: Reader) -> Response:
    """Return no model: the local studio trains networks from the beginning."""
    kinds = ("image", "objectDetection", "kws", "regression", "classification", "anomaly", "visualAnomaly")
    return answer({"models": {kind: [] for kind in kinds}})


@router.get("/optimize/trial/{trialId}/stdout")
def get_trial_logs(trialId: str, context: Reader) -> Response:
    """Return the log of a trial, newest line first."""
    job, trial = _runs(context).trial(trialId)
    entries = [LogEntry(job.started or job.created, line + "\n") for line in reversed(trial["log"])]
    return answer(log_answer(entries, len(entries)))


@router.get("/optimize/{tunerCoordinatorJobId:int}/state")
def get_tuner_run_state(tunerCoordinatorJobId: int, context: Reader) -> Response:
    """Return the state of a run."""
    runs = _runs(context)
    return answer(
        _state(runs, context.store.jobs.get(context.project, tunerCoordinatorJobId), runs.state(tunerCoordinatorJobId))
    )


@router.post("/optimize/{tunerCoordinatorJobId:int}")
def update_tuner_run(
    tunerCoordinatorJobId: int, context: Admin, body: Annotated[RunRequest, Depends(json_body(RunRequest))]
) -> Response:
    """Change the name of a run, or hide it."""
    runs = _runs(context)
    with context.store.database.exclusive():
        runs.set_state(tunerCoordinatorJobId, {**runs.state(tunerCoordinatorJobId), **body.sent()})
    return answer()


@router.post("/optimize/{jobId:int}/create-trial")
def create_trial(jobId: int, context: Admin, body: TrialBody) -> Response:
    """Add a trial to a run whose algorithm is custom."""
    runs = _runs(context)
    _require_running(context, jobId)
    if runs.state(jobId)["config"].get("tuningAlgorithm") != "custom":
        raise ApiError("Trials can be created in a run with tuningAlgorithm custom only")
    impulse = {"inputBlocks": body.input_blocks, "dspBlocks": body.dsp_blocks, "learnBlocks": [body.learn_blocks]}
    values = checked_space([impulse]).impulses[0]
    chosen = {"input": values["inputBlocks"][0], "dsp": values["dspBlocks"][0], "learn": values["learnBlocks"][0][0]}
    runs.ask(jobId, trials=[{**chosen, **({"id": body.id} if body.id else {})}])
    return answer()


@router.post("/optimize/{jobId:int}/complete-search")
def complete_search(
    jobId: int, context: Admin, body: Annotated[CompleteRequest, Depends(json_body(CompleteRequest))]
) -> Response:
    """End a run whose algorithm is custom after the trials that were created."""
    _require_running(context, jobId)
    _runs(context).ask(jobId, complete=body.success)
    return answer()


@router.get("/optimize//{jobId:int}/trial/{trialId}/end-trial")
def end_trial(jobId: int, trialId: str, context: Admin) -> Response:
    """End a trial that is being trained."""
    _require_running(context, jobId)
    runs = _runs(context)
    if trialId not in [trial["id"] for trial in runs.state(jobId)["trials"]]:
        raise ApiError(f"The run {jobId} has no trial {trialId[:80]!r}")
    runs.ask(jobId, ended=[trialId])
    return answer()


def _runs(context: RequestContext) -> TunerRuns:
    return TunerRuns(context.store, context.project)


def _require_running(context: RequestContext, job: int) -> None:
    found = context.store.jobs.get(context.project, job)
    if found.key != JOB_KEY or found.state == "finished":
        raise ApiError(f"Job {job} is no run of the tuner that is queued or running")


def _state(runs: TunerRuns, job: Job, state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an `OptimizeStateResponse`."""
    trials, is_active = state["trials"], job.state != "finished"
    count = {kind: sum(trial["status"] == kind for trial in trials) for kind in ("running", "completed", "failed")}
    is_busy = is_active and bool(count["running"])
    limit = int(state["config"].get("tuningMaxTrials") or 0)
    error = {} if is_active or job.success else {"jobError": job.reason or "the job failed"}
    return {
        "config": {**state["config"], **({"name": state["name"]} if "name" in state else {})},
        "status": {
            "numPendingTrials": max(0, limit - len(trials)) if is_active else 0,
            "numRunningTrials": count["running"] if is_active else 0,
            "numCompletedTrials": count["completed"],
            "numFailedTrials": count["failed"] + (0 if is_active else count["running"]),
            "numReadyWorkers": int(is_active and not is_busy),
            "numBusyWorkers": int(is_busy),
            "numPendingWorkers": 0,
            "status": "running" if is_active else "completed",
        },
        "tunerJobId": job.id,
        "tunerCoordinatorJobId": job.id,
        "tuningAlgorithm": state["config"].get("tuningAlgorithm") or "bayesian",
        "tunerJobIsRunning": is_active,
        "trials": [_trial(trial, is_active) for trial in trials],
        "projectDataType": "audio",
        "workers": [{"workerId": f"job {job.id}", "status": "busy" if is_busy else "ready"}] if is_active else [],
        "nextRunIndex": len(runs.jobs()) + 1,
        "canExtendSearch": False,
        "isWhitelabel": False,
        "totalTrainingTimeExceeded": False,
        **error,
    }


def _trial(trial: Mapping[str, Any], is_active: bool) -> dict[str, Any]:
    """Return a `TunerTrial`; a trial that an ended run left running has failed."""
    shown = {key: value for key, value in trial.items() if key not in ("log", "number", "stored", "accuracies")}
    if not is_active and trial["status"] == "running":
        shown |= {"status": "failed", "blocks": [{**block, "status": "failed"} for block in trial["blocks"]]}
    return shown


def _run(runs: TunerRuns, job: Job, index: int) -> dict[str, Any]:
    """Return a `TunerRun`."""
    state = runs.state(job.id)
    status = {"queued": "pending", "running": "running"}.get(job.state) or ("success" if job.success else "failed")
    name = state.get("name", state["config"].get("name"))
    return {
        "tunerJobId": job.id, "tunerCoordinatorJobId": job.id, "index": index, "created": job.created,
        "jobStatus": status, "space": state["config"].get("space") or default_space(),
        "visible": state.get("visible", True), **({"name": name} if name else {}),
    }  # fmt: skip


def _parameters(parameters: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the `DSPGroupItem` of each parameter by its name."""
    return {item["param"]: item for group in parameter_groups(parameters, {}) for item in group["items"]}


def _window(lengths: Sequence[tuple[float, str]], size: int, share: float) -> dict[str, Any]:
    """Return a `WindowSettings`: how many windows samples give, and how evenly over the labels (1 is evenly)."""
    increase = size * share
    counts: dict[str, int] = {}
    padded = 0
    for length, label in lengths:
        whole = int((length - size) // increase) + 1 if length >= size else 0
        padded += whole == 0
        counts[label] = counts.get(label, 0) + max(1, whole)
    return {
        "windowSizeMs": size, "windowIncreaseMs": increase, "windowIncreasePct": share,
        "zeroPadPercentage": 100 * padded / len(lengths) if lengths else 0.0,
        "windowCount": sum(counts.values()),
        "balanceScore": min(counts.values()) / max(counts.values()) if counts else 0.0,
        "valid": bool(lengths) and padded < len(lengths),
    }  # fmt: skip
