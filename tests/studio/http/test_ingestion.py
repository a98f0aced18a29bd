"""Uploads in the forms that the official clients send."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
import requests


def sample_of(server: Any, outcome: dict[str, Any]) -> dict[str, Any]:
    return server.json("GET", f"/1/raw-data/{outcome['sampleId']}?limitPayloadValues=1")["sample"]


def test_a_wav_is_stored_as_a_sample_and_can_be_downloaded(server: Any, make_noise: Any) -> None:
    wav = make_noise(1)
    [outcome] = server.upload({"rock.00001.wav": wav}, x_label="rock").json()["files"]
    sample = sample_of(server, outcome)
    assert (sample["filename"], sample["label"], sample["category"]) == ("rock.00001", "rock", "training")
    assert (sample["frequency"], sample["valuesCount"]) == (16000.0, 1600)
    assert server.call("GET", f"/1/raw-data/{outcome['sampleId']}/wav").content == wav
    assert server.call("GET", f"/1/raw-data/{outcome['sampleId']}/raw").content == wav


@pytest.mark.parametrize(
    ("sent", "label"),
    [("hip%20hop%2F%C3%A9", "hip hop/é"), ("100%", "100%"), ("rock", "rock"), ("caf\xe9", "caf\xe9"), ("%FF", "%FF")],
)
def test_labels_are_decoded_in_the_encodings_of_all_clients(
    server: Any, make_noise: Any, sent: str, label: str
) -> None:
    [outcome] = server.upload({"a.wav": make_noise(hash(sent) % 10**6)}, x_label=sent.encode("latin-1")).json()["files"]
    assert sample_of(server, outcome)["label"] == label


def test_a_label_in_raw_utf8_is_decoded(server: Any, make_noise: Any) -> None:
    [outcome] = server.upload({"a.wav": make_noise(2)}, x_label="Größe".encode()).json()["files"]
    assert sample_of(server, outcome)["label"] == "Größe"


def test_the_label_is_taken_from_the_file_name_unless_there_is_none(server: Any, make_noise: Any) -> None:
    files = server.upload({"blues.00000.wav": make_noise(3)}).json()["files"]
    files += server.upload({"blues.00001.wav": make_noise(4)}, x_label="", x_no_label="1").json()["files"]
    assert [sample_of(server, file)["label"] for file in files] == ["blues", ""]


def test_a_duplicate_is_an_error_of_its_file_with_the_documented_message(server: Any, make_noise: Any) -> None:
    [first] = server.upload({"d.wav": make_noise(5)}).json()["files"]
    again = server.upload({"e.wav": make_noise(5), "f.wav": make_noise(6)}, x_disallow_duplicates="1")
    assert again.status_code == 200
    wrong, right = again.json()["files"]
    assert wrong["error"] == f"An item with this hash already exists (ids: {first['sampleId']})"
    assert right["success"]
    assert server.upload({"g.wav": make_noise(5)}).json()["files"][0]["success"]  # without the header it is allowed


def test_the_same_file_twice_in_one_request_is_a_duplicate_too(server: Any, make_noise: Any) -> None:
    same = make_noise(7)
    first, second = server.upload({"h.wav": same, "i.wav": same}, x_disallow_duplicates="true").json()["files"]
    assert second["error"] == f"An item with this hash already exists (ids: {first['sampleId']})"


def test_a_part_without_a_boundary_in_its_type_is_read(server: Any, make_noise: Any) -> None:
    parts = [("data", ("sdk.wav", make_noise(8), "multipart/form-data"))]
    headers = {"x-api-key": server.keys["admin"]}
    assert requests.post(f"{server.ingestion}/training/files", files=parts, headers=headers, timeout=10).json()[
        "files"
    ][0]["success"]


def test_a_labels_file_is_not_a_sample(server: Any, make_noise: Any) -> None:
    ranges = [
        {"startIndex": 0, "endIndex": 799, "label": "jazz"},
        {"startIndex": 800, "endIndex": 1599, "label": "noise"},
    ]
    labels_file = json.dumps({"version": 1, "type": "structured-labels", "structuredLabels": {"m.wav": ranges}})
    files = server.upload({"m.wav": make_noise(9), "structured_labels.labels": labels_file.encode()}).json()["files"]
    assert len(files) == 1
    sample = sample_of(server, files[0])
    assert sample["structuredLabels"] == ranges
    assert sample["structuredLabelsList"] == ["jazz", "noise"]


def test_the_split_depends_on_the_content_and_is_about_four_to_one(server: Any, make_noise: Any) -> None:
    files = {f"s{n}.wav": make_noise(1000 + n, 16) for n in range(300)}
    ids = [file["sampleId"] for file in server.upload(files, category="split").json()["files"]]
    listed = server.json("GET", "/1/raw-data?category=testing&limit=1000")["samples"]
    share = len({sample["id"] for sample in listed} & set(ids)) / len(ids)
    assert 0.12 < share < 0.28
    again = server.upload({"s0.wav": files["s0.wav"]}, category="split").json()["files"][0]
    assert sample_of(server, again)["category"] == sample_of(server, {"sampleId": ids[0]})["category"]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("text.wav", b"not audio at all", "cannot be read"), ("empty.wav", b"", "cannot be read"),
        ("cut.wav", b"RIFF\x00\x10\x00\x00WAVEfmt ", "no samples"), ("photo.png", b"\x89PNG", "cannot be read"),
        ("bad.json", b'{"payload": 3}', "acquisition format"), ("bad.cbor", b"\xbf\xff", "acquisition format"),
    ],
)  # fmt: skip
def test_an_unreadable_file_is_rejected_by_name_and_not_stored(
    server: Any, name: str, data: bytes, reason: str
) -> None:
    before = server.json("GET", "/1/raw-data/count?category=all")["count"]
    [outcome] = server.upload({name: data}).json()["files"]
    assert outcome["success"] is False and reason in outcome["error"], outcome
    assert server.json("GET", "/1/raw-data/count?category=all")["count"] == before
    assert not list((server.data / "incoming").iterdir())


def test_acquisition_files_are_read_from_json_and_cbor(server: Any) -> None:
    payload = {"device_type": "NANO33BLE", "interval_ms": 0.0625, "sensors": [{"name": "audio", "units": "wav"}]}
    document = {
        "protected": {"ver": "v1", "alg": "none"},
        "signature": None,
        "payload": {**payload, "values": [0, 1, -5]},
    }
    [outcome] = server.upload({"d.json": json.dumps(document).encode()}, x_label="rock").json()["files"]
    found = server.json("GET", f"/1/raw-data/{outcome['sampleId']}")
    assert found["payload"]["values"] == [[0.0], [1.0], [-5.0]]
    assert found["sample"]["deviceType"] == "NANO33BLE"


def test_the_legacy_route_accepts_a_raw_body_with_a_name(server: Any, make_noise: Any) -> None:
    headers = {"x-api-key": server.keys["ingestiononly"], "x-label": "rock"}
    url = f"{server.ingestion}/training/data"
    assert requests.post(url, data=make_noise(11), headers=headers, timeout=10).status_code == 421
    named = {**headers, "x-file-name": "legacy.wav"}
    assert requests.post(url, data=make_noise(11), headers=named, timeout=10).text == "legacy.wav"
    twice = requests.post(url, data=make_noise(11), headers={**named, "x-disallow-duplicates": "1"}, timeout=10)
    assert twice.status_code == 400 and "An item with this hash already exists" in twice.text


@pytest.mark.parametrize("body", [b"", b"--x\r\n", b"--x--\r\n", b"garbage"])
def test_an_invalid_multipart_body_is_rejected_and_leaves_no_file(server: Any, body: bytes) -> None:
    headers = {"x-api-key": server.keys["admin"], "Content-Type": "multipart/form-data; boundary=x"}
    answer = requests.post(f"{server.ingestion}/training/files", data=body, headers=headers, timeout=10)
    assert answer.json()["success"] is False
    assert not list((server.data / "incoming").iterdir())


def test_metadata_is_returned_and_can_be_filtered(server: Any, make_noise: Any) -> None:
    metadata = quote(json.dumps({"artist": "Åse", "fold": 3}))
    [outcome] = server.upload({"n.wav": make_noise(12)}, x_metadata=metadata).json()["files"]
    assert sample_of(server, outcome)["metadata"] == {"artist": "Åse", "fold": "3"}
    wanted = json.dumps([{"key": "artist", "op": "eq", "values": ["Åse"]}])
    found = server.json("GET", "/1/raw-data", params={"category": "training", "metadata": wanted})
    assert [sample["id"] for sample in found["samples"]] == [outcome["sampleId"]]


def test_deleting_keeps_content_that_another_sample_uses(server: Any, make_noise: Any) -> None:
    one, two = (server.upload({f"k{n}.wav": make_noise(13)}).json()["files"][0]["sampleId"] for n in range(2))
    server.json("DELETE", f"/1/raw-data/{one}")
    assert server.call("GET", f"/1/raw-data/{two}/raw").content == make_noise(13)
    server.json("DELETE", f"/1/raw-data/{two}")
    assert "No sample" in server.json("GET", f"/1/raw-data/{two}")["error"]
