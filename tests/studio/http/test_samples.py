"""Samples: lists, values, slices and files of one sample, and deletion."""

from __future__ import annotations

import hashlib
import io
import json
from typing import Any

import numpy as np
import pytest
import soundfile
from studio_in_process import Api

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.studio.http import samples as routes
from ei_toolkit.studio.store.sample_filter import SampleFilter

RATE = 16000
RAMP = np.arange(1000, dtype=np.int16)


def ramp(start: int = 0, count: int = 1000) -> bytes:
    """A WAV file whose values are start, start + 1, ..."""
    return wav_bytes(np.arange(start, start + count, dtype=np.int16), RATE)


def acquisition(values: Any, *names: str, interval_ms: float = 10) -> bytes:
    sensors = [{"name": name, "units": "m/s2"} for name in names]
    payload = {"device_name": "ac:87", "device_type": "NANO", "interval_ms": interval_ms, "sensors": sensors}
    header = {"protected": {"ver": "v1", "alg": "none", "iat": 0}, "signature": "0" * 64}
    return json.dumps({**header, "payload": {**payload, "values": values}}).encode()


def values_of(found: dict[str, Any]) -> list[list[float]]:
    values: list[list[float]] = found["payload"]["values"]
    return values


@pytest.fixture
def sample(api: Api) -> int:
    [id_] = api.upload({"ramp.wav": ramp()}, x_label="rock")
    return id_


def test_a_sample_is_described_with_its_times_sensors_and_hash(api: Api, sample: int) -> None:
    [found] = api.fields("GET", "/1/raw-data")["samples"]
    assert (found["id"], found["filename"], found["label"], found["category"]) == (sample, "ramp", "rock", "training")
    assert (found["frequency"], found["intervalMs"], found["valuesCount"]) == (16000, 0.0625, 1000)
    assert found["totalLengthMs"] == 62.5
    assert found["sensors"] == [{"index": 0, "name": "audio", "units": "wav"}]
    assert found["sha256Hash"] == hashlib.sha256(ramp()).hexdigest()
    assert found["isDisabled"] is False and "structuredLabels" not in found and "deviceName" not in found


def test_clients_find_the_file_name_in_the_name_of_the_storage(api: Api) -> None:
    api.upload({"rock.01.wav": ramp()})
    [found] = api.fields("GET", "/1/raw-data")["samples"]
    assert found["filename"] == "rock.01"
    name = found["coldstorageFilename"].rpartition("/")[2]
    assert name.rsplit(".", 3)[0] == "rock.01.wav"  # as the official clients do it


def test_a_list_is_cut_into_pages_and_has_the_total_number(api: Api) -> None:
    ids = api.upload({f"{n}.wav": ramp(n) for n in range(5)})
    pages = [api.fields("GET", f"/1/raw-data?limit=2&offset={offset}") for offset in (0, 2, 4, 6)]
    assert [[one["id"] for one in page["samples"]] for page in pages] == [ids[:2:-1], ids[2:0:-1], ids[:1], []]
    assert {page["totalCount"] for page in pages} == {5}


def test_a_limit_of_0_means_all_up_to_the_largest_page(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.upload({f"{n}.wav": ramp(n) for n in range(4)})
    assert len(api.fields("GET", "/1/raw-data?limit=0")["samples"]) == 4
    monkeypatch.setattr(routes, "LARGEST_PAGE", 3)
    for limit in (0, 3, 99):
        found = api.fields("GET", f"/1/raw-data?limit={limit}")
        assert (len(found["samples"]), found["totalCount"]) == (3, 4)


@pytest.mark.parametrize("query", ["limit=-1", "offset=-1"])
def test_a_negative_page_is_rejected(api: Api, query: str) -> None:
    name, _, value = query.partition("=")
    assert api.error("GET", f"/1/raw-data?{query}") == f"{name} must be 0 or greater, but is {value!r}"


def test_sensors_can_be_excluded_from_a_list(api: Api, sample: int) -> None:
    [found] = api.fields("GET", "/1/raw-data?excludeSensors=true")["samples"]
    assert found["sensors"] == [] and found["datastreams"][0]["sensors"] == []


def test_labelled_ranges_can_be_truncated(api: Api, sample: int) -> None:
    ranges = [{"startIndex": n, "endIndex": n, "label": "ab"[n % 2]} for n in range(6)]
    api.fields("POST", f"/1/raw-data/{sample}/structured-labels", json={"structuredLabels": ranges})
    [whole] = api.fields("GET", "/1/raw-data")["samples"]
    [cut] = api.fields("GET", "/1/raw-data?truncateStructuredLabels=true")["samples"]
    assert (whole["structuredLabels"], cut["structuredLabels"]) == (ranges, ranges[:4])
    assert whole["structuredLabelsList"] == cut["structuredLabelsList"] == ["a", "b"]
    one = api.fields("GET", f"/1/raw-data/{sample}?truncateStructuredLabels=1")["sample"]
    assert one["structuredLabels"] == ranges[:4]


def test_a_sample_has_all_its_values_in_the_units_of_16_bit_integers(api: Api, sample: int) -> None:
    found = api.fields("GET", f"/1/raw-data/{sample}")
    assert values_of(found) == [[float(value)] for value in RAMP]
    assert found["totalPayloadLength"] == 1000
    [stream] = found["datastreamPayloads"]
    assert stream["payload"] == found["payload"] and stream["index"] == 0


@pytest.mark.parametrize("limit", [1, 2, 7, 999, 1000, 5000])
def test_a_limited_number_of_values_is_spread_over_the_whole_sample(api: Api, sample: int, limit: int) -> None:
    found = api.fields("GET", f"/1/raw-data/{sample}?limitPayloadValues={limit}")
    expected = RAMP if limit >= 1000 else np.round(np.linspace(0, 999, limit))
    assert [row[0] for row in values_of(found)] == expected.tolist()
    assert found["totalPayloadLength"] == 1000


def test_one_response_has_a_largest_number_of_values(api: Api, sample: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "LARGEST_PAYLOAD", 10)
    for query in ("", "?limitPayloadValues=500"):
        assert len(values_of(api.fields("GET", f"/1/raw-data/{sample}{query}"))) == 10


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ("sliceStart=0", 0, 999),
        ("sliceStart=990", 990, 999),
        ("sliceStart=10&sliceEnd=12", 10, 11),
        ("sliceStart=990&sliceEnd=5000", 990, 999),
    ],
)
def test_a_slice_has_an_exclusive_end_within_the_sample(
    api: Api, sample: int, query: str, first: int, last: int
) -> None:
    values = values_of(api.fields("GET", f"/1/raw-data/{sample}/slice?{query}"))
    assert [row[0] for row in values] == list(range(first, last + 1))


@pytest.mark.parametrize(
    ("query", "start", "stop"),
    [("sliceStart=-1", -1, 1000), ("sliceStart=5&sliceEnd=4", 5, 4), ("sliceStart=1001", 1001, 1000)],
)
def test_a_slice_outside_of_the_sample_is_an_error_with_its_length(
    api: Api, sample: int, query: str, start: int, stop: int
) -> None:
    error = api.error("GET", f"/1/raw-data/{sample}/slice?{query}")
    assert error == f"The slice {start} to {stop} is not inside the sample's 1000 values"


def test_an_empty_slice_has_no_values(api: Api, sample: int) -> None:
    assert values_of(api.fields("GET", f"/1/raw-data/{sample}/slice?sliceStart=1000")) == []
    response = api.call("GET", f"/1/raw-data/{sample}/slice")
    assert (response.status_code, response.json()["error"]) == (400, "sliceStart is missing")


def test_the_original_is_zoomed_and_then_reduced(api: Api, sample: int) -> None:
    path = f"/1/raw-data/{sample}/original?zoomStart=100&zoomEnd=201&limitPayloadValues=5"
    assert [row[0] for row in values_of(api.fields("GET", path))] == [100, 125, 150, 175, 200]


def test_values_of_several_sensors_have_one_row_for_each_instant(api: Api) -> None:
    table = [[0.5, -1.25, 2.0], [3.5, 4.0, 1e6]]
    [id_] = api.upload({"move.json": acquisition(table, "accX", "accY", "accZ")}, x_label="wave")
    found = api.fields("GET", f"/1/raw-data/{id_}")
    assert values_of(found) == table
    assert [sensor["name"] for sensor in found["payload"]["sensors"]] == ["accX", "accY", "accZ"]
    assert (found["payload"]["device_name"], found["sample"]["deviceType"]) == ("ac:87", "NANO")
    assert (found["sample"]["totalLengthMs"], found["payload"]["frequencyHz"]) == (20, 100)


def test_the_audio_of_a_whole_sample_is_the_uploaded_file(api: Api, sample: int) -> None:
    response = api.call("GET", f"/1/raw-data/{sample}/wav")
    assert (response.content, response.headers["content-type"]) == (ramp(), "audio/wav")
    assert response.headers["content-length"] == str(len(ramp()))


def test_the_audio_of_a_slice_has_the_values_and_the_rate_of_the_sample(api: Api, sample: int) -> None:
    response = api.call("GET", f"/1/raw-data/{sample}/wav?sliceStart=100&sliceEnd=350")
    values, rate = soundfile.read(io.BytesIO(response.content), dtype="int16")
    assert rate == RATE and values.tolist() == list(range(100, 350))
    to_end = api.call("GET", f"/1/raw-data/{sample}/wav?sliceStart=900").content
    assert len(soundfile.read(io.BytesIO(to_end))[0]) == 100


def test_one_axis_of_a_recording_becomes_audio_rounded_and_clipped_to_16_bits(api: Api) -> None:
    table = [[0, 1.4], [0, 1.6], [0, 1e6], [0, -1e6]]
    [id_] = api.upload({"move.json": acquisition(table, "x", "y", interval_ms=0.0625)})
    response = api.call("GET", f"/1/raw-data/{id_}/wav?axisIx=1")
    values, rate = soundfile.read(io.BytesIO(response.content), dtype="int16")
    assert (rate, values.tolist()) == (16000, [1, 2, 32767, -32768])


@pytest.mark.parametrize("axis", [-1, 1])
def test_the_audio_of_an_axis_that_does_not_exist_is_an_error(api: Api, sample: int, axis: int) -> None:
    error = api.error("GET", f"/1/raw-data/{sample}/wav?sliceStart=0&axisIx={axis}")
    assert error == f"There is no axis {axis}"


def test_the_raw_file_is_returned_under_its_name_in_any_script(api: Api) -> None:
    [id_] = api.upload({"Größe 🎵.wav": ramp()})
    response = api.call("GET", f"/1/raw-data/{id_}/raw")
    assert response.content == ramp()
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["content-disposition"] == (
        "attachment; filename*=utf-8''Gr%C3%B6%C3%9Fe%20%F0%9F%8E%B5.wav"
    )


def test_every_route_of_one_sample_reports_an_unknown_id(api: Api) -> None:
    for path in ("", "/slice?sliceStart=0", "/original", "/wav", "/raw"):
        assert api.error("GET", f"/1/raw-data/99{path}") == "No sample with this ID found"
    assert api.error("DELETE", "/1/raw-data/99") == "No sample with this ID found"


def test_a_sample_of_another_project_is_unknown(api: Api, sample: int) -> None:
    store = api.studio.store
    other = store.projects.create("Other").id
    store.database.run("UPDATE samples SET project = ? WHERE id = ?", (other, sample))
    assert api.error("GET", f"/1/raw-data/{sample}") == "No sample with this ID found"
    assert api.error("DELETE", f"/1/raw-data/{sample}") == "No sample with this ID found"
    assert store.samples.count(SampleFilter(other)) == 1


def test_a_deleted_sample_is_erased_and_the_others_stay(api: Api) -> None:
    first, second = api.upload({"a.wav": ramp(0), "b.wav": ramp(500)})
    api.fields("DELETE", f"/1/raw-data/{first}")
    assert [one["id"] for one in api.fields("GET", "/1/raw-data")["samples"]] == [second]
    stored = b"".join(path.read_bytes() for path in (api.data / "packs").iterdir())
    assert RAMP[:100].tobytes() not in stored
    assert api.call("GET", f"/1/raw-data/{second}/raw").content == ramp(500)


def test_all_samples_of_one_category_or_of_the_project_are_deleted(api: Api) -> None:
    for number, category in enumerate(("training", "testing", "validation")):
        api.upload({f"{category}.wav": ramp(number)}, category=category)
    api.fields("POST", "/1/raw-data/delete-all/testing")
    assert {one["category"] for one in api.fields("GET", "/1/raw-data")["samples"]} == {"training", "validation"}
    api.fields("POST", "/1/raw-data/delete-all/unknown")
    assert api.fields("GET", "/1/raw-data/count") == {"count": 2}
    api.fields("POST", "/1/raw-data/delete-all")
    assert api.fields("GET", "/1/raw-data/count") == {"count": 0}


def test_missing_content_is_an_error_that_names_the_sample_and_what_to_do(api: Api, sample: int) -> None:
    for path in (api.data / "packs").iterdir():
        path.unlink()
    for path in ("/raw", "/wav"):
        error = api.error("GET", f"/1/raw-data/{sample}{path}")
        assert error == f"The content of sample {sample} is not stored any more: delete it and upload it again"
    assert api.error("GET", f"/1/raw-data/{sample}") == (
        "The requested content is not stored any more: delete the sample and upload it again"
    )


def test_content_that_was_changed_on_disk_is_not_returned(api: Api, sample: int) -> None:
    [pack] = (api.data / "packs").iterdir()
    content = bytearray(pack.read_bytes())
    content[100] ^= 1
    pack.write_bytes(content)
    assert "is not stored any more" in api.error("GET", f"/1/raw-data/{sample}/raw")
