"""One project: its description, settings, summaries of its data, and its deletion."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from studio_in_process import Api

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.studio.context import Studio
from ei_toolkit.studio.devices import DEVICES
from ei_toolkit.studio.http.app import api_app
from ei_toolkit.studio.http.project import data_summary, latency_devices
from ei_toolkit.studio.store.artifacts import Features
from ei_toolkit.studio.store.sample_filter import SampleFilter


def info(api: Api) -> dict[str, Any]:
    return api.fields("GET", "/1")


def settings_of(api: Api) -> dict[str, Any]:
    return dict(api.studio.store.projects.get(1).settings)


def tone(seconds: float, rate: int = 16000, seed: int = 0) -> bytes:
    values = np.random.default_rng(seed).integers(-9000, 9000, round(seconds * rate)).astype(np.int16)
    return wav_bytes(values, rate)


def test_an_empty_project_has_no_data_and_no_impulse(api: Api) -> None:
    found = info(api)
    empty = {"totalLengthMs": 0.0, "labels": [], "totalLabels": 0, "dataCount": 0}
    assert found["dataSummary"] == empty
    assert found["dataSummaryPerCategory"] == dict.fromkeys(
        ("training", "testing", "validation", "postProcessing"), empty
    )
    assert found["impulse"] == {"created": False, "configured": False, "complete": False}
    assert found["showCreateFirstImpulse"] is True and "defaultImpulseId" not in found


def test_the_summary_of_each_category_has_its_number_length_and_sorted_labels(api: Api) -> None:
    api.upload({"a.wav": tone(1, seed=1), "b.wav": tone(0.5, seed=2)}, x_label="rock")
    api.upload({"c.wav": tone(1, seed=3)}, x_label="classical")
    api.upload({"d.wav": tone(2, seed=4)}, category="testing", x_label="rock")
    found = info(api)["dataSummaryPerCategory"]
    assert found["training"] == {
        "totalLengthMs": pytest.approx(2500), "labels": ["classical", "rock"], "totalLabels": 2, "dataCount": 3,
    }  # fmt: skip
    assert (found["testing"]["dataCount"], found["testing"]["totalLengthMs"]) == (1, pytest.approx(2000))
    assert found["validation"]["dataCount"] == 0


def test_the_keys_for_devices_are_the_key_of_the_request_and_the_signing_key(api: Api) -> None:
    found = api.fields("GET", "/1", "readonly")
    assert found["developmentKeys"]["apiKey"] == api.keys["readonly"]
    assert found["developmentKeys"]["hmacKey"] == api.studio.store.projects.get(1).hmac_key


def test_the_steps_of_the_impulse_become_complete_one_after_the_other(api: Api) -> None:
    store = api.studio.store
    window = {"id": 1, "windowSizeMs": 1000}
    store.blocks.put(1, 4, "i", {"inputBlocks": [window], "dspBlocks": [{"id": 2}], "learnBlocks": [{"id": 3}]})
    states = [info(api)["impulse"]]
    store.artifacts.put_features(1, Features(2, "training", "x", "y", {}, ""))
    states.append(info(api)["impulse"])
    store.artifacts.put_model(1, 3, {}, {})
    states.append(info(api)["impulse"])
    steps = ("created", "configured", "complete")
    assert [[state[step] for step in steps] for state in states] == [
        [True, False, False], [True, True, False], [True, True, True],
    ]  # fmt: skip
    assert info(api)["defaultImpulseId"] == 4 and info(api)["showCreateFirstImpulse"] is False


def test_an_impulse_without_blocks_is_not_configured(api: Api) -> None:
    api.studio.store.blocks.put(1, 1, "i", {"inputBlocks": []})
    assert info(api)["impulse"] == {"created": False, "configured": False, "complete": False}


def test_a_change_keeps_what_is_not_sent(api: Api) -> None:
    api.fields("POST", "/1", json={"description": "what it is for", "latencyDevice": "cortex-m7-216mhz"})
    api.fields("POST", "/1", json={"name": "Renamed"})
    project = info(api)["project"]
    assert (project["name"], project["description"]) == ("Renamed", "what it is for")
    assert [device["mcu"] for device in info(api)["latencyDevices"] if device["selected"]] == ["cortex-m7-216mhz"]
    api.fields("POST", "/1", json={"description": ""})
    assert info(api)["project"]["description"] == ""


@pytest.mark.parametrize(
    ("sent", "stored"), [("  Sounds  ", "Sounds"), ("x" * 300, "x" * 200), ("Ähnliche Töne 🎵", "Ähnliche Töne 🎵")]
)
def test_a_name_is_stripped_and_cut(api: Api, sent: str, stored: str) -> None:
    api.fields("POST", "/1", json={"name": sent})
    assert info(api)["project"]["name"] == stored


@pytest.mark.parametrize("name", ["", "   ", "\u2003"])
def test_a_blank_name_is_rejected_and_changes_nothing(api: Api, name: str) -> None:
    error = api.error("POST", "/1", json={"name": name, "description": "changed"})
    assert error == f"name must not be blank, but is {name!r}"
    assert info(api)["project"]["name"] == "Test Project" and info(api)["project"]["description"] == ""


def test_the_labeling_method_is_one_that_exists(api: Api) -> None:
    assert info(api)["project"]["labelingMethod"] == "single_label"
    api.fields("POST", "/1", json={"labelingMethod": "object_detection"})
    assert info(api)["project"]["labelingMethod"] == "object_detection"
    error = api.error("POST", "/1", json={"labelingMethod": "by colour"})
    assert error == "labelingMethod must be 'single_label' or 'object_detection', but is 'by colour'"


def test_metadata_of_a_project_is_returned_as_it_was_sent(api: Api) -> None:
    sent = {"team": "α", "numbers": [1, 2.5, None], "nested": {"a": True}}
    api.fields("POST", "/1", json={"metadata": sent})
    assert info(api)["project"]["metadata"] == sent


def test_the_time_limit_is_set_over_both_routes(api: Api) -> None:
    assert info(api)["performance"]["jobLimitM"] == 60
    api.fields("POST", "/1/compute-time-limit", json={"jobLimitM": 30})
    assert info(api)["performance"]["jobLimitM"] == 30
    api.fields("POST", "/1", json={"computeTimeLimitM": 45})
    assert info(api)["performance"]["jobLimitM"] == 45 and settings_of(api) == {"jobLimitM": 45}


def test_the_largest_size_of_features_is_set(api: Api) -> None:
    assert info(api)["performance"]["dspFileSizeMb"] == 4096
    api.fields("POST", "/1/dsp-file-size-limit", json={"dspFileSizeMb": 512})
    assert info(api)["performance"]["dspFileSizeMb"] == 512
    error = api.error("POST", "/1/dsp-file-size-limit", json={"dspFileSizeMb": 0})
    assert error == "dspFileSizeMb must be 1 or greater, but is 0"


def test_tags_are_replaced_and_limited_in_number_and_length(api: Api) -> None:
    api.fields("POST", "/1/tags", json={"tags": ["old"]})
    api.fields("POST", "/1/tags", json={"tags": ["x" * 250, *map(str, range(150))]})
    tags = info(api)["project"]["tags"]
    assert len(tags) == 100 and tags[0] == "x" * 200 and tags[-1] == "98"
    api.fields("POST", "/1/tags", json={"tags": []})
    assert info(api)["project"]["tags"] == []


def test_a_change_of_one_setting_keeps_the_others(api: Api) -> None:
    api.fields("POST", "/1/tags", json={"tags": ["audio"]})
    api.fields("POST", "/1/compute-time-limit", json={"jobLimitM": 5})
    api.fields("POST", "/1", json={"inPretrainedModelFlow": True})
    assert settings_of(api) == {"tags": ["audio"], "jobLimitM": 5, "inPretrainedModelFlow": True}
    assert info(api)["inPretrainedModelFlow"] is True


def test_the_library_of_a_project_has_a_name_without_spaces(api: Api) -> None:
    api.fields("POST", "/1", json={"name": "music or speech"})
    assert info(api)["deploySettings"]["arduinoLibraryName"] == "music_or_speech_inferencing"


def test_anybody_with_a_key_may_read_the_public_summary(api: Api) -> None:
    found = api.fields("GET", "/1/public-info", "ingestiononly")
    assert (found["name"], found["owner"], found["studioUrl"]) == ("Test Project", "local", "http://127.0.0.1:4800/")


def test_the_time_of_the_last_change_grows_with_a_change(api: Api) -> None:
    before = api.fields("GET", "/1/last-modification")["lastModificationDate"]
    api.studio.store.database.run("UPDATE projects SET modified = '2020-01-01T00:00:00.000Z'")
    assert api.fields("GET", "/1/last-modification")["lastModificationDate"] == "2020-01-01T00:00:00.000Z"
    api.fields("POST", "/1", json={"name": "n"})
    assert api.fields("GET", "/1/last-modification")["lastModificationDate"] >= before


def test_the_summary_of_the_training_data_omits_disabled_samples_from_labels_but_counts_them(api: Api) -> None:
    [one] = api.upload({"a.wav": tone(0.1, seed=1)}, x_label="rock")
    api.upload({"b.wav": tone(0.1, seed=2)}, x_label="classical")
    api.upload({"c.wav": tone(0.1, seed=3)}, category="testing", x_label="jazz")
    api.fields("POST", f"/1/raw-data/{one}/disable")
    assert api.fields("GET", "/1/data-summary")["dataSummary"] == {
        "labels": ["classical"], "totalLabels": 1, "dataCount": 2, "hasTimeseriesDataWithMultipleLabels": False,
    }  # fmt: skip


def test_labelled_ranges_are_reported_by_the_summary_of_the_training_data(api: Api) -> None:
    [sample] = api.upload({"a.wav": tone(0.1)}, x_label="rock")
    ranges = [{"startIndex": 0, "endIndex": 9, "label": "voice"}, {"startIndex": 10, "endIndex": 19, "label": "music"}]
    api.fields("POST", f"/1/raw-data/{sample}/structured-labels", json={"structuredLabels": ranges})
    found = api.fields("GET", "/1/data-summary")["dataSummary"]
    assert (found["labels"], found["hasTimeseriesDataWithMultipleLabels"]) == (["music", "voice"], True)


def test_a_summary_without_samples_has_no_label() -> None:
    assert data_summary([], 0, False)["dataSummary"]["totalLabels"] == 0


def test_the_axes_have_the_length_of_the_training_samples_only(api: Api) -> None:
    sensors = [{"name": name, "units": "m/s2"} for name in ("accX", "accY")]
    payload = {"interval_ms": 10, "sensors": sensors, "values": [[0, 1]] * 50}
    api.upload({"mono.wav": tone(1), "stereo.wav": stereo(8000)})
    api.upload({"move.json": json.dumps({"payload": payload}).encode()})
    api.upload({"test.wav": tone(3, seed=9)}, category="testing")
    assert api.fields("GET", "/1/data-axes")["dataAxisSummary"] == {"audio": 1500, "accX": 500, "accY": 500}


def stereo(count: int, rate: int = 16000) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.zeros((count, 2), np.int16), rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def test_the_recommended_interval_is_that_of_most_samples(api: Api) -> None:
    assert api.fields("GET", "/1/data-interval") == {"intervalMs": 0.0, "frequencyHz": 0.0, "byDatastream": []}
    api.upload({"a.wav": tone(0.1, 8000, 1), "b.wav": tone(0.1, 8000, 2), "c.wav": tone(0.1, 44100, 3)})
    found = api.fields("GET", "/1/data-interval")
    assert (found["intervalMs"], found["frequencyHz"]) == (0.125, 8000.0)


def test_a_token_of_the_live_log_is_for_its_key_and_has_the_time_of_its_end(api: Api) -> None:
    token = api.fields("GET", "/1/socket-token", "readonly")["token"]
    key = api.studio.store.keys.find(api.keys["readonly"])
    assert key is not None and api.studio.tokens.key(token["socketToken"]) == key.id
    left = datetime.fromisoformat(token["expires"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < left <= timedelta(hours=1)


def test_a_deleted_project_leaves_no_sample_no_key_and_no_recording(api: Api) -> None:
    api.upload({"a.wav": tone(0.2)}, x_label="rock")
    other = api.studio.store.projects.create("Other").id
    api.studio.store.keys.add(other, "k", "admin", "ei_of_another_project")
    job = api.studio.store.jobs.add(1, "export", "export", "Exporting data", {})
    api.fields("DELETE", "/1")
    assert [project.id for project in api.studio.store.projects.all()] == [other]
    assert api.call("GET", "/projects").status_code == 401
    assert api.studio.store.samples.count(SampleFilter(1)) == 0
    assert api.studio.store.database.one("SELECT 1 FROM jobs WHERE id = ?", (job.id,)) is None
    assert not list((api.data / "packs").iterdir())
    headers = {"x-api-key": "ei_of_another_project"}
    assert api.send(api_app(api.studio), "GET", "/v1/api/projects", headers=headers).status_code == 200


@pytest.mark.parametrize("selected", [None, "unknown", *[device.mcu for device in DEVICES]])
def test_one_device_is_selected_and_latency_is_relative_to_80_mhz(selected: str | None) -> None:
    found = latency_devices(selected)
    [chosen] = [device["mcu"] for device in found if device["selected"]]
    assert chosen == (selected if selected in {device.mcu for device in DEVICES} else "arduino-nano-33-ble")
    factors = {device["mcu"]: device["int8Latency"] for device in found}
    assert factors["cortex-m4f-80mhz"] == 1.0 and factors["arduino-nano-33-ble"] == 1.25


def test_the_database_of_a_closed_studio_is_opened_again_with_everything(api: Api, tmp_path: Path) -> None:
    api.upload({"a.wav": tone(0.2)}, x_label="rock")
    api.studio.close()
    reopened = Studio.open(api.studio.options)
    [sample] = reopened.store.samples.select(SampleFilter(1))
    assert reopened.store.byte_range(sample).read() == tone(0.2)
    reopened.close()
