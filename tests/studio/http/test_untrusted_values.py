"""Values that are valid JSON but cannot be stored: each is rejected or replaced when it is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from ei_toolkit.config.untrusted_json import DEEPEST, read_json
from ei_toolkit.impulse import dsp
from ei_toolkit.studio.http.dataset import Split
from ei_toolkit.studio.http.errors import ApiError, Malformed
from ei_toolkit.studio.http.learn import KerasRequest
from ei_toolkit.studio.http.sample_labels import LabelledRange
from ei_toolkit.studio.http.schema import parse
from ei_toolkit.studio.jobs.compute_worker import respond

UNPAIRED = r"\ud800"
INPUT = {"type": "time-series"}
ACQUISITION = (
    '{"payload":{"device_name":"%s","device_type":"t","interval_ms":%s,'
    '"sensors":[{"name":"%s","units":"u"}],"values":[1,2,3]}}'
)


@pytest.fixture
def sample(server: Any, make_noise: Any) -> Iterator[int]:
    [outcome] = server.upload({"s.wav": make_noise(1)}, x_label="rock").json()["files"]
    yield outcome["sampleId"]
    server.json("DELETE", f"/1/raw-data/{outcome['sampleId']}")


def acquisition(server: Any, *, device: str = "d", interval: str = "1", sensor: str = "x") -> dict[str, Any]:
    [outcome] = server.upload({"a.json": (ACQUISITION % (device, interval, sensor)).encode()}).json()["files"]
    return outcome


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (rf'"{UNPAIRED}x"', "\ufffdx"), (r'"\uDFFF"', "\ufffd"), (r'"\ud83d\ude00"', "😀"),
        (r'"\ud800\ud83d\ude00"', "\ufffd😀"),
        (r'"\\ud800"', r"\ud800"), (r'"\\\ud800"', "\\\ufffd"),
        (rf'{{"{UNPAIRED}":["{UNPAIRED}"]}}', {"\ufffd": ["\ufffd"]}),
        ("5", 5), (b"\xef\xbb\xbf[]", []),
    ],
)  # fmt: skip
def test_an_unpaired_surrogate_is_replaced_and_nothing_else_is_changed(text: str | bytes, value: Any) -> None:
    assert read_json(text) == value


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_json_nesting_is_limited(opening: str, closing: str) -> None:
    def nested(depth: int) -> str:
        return opening * depth + "1" * (opening != "[") + closing * depth

    read_json(nested(DEEPEST))
    for depth in (DEEPEST + 1, 900, 100_000):
        with pytest.raises(ValueError, match="too deeply"):
            read_json(nested(depth))


@pytest.mark.parametrize(("verb", "path"), [("GET", "/1/raw-data"), ("POST", "/1/raw-data/batch/delete")])
def test_a_filter_with_an_unpaired_surrogate_is_accepted(server: Any, sample: int, verb: str, path: str) -> None:
    wanted = f'[{{"key":"a","values":["{UNPAIRED}"]}}]'
    assert server.json(verb, path, params={"metadata": wanted})["success"]
    assert server.json("GET", f"/1/raw-data/{sample}")["success"]


def test_the_conditions_of_a_filter_are_limited_but_not_their_values(server: Any) -> None:
    many = server.call("GET", "/1/raw-data", params={"metadata": json.dumps([{"key": "a"}] * 1200)})
    assert many.status_code == 400 and "100 conditions" in many.json()["error"]
    wide = [{"key": "a", "values": [str(number) for number in range(3000)]}]
    assert server.json("GET", "/1/raw-data", params={"metadata": json.dumps(wide)})["success"]


@pytest.mark.parametrize("value", [10**400, -(10**400), 1e300, float("inf"), float("nan"), "9" * 400, 2**63])
def test_a_number_that_cannot_be_stored_is_rejected(value: Any) -> None:
    with pytest.raises(Malformed, match=r"startIndex (is out of range|must be a finite number)"):
        parse(LabelledRange, {"startIndex": value, "endIndex": 1, "label": "x"})


@pytest.mark.parametrize("name", ["search", "filename"])
def test_the_length_of_a_search_text_is_limited(server: Any, name: str) -> None:
    assert server.call("GET", "/1/raw-data", params={name: "a" * 52_000}).status_code == 400
    assert server.json("GET", "/1/raw-data", params={name: "%" * 1000})["success"]


def test_a_split_uses_metadata_with_replaced_characters(server: Any, sample: int) -> None:
    body = f'{{"metadata":{{"artist":"{UNPAIRED}x"}}}}'.encode()
    assert server.json("POST", f"/1/raw-data/{sample}/metadata", data=body)["success"]
    assert server.json("GET", f"/1/raw-data/{sample}")["sample"]["metadata"] == {"artist": "\ufffdx"}
    assert server.json("POST", "/1/split", json={"keepTogetherMetadataKeys": ["artist"]})["success"]


def test_a_split_accepts_stored_metadata_with_an_unpaired_surrogate() -> None:
    from types import SimpleNamespace

    stored: Any = SimpleNamespace(metadata={"artist": "\ud800x"}, sha256="0" * 64)
    assert Split(together=("artist",)).category(stored) in ("training", "testing")


def test_invalid_text_in_one_file_does_not_fail_the_request(server: Any, make_noise: Any) -> None:
    labelled_range = f'{{"startIndex":0,"endIndex":5,"label":"{UNPAIRED}"}}'
    labels_file = f'{{"structuredLabels":{{"m.wav":[{labelled_range}]}}}}'.encode()
    metadata = quote(f'{{"artist":"{UNPAIRED}"}}')
    files = {"m.wav": make_noise(2), "n.wav": make_noise(3), "structured_labels.labels": labels_file}
    first, second = server.upload(files, x_metadata=metadata).json()["files"]
    found = server.json("GET", f"/1/raw-data/{first['sampleId']}")["sample"]
    assert (found["label"], found["metadata"]) == ("\ufffd", {"artist": "\ufffd"})
    assert second["success"]


def test_acquisition_files_with_an_unpaired_surrogate_are_accepted(server: Any) -> None:
    outcome = acquisition(server, device=UNPAIRED, sensor=UNPAIRED)
    found = server.json("GET", f"/1/raw-data/{outcome['sampleId']}")["sample"]
    assert (found["deviceName"], found["sensors"][0]["name"]) == ("\ufffd", "\ufffd")
    assert server.json("GET", "/1/data-axes")["dataAxisSummary"]["\ufffd"] == 3


@pytest.mark.parametrize("interval", ["1e308", "1e13", "1e-320", "NaN", "1e400"])
def test_a_recording_with_an_invalid_interval_is_rejected(server: Any, interval: str) -> None:
    outcome = acquisition(server, interval=interval)
    assert not outcome["success"] and "interval" in outcome["error"]
    assert server.json("GET", "/1/data-axes")["success"]


@pytest.mark.parametrize(("start", "end"), [(-50, 999_999_999), (0, 1600), (-1, 5), (9, 8)])
def test_labelled_ranges_outside_a_sample_are_rejected_in_uploads_and_edits(
    server: Any, make_noise: Any, sample: int, start: int, end: int
) -> None:
    ranges = [{"startIndex": start, "endIndex": end, "label": "jazz"}]
    edited = server.json("POST", f"/1/raw-data/{sample}/structured-labels", json={"structuredLabels": ranges})
    labels_file = json.dumps({"structuredLabels": {"a.wav": ranges}}).encode()
    files = {"a.wav": make_noise(4), "b.wav": make_noise(5), "structured_labels.labels": labels_file}
    rejected, kept = server.upload(files).json()["files"]
    assert rejected["error"] == edited["error"]
    assert rejected["error"].startswith("The structured label 'jazz'") and "outside the sample" in rejected["error"]
    assert kept["success"]


@pytest.mark.parametrize("block", [2**63 - 1, 2**63 - 2, 2**31, 0])
def test_an_impulse_with_a_block_id_out_of_range_is_rejected(own_server: Any, block: int) -> None:
    rejected = own_server.json("POST", "/1/impulse", json={"inputBlocks": [{**INPUT, "id": block}]})
    limit = f"must be {2**31 - 1} or less" if block else "must be 1 or greater"
    assert rejected["error"] == f"inputBlocks[0].id {limit}, but is {block}"


def test_a_block_id_is_not_used_twice(own_server: Any) -> None:
    blocks = {"inputBlocks": [{**INPUT, "id": 2**31 - 2}]}
    assert own_server.json("POST", "/1/impulse", json=blocks)["success"]
    assert own_server.json("POST", "/1/impulse/get-new-block-id")["blockId"] == 2**31 - 1
    assert "No block id is left" in own_server.json("POST", "/1/impulse/get-new-block-id")["error"]


@pytest.mark.parametrize("depth", [101, 900, 100_000])
def test_deeply_nested_metadata_of_a_project_is_rejected(server: Any, depth: int) -> None:
    body = f'{{"metadata":{{"a":{"[" * depth}NaN{"]" * depth}}}}}'
    assert server.call("POST", "/1", data=body.encode()).status_code == 400
    assert server.call("GET", "/1").status_code == 200


def test_metadata_with_the_deepest_allowed_nesting_is_returned(own_server: Any) -> None:
    body = f'{{"metadata":{{"a":{"[" * 98}NaN{"]" * 98}}}}}'
    assert own_server.json("POST", "/1", data=body.encode())["success"]
    assert own_server.call("GET", "/1").status_code == 200


@pytest.mark.parametrize("folds", ["abc", {}, [], 1, -1, 1e300, 2.5, 101])
def test_an_invalid_number_of_folds_is_rejected(folds: Any) -> None:
    with pytest.raises(ApiError, match="numFolds"):
        parse(KerasRequest, {"kFoldsValidationConfig": {"numFolds": folds}})


@pytest.mark.parametrize(
    ("folds", "stored"), [(0, {"numFolds": 0}), (5, {"numFolds": 5}), ("5.0", {"numFolds": 5}), (None, {})]
)
def test_a_valid_number_of_folds_is_stored_as_a_number(folds: Any, stored: Any) -> None:
    assert parse(KerasRequest, {"kFoldsValidationConfig": {"numFolds": folds}}).sent() == {
        "kFoldsValidationConfig": stored
    }


@pytest.mark.parametrize("seed", ["²", "٣", "4294967296", 2**32, "", "-1", "1.0", 1.0, None, "9" * 5000])
def test_an_invalid_seed_is_rejected(seed: Any) -> None:
    with pytest.raises(ApiError, match="seed"):
        parse(KerasRequest, {"customParameters": {"seed": seed}})


@pytest.mark.parametrize("seed", ["0", 7, "4294967295"])
def test_a_valid_seed_is_stored_as_sent(seed: Any) -> None:
    assert parse(KerasRequest, {"customParameters": {"seed": seed}}).sent() == {"customParameters": {"seed": seed}}


@pytest.mark.parametrize("path", ["raw-data/{}", "raw-data/{}/original"])
def test_a_negative_limit_on_values_is_rejected(server: Any, sample: int, path: str) -> None:
    rejected = server.json("GET", f"/1/{path.format(sample)}?limitPayloadValues=-1")
    assert rejected == {"success": False, "error": "limitPayloadValues must be 0 or greater, but is '-1'"}


@pytest.mark.parametrize("name", ["block", "samples", "sampling_frequency", "n_samples", "windows", "nonsense"])
def test_a_parameter_cannot_replace_an_argument_of_the_request(name: str) -> None:
    block = dsp.block_types()[0]
    request = {"operation": "run", "block": block, "samples": 16000, "frequency": 16000.0, "version": 1}
    response = respond({**request, "values": [0.0] * 16000, "params": {name: "1"}})
    assert response == {"error": f"The {block} block has no parameter {name!r}"}
