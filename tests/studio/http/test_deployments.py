"""Deployment targets, and the builds of a project: the newest that matches, the history, and downloads."""

from __future__ import annotations

from typing import Any

import pytest
from studio_in_process import Api

from ei_toolkit.config.settings import TARGETS
from ei_toolkit.studio.impulse import fingerprint
from ei_toolkit.studio.store.artifacts import Deployment

IMPULSE: dict[str, Any] = {
    "inputBlocks": [{"id": 1, "windowSizeMs": 100}],
    "dspBlocks": [{"id": 2, "type": "spectrogram", "implementationVersion": 4}],
    "learnBlocks": [{"id": 3, "type": "keras", "dsp": [2]}],
}


@pytest.fixture
def made(api: Api) -> Api:
    """A studio with an impulse."""
    api.fields("POST", "/1/impulse", json=IMPULSE)
    return api


def add(api: Api, target: str = "arduino", *, impulse: int = 1, **changes: str) -> Deployment:
    """Store a build of the present impulse; its content is the text of its version."""
    store = api.studio.store
    version = store.projects.next_deployment(1)
    found = store.blocks.find(1, impulse)
    deployment = Deployment(
        version=version, impulse=impulse, impulse_name=f"Impulse #{impulse}", format=target,
        engine=changes.get("engine", "tflite-eon"), model_type=changes.get("model_type", "int8"),
        filename=changes.get("filename", f"lib-{version}.zip"), blob=store.blobs.put(f"zip {version}".encode()),
        fingerprint=fingerprint(store, found) if found else "", info={}, created=f"2026-01-0{version}T00:00:00.000Z",
    )  # fmt: skip
    store.artifacts.add_deployment(1, deployment)
    return deployment


def history(api: Api, query: str = "") -> tuple[list[int], int]:
    found = api.fields("GET", f"/1/deployment/history{query}")
    return [entry["deploymentVersion"] for entry in found["deployments"]], found["totalDeploymentCount"]


def test_the_targets_are_those_that_the_studio_builds_and_arduino_is_recommended(api: Api) -> None:
    everywhere = api.fields("GET", "/deployment/targets", "ingestiononly")["targets"]
    assert [target["format"] for target in everywhere] == list(TARGETS)
    assert all("recommendedForProject" not in target for target in everywhere)
    of_project = api.fields("GET", "/1/deployment/targets")["targets"]
    assert [target["format"] for target in of_project if target["recommendedForProject"]] == ["arduino"]
    assert of_project[0]["supportedEngines"] == ["tflite-eon", "tflite-eon-ram-optimized", "tflite"]
    assert of_project[0]["preferredEngine"] == "tflite-eon" and of_project[0]["hasAkida"] is False
    data_sources = api.fields("GET", "/1/deployment/targets/data-sources")["targets"]
    assert [target["format"] for target in data_sources] == list(TARGETS)


def test_a_program_is_offered_without_the_interpreter(api: Api) -> None:
    for target in api.fields("GET", "/deployment/targets")["targets"]:
        assert ("tflite" in target["supportedEngines"]) == (target["format"] in ("arduino", "zip"))


def test_a_program_has_the_level_of_its_windows_as_parameters(api: Api) -> None:
    from edgeimpulse_api.models.project_deployment_target import ProjectDeploymentTarget  # takes seconds

    targets = {target["format"]: target for target in api.fields("GET", "/1/deployment/targets")["targets"]}
    for target in targets.values():
        assert ProjectDeploymentTarget.parse_obj(target).format == target["format"]
    declared = {one["param"]: one["defaultValue"] for one in targets["wasm"]["parameters"]}
    assert declared == {"level": "none", "targetDbfs": "-20.0", "maxGainDb": "40.0"}
    assert targets["arduino"]["parameters"] == []


def test_a_program_is_sent_as_bytes(made: Api) -> None:
    add(made, "runner-linux-x86_64", filename="ei-genres-linux-x86_64-1.0.1.eim")
    response = made.call("GET", "/1/deployment/download?type=runner-linux-x86_64")
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["content-disposition"].endswith("ei-genres-linux-x86_64-1.0.1.eim")


def test_a_project_without_a_build_has_none(made: Api) -> None:
    assert made.fields("GET", "/1/deployment") == {"hasDeployment": False}
    assert made.fields("GET", "/1/deployment/last") == {"hasBuild": False}
    assert history(made) == ([], 0)
    assert made.error("GET", "/1/deployment/history/1") == "No deployment with version 1 found"
    assert made.error("GET", "/1/deployment/history/1/download") == "No deployment with version 1 found"


@pytest.mark.parametrize(
    ("query", "asked"),
    [("", ""), ("?type=zip", " with type zip"), ("?type=zip&modelType=int8", " with type zip, modelType int8")],
)
def test_a_missing_build_is_an_error_with_what_was_asked_for(made: Api, query: str, asked: str) -> None:
    error = made.error("GET", f"/1/deployment/download{query}")
    assert error == f"There is no deployment{asked} yet: start a build job"


def test_the_newest_build_that_matches_is_chosen(made: Api) -> None:
    add(made, "arduino")
    add(made, "zip", engine="tflite")
    add(made, "arduino", model_type="float32")
    made.fields("POST", "/1/impulse/new")
    add(made, "zip", impulse=2)

    def version(query: str) -> int | None:
        found: int | None = made.fields("GET", f"/1/deployment?{query}").get("version")
        return found

    assert version("") == 4
    assert version("type=arduino") == 3
    assert version("type=arduino&modelType=int8") == 1
    assert version("engine=tflite") == 2
    assert version("impulseId=1") == 3 and version("impulseId=2") == 4
    assert version("type=arduino&engine=tflite") is None
    assert made.call("GET", "/1/deployment/download?type=arduino&modelType=int8").content == b"zip 1"


def test_the_last_build_is_described_with_its_target(made: Api) -> None:
    add(made, "zip", engine="tflite", model_type="float32")
    found = made.fields("GET", "/1/deployment/last", "ingestion_deployment")
    assert found["lastBuild"] == {
        "version": 1, "deploymentType": "zip", "engine": "tflite", "modelType": "float32",
        "created": "2026-01-01T00:00:00.000Z",
    }  # fmt: skip
    assert found["lastDeploymentTarget"]["name"] == "C++ library"
    assert made.fields("GET", "/1/deployment/last?impulseId=2") == {"hasBuild": False}


def test_the_history_is_newest_first_and_cut_into_pages(made: Api) -> None:
    for target in ("zip", "arduino", "zip", "arduino"):
        add(made, target)
    assert history(made) == ([4, 3, 2, 1], 4)
    assert history(made, "?limit=2&offset=1") == ([3, 2], 4)
    assert history(made, "?deploymentFormat=zip") == ([3, 1], 2)
    assert history(made, "?impulseId=9") == ([], 0)


def entry(api: Api, version: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = api.fields("GET", f"/1/deployment/history/{version}")["deployment"]
    return found


def changed(api: Api) -> tuple[bool, bool]:
    found = entry(api)
    return found["impulseHasChangedSinceDeployment"], found["impulseIsDeleted"]


def test_an_entry_of_the_history_leads_to_its_file(made: Api) -> None:
    add(made, filename="größe inferencing.zip")
    found = entry(made)
    assert (found["impulseId"], found["impulseName"]) == (1, "Impulse #1")
    response = made.call("GET", found["downloadUrl"].removeprefix("/v1/api"))
    assert (response.content, response.headers["content-type"]) == (b"zip 1", "application/zip")
    assert response.headers["content-disposition"] == "attachment; filename*=utf-8''gr%C3%B6%C3%9Fe%20inferencing.zip"


def test_a_build_of_the_present_impulse_is_up_to_date(made: Api) -> None:
    add(made)
    made.fields("POST", "/1/impulse/update", json={"name": "only renamed"})
    assert changed(made) == (False, False)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("dsp/2", {"config": {"fft_length": 64}}),
        ("training/keras/3", {"trainingCycles": 7}),
        ("impulse", {**IMPULSE, "inputBlocks": [{"id": 1, "windowSizeMs": 200}]}),
        ("impulse/1/set-thresholds", {"thresholds": [{"blockId": 3, "value": 0.9}]}),
    ],
)
def test_a_build_is_outdated_after_a_change_of_the_impulse_or_its_settings(
    made: Api, path: str, body: dict[str, Any]
) -> None:
    add(made)
    made.fields("POST", f"/1/{path}", json=body)
    assert changed(made) == (True, False)


def test_a_build_is_outdated_after_a_new_training(made: Api) -> None:
    made.studio.store.artifacts.put_model(1, 3, {"tflite-int8": "a"}, {})
    add(made)
    made.studio.store.artifacts.put_model(1, 3, {"tflite-int8": "a"}, {"other": "summary"})
    assert changed(made) == (False, False)
    made.studio.store.artifacts.put_model(1, 3, {"tflite-int8": "b"}, {})
    assert changed(made) == (True, False)


def test_the_builds_of_a_deleted_impulse_can_be_downloaded(made: Api) -> None:
    add(made)
    made.fields("DELETE", "/1/impulse")
    assert changed(made) == (True, True)
    assert made.call("GET", "/1/deployment/history/1/download").content == b"zip 1"


def test_builds_of_another_project_are_unknown(made: Api) -> None:
    add(made)
    other = made.studio.store.projects.create("Other").id
    made.studio.store.database.run("UPDATE deployments SET project = ?", (other,))
    assert history(made) == ([], 0)
    assert made.error("GET", "/1/deployment/history/1/download") == "No deployment with version 1 found"
