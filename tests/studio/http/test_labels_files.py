"""Labels files beside uploaded files: what `info.labels` and its siblings decide, and what is rejected by name."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest
from studio_in_process import Api

from ei_toolkit.studio.http.app import ingestion_app
from ei_toolkit.studio.http.errors import ApiError, Malformed
from ei_toolkit.studio.http.info_labels import Descriptions, describe, read_entries
from ei_toolkit.studio.http.ingestion import LARGEST_LABELS_FILE

Files = list[tuple[str, bytes]]
ENTRY = {"path": "training/q.wav", "category": "testing", "label": {"type": "label", "label": "rock"}}
RANGES = [{"startIndex": 0, "endIndex": 799, "label": "jazz"}, {"startIndex": 800, "endIndex": 1599, "label": "noise"}]


def post(api: Api, files: Files, category: str = "training", **headers: str) -> httpx.Response:
    parts = [("data", (name, content, "audio/wav")) for name, content in files]
    sent = {"x-api-key": api.keys["ingestiononly"], **{key.replace("_", "-"): value for key, value in headers.items()}}
    return api.send(ingestion_app(api.studio), "POST", f"/api/{category}/files", files=parts, headers=sent)


def outcomes(api: Api, files: Files, category: str = "training", **headers: str) -> list[dict[str, Any]]:
    response = post(api, files, category, **headers)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["files"]
    return found


def info(*entries: Any, version: Any = 1) -> tuple[str, bytes]:
    return "info.labels", json.dumps({"version": version, "files": list(entries)}).encode()


def sample(api: Api, outcome: dict[str, Any]) -> dict[str, Any]:
    assert outcome["success"], outcome
    found: dict[str, Any] = api.json("GET", f"/1/raw-data/{outcome['sampleId']}?limitPayloadValues=1")["sample"]
    return found


def test_category_label_metadata_and_name_are_those_of_info_labels(api: Api, make_noise: Any) -> None:
    described = info({**ENTRY, "name": "gtzan.rock.1", "metadata": {"artist": "A", "fold": 3}})
    [outcome] = outcomes(
        api, [("q.wav", make_noise(1)), described], x_label="wrong", x_metadata='{"artist":"B","source":"gtzan"}'
    )
    assert outcome["fileName"] == "q.wav"  # as it was sent
    stored = sample(api, outcome)
    assert (stored["filename"], stored["label"], stored["category"]) == ("gtzan.rock.1", "rock", "testing")
    assert stored["metadata"] == {"artist": "A", "fold": "3", "source": "gtzan"}


def test_what_info_labels_leaves_out_is_that_of_the_request(api: Api, make_noise: Any) -> None:
    files = [("a.wav", make_noise(1)), ("b.wav", make_noise(2)), info({"path": "a.wav"})]
    both = [sample(api, outcome) for outcome in outcomes(api, files, "testing", x_label="jazz")]
    assert [(one["filename"], one["label"], one["category"]) for one in both] == [
        ("a", "jazz", "testing"), ("b", "jazz", "testing"),
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["q.wav", "training\\sub\\q.wav", "./a/b/q.wav", "C:\\data\\q.wav"])
def test_a_file_is_found_by_the_last_part_of_its_path(api: Api, make_noise: Any, path: str) -> None:
    [outcome] = outcomes(api, [("q.wav", make_noise(1)), info({**ENTRY, "path": path})])
    assert sample(api, outcome)["label"] == "rock"


def test_files_of_one_name_are_described_in_their_order(api: Api, make_noise: Any) -> None:
    described = info(
        {"path": "training/1.wav", "category": "training", "label": "rock"},
        {"path": "testing/1.wav", "category": "testing", "label": "jazz"},
    )
    both = outcomes(api, [("1.wav", make_noise(1)), ("1.wav", make_noise(2)), described])
    assert [sample(api, one)["label"] for one in both] == ["rock", "jazz"]
    assert [sample(api, one)["category"] for one in both] == ["training", "testing"]


@pytest.mark.parametrize(
    ("label", "stored"),
    [({"type": "unlabeled"}, ""), ("hip hop", "hip hop"), (5.02, "5.02"), ({"label": " rock "}, "rock"), (None, "q")],
)
def test_every_form_of_a_label(api: Api, make_noise: Any, label: Any, stored: str) -> None:
    [outcome] = outcomes(api, [("q.wav", make_noise(1)), info({**ENTRY, "label": label})])
    assert sample(api, outcome)["label"] == stored


def test_a_multi_label_entry_labels_ranges(api: Api, make_noise: Any) -> None:
    [outcome] = outcomes(
        api, [("q.wav", make_noise(1)), info({**ENTRY, "label": {"type": "multi-label", "labels": RANGES}})]
    )
    stored = sample(api, outcome)
    assert (stored["structuredLabels"], stored["label"], stored["category"]) == (RANGES, "jazz, noise", "testing")


def test_structured_labels_and_info_labels_of_one_request_complete_each_other(api: Api, make_noise: Any) -> None:
    structured = json.dumps({"version": 1, "type": "structured-labels", "structuredLabels": {"q.wav": RANGES}})
    files = [
        ("q.wav", make_noise(1)),
        ("structured_labels.labels", structured.encode()),
        info({**ENTRY, "label": None}),
    ]
    stored = sample(api, outcomes(api, files)[0])
    assert (stored["structuredLabelsList"], stored["category"]) == (["jazz", "noise"], "testing")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"path": "q.wav", "category": "train"}, "category must be .*'split', but is 'train'"),
        ({"path": "q.wav", "label": {"type": "keyvalue-labels"}}, "label.type must be .*, but is 'keyvalue-labels'"),
        ({"path": "q.wav", "label": {"type": "label"}}, "has no text as label"),
        (
            {"path": "q.wav", "label": {"type": "multi-label", "labels": []}},
            "of the type multi-label and has no labels",
        ),
        ({"path": "q.wav", "label": ["rock"]}, r"label must be an object, but is \['rock'\]"),
        ({"path": "q.wav", "metadata": "fold 3"}, "metadata must be an object, but is 'fold 3'"),
        ({"path": "q.wav", "boundingBoxes": [{"x": 1}]}, "bounding boxes"),
        (
            {"path": "q.wav", "label": {"type": "multi-label", "labels": [{**RANGES[0], "endIndex": 9999}]}},
            "from index 0 to 9999 is outside the sample, which has 1600 values",
        ),
    ],
)
def test_an_entry_that_is_not_valid_rejects_its_file_only(
    api: Api, make_noise: Any, entry: dict[str, Any], reason: str
) -> None:
    wrong, right = outcomes(api, [("q.wav", make_noise(1)), ("other.wav", make_noise(2)), info(entry)])
    assert (wrong["success"], wrong["fileName"]) == (False, "q.wav")
    assert re.search(reason, wrong["error"]), wrong
    assert right["success"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("info.labels", b"{", "info.labels is no valid JSON"),
        ("info.labels", b"[]", "info.labels is not a JSON object"),
        ("info.labels", b'{"version": 2, "files": []}', "info.labels has version 2; version 1 is supported"),
        ("info.labels", b'{"version": 1, "files": {}}', "info.labels has no list of files"),
        ("bounding_boxes.labels", b"boxes", "bounding_boxes.labels cannot be read"),
        ("structured_labels.labels", b"[]", "structured_labels.labels cannot be read"),
        ("label_map.labels", b"{}", "label_map.labels is not supported"),
    ],
)  # fmt: skip
def test_a_labels_file_that_cannot_be_used_is_named_and_nothing_is_stored(
    api: Api, make_noise: Any, name: str, content: bytes, reason: str
) -> None:
    document = post(api, [("q.wav", make_noise(1)), (name, content)]).json()
    assert document["success"] is False and reason in document["error"], document
    assert api.json("GET", "/1/raw-data/count?category=all")["count"] == 0


def test_a_labels_file_that_is_too_large_is_named(api: Api, make_noise: Any) -> None:
    response = post(api, [("q.wav", make_noise(1)), ("info.labels", bytes(LARGEST_LABELS_FILE + 1))])
    assert response.status_code == 413
    assert response.json()["error"] == "info.labels has more than the 16 MiB that are accepted"


def test_a_file_with_bounding_boxes_is_rejected_by_name_and_empty_lists_are_accepted(api: Api, make_noise: Any) -> None:
    boxes = {"q.wav": [{"label": "cat", "x": 0, "y": 0, "width": 5, "height": 5}], "r.wav": []}
    document = json.dumps({"version": 1, "type": "bounding-box-labels", "boundingBoxes": boxes}).encode()
    wrong, right = outcomes(
        api, [("q.wav", make_noise(1)), ("r.wav", make_noise(2)), ("bounding_boxes.labels", document)]
    )
    assert wrong["error"] == "bounding_boxes.labels has bounding boxes for it, which the local studio does not support"
    assert right["success"]


def test_a_byte_order_mark_before_info_labels_is_read() -> None:
    assert read_entries(b"\xef\xbb\xbf" + info(ENTRY)[1]) == [ENTRY]


def test_entries_that_are_no_objects_describe_no_file() -> None:
    descriptions = Descriptions([None, 3, {"path": 4}, ENTRY])
    found = descriptions.take("q.wav")
    assert found is not None and (found.path, found.filename) == ("training/q.wav", "q.wav")
    assert descriptions.take("other.wav") is None
    with pytest.raises(ApiError, match=r"its entry in info\.labels is not an object"):
        describe(None)
    with pytest.raises(Malformed, match="no valid JSON"):
        read_entries(b"\xff\xfe{")


@pytest.mark.parametrize(
    ("name", "filename"),
    [(None, "q.wav"), ("gtzan.rock.1", "gtzan.rock.1.wav"), ("rock.WAV", "rock.WAV"), ("a/b\\c", "c.wav")],
)
def test_the_file_name_of_a_sample(name: str | None, filename: str) -> None:
    assert describe({**ENTRY, "name": name}).filename == filename
