"""Impulses: which blocks may be sent, what is stored, and what a change or a deletion does to results."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from studio_in_process import Api

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.studio.store.artifacts import Features

WINDOW = {"id": 1, "type": "time-series", "windowSizeMs": 100, "windowIncreaseMs": 50, "frequencyHz": 16000}
DSP = {"id": 2, "type": "spectrogram", "axes": ["audio"], "input": 1, "implementationVersion": 4}
LEARN = {"id": 3, "type": "keras", "dsp": [2]}
IMPULSE: dict[str, Any] = {"inputBlocks": [WINDOW], "dspBlocks": [DSP], "learnBlocks": [LEARN]}


def create(api: Api, query: str = "", **changes: Any) -> int:
    id_: int = api.fields("POST", f"/1/impulse{query}", json={**IMPULSE, **changes})["id"]
    return id_


def impulse(api: Api, query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = api.fields("GET", f"/1/impulse{query}")["impulse"]
    return found


def rejected(api: Api, **changes: Any) -> str:
    """The message for an impulse that is rejected; nothing may be stored."""
    document = api.call("POST", "/1/impulse", json={**IMPULSE, **changes}).json()
    assert document["success"] is False and api.fields("GET", "/1/impulse") == {}
    return str(document["error"])


def has_results(api: Api, block: int = 2, learn: int = 3) -> tuple[bool, bool, bool]:
    """Whether there are features, a model and a test result."""
    artifacts = api.studio.store.artifacts
    return (
        artifacts.features(1, block) is not None,
        artifacts.model(1, learn) is not None,
        artifacts.result(1, "classify", 1, "int8") is not None,
    )


def add_results(api: Api) -> None:
    artifacts = api.studio.store.artifacts
    artifacts.put_features(1, Features(2, "training", "x", "y", {"bins": 1}, ""))
    artifacts.put_model(1, 3, {}, {})
    artifacts.put_result(1, "classify", 1, "0" * 64, "int8")


def test_a_project_without_an_impulse_has_none(api: Api) -> None:
    assert api.fields("GET", "/1/impulse") == api.fields("GET", "/1/impulse/all") == {}
    assert api.fields("GET", "/1/impulses")["impulses"] == []
    assert api.error("DELETE", "/1/impulse") == "This project has no impulse yet"
    assert api.error("DELETE", "/1/impulse?impulseId=7") == "No impulse with this ID found"


def test_an_impulse_gets_the_defaults_of_what_is_not_sent(api: Api) -> None:
    create(api, inputBlocks=[{"id": 1}], dspBlocks=[{"id": 2, "type": "mfe"}], learnBlocks=[{"id": 3, "type": "keras"}])
    found = impulse(api)
    assert (found["id"], found["name"], found["type"]) == (1, "Impulse #1", "default")
    assert found["inputBlocks"] == [
        {"id": 1, "name": "Time series", "title": "Time series data", "type": "time-series", "windowSizeMs": 1000,
         "windowIncreaseMs": 1000, "frequencyHz": 16000.0, "padZeros": False},
    ]  # fmt: skip
    assert found["dspBlocks"] == [
        {"id": 2, "name": "mfe", "title": "mfe", "type": "mfe", "axes": ["audio"], "implementationVersion": 1}
    ]
    assert found["learnBlocks"][0]["dsp"] == [] and found["postProcessingBlocks"] == []


def test_an_impulse_is_returned_as_it_was_sent(api: Api) -> None:
    window = {**WINDOW, "name": "Fenster", "title": "T", "padZeros": True, "axes": ["audio"], "frequencyHz": 22050.5}
    create(api, name="Größe", inputBlocks=[window], dspBlocks=[{**DSP, "name": "D"}])
    found = impulse(api)
    assert found["name"] == "Größe" and found["inputBlocks"] == [window]
    assert found["dspBlocks"][0]["name"] == "D" and found["dspBlocks"][0]["title"] == "spectrogram"


def test_an_impulse_without_an_input_block_is_stored_but_has_no_windows(api: Api) -> None:
    [sample] = api.upload({"a.wav": wav_bytes(np.zeros(1600, np.int16), 16000)}, x_label="rock")
    api.fields("POST", "/1/impulse", json={})
    assert impulse(api)["inputBlocks"] == []
    assert api.error("GET", f"/1/classify/v2/{sample}/raw-data/0") == "The impulse has no input block"


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"windowSizeMs": 0}, "inputBlocks[0].windowSizeMs must be greater than 0, but is 0"),
        ({"windowSizeMs": 600_001}, "inputBlocks[0].windowSizeMs must be 600000 or less, but is 600001"),
        ({"windowSizeMs": 0.5}, "inputBlocks[0].windowSizeMs must be a whole number, but is 0.5"),
        ({"windowIncreaseMs": -5}, "inputBlocks[0].windowIncreaseMs must be greater than 0, but is -5"),
        ({"frequencyHz": 0}, "inputBlocks[0].frequencyHz must be greater than 0, but is 0"),
        ({"frequencyHz": 384_001}, "inputBlocks[0].frequencyHz must be 384000 or less, but is 384001"),
        ({"frequencyHz": "nan"}, "inputBlocks[0].frequencyHz must be a finite number, but is 'nan'"),
        ({"type": "image"}, "inputBlocks[0].type must be 'time-series', but is 'image'"),
        ({"id": 0}, "inputBlocks[0].id must be 1 or greater, but is 0"),
        ({"id": 2**31}, "inputBlocks[0].id must be 2147483647 or less, but is 2147483648"),
    ],
)
def test_a_window_out_of_range_is_rejected(api: Api, change: dict[str, Any], rule: str) -> None:
    assert rejected(api, inputBlocks=[{**WINDOW, **change}]) == rule


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inputBlocks": [WINDOW, {**WINDOW}]}, "block id 1 is used by two blocks"),
        ({"learnBlocks": [{**LEARN, "id": 2}]}, "block id 2 is used by two blocks"),
        ({"inputBlocks": []}, "processing block 2 needs an input block, and the impulse has none"),
        ({"dspBlocks": [{**DSP, "input": 9}]}, "processing block 2 names input block 9, which does not exist"),
        (
            {"learnBlocks": [{**LEARN, "dsp": [2, 8, 7]}]},
            "learn block 3 names processing block 7, which does not exist",
        ),
        (
            {"learnBlocks": [{**LEARN, "type": "anomaly"}]},
            "learnBlocks[0].type: type 'anomaly' is not implemented by the local studio; it has keras",
        ),
        ({"postProcessingBlocks": [{}]}, "post-processing blocks are not implemented by the local studio"),
        (
            {"dspBlocks": [{**DSP, "type": "image"}]},
            "There is no processing block of type 'image'; types: spectrogram, mfe, mfcc, summary-57, summary-207",
        ),
        ({"dspBlocks": [{"id": 2}]}, "dspBlocks[0].type is missing"),
    ],
)
def test_blocks_that_do_not_fit_together_are_rejected(api: Api, changes: dict[str, Any], message: str) -> None:
    assert rejected(api, **changes) == message


def test_the_block_types_are_those_that_the_studio_runs(api: Api) -> None:
    found = api.fields("GET", "/1/impulse/blocks")
    assert [block["type"] for block in found["dspBlocks"]] == [
        "spectrogram",
        "mfe",
        "mfcc",
        "summary-57",
        "summary-207",
    ]
    assert {block["type"]: block["latestImplementationVersion"] for block in found["dspBlocks"]}["mfe"] == 4
    assert [block["type"] for block in found["inputBlocks"]] == ["time-series"]
    assert [block["type"] for block in found["learnBlocks"]] == ["keras"]


def test_a_new_block_id_is_above_all_that_were_used(api: Api) -> None:
    assert [api.fields("POST", "/1/impulse/get-new-block-id")["blockId"] for _ in range(2)] == [1, 2]
    create(api, inputBlocks=[{**WINDOW, "id": 40}], dspBlocks=[{**DSP, "input": 40}])
    assert api.fields("POST", "/1/impulse/get-new-block-id")["blockId"] == 41
    create(api)
    assert api.fields("POST", "/1/impulse/get-new-block-id")["blockId"] == 42


def test_no_block_id_is_left_after_the_largest(api: Api) -> None:
    create(api, learnBlocks=[{**LEARN, "id": 2**31 - 1}])
    error = api.error("POST", "/1/impulse/get-new-block-id")
    assert error == "No block id is left in project 1: a block had the largest id, 2147483647"


def test_an_impulse_that_is_sent_again_keeps_its_name_and_all_results(api: Api) -> None:
    create(api, name="Mine")
    add_results(api)
    create(api)
    assert impulse(api)["name"] == "Mine"
    assert has_results(api) == (True, True, True)


@pytest.mark.parametrize(
    "change",
    [
        {"dspBlocks": [{**DSP, "implementationVersion": 3}]},
        {"inputBlocks": [{**WINDOW, "windowSizeMs": 200}]},
        {"inputBlocks": [{**WINDOW, "name": "renamed"}]},
    ],
)
def test_a_changed_window_or_processing_block_loses_its_features_but_no_model(api: Api, change: dict[str, Any]) -> None:
    create(api)
    add_results(api)
    create(api, **change)
    assert has_results(api) == (False, True, True)


def test_a_removed_block_loses_its_settings_and_results(api: Api) -> None:
    create(api)
    add_results(api)
    api.fields("POST", "/1/dsp/2", json={"config": {"fft_length": 64}})
    create(api, dspBlocks=[{**DSP, "id": 5}], learnBlocks=[{**LEARN, "id": 6, "dsp": [5]}])
    assert has_results(api) == (False, False, False)
    create(api)
    assert api.studio.store.blocks.config(1, 2) == {}


def test_a_block_that_stays_keeps_its_settings(api: Api) -> None:
    create(api)
    api.fields("POST", "/1/dsp/2", json={"config": {"fft_length": 64}})
    create(api, dspBlocks=[DSP, {**DSP, "id": 9}])
    assert api.studio.store.blocks.config(1, 2) == {"fft_length": "64"}


def test_a_second_impulse_has_block_ids_of_its_own(api: Api) -> None:
    create(api)
    error = api.error("POST", "/1/impulse?impulseId=2", json=IMPULSE)
    assert error == "Block id 1 is used by another impulse of this project"
    blocks = {
        "inputBlocks": [{**WINDOW, "id": 11}], "dspBlocks": [{**DSP, "id": 12, "input": 11}],
        "learnBlocks": [{**LEARN, "id": 13, "dsp": [12]}],
    }  # fmt: skip
    assert create(api, "?impulseId=2", **blocks) == 2
    assert impulse(api)["id"] == 1 and impulse(api, "?impulseId=2")["name"] == "Impulse #2"
    listed = api.fields("GET", "/1/impulses")
    assert [one["id"] for one in listed["impulses"]] == [1, 2] and listed["maxImpulseCount"] == 100


def test_a_deleted_impulse_leaves_nothing_of_its_blocks(api: Api) -> None:
    create(api)
    add_results(api)
    api.fields("POST", "/1/training/keras/3", json={"trainingCycles": 7})
    api.fields("DELETE", "/1/impulse")
    assert has_results(api) == (False, False, False) and api.studio.store.blocks.config(1, 3) == {}
    assert api.error("GET", "/1/dsp/2") == "No DSP block with this ID found (2)"
    assert api.error("GET", "/1/training/keras/3") == "No learn block with this ID found (3)"


def test_deleting_an_impulse_cancels_its_queued_jobs_only(api: Api) -> None:
    create(api)
    features = api.fields("POST", "/1/jobs/generate-features", json={"dspId": 2})["id"]
    retrain = api.fields("POST", "/1/jobs/retrain")["id"]
    export = api.fields("POST", "/1/jobs/export/original")["id"]
    api.fields("DELETE", "/1/impulse?impulseId=1")
    assert [job["id"] for job in api.fields("GET", "/1/jobs")["jobs"]] == [export]
    assert {features, retrain} == {job["id"] for job in api.fields("GET", "/1/jobs/history")["jobs"]}


def test_only_an_admin_changes_an_impulse(api: Api) -> None:
    for verb in ("POST", "DELETE"):
        assert api.call(verb, "/1/impulse", "readonly", json=IMPULSE).status_code == 403
