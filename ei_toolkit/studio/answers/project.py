"""Projects as Edge Impulse describes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ei_toolkit.studio.devices import DEVICES, device
from ei_toolkit.studio.store.keys import Key
from ei_toolkit.studio.store.projects import Project
from ei_toolkit.studio.store.samples import DataSummary
from ei_toolkit.studio.wire import now

OWNER = "local"
DEFAULT_LIMIT_M = 60
DSP_FILE_MB = 4096
CATEGORY_KEYS = {
    "training": "training",
    "testing": "testing",
    "validation": "validation",
    "post-processing": "postProcessing",
}


@dataclass(frozen=True)
class ImpulseState:
    """How far a project has come."""

    default: int | None
    created: bool
    configured: bool
    complete: bool


def project_summary(project: Project) -> dict[str, Any]:
    """A `Project`."""
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
    """Fields of a `ProjectInfoResponse`; `secret` is the key that the caller has presented."""
    training = summaries.get("training", DataSummary())
    per_category = {key: _data(summaries.get(name, DataSummary())) for name, key in CATEGORY_KEYS.items()}
    return {
        "project": project_summary(project),
        "developmentKeys": {"apiKey": secret, "hmacKey": project.hmac_key},
        "impulse": {"created": state.created, "configured": state.configured, "complete": state.complete},
        "devices": [],
        "dataSummary": _data(training),
        "dataSummaryPerCategory": per_category,
        "computeTime": _compute_time(),
        "acquisitionSettings": _acquisition(),
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
    """`LatencyDevice`s: factors relative to a Cortex-M4F at 80 MHz."""
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
    """A `ProjectApiKey`; the key itself is not known any more, its hint stands for it."""
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
    """A `ProjectDataSummary`."""
    return {
        "totalLengthMs": summary.length_ms,
        "labels": list(summary.labels),
        "totalLabels": len(summary.labels),
        "dataCount": summary.count,
    }


def _compute_time() -> dict[str, Any]:
    """This studio does not count: the period is this moment, and there is always an hour left."""
    return {"periodStartDate": now(), "periodEndDate": now(), "timeUsedMs": 0, "timeLeftMs": 3_600_000}


def _acquisition() -> dict[str, Any]:
    return {
        "intervalMs": 0.0625,
        "lengthMs": 10_000,
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
    """Fields of a `ProjectTrainingDataSummaryResponse`."""
    summary = {"labels": list(labels), "totalLabels": len(labels), "dataCount": count}
    return {"dataSummary": {**summary, "hasTimeseriesDataWithMultipleLabels": multi_label}}
