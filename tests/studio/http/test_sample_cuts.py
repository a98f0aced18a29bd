"""Cropping samples, cutting them into segments, and restoring what was uploaded."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import numpy as np
import pytest
import soundfile
from official_client import OfficialClient
from studio_in_process import Api

from ei_toolkit.audio.wav import wav_bytes

RATE = 16000
RAMP = np.arange(1600, dtype=np.int16)


@pytest.fixture
def sample(api: Api) -> int:
    """A WAV file whose value at index n is n."""
    [id_] = api.upload({"ramp.wav": wav_bytes(RAMP, RATE)}, x_label="rock", x_metadata='{"artist": "x"}')
    return id_


def values(api: Api, sample: int, path: str = "") -> list[float]:
    payload = api.fields("GET", f"/1/raw-data/{sample}{path}")["payload"]
    return [row[0] for row in payload["values"]]


def crop(api: Api, sample: int, start: int, end: int) -> None:
    api.fields("POST", f"/1/raw-data/{sample}/crop", json={"cropStart": start, "cropEnd": end})


def listed(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.fields("GET", "/1/raw-data?sortBy=id-asc")["samples"]
    return found


def test_a_cropped_sample_has_the_values_of_the_range_and_its_length(api: Api, sample: int) -> None:
    crop(api, sample, 100, 900)
    [one] = listed(api)
    assert (one["id"], one["valuesCount"], one["totalLengthMs"], one["isCropped"]) == (sample, 800, 50.0, True)
    assert values(api, sample) == list(range(100, 900))
    audio, rate = soundfile.read(io.BytesIO(api.call("GET", f"/1/raw-data/{sample}/wav").content), dtype="int16")
    assert rate == RATE and audio.tolist() == list(range(100, 900))


def test_the_original_of_a_cropped_sample_stays_and_is_what_the_next_crop_refers_to(api: Api, sample: int) -> None:
    crop(api, sample, 100, 900)
    assert values(api, sample, "/original") == list(range(1600))
    crop(api, sample, 50, 1000)
    assert values(api, sample) == list(range(50, 1000))


def test_the_whole_range_restores_the_uploaded_file(api: Api, sample: int) -> None:
    before = listed(api)
    crop(api, sample, 100, 900)
    crop(api, sample, 0, 1600)
    after = listed(api)
    assert after[0].pop("lastModified") >= before[0].pop("lastModified")
    assert after == before
    assert api.call("GET", f"/1/raw-data/{sample}/raw").content == wav_bytes(RAMP, RATE)


def test_the_file_of_a_cropped_sample_is_still_a_duplicate(api: Api, sample: int) -> None:
    crop(api, sample, 100, 900)
    with pytest.raises(AssertionError, match=rf"ids: {sample}"):
        api.upload({"again.wav": wav_bytes(RAMP, RATE)}, x_disallow_duplicates="1")


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 5), (6, 5), (0, 1601)])
def test_a_range_outside_of_the_recording_is_refused(api: Api, sample: int, start: int, end: int) -> None:
    error = api.error("POST", f"/1/raw-data/{sample}/crop", json={"cropStart": start, "cropEnd": end})
    assert error == f"The range {start} to {end} is not a part of the recording, which has 1600 values"
    assert not listed(api)[0]["isCropped"]


def test_former_crops_are_erased_and_nothing_is_left_of_a_deleted_sample(api: Api, sample: int) -> None:
    crop(api, sample, 100, 900)
    crop(api, sample, 200, 900)
    packs = api.data / "packs"
    assert len(list(packs.iterdir())) == 2
    api.fields("DELETE", f"/1/raw-data/{sample}")
    assert list(packs.iterdir()) == []


def test_labelled_ranges_move_with_a_crop(api: Api, sample: int) -> None:
    ranges = [
        {"startIndex": 0, "endIndex": 799, "label": "voice"},
        {"startIndex": 800, "endIndex": 1599, "label": "noise"},
    ]
    api.fields("POST", f"/1/raw-data/{sample}/structured-labels", json={"structuredLabels": ranges})
    crop(api, sample, 700, 1000)
    [one] = listed(api)
    assert one["structuredLabels"] == [
        {"startIndex": 0, "endIndex": 99, "label": "voice"},
        {"startIndex": 100, "endIndex": 299, "label": "noise"},
    ]
    crop(api, sample, 900, 1000)
    assert listed(api)[0]["label"] == "noise"


@pytest.mark.parametrize("bits", [8, 24, 32])
def test_a_crop_keeps_the_encoding_and_the_channels(api: Api, bits: int) -> None:
    audio = np.stack([np.linspace(-0.5, 0.5, 200), np.linspace(0.4, -0.2, 200)], axis=1)
    file = io.BytesIO()
    kind = {8: "PCM_U8", 24: "PCM_24", 32: "FLOAT"}[bits]
    soundfile.write(file, audio, RATE, subtype=kind, format="WAV")
    [id_] = api.upload({"two.wav": file.getvalue()})
    crop(api, id_, 50, 101)
    content = api.call("GET", f"/1/raw-data/{id_}/raw").content
    info = soundfile.info(io.BytesIO(content))
    assert (info.channels, info.frames, info.subtype) == (2, 51, kind)
    whole, _ = soundfile.read(io.BytesIO(file.getvalue()))
    cut, _ = soundfile.read(io.BytesIO(content))
    assert np.array_equal(cut, whole[50:101])
    assert struct.unpack("<I", content[4:8])[0] == len(content) - 8


def test_a_recording_of_sensors_is_cropped_too(api: Api) -> None:
    rows = [[float(n), -float(n)] for n in range(20)]
    sensors = [{"name": "x", "units": "g"}, {"name": "y", "units": "g"}]
    payload = {"device_type": "T", "interval_ms": 10, "sensors": sensors, "values": rows}
    document = {"protected": {"ver": "v1", "alg": "none"}, "signature": "", "payload": payload}
    [id_] = api.upload({"motion.json": json.dumps(document).encode()})
    crop(api, id_, 5, 8)
    assert api.fields("GET", f"/1/raw-data/{id_}")["payload"]["values"] == rows[5:8]
    assert listed(api)[0]["totalLengthMs"] == 30.0


def test_segments_replace_a_sample_and_each_can_be_extended_to_the_original(api: Api, sample: int) -> None:
    spans = [{"startMs": 10, "endMs": 30}, {"startMs": 50, "endMs": 100}]
    api.fields("POST", f"/1/raw-data/{sample}/segment", json={"segments": spans})
    first, second = listed(api)
    assert [first["filename"], second["filename"]] == ["ramp.s1", "ramp.s2"]
    assert {(one["label"], one["metadata"]["artist"], one["category"]) for one in (first, second)} == {
        ("rock", "x", "training")
    }
    assert values(api, first["id"]) == list(range(160, 480))
    assert values(api, second["id"]) == list(range(800, 1600))
    crop(api, second["id"], 0, 1600)
    assert values(api, second["id"]) == list(range(1600))
    api.fields("DELETE", f"/1/raw-data/{second['id']}")
    assert values(api, first["id"], "/original") == list(range(1600))


def test_a_segment_of_a_cropped_sample_counts_from_its_start(api: Api, sample: int) -> None:
    crop(api, sample, 320, 1600)
    api.fields("POST", f"/1/raw-data/{sample}/segment", json={"segments": [{"startMs": 10, "endMs": 20}]})
    [one] = listed(api)
    assert values(api, one["id"]) == list(range(480, 640))


def test_a_segment_outside_of_the_sample_is_refused_and_the_sample_stays(api: Api, sample: int) -> None:
    spans = [{"startMs": 0, "endMs": 20}, {"startMs": 90, "endMs": 110}]
    error = api.error("POST", f"/1/raw-data/{sample}/segment", json={"segments": spans})
    assert error == "The segment from 90 to 110 ms is not inside the sample, which has 100 ms"
    assert [one["id"] for one in listed(api)] == [sample]
    assert "segments" in api.error("POST", f"/1/raw-data/{sample}/segment", json={"segments": []})


def test_content_is_kept_for_each_sample_that_needs_it_at_a_start(api: Api, sample: int) -> None:
    from ei_toolkit.studio.store.garbage import collect_garbage

    spans = [{"startMs": 0, "endMs": 20}, {"startMs": 20, "endMs": 40}]
    api.fields("POST", f"/1/raw-data/{sample}/segment", json={"segments": spans})
    assert collect_garbage(api.studio.store) == 0
    for one in listed(api):
        assert values(api, one["id"], "/original") == list(range(1600))


def test_segments_are_found_around_loud_events(api: Api) -> None:
    audio = np.random.default_rng(0).normal(0, 20, 32000)
    for start in (6000, 22000):
        audio[start : start + 3200] += np.random.default_rng(start).normal(0, 6000, 3200)
    [id_] = api.upload({"two.wav": wav_bytes(audio.astype(np.int16), RATE)})
    request = {"shiftSegments": False, "segmentLengthMs": 500}
    found = api.fields("POST", f"/1/raw-data/{id_}/find-segments", json=request)["segments"]
    assert [(one["startMs"], one["endMs"]) for one in found] == [(225, 725), (1225, 1725)]
    shifted = [
        api.fields("POST", f"/1/raw-data/{id_}/find-segments", json={**request, "shiftSegments": True})["segments"]
        for _ in range(2)
    ]
    assert shifted[0] == shifted[1] != found
    for one, (start, end) in zip(shifted[0], ((375, 575), (1375, 1575)), strict=True):
        assert one["startMs"] <= start and end <= one["endMs"] and one["endMs"] - one["startMs"] == 500


def test_the_official_client_crops_segments_and_finds_segments(api: Api, sample: int) -> None:
    client = OfficialClient(api)
    found = client.call(
        "RawDataApi", "find_segments_in_sample", sample,
        client.model("FindSegmentSampleRequest", shiftSegments=False, segmentLengthMs=100),
    )  # fmt: skip
    assert found["segments"] == [{"startMs": 0, "endMs": 100}]
    cropped = client.call(
        "RawDataApi", "crop_sample", sample, client.model("CropSampleRequest", cropStart=0, cropEnd=800)
    )
    assert cropped["requiresProcessing"] is False
    spans = [{"startMs": 0, "endMs": 25}]
    client.call("RawDataApi", "segment_sample", sample, client.model("SegmentSampleRequest", segments=spans))
    client.call("RawDataApi", "store_segment_length", client.model("StoreSegmentLengthRequest", segmentLength=25))
    info = client.call("ProjectsApi", "get_project_info")
    assert info["acquisitionSettings"]["segmentLength"] == 25
    assert listed(api)[0]["totalLengthMs"] == 25.0
