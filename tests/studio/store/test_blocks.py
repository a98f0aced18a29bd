"""Impulses with the settings of their blocks, and the results of jobs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.impulse import fingerprint, learn_block, processing_block, processing_blocks
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.artifacts import Deployment, Features

WINDOW = {"id": 1, "windowSizeMs": 999, "windowIncreaseMs": 250.5, "frequencyHz": 22050, "padZeros": True}
DOCUMENT: dict[str, Any] = {
    "inputBlocks": [WINDOW, {**WINDOW, "id": 9, "frequencyHz": 100}],
    "dspBlocks": [
        {"id": 2, "type": "mfe", "input": 1, "axes": ["audio"], "implementationVersion": 4},
        {"id": 4, "type": "spectrogram", "input": 9, "axes": ["accX", "accY"], "implementationVersion": "3"},
    ],
    "learnBlocks": [{"id": 3, "type": "keras", "dsp": [4, 2]}],
}
FEATURES = Features(2, "training", "x" * 64, "y" * 64, {"bins": 3}, "")
DEPLOYMENT = Deployment(1, 1, "i", "zip", "tflite", "int8", "a.zip", "b" * 64, "f", {"sha256": "s"}, "2026")


@pytest.fixture
def stored(opened: Store) -> Store:
    opened.blocks.put(1, 5, "Impulse", DOCUMENT)
    return opened


def test_the_first_impulse_by_id_is_the_default(stored: Store) -> None:
    stored.blocks.put(1, 2, "earlier id", {})
    assert [impulse.id for impulse in stored.blocks.impulses(1)] == [2, 5]
    assert stored.blocks.get(1).name == "earlier id" and stored.blocks.get(1, 5).name == "Impulse"
    assert stored.blocks.find(1, 7) is None and stored.blocks.find(2) is None


def test_a_missing_impulse_is_an_error_with_or_without_an_id(stored: Store) -> None:
    other = stored.projects.create("other").id
    with pytest.raises(ApiError, match="This project has no impulse yet"):
        stored.blocks.get(other)
    with pytest.raises(ApiError, match="No impulse with this ID found"):
        stored.blocks.get(1, 99)


def test_a_replaced_impulse_keeps_the_time_of_its_creation(stored: Store) -> None:
    stored.database.run("UPDATE impulses SET created = '2020', modified = '2020'")
    stored.blocks.put(1, 5, "New", {"inputBlocks": []})
    found = stored.blocks.get(1, 5)
    assert (found.name, found.document, found.created) == ("New", {"inputBlocks": []}, "2020")
    assert found.modified > "2020"


def test_blocks_are_found_by_kind_and_id(stored: Store) -> None:
    impulse = stored.blocks.get(1)
    assert impulse.block("dspBlocks", 4) == DOCUMENT["dspBlocks"][1] and impulse.block("learnBlocks", 4) is None
    assert impulse.window == WINDOW and impulse.blocks("postProcessingBlocks") == []
    owner, block = stored.blocks.owner(1, "learnBlocks", 3)
    assert (owner.id, block["id"]) == (5, 3)


@pytest.mark.parametrize(("kind", "name"), [("dspBlocks", "DSP"), ("learnBlocks", "learn"), ("inputBlocks", "input")])
def test_an_unknown_block_is_an_error_with_its_kind(stored: Store, kind: str, name: str) -> None:
    with pytest.raises(ApiError, match=rf"No {name} block with this ID found \(77\)"):
        stored.blocks.owner(1, kind, 77)


def test_an_impulse_without_windows_is_an_error_only_where_they_are_needed(opened: Store) -> None:
    opened.blocks.put(1, 1, "i", {"inputBlocks": None})
    with pytest.raises(ApiError, match="The impulse has no input block"):
        _ = opened.blocks.get(1).window


def test_settings_are_merged_and_returned(stored: Store) -> None:
    assert stored.blocks.config(1, 3) == {}
    assert stored.blocks.configure(1, 3, {"a": 1, "b": 2}) == {"a": 1, "b": 2}
    assert stored.blocks.configure(1, 3, {"b": None}) == {"a": 1, "b": None} == stored.blocks.config(1, 3)


def test_settings_of_simultaneous_changes_are_all_kept(stored: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: stored.blocks.configure(1, 3, {f"k{n}": n}), range(24)))
    assert stored.blocks.config(1, 3) == {f"k{n}": n for n in range(24)}


def test_the_data_of_one_block_are_deleted_and_those_of_others_stay(stored: Store) -> None:
    stored.blocks.configure(1, 2, {"a": "1"})
    stored.blocks.configure(1, 3, {"b": 1})
    for category in ("training", "testing"):
        stored.artifacts.put_features(1, replace(FEATURES, category=category))
    stored.artifacts.put_features(1, replace(FEATURES, block=4))
    stored.blocks.delete_block_data(1, 2)
    assert stored.blocks.config(1, 2) == {} and stored.blocks.config(1, 3) == {"b": 1}
    assert stored.artifacts.features(1, 2) is stored.artifacts.features(1, 2, "testing") is None
    assert stored.artifacts.features(1, 4) is not None


def test_a_processing_block_reads_its_own_window_and_axis(stored: Store) -> None:
    stored.blocks.configure(1, 2, {"fft_length": "64"})
    first, second = processing_block(stored, 1, 2), processing_block(stored, 1, 4)
    assert (first.type, first.version, first.axis, first.frequency) == ("mfe", 4, "audio", 22050.0)
    assert first.dsp_request()["params"] == {"fft_length": "64"}
    assert first.dsp_request({"fft_length": "32"})["params"] == {"fft_length": "32"}
    assert (second.version, second.axis, second.frequency) == (3, "accX", 100.0)


def test_windows_are_whole_numbers_of_samples(stored: Store) -> None:
    block = processing_block(stored, 1, 2)
    assert block.window_samples == 22028  # 999 ms are 22027.95 samples
    assert block.increase_samples == 5524  # 250.5 ms are 5523.525 samples
    assert replace(block, window={**WINDOW, "windowSizeMs": 0.001}).window_samples == 1
    windowing = block.windowing()
    assert (windowing["samples"], windowing["increase"], windowing["pad"]) == (22028, 5524, True)
    assert (windowing["windowMs"], windowing["increaseMs"]) == (999, 250.5)


def test_the_hash_of_settings_changes_with_what_features_depend_on_and_with_nothing_else(stored: Store) -> None:
    block = processing_block(stored, 1, 2)
    renamed = replace(block, id=7, impulse=8, document={**block.document, "name": "other", "input": 9})
    assert renamed.settings_hash == block.settings_hash
    changed = [
        replace(block, config={"fft_length": "64"}),
        replace(block, window={**WINDOW, "frequencyHz": 16000}),
        replace(block, window={**WINDOW, "padZeros": False}),
        replace(block, document={**block.document, "type": "mfcc"}),
        replace(block, document={**block.document, "implementationVersion": 3}),
        replace(block, document={**block.document, "axes": ["other"]}),
    ]
    assert len({other.settings_hash for other in (block, *changed)}) == 7


def test_a_learn_block_reads_its_processing_blocks_in_its_order(stored: Store) -> None:
    impulse, block = learn_block(stored, 1, 3)
    assert [found.id for found in processing_blocks(stored, impulse, block)] == [4, 2]
    assert [found.id for found in processing_blocks(stored, impulse, {"dsp": [2, 99]})] == [2]


def test_a_processing_block_without_its_window_is_an_error(opened: Store) -> None:
    opened.blocks.put(1, 1, "i", {"dspBlocks": [{"id": 2, "type": "mfe", "input": 8}], "inputBlocks": [WINDOW]})
    with pytest.raises(ApiError, match="Processing block 2 has no input block"):
        processing_block(opened, 1, 2)


def test_a_fingerprint_changes_with_blocks_settings_and_model_files(stored: Store) -> None:
    def current() -> str:
        return fingerprint(stored, stored.blocks.get(1))

    found = [current()]
    stored.blocks.configure(1, 3, {"trainingCycles": 5})
    found.append(current())
    stored.artifacts.put_model(1, 3, {"keras": "a"}, {})
    found.append(current())
    stored.blocks.put(1, 5, "renamed", DOCUMENT)
    assert found[-1] == current()
    stored.blocks.put(1, 5, "renamed", {**DOCUMENT, "tags": ["x"]})
    found.append(current())
    assert len(set(found)) == 4


def test_features_are_replaced_by_category_and_cleared_together(stored: Store) -> None:
    stored.artifacts.put_features(1, FEATURES)
    stored.artifacts.put_features(1, replace(FEATURES, summary={"bins": 5}))
    stored.artifacts.put_features(1, replace(FEATURES, category="testing"))
    found = stored.artifacts.features(1, 2)
    assert found is not None and found.summary == {"bins": 5} and found.created > "2026"
    stored.artifacts.clear_features(1, 2)
    assert stored.artifacts.features(1, 2, "testing") is None


def test_results_of_a_block_that_does_not_exist_any_more_are_not_stored(stored: Store) -> None:
    message = "was deleted in the meantime; its results were not stored"
    for block in (3, 77):  # 3 is a learn block
        with pytest.raises(ApiError, match=rf"Block {block} {message}"):
            stored.artifacts.put_features(1, replace(FEATURES, block=block))
    with pytest.raises(ApiError, match=f"Block 2 {message}"):
        stored.artifacts.put_model(1, 2, {}, {})
    assert stored.artifacts.model(1, 2) is None


def test_a_result_is_stored_by_kind_subject_and_variant(stored: Store) -> None:
    stored.artifacts.put_result(1, "classify", 5, "a" * 64, "int8")
    stored.artifacts.put_result(1, "classify", 5, "b" * 64, "float32")
    stored.artifacts.put_result(1, "classify", 5, "c" * 64, "int8")
    stored.artifacts.put_result(1, "export", 5, "d" * 64)
    assert stored.artifacts.result(1, "classify", 5, "int8") == "c" * 64
    assert stored.artifacts.result(1, "classify", 5) is stored.artifacts.result(2, "export", 5) is None
    stored.artifacts.clear_results(1, "classify", 5)
    assert stored.artifacts.result(1, "classify", 5, "float32") is None
    assert stored.artifacts.result(1, "export", 5) == "d" * 64


def test_a_copy_of_features_and_model_replaces_what_the_target_had(stored: Store) -> None:
    stored.artifacts.put_features(1, FEATURES)
    stored.artifacts.put_features(1, replace(FEATURES, block=4, summary={"bins": 9}))
    stored.artifacts.copy(1, 2, 4)
    found = stored.artifacts.features(1, 4)
    assert found is not None and found.summary == {"bins": 3} and found.x == "x" * 64
    stored.artifacts.copy(1, 99, 4)
    assert stored.artifacts.features(1, 4) == found


def test_deployments_are_found_by_their_properties_newest_first(opened: Store) -> None:
    for version, target in ((1, "zip"), (2, "arduino"), (3, "zip")):
        opened.artifacts.add_deployment(1, replace(DEPLOYMENT, version=version, format=target))
    assert [found.version for found in opened.artifacts.deployments(1)] == [3, 2, 1]
    assert [found.version for found in opened.artifacts.deployments(1, format="zip", engine=None)] == [3, 1]
    assert opened.artifacts.deployments(1, format="zip", engine="tflite-eon") == []
    assert opened.artifacts.deployment(1, 1) == DEPLOYMENT
    with pytest.raises(ApiError, match="No deployment with version 4 found"):
        opened.artifacts.deployment(1, 4)
