"""Versions of a project: saved, restored into itself and into an empty project, deleted with their content."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from official_client import OfficialClient
from studio_in_process import Api

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.studio.store.artifacts import PREDICTIONS, Features
from ei_toolkit.studio.store.garbage import collect_garbage

RATE = 16000
IMPULSE: dict[str, Any] = {
    "inputBlocks": [{"id": 1, "windowSizeMs": 100}],
    "dspBlocks": [{"id": 2, "type": "mfe", "implementationVersion": 4}],
    "learnBlocks": [{"id": 3, "type": "keras", "dsp": [2]}],
}
SUMMARY = {"labels": ["jazz", "rock"], "featureCount": 4, "variants": {"int8": {"accuracy": 0.75}}}


def sound(seed: int) -> bytes:
    return wav_bytes(np.random.default_rng(seed).integers(-3000, 3000, 1600).astype(np.int16), RATE)


@pytest.fixture
def made(api: Api) -> Api:
    """Two samples, one of them cropped, an impulse with settings, features and a model."""
    api.upload({"a.wav": sound(1)}, x_label="rock", x_metadata='{"artist": "x"}')
    api.upload({"b.wav": sound(2)}, "testing", x_label="jazz")
    api.fields("POST", "/1/raw-data/2/crop", json={"cropStart": 100, "cropEnd": 900})
    api.fields("POST", "/1/impulse", json=IMPULSE)
    api.fields("POST", "/1/training/keras/3", json={"trainingCycles": 7})
    blobs, artifacts = api.studio.store.blobs, api.studio.store.artifacts
    x, y = blobs.put(b"x"), blobs.put(b"y")
    artifacts.put_features(1, Features(2, "training", x, y, {"featureCount": 4, "bins": 4, "windowCount": 1}, ""))
    artifacts.put_model(1, 3, {"tflite-int8": blobs.put(b"model"), PREDICTIONS: blobs.put(b"{}")}, SUMMARY)
    return api


def save(api: Api, description: str = "first") -> list[str]:
    return api.run(api.fields("POST", "/1/jobs/version", json={"description": description, "makePublic": False})["id"])


def restore(api: Api, project: int = 1, **body: Any) -> list[str]:
    api.fields("POST", f"/{project}/jobs/restore", json={"projectId": 1, "versionId": 1, **body})
    return api.run(api.studio.store.jobs.queued()[-1].id)


def versions(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.fields("GET", "/1/versions")["versions"]
    return found


def state(api: Api) -> list[Any]:
    """Everything that a version has, as the API returns it."""
    samples = api.fields("GET", "/1/raw-data?sortBy=id-asc")["samples"]
    originals = [api.fields("GET", f"/1/raw-data/{one['id']}/original")["payload"] for one in samples]
    contents = [api.call("GET", f"/1/raw-data/{one['id']}/raw").content for one in samples]
    return [
        samples, originals, contents, api.fields("GET", "/1/impulse"), api.fields("GET", "/1/training/keras/3"),
        api.call("GET", "/1/dsp-data/2/x/training").content, api.fields("GET", "/1/downloads"),
    ]  # fmt: skip


def destroy(api: Api) -> None:
    """Change or delete everything that a version has."""
    api.fields("POST", "/1/raw-data/delete-all")
    api.upload({"later.wav": sound(9)}, x_label="later")
    api.fields("DELETE", "/1/impulse")


def test_a_restored_version_has_everything_as_it_was(made: Api) -> None:
    before = state(made)
    assert save(made) == ["Saved version 1: 2 samples"]
    destroy(made)
    assert restore(made)[-1] == "Restored version 1: 2 samples"
    assert state(made) == before


def test_what_a_restored_version_replaces_is_saved_before(made: Api) -> None:
    save(made)
    destroy(made)
    restore(made)
    newest = versions(made)[0]
    assert (newest["version"], newest["description"]) == (2, "Saved before version 1 was restored")
    restore(made, versionId=newest["id"])
    [sample] = made.fields("GET", "/1/raw-data")["samples"]
    assert sample["label"] == "later"


def test_a_version_is_listed_with_its_accuracies_and_number_of_samples(made: Api) -> None:
    stored = {
        "learn": 3, "labels": ["jazz", "rock"], "threshold": 0.6, "windowMs": 100, "increaseMs": 100,
        "samples": [{"id": 2, "starts": [0], "labels": ["jazz"], "scores": [[0.9, 0.1]]}],
    }  # fmt: skip
    blob = made.studio.store.blobs.put(json.dumps(stored).encode())
    made.studio.store.artifacts.put_result(1, "classify", 1, blob, "int8")
    save(made, "a description")
    [version] = versions(made)
    assert (version["description"], version["totalSamplesCount"]) == ("a description", "2")
    assert (version["trainingAccuracy"], version["testAccuracy"]) == (0.75, 1.0)
    assert made.fields("GET", "/1/versions")["nextVersion"] == 2


def test_recordings_of_a_version_are_kept_until_it_is_deleted(made: Api) -> None:
    save(made)
    made.fields("POST", "/1/raw-data/delete-all")
    packs = made.data / "packs"
    assert len(list(packs.iterdir())) == 3  # two uploads and a crop
    assert collect_garbage(made.studio.store) == 0
    made.fields("DELETE", "/1/versions/1")
    assert list(packs.iterdir()) == [] and versions(made) == []


def test_deleting_a_version_keeps_the_content_that_samples_need(made: Api) -> None:
    save(made)
    before = state(made)
    made.fields("DELETE", "/1/versions/1")
    assert collect_garbage(made.studio.store) == 0
    assert state(made) == before


def test_another_project_gets_samples_of_its_own_and_no_features(made: Api) -> None:
    save(made)
    created = made.json("POST", "/projects/create", json={"projectName": "copy"})
    copy, made.keys["copy"] = created["id"], created["apiKey"]
    body = {"projectId": 1, "versionId": 1, "projectApiKey": made.keys["readonly"]}
    made.fields("POST", f"/{copy}/jobs/restore", "copy", json=body)
    made.run(made.studio.store.jobs.queued()[-1].id)
    samples = made.fields("GET", f"/{copy}/raw-data?sortBy=id-asc", "copy")["samples"]
    assert [one["id"] for one in samples] == [3, 4]
    assert samples[1]["isCropped"] is True
    for own, id_ in ((1, 3), (2, 4)):
        path = "raw-data/{}/original"
        theirs = made.fields("GET", f"/1/{path.format(own)}")["payload"]
        assert made.fields("GET", f"/{copy}/{path.format(id_)}", "copy")["payload"] == theirs
    assert made.fields("GET", f"/{copy}/training/keras/3", "copy")["trained"] is True
    assert "No training features" in made.error("GET", f"/{copy}/dsp-data/2/x/training", "copy")
    model = made.studio.store.artifacts.model(copy, 3)
    assert model is not None and list(model.files) == ["tflite-int8"]
    made.fields("POST", f"/{copy}/raw-data/delete-all", "copy")
    assert len(state(made)[0]) == 2


def test_a_version_of_another_project_needs_a_key_for_it_and_an_empty_project(made: Api) -> None:
    save(made)
    created = made.json("POST", "/projects/create", json={"projectName": "other"})
    other, made.keys["other"] = created["id"], created["apiKey"]
    for key in (None, "ei_unknown", made.keys["other"], made.keys["ingestiononly"]):
        body = {"projectId": 1, "versionId": 1, "projectApiKey": key}
        response = made.call("POST", f"/{other}/jobs/restore", "other", json=body)
        assert response.status_code == 403, key
    made.fields("POST", f"/{other}/impulse", "other", json=IMPULSE)
    with pytest.raises(Exception, match="restored into an empty one only"):
        body = {"projectId": 1, "versionId": 1, "projectApiKey": made.keys["admin"]}
        made.fields("POST", f"/{other}/jobs/restore", "other", json=body)
        made.run(made.studio.store.jobs.queued()[-1].id)


def test_a_version_that_does_not_exist_and_a_public_one_are_refused(made: Api) -> None:
    body = {"projectId": 1, "versionId": 9}
    assert made.error("POST", "/1/jobs/restore", json=body) == "No version with this ID found (9)"
    assert made.error("DELETE", "/1/versions/9") == "No version with this ID found (9)"
    assert "no public versions" in made.error("POST", "/1/jobs/version", json={"description": "", "makePublic": True})


def test_the_official_client_saves_describes_restores_and_deletes_a_version(made: Api) -> None:
    client = OfficialClient(made)
    request = client.model("ProjectVersionRequest", description="from the client", makePublic=False)
    made.run(client.call("JobsApi", "start_version_job", request)["id"])
    client.call("ProjectsApi", "update_version", 1, client.model("UpdateVersionRequest", description="changed"))
    [version] = client.call("ProjectsApi", "list_versions")["versions"]
    assert (version["description"], version["version"]) == ("changed", 1)
    destroy(made)
    request = client.model("RestoreProjectRequest", projectId=1, versionId=1)
    client.call("JobsApi", "start_restore_job", request)
    made.run(made.studio.store.jobs.queued()[-1].id)
    assert len(made.fields("GET", "/1/raw-data")["samples"]) == 2
    client.call("ProjectsApi", "delete_version", 1)
