"""One project: its description, its settings, its tokens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from ei_toolkit.studio.access import Admin, Anyone, Body, Call, DeploymentReader, Reader
from ei_toolkit.studio.answers.project import ImpulseState, data_summary, project_info
from ei_toolkit.studio.http import answer
from ei_toolkit.studio.refusal import Refusal
from ei_toolkit.studio.store.garbage import delete_samples
from ei_toolkit.studio.store.sample_filter import SampleFilter
from ei_toolkit.studio.wire import Fields, stamp

router = APIRouter(prefix="/v1/api/{projectId:int}")
LONGEST_NAME = 200
MOST_TAGS = 100


@router.get("")
def get_project_info(request: Request, call: Anyone) -> Response:
    """Everything about the project at once."""
    project = call.store.projects.get(call.project)
    summaries = call.store.samples.summaries(call.project)
    return answer(project_info(project, summaries, _state(call), call.secret, _base_url(request)))


@router.post("")
def update_project(call: Admin, body: Body) -> Response:
    """Change name, description or settings."""
    changes = _settings(body)
    with call.store.database.exclusive():
        project = call.store.projects.get(call.project)
        name = body.text("name", project.name).strip()[:LONGEST_NAME]
        if not name:
            raise Refusal("A project needs a name")
        description = body.text("description", project.description)
        settings = {**project.settings, **changes}
        call.store.projects.update(project.id, name=name, description=description, settings=settings)
    return answer()


@router.delete("")
def delete_project(call: Admin) -> Response:
    """Delete the project with its samples, models, deployments and keys."""
    for job in call.store.jobs.page(call.project, active=True)[0]:
        call.studio.runner.cancel(job, force=True)
    with call.store.database.exclusive():
        delete_samples(call.store, call.project, call.store.samples.ids(SampleFilter(call.project)))
        call.store.projects.delete(call.project)
    return answer()


@router.get("/public-info")
def get_project_info_summary(request: Request, call: Anyone) -> Response:
    """A few facts."""
    project = call.store.projects.get(call.project)
    facts = {"id": project.id, "owner": "local", "name": project.name, "studioUrl": _base_url(request)}
    return answer({**facts, "viewCount": 0, "cloneCount": 0})


@router.get("/last-modification")
def get_project_last_modification_date(call: Reader) -> Response:
    """When something was last changed."""
    return answer({"lastModificationDate": call.store.projects.get(call.project).modified})


@router.post("/compute-time-limit")
def set_project_compute_time_limit(call: Admin, body: Body) -> Response:
    """How many minutes a job may take."""
    return _set(call, {"jobLimitM": _positive(body, "jobLimitM")})


@router.post("/dsp-file-size-limit")
def set_project_file_size_limit(call: Admin, body: Body) -> Response:
    """How large features may grow."""
    return _set(call, {"dspFileSizeMb": _positive(body, "dspFileSizeMb")})


@router.post("/tags")
def update_project_tags(call: Admin, body: Body) -> Response:
    """Replace the tags."""
    return _set(call, {"tags": [str(tag)[:LONGEST_NAME] for tag in body.items("tags")[:MOST_TAGS]]})


@router.get("/data-summary")
def get_project_training_data_summary(call: Reader) -> Response:
    """Labels and number of training samples."""
    labels = call.store.samples.labels(call.project, "training")
    multi = SampleFilter(call.project, "training", (("label_type = 'multi-label'", ()),))
    count = call.store.samples.count(SampleFilter(call.project, "training"))
    return answer(data_summary(labels, count, call.store.samples.count(multi) > 0))


@router.get("/data-axes")
def get_project_data_axes_summary(call: Reader) -> Response:
    """How many ms of each axis there are."""
    return answer({"dataAxisSummary": call.store.samples.axes(call.project)})


@router.get("/data-interval")
def get_project_recommended_data_interval(call: Reader) -> Response:
    """The most frequent interval between two values."""
    interval = call.store.samples.usual_interval(call.project)
    frequency = 1000.0 / interval if interval else 0.0
    return answer({"intervalMs": interval, "frequencyHz": frequency, "byDatastream": []})


@router.get("/socket-token")
def get_socket_token(call: DeploymentReader) -> Response:
    """A token that opens the live log of the project."""
    token, lifetime = call.studio.tokens.issue(call.project)
    return answer({"token": {"socketToken": token, "expires": stamp(datetime.now(UTC) + timedelta(seconds=lifetime))}})


def _state(call: Call) -> ImpulseState:
    impulse = call.store.blocks.find(call.project)
    if impulse is None:
        return ImpulseState(None, created=False, configured=False, complete=False)
    dsp, learn = impulse.blocks("dspBlocks"), impulse.blocks("learnBlocks")
    configured = bool(dsp) and all(call.store.artifacts.features(call.project, block["id"]) for block in dsp)
    complete = bool(learn) and all(call.store.artifacts.model(call.project, block["id"]) for block in learn)
    return ImpulseState(
        impulse.id, created=bool(impulse.blocks("inputBlocks")), configured=configured, complete=complete
    )


def _settings(body: Fields) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if body.has("latencyDevice"):
        settings["latencyDevice"] = body.text("latencyDevice")
    if body.has("computeTimeLimitM"):
        settings["jobLimitM"] = _positive(body, "computeTimeLimitM")
    if body.has("labelingMethod"):
        settings["labelingMethod"] = _one_of(body, "labelingMethod", ("single_label", "object_detection"))
    if body.has("metadata"):
        settings["metadata"] = body.mapping("metadata")
    if body.has("inPretrainedModelFlow"):
        settings["inPretrainedModelFlow"] = body.flag("inPretrainedModelFlow")
    return settings


def _one_of(body: Fields, name: str, known: tuple[str, ...]) -> str:
    if body.text(name) not in known:
        raise Refusal(f"{name} must be one of {', '.join(known)}")
    return body.text(name)


def _positive(body: Fields, name: str) -> int:
    if (value := body.integer(name)) < 1:
        raise Refusal(f"{name} must be 1 or more")
    return value


def _set(call: Call, changes: Mapping[str, Any]) -> Response:
    with call.store.database.exclusive():
        project = call.store.projects.get(call.project)
        settings = {**project.settings, **changes}
        call.store.projects.update(project.id, name=project.name, description=project.description, settings=settings)
    return answer()


def _base_url(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}/"
