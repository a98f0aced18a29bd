"""The values of uploaded files: signatures, values that cannot be sound, and channels that are mixed."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
from typing import Any

import cbor2
import numpy as np
import pytest
import soundfile
from studio_in_process import Api

from ei_toolkit.studio.http.app import ingestion_app

RATE = 16_000
TONE = 0.3 * np.sin(2 * np.pi * 440 * np.arange(1600) / RATE)


def outcome(api: Api, name: str, content: bytes, **headers: str) -> dict[str, Any]:
    sent = {"x-api-key": api.keys["admin"], **headers}
    files = [("data", (name, content, "application/octet-stream"))]
    found: list[dict[str, Any]] = api.send(
        ingestion_app(api.studio), "POST", "/api/training/files", files=files, headers=sent
    ).json()["files"]
    return found[0]


def stored(api: Api, name: str, content: bytes) -> dict[str, Any]:
    found = outcome(api, name, content)
    assert found["success"], found
    return api.json("GET", f"/1/raw-data/{found['sampleId']}")


def wav(values: Any, subtype: str = "FLOAT") -> bytes:
    """A WAV file of values in −1…1, shape (n,) or (n, channels)."""
    out = io.BytesIO()
    soundfile.write(out, np.asarray(values), RATE, format="WAV", subtype=subtype)
    return out.getvalue()


def acquisition(key: str, **changes: Any) -> dict[str, Any]:
    """A data acquisition file, signed as the official examples do: with zeros in place of the signature."""
    payload = {"device_type": "NANO", "interval_ms": 1, "sensors": [{"name": "x", "units": "u"}], "values": [1, 2]}
    document = {"protected": {"ver": "v1", "alg": "HS256"}, "signature": "0" * 64, "payload": payload, **changes}
    signature = hmac.new(key.encode(), json.dumps(document).encode(), hashlib.sha256).hexdigest()
    return {**document, "signature": signature}


def project_key(api: Api) -> str:
    return str(api.json("GET", "/1/devkeys/hmac")["hmacKey"])


def test_a_signature_with_the_key_of_the_project_is_valid(api: Api) -> None:
    document = acquisition(project_key(api))
    assert stored(api, "a.json", json.dumps(document).encode())["sample"]["signatureValidate"] is True


def test_a_cbor_file_is_signed_in_the_same_way(api: Api) -> None:
    document = {**acquisition(""), "signature": "0" * 64}
    signature = hmac.new(project_key(api).encode(), cbor2.dumps(document), hashlib.sha256).hexdigest()
    signed = cbor2.dumps({**document, "signature": signature})
    assert stored(api, "a.cbor", signed)["sample"]["signatureValidate"] is True


@pytest.mark.parametrize(
    "change",
    [
        {"signature": "0" * 64}, {"signature": None}, {"signature": ""}, {"signature": 5}, {"signature": "z" * 64},
        {"protected": {"ver": "v1", "alg": "none"}}, {"protected": {"alg": "RS256"}}, {"protected": "HS256"},
        {"protected": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_file_without_a_valid_signature_is_stored_and_marked(api: Api, change: dict[str, Any]) -> None:
    document = {**acquisition(project_key(api)), **change}
    assert stored(api, "a.json", json.dumps(document).encode())["sample"]["signatureValidate"] is False


def test_a_file_that_was_changed_after_it_was_signed_is_marked(api: Api) -> None:
    text = json.dumps(acquisition(project_key(api))).replace("[1, 2]", "[1, 3]")
    assert stored(api, "a.json", text.encode())["sample"]["signatureValidate"] is False
    other = json.dumps(acquisition("f" * 32)).encode()  # signed with another key
    assert stored(api, "b.json", other)["sample"]["signatureValidate"] is False


def test_a_wav_needs_no_signature(api: Api, make_noise: Any) -> None:
    assert stored(api, "a.wav", make_noise(1))["sample"]["signatureValidate"] is True


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (np.nan, "bad.wav: holds values that are not numbers"), (np.inf, "bad.wav: holds values that are not numbers"),
        (1e300, "bad.wav: holds values that are not numbers"),
        (9830.0, "bad.wav: samples up to 9,830, expected −1 to 1. Divide by 32768"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_values_that_cannot_be_sound_are_rejected_as_slice_rejects_them(
    api: Api, value: float, reason: str, subtype: str
) -> None:
    values = TONE.copy()
    with np.errstate(over="ignore"):
        values[700] = value
        found = outcome(api, "bad.wav", wav(values.astype(np.float32 if subtype == "FLOAT" else np.float64), subtype))
    assert found["success"] is False and found["error"].startswith(reason), found
    assert api.json("GET", "/1/raw-data/count?category=all")["count"] == 0


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE", "PCM_16", "PCM_24", "PCM_32"])
def test_every_encoding_has_the_same_values(api: Api, subtype: str) -> None:
    values = np.ravel(stored(api, f"{subtype}.wav", wav(TONE, subtype))["payload"]["values"])
    np.testing.assert_allclose(values, TONE * 32768, atol=1)


def test_the_channels_of_a_stereo_file_are_mixed_to_one_axis(api: Api) -> None:
    other = np.random.default_rng(1).uniform(-0.3, 0.3, len(TONE))
    content = wav(np.stack([TONE, other], 1), "PCM_16")
    found = stored(api, "stereo.wav", content)
    assert found["sample"]["sensors"] == [{"index": 0, "name": "audio", "units": "wav"}]
    assert found["sample"]["valuesCount"] == 1600
    np.testing.assert_allclose(np.ravel(found["payload"]["values"]), (TONE + other) * 16384, atol=1)
    assert api.call("GET", f"/1/raw-data/{found['sample']['id']}/wav").content == content  # the file as it was sent


def test_channels_that_cancel_each_other_are_rejected(api: Api) -> None:
    found = outcome(api, "antiphase.wav", wav(np.stack([TONE, -TONE], 1), "PCM_16"))
    assert found["error"].startswith("antiphase.wav: the channels cancel each other in their mean")


@pytest.mark.parametrize("name", ["song.mp3", "song.flac", "empty.wav", "empty.csv"])
def test_a_file_that_only_eitk_upload_reads_is_rejected_with_that_hint(api: Api, name: str) -> None:
    content = b"" if name.startswith("empty") else b"fLaC or others"
    assert (
        "cannot be read; WAV, JSON, CBOR and CSV are accepted, and eitk upload converts"
        in outcome(api, name, content)["error"]
    )


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-8"])
def test_json_is_read_in_every_encoding_with_or_without_a_byte_order_mark(api: Api, encoding: str) -> None:
    text = "\n " + json.dumps(acquisition(""))
    assert stored(api, "a.json", text.encode(encoding))["payload"]["values"] == [[1.0], [2.0]]


def test_a_csv_time_series_is_stored_as_it_is_and_read(api: Api) -> None:
    content = b"timestamp,accX (g),accY\n0,1,2\n16,3,4\n32,5,6.5\n"
    found = stored(api, "idle.01.csv", content)
    sample = found["sample"]
    assert (sample["label"], sample["intervalMs"], sample["valuesCount"]) == ("idle", 16.0, 3)
    assert [(sensor["name"], sensor["units"]) for sensor in sample["sensors"]] == [("accX", "g"), ("accY", "N/A")]
    assert found["payload"]["values"] == [[1.0, 2.0], [3.0, 4.0], [5.0, 6.5]]
    assert api.call("GET", f"/1/raw-data/{sample['id']}/raw").content == content


def test_the_labels_of_a_csv_time_series_are_structured_labels(api: Api) -> None:
    content = b"timestamp,x,label\n0,1,on\n10,2,on\n20,3,off\n"
    sample = stored(api, "run.csv", content)["sample"]
    assert sample["structuredLabels"] == [
        {"startIndex": 0, "endIndex": 1, "label": "on"}, {"startIndex": 2, "endIndex": 2, "label": "off"},
    ]  # fmt: skip
    one = stored(api, "run.csv", b"timestamp,x,label\n0,1,on\n10,2,on\n")["sample"]
    assert (one["label"], "structuredLabels" in one) == ("on", False)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a,b\n1,2\n3,4\n", "x.csv: has no timestamp column"),
        (b"timestamp,x\n0,1\n1,1e300\n", "x.csv: line 3: the column x: '1e300' is too large"),
    ],
)
def test_a_csv_file_that_cannot_be_read_has_its_own_reason(api: Api, content: bytes, reason: str) -> None:
    assert outcome(api, "x.csv", content)["error"].startswith(reason)


def test_json_is_read_whatever_the_suffix(api: Api) -> None:
    """The official SDK sends JSON as application/cbor."""
    assert stored(api, "a.cbor", json.dumps(acquisition("")).encode())["sample"]["valuesCount"] == 2
    assert stored(api, "a.json", cbor2.dumps(acquisition("")))["sample"]["valuesCount"] == 2


def test_samples_are_listed_by_the_validity_of_their_signature(api: Api) -> None:
    stored(api, "valid.json", json.dumps(acquisition(project_key(api))).encode())
    stored(api, "wrong.json", json.dumps(acquisition("0")).encode())
    for validity, names in (("valid", ["valid"]), ("invalid", ["wrong"]), ("both", ["wrong", "valid"])):
        listed = api.json("GET", "/1/raw-data", params={"category": "training", "signatureValidity": validity})
        assert [sample["filename"] for sample in listed["samples"]] == names
    refused = api.call("GET", "/1/raw-data", params={"category": "training", "signatureValidity": "perhaps"})
    assert "signatureValidity must be one of both, valid, invalid" in refused.json()["error"]
