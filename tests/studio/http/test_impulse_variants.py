"""Several impulses in one project: empty ones, copies, thresholds and comparisons."""

from __future__ import annotations

from typing import Any

import pytest
from studio_in_process import Api

from ei_toolkit.studio.http import impulse_variants
from ei_toolkit.studio.store.artifacts import Features

IMPULSE: dict[str, Any] = {
    "inputBlocks": [{"id": 1, "windowSizeMs": 100, "windowIncreaseMs": 50}],
    "dspBlocks": [
        {"id": 2, "type": "spectrogram", "input": 1, "implementationVersion": 4}, {"id": 4, "type": "mfe", "input": 1},
    ],
    "learnBlocks": [{"id": 3, "type": "keras", "dsp": [4, 2]}],
}  # fmt: skip
VARIANT = {
    "loss": 0.2, "accuracy": 0.9, "confusion_matrix": [[1, 0], [0, 1]], "report": {"weighted avg": {}}, "auc": None,
}  # fmt: skip
SUMMARY = {
    "labels": ["jazz", "rock"], "featureCount": 12, "variants": {"int8": VARIANT}, "history": {}, "performance": {},
}  # fmt: skip


@pytest.fixture
def made(api: Api) -> Api:
    """A studio with an impulse that has settings, features and a model."""
    api.fields("POST", "/1/impulse", json=IMPULSE)
    api.fields("POST", "/1/dsp/2", json={"config": {"fft_length": 64}})
    api.fields("POST", "/1/training/keras/3", json={"trainingCycles": 7})
    features = {"labels": ["jazz"], "featureCount": 12, "windowCount": 5, "frames": 3, "bins": 4, "samples": [[1, 5]]}
    api.studio.store.artifacts.put_features(1, Features(2, "training", "x", "y", features, ""))
    api.studio.store.artifacts.put_model(1, 3, {"keras": "a"}, SUMMARY)
    return api


def impulses(api: Api) -> dict[int, dict[str, Any]]:
    return {one["id"]: one for one in api.fields("GET", "/1/impulses")["impulses"]}


def test_a_new_impulse_is_empty_and_has_the_next_id(made: Api) -> None:
    created = made.fields("POST", "/1/impulse/new")
    assert created == {"id": 2, "redirectUrl": "http://127.0.0.1:4800/"}
    new = impulses(made)[2]
    assert new["name"] == "Impulse #2" and not any(new[kind] for kind in ("inputBlocks", "dspBlocks", "learnBlocks"))


def test_the_id_of_a_deleted_impulse_is_used_again_only_if_it_was_the_largest(made: Api) -> None:
    for _ in range(2):
        made.fields("POST", "/1/impulse/new")
    made.fields("DELETE", "/1/impulse?impulseId=2")
    assert made.fields("POST", "/1/impulse/new")["id"] == 4
    made.fields("DELETE", "/1/impulse?impulseId=4")
    assert made.fields("POST", "/1/impulse/new")["id"] == 4


def test_the_number_of_impulses_is_limited(made: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(impulse_variants, "MOST_IMPULSES", 2)
    made.fields("POST", "/1/impulse/new")
    assert made.error("POST", "/1/impulse/new") == "The project has 2 impulses; 2 are allowed"
    error = made.error("POST", "/1/impulse/1/clone/structure", json={"name": "copy"})
    assert error == "The project has 2 impulses; 2 are allowed"


def test_name_and_tags_of_an_impulse_are_changed_one_by_one(made: Api) -> None:
    made.fields("POST", "/1/impulse/update", json={"tags": ["best"]})
    made.fields("POST", "/1/impulse/update?impulseId=1", json={"name": "Größe"})
    [detailed] = made.fields("GET", "/1/impulses-detailed")["impulses"]
    assert (detailed["impulse"]["name"], detailed["tags"]) == ("Größe", ["best"])
    made.fields("POST", "/1/impulse/update", json={"tags": []})
    assert made.fields("GET", "/1/impulses-detailed")["impulses"][0]["tags"] == []
    assert made.error("POST", "/1/impulse/update?impulseId=9", json={}) == "No impulse with this ID found"


def test_a_copy_of_the_structure_has_new_block_ids_with_the_same_references(made: Api) -> None:
    id_ = made.fields("POST", "/1/impulse/1/clone/structure", json={"name": "copy"})["id"]
    copy = impulses(made)[id_]
    [window], [first, second], [learn] = (copy[kind] for kind in ("inputBlocks", "dspBlocks", "learnBlocks"))
    ids = [block["id"] for block in (window, first, second, learn)]
    assert copy["name"] == "copy" and len(set(ids)) == 4 and not {1, 2, 3, 4} & set(ids)
    assert first["input"] == second["input"] == window["id"]
    assert learn["dsp"] == [second["id"], first["id"]]
    assert made.studio.store.blocks.config(1, first["id"]) == {}
    assert made.studio.store.artifacts.model(1, learn["id"]) is None
    assert impulses(made)[1]["learnBlocks"][0]["dsp"] == [4, 2]


def test_a_complete_copy_has_settings_features_and_model(made: Api) -> None:
    job = made.fields("POST", "/1/impulse/1/clone/complete", json={"name": "copy"})["id"]
    copy = impulses(made)[2]
    first, learn = copy["dspBlocks"][0]["id"], copy["learnBlocks"][0]["id"]
    store = made.studio.store
    assert store.blocks.config(1, first) == {"fft_length": "64"}
    assert store.blocks.config(1, learn) == {"trainingCycles": 7}
    features, model = store.artifacts.features(1, first), store.artifacts.model(1, learn)
    assert features is not None and features.summary["windowCount"] == 5
    assert model is not None and model.files == {"keras": "a"}
    assert made.run(job) == ["Impulse 1 was cloned to 2 (copy)"]


def test_a_change_of_a_copy_does_not_change_the_source(made: Api) -> None:
    made.fields("POST", "/1/impulse/1/clone/complete", json={"name": "copy"})
    learn = impulses(made)[2]["learnBlocks"][0]["id"]
    made.fields("POST", f"/1/training/keras/{learn}", json={"trainingCycles": 99})
    made.fields("DELETE", "/1/impulse?impulseId=2")
    assert made.studio.store.blocks.config(1, 3) == {"trainingCycles": 7}
    assert made.studio.store.artifacts.model(1, 3) is not None


@pytest.mark.parametrize("kind", ["structure", "complete"])
def test_a_copy_needs_a_source_and_a_name(made: Api, kind: str) -> None:
    assert made.error("POST", f"/1/impulse/9/clone/{kind}", json={"name": "x"}) == "No impulse with this ID found"
    response = made.call("POST", f"/1/impulse/1/clone/{kind}", json={})
    assert (response.status_code, response.json()["error"]) == (400, "name is missing")


def set_threshold(api: Api, block: int, value: Any) -> dict[str, Any]:
    return api.json("POST", "/1/impulse/1/set-thresholds", json={"thresholds": [{"blockId": block, "value": value}]})


@pytest.mark.parametrize("value", [0, 0.35, 1])
def test_a_threshold_becomes_the_minimum_confidence_of_its_block(made: Api, value: float) -> None:
    assert set_threshold(made, 3, value)["hadModelTestingResults"] is False
    assert made.fields("GET", "/1/training/keras/3")["minimumConfidenceRating"] == value
    assert made.fields("GET", "/1/training/keras/3")["trainingCycles"] == 7


@pytest.mark.parametrize(("value", "rule"), [(-0.1, "0 or greater"), (1.01, "1 or less")])
def test_a_threshold_is_a_probability(made: Api, value: float, rule: str) -> None:
    assert set_threshold(made, 3, value)["error"] == f"thresholds[0].value must be {rule}, but is {value}"


def test_a_threshold_of_another_block_is_rejected(made: Api) -> None:
    assert set_threshold(made, 2, 0.5)["error"] == "No learn block with this ID found (2)"


def test_a_new_threshold_reports_whether_there_are_results_of_the_old_one(made: Api) -> None:
    made.studio.store.artifacts.put_result(1, "classify", 1, "0" * 64, "float32")
    assert set_threshold(made, 3, 0.5)["hadModelTestingResults"] is True


def test_the_detailed_list_has_settings_and_results_of_every_block(made: Api) -> None:
    made.fields("POST", "/1/impulse/new")
    full, empty = made.fields("GET", "/1/impulses-detailed")["impulses"]
    first, second = full["dspBlockConfigs"]
    assert (first["blockId"], first["metadata"]["generated"], first["metadata"]["windowCount"]) == (2, True, 5)
    assert (second["blockId"], second["metadata"]["generated"]) == (4, False)
    assert first["metadata"]["includedSamples"] == []
    [learn] = full["learnBlockKerasConfigs"]
    assert learn["config"]["trainingCycles"] == 7 and learn["metadata"]["labels"] == ["jazz", "rock"]
    assert full["configured"] is True and full["complete"] is True
    assert empty["configured"] is False and empty["complete"] is False


def test_an_impulse_is_complete_only_if_every_learn_block_is_trained(made: Api) -> None:
    blocks = {**IMPULSE, "learnBlocks": [*IMPULSE["learnBlocks"], {"id": 7, "type": "keras", "dsp": [2]}]}
    made.fields("POST", "/1/impulse", json=blocks)
    [detailed] = made.fields("GET", "/1/impulses-detailed")["impulses"]
    assert detailed["complete"] is False
    assert [("metadata" in config) for config in detailed["learnBlockKerasConfigs"]] == [True, False]
