"""One project as Edge Impulse's API describes it: settings, summaries and state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import Field, field_validator
from starlette.responses import Response

from ei_toolkit.studio.devices import DEVICES, device
from ei_toolkit.studio.http.devices import devices_answer
from ei_toolkit.studio.http.request import Admin, Anyone, DeploymentReader, Reader, RequestContext
from ei_toolkit.studio.http.responses import answer
from ei_toolkit.studio.http.schema import BrokenRule, Flag, Integer, Line, Number, RequestModel, json_body
from ei_toolkit.studio.store.garbage import delete_samples
from ei_toolkit.studio.store.keys import Key
from ei_toolkit.studio.store.projects import Project
from ei_toolkit.studio.store.sample_filter import SampleFilter, reads
from ei_toolkit.studio.store.samples import DataSummary
from ei_toolkit.studio.wire_format import now, stamp

OWNER = "local"
DEFAULT_LIMIT_M = 60
DSP_FILE_MB = 4096
SEGMENT_LENGTH = "segmentLength"  # a setting: ms
CATEGORY_KEYS = {
    "training": "training",
    "testing": "testing",
    "validation": "validation",
    "post-processing": "postProcessing",
}


@dataclass(frozen=True)
class ImpulseState:
    """Which steps of the impulse of a project are complete."""

    default: int | None
    created: bool
    configured: bool
    complete: bool


def project_summary(project: Project) -> dict[str, Any]:
    """Return a `Project`."""
    return {
        "id": project.id,
        "name": project.name,
        "description": project.description,
        "created": project.created,
        "lastModified": project.modified,
        "owner": OWNER,
        "ownerIsDeveloperProfile": True,
        "collaborators": [],
        "labelingMethod": project.settings.get("labelingMethod", "single_label"),
        "metadata": project.settings.get("metadata", {}),
        "isEnterpriseProject": False,
        "whitelabelId": None,
        "tags": list(project.settings.get("tags", [])),
        "tier": "free",
        "hasPublicVersion": False,
        "isPublic": False,
        "allowsLivePublicAccess": False,
        "indPauseProcessingSamples": False,
        "publicProjectListed": False,
    }


def project_info(
    project: Project, summaries: Mapping[str, DataSummary], state: ImpulseState, secret: str, base_url: str
) -> dict[str, Any]:
    """Return the fields of a `ProjectInfoResponse`; `secret` is the key of the request."""
    training = summaries.get("training", DataSummary())
    per_category = {key: _data(summaries.get(name, DataSummary())) for name, key in CATEGORY_KEYS.items()}
    return {
        "project": project_summary(project),
        "developmentKeys": {"apiKey": secret, "hmacKey": project.hmac_key},
        "impulse": {"created": state.created, "configured": state.configured, "complete": state.complete},
        "dataSummary": _data(training),
        "dataSummaryPerCategory": per_category,
        "computeTime": _compute_time(),
        "acquisitionSettings": _acquisition(project.settings),
        "collaborators": [],
        "deploySettings": _deploy_settings(project.name),
        "experiments": [],
        "latencyDevices": latency_devices(project.settings.get("latencyDevice")),
        "urls": {},
        "showCreateFirstImpulse": not state.created,
        "showGettingStartedWizard": {"showWizard": False, "step": 0},
        "performance": _performance(project.settings),
        "trainJobNotificationUids": [],
        "dspJobNotificationUids": [],
        "modelTestingJobNotificationUids": [],
        "exportJobNotificationUids": [],
        "hasNewTrainingData": False,
        "studioUrl": base_url,
        "inPretrainedModelFlow": bool(project.settings.get("inPretrainedModelFlow", False)),
        "showSensorDataInAcquisitionGraph": False,
        "notifications": [],
        **({"defaultImpulseId": state.default} if state.default is not None else {}),
    }


def latency_devices(selected: str | None) -> list[dict[str, Any]]:
    """Return the `LatencyDevice`s: factors relative to a Cortex-M4F at 80 MHz."""
    chosen = device(selected)
    return [
        {
            "mcu": found.mcu,
            "name": found.name,
            "selected": found is chosen,
            "int8Latency": round(80.0 / found.clock_mhz, 3),
            "int8ConvLatency": round(80.0 / found.clock_mhz, 3),
            "float32Latency": round(80.0 / found.clock_mhz, 3),
            "float32ConvLatency": round(80.0 / found.clock_mhz, 3),
            "helpText": "",
        }
        for found in DEVICES
    ]


def key_answer(key: Key) -> dict[str, Any]:
    """Return a `ProjectApiKey`; it has the last characters of the key, which is stored as a hash."""
    return {
        "id": key.id,
        "apiKey": key.hint,
        "isDevelopmentKey": key.development,
        "name": key.name,
        "created": key.created,
        "role": key.role,
        **({"expires": key.expires} if key.expires else {}),
    }


def _data(summary: DataSummary) -> dict[str, Any]:
    """Return a `ProjectDataSummary`."""
    return {
        "totalLengthMs": summary.length_ms,
        "labels": list(summary.labels),
        "totalLabels": len(summary.labels),
        "dataCount": summary.count,
    }


def _compute_time() -> dict[str, Any]:
    """Return an empty period with one hour left: the local studio does not limit the compute time of a project."""
    return {"periodStartDate": now(), "periodEndDate": now(), "timeUsedMs": 0, "timeLeftMs": 3_600_000}


def _acquisition(settings: Mapping[str, Any]) -> dict[str, Any]:
    length = {SEGMENT_LENGTH: settings[SEGMENT_LENGTH]} if SEGMENT_LENGTH in settings else {}
    return {
        "intervalMs": 0.0625,
        "lengthMs": 10_000,
        **length,
        "segmentShift": True,
        "defaultPageSize": 12,
        "viewType": "list",
        "gridColumnCount": 5,
        "gridColumnCountDetailed": 5,
        "showExactSampleLength": False,
        "inlineEditBoundingBoxes": False,
    }


def _deploy_settings(name: str) -> dict[str, Any]:
    library = name.replace(" ", "_")
    return {
        "eonCompiler": True,
        "sensor": "microphone",
        "arduinoLibraryName": f"{library}_inferencing",
        "tinkergenLibraryName": library,
        "particleLibraryName": library,
    }


def _performance(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "gpu": False,
        "jobLimitM": int(settings.get("jobLimitM", DEFAULT_LIMIT_M)),
        "dspFileSizeMb": int(settings.get("dspFileSizeMb", DSP_FILE_MB)),
        "enterprisePerformance": False,
        "trainJobRamMb": 8192,
    }


def data_summary(labels: Sequence[str], count: int, multi_label: bool) -> dict[str, Any]:
    """Return the fields of a `ProjectTrainingDataSummaryResponse`."""
    summary = {"labels": list(labels), "totalLabels": len(labels), "dataCount": count}
    return {"dataSummary": {**summary, "hasTimeseriesDataWithMultipleLabels": multi_label}}


router = APIRouter(prefix="/v1/api/{projectId:int}")
LONGEST_NAME = 200
MOST_TAGS = 100
PositiveInteger = Annotated[Integer, Field(ge=1)]


class ProjectChanges(RequestModel):
    """An `UpdateProjectRequest`."""

    name: Line | None = None
    description: str | None = None
    latency_device: str | None = None
    compute_time_limit_m: PositiveInteger | None = None
    labeling_method: Literal["single_label", "object_detection"] | None = None
    metadata: dict[str, Any] | None = None
    in_pretrained_model_flow: Flag | None = None

    @field_validator("name")
    @classmethod
    def _is_not_blank(cls, name: str) -> str:
        if not name.strip():
            raise BrokenRule("must not be blank")
        return name.strip()[:LONGEST_NAME]

    def settings(self) -> dict[str, Any]:
        """Return the settings that are sent, by their names in the store."""
        settings = {name: value for name, value in self.sent().items() if name not in ("name", "description")}
        if "computeTimeLimitM" in settings:
            settings["jobLimitM"] = settings.pop("computeTimeLimitM")
        return settings


class TimeLimitRequest(RequestModel):
    """A `SetProjectComputeTimeRequest`, in minutes."""

    job_limit_m: PositiveInteger


class FileSizeLimitRequest(RequestModel):
    """A `SetProjectDspFileSizeRequest`, in MB."""

    dsp_file_size_mb: PositiveInteger


class SegmentLengthRequest(RequestModel):
    """A `StoreSegmentLengthRequest`, in ms."""

    segment_length: Annotated[Number, Field(gt=0)]


class TagsRequest(RequestModel):
    """An `UpdateProjectTagsRequest`."""

    tags: list[str] = []


@router.get("")
def get_project_info(request: Request, context: Anyone) -> Response:
    """Return all settings and summaries of the project."""
    project = context.store.projects.get(context.project)
    summaries = context.store.samples.summaries(context.project)
    found = project_info(project, summaries, _state(context), context.secret, _base_url(request))
    return answer(found | {"devices": devices_answer(context)})


@router.post("")
def update_project(context: Admin, body: Annotated[ProjectChanges, Depends(json_body(ProjectChanges))]) -> Response:
    """Change name, description or settings."""
    with context.store.database.exclusive():
        project = context.store.projects.get(context.project)
        context.store.projects.update(
            project.id,
            name=body.name or project.name,
            description=project.description if body.description is None else body.description,
            settings={**project.settings, **body.settings()},
        )
    return answer()


@router.delete("")
def delete_project(context: Admin) -> Response:
    """Delete the project with its samples, models, deployments and keys."""
    for job in context.store.jobs.page(context.project, active=True)[0]:
        context.studio.runner.cancel(job, force=True)
    with context.store.database.exclusive():
        delete_samples(context.store, context.project, context.store.samples.ids(SampleFilter(context.project)))
        context.store.projects.delete(context.project)
    return answer()


@router.get("/public-info")
def get_project_info_summary(request: Request, context: Anyone) -> Response:
    """Return name, owner and address of the project."""
    project = context.store.projects.get(context.project)
    summary = {"id": project.id, "owner": OWNER, "name": project.name, "studioUrl": _base_url(request)}
    return answer({**summary, "viewCount": 0, "cloneCount": 0})


@router.get("/last-modification")
def get_project_last_modification_date(context: Reader) -> Response:
    """Return the time of the last change."""
    return answer({"lastModificationDate": context.store.projects.get(context.project).modified})


@router.post("/compute-time-limit")
def set_project_compute_time_limit(
    context: Admin, body: Annotated[TimeLimitRequest, Depends(json_body(TimeLimitRequest))]
) -> Response:
    """Set how many minutes a job may take."""
    return _set(context, body.sent())


@router.post("/dsp-file-size-limit")
def set_project_file_size_limit(
    context: Admin, body: Annotated[FileSizeLimitRequest, Depends(json_body(FileSizeLimitRequest))]
) -> Response:
    """Set how large the features of a block may be."""
    return _set(context, body.sent())


@router.post("/tags")
def update_project_tags(context: Admin, body: Annotated[TagsRequest, Depends(json_body(TagsRequest))]) -> Response:
    """Replace the tags."""
    return _set(context, {"tags": [tag[:LONGEST_NAME] for tag in body.tags[:MOST_TAGS]]})


@router.post("/raw-data/store-segment-length")
def store_segment_length(
    context: Admin, body: Annotated[SegmentLengthRequest, Depends(json_body(SegmentLengthRequest))]
) -> Response:
    """Store the length of the segments that a sample was cut into last, in ms."""
    return _set(context, body.sent())


@router.get("/data-summary")
def get_project_training_data_summary(context: Reader) -> Response:
    """Return labels and number of the training samples."""
    labels = context.store.samples.labels(context.project, "training")
    multi = SampleFilter(context.project, "training", (reads("label_type", "label_type = 'multi-label'"),))
    count = context.store.samples.count(SampleFilter(context.project, "training"))
    return answer(data_summary(labels, count, context.store.samples.count(multi) > 0))


@router.get("/data-axes")
def get_project_data_axes_summary(context: Reader) -> Response:
    """Return the length of the training samples for each axis, in ms."""
    return answer({"dataAxisSummary": context.store.samples.axes(context.project)})


@router.get("/data-interval")
def get_project_recommended_data_interval(context: Reader) -> Response:
    """Return the most frequent interval between two values."""
    interval = context.store.samples.most_frequent_interval(context.project)
    frequency = 1000.0 / interval if interval else 0.0
    return answer({"intervalMs": interval, "frequencyHz": frequency, "byDatastream": []})


@router.get("/socket-token")
def get_socket_token(context: DeploymentReader) -> Response:
    """Return a token for the live log of the project. It is valid as long as the API key, at most an hour."""
    token, lifetime = context.studio.tokens.issue(context.key.id)
    return answer({"token": {"socketToken": token, "expires": stamp(datetime.now(UTC) + timedelta(seconds=lifetime))}})


def _state(context: RequestContext) -> ImpulseState:
    impulse = context.store.blocks.find(context.project)
    if impulse is None:
        return ImpulseState(None, created=False, configured=False, complete=False)
    dsp, learn = impulse.blocks("dspBlocks"), impulse.blocks("learnBlocks")
    configured = bool(dsp) and all(context.store.artifacts.features(context.project, block["id"]) for block in dsp)
    complete = bool(learn) and all(context.store.artifacts.model(context.project, block["id"]) for block in learn)
    return ImpulseState(
        impulse.id, created=bool(impulse.blocks("inputBlocks")), configured=configured, complete=complete
    )


def _set(context: RequestContext, changes: Mapping[str, Any]) -> Response:
    context.store.projects.set(context.project, changes)
    return answer()


def _base_url(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}/"
