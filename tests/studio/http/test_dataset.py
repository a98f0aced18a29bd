"""The dataset as a whole: split into categories, metadata, and the export."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from studio_in_process import Api

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.studio.http.dataset import Split, SplitRequest
from ei_toolkit.studio.http.errors import ApiError, Malformed
from ei_toolkit.studio.http.schema import parse
from ei_toolkit.studio.store.sample_filter import SampleFilter
from ei_toolkit.studio.store.samples import NewSample, Sample


def wav(seed: int) -> bytes:
    return wav_bytes(np.full(160, seed, np.int16), 16000)


def add(api: Api, count: int, category: str = "training", **metadata: str) -> list[int]:
    """Store rows of samples; their content is never read here."""
    start = api.studio.store.samples.count(SampleFilter(1))
    new = [
        NewSample(
            category, f"{n}", ".wav", "rock", "label", hashlib.sha256(str(n).encode()).hexdigest(), "wav", 0.0625,
            (("audio", "wav"),), 160, metadata={**metadata},
        )
        for n in range(start, start + count)
    ]  # fmt: skip
    return [id_ for id_ in api.studio.store.samples.add(1, new) if isinstance(id_, int)]


def categories(api: Api) -> dict[int, str]:
    return {sample.id: sample.category for sample in api.studio.store.samples.select(SampleFilter(1))}


def test_the_split_of_content_is_that_of_its_hash() -> None:
    split = Split(testing=0.25, validation=0.25)
    found = [split.of_digest(f"{position:08x}" + "0" * 56) for position in (0, 2**30 - 1, 2**30, 2**31 - 1, 2**31)]
    assert found == ["testing", "testing", "validation", "validation", "training"]


@given(st.binary(max_size=8))
def test_more_testing_moves_samples_only_to_testing(content: bytes) -> None:
    digest = hashlib.sha256(content).hexdigest()
    smaller, larger = Split(0.2).of_digest(digest), Split(0.5).of_digest(digest)
    assert (smaller, larger) != ("testing", "training")


@pytest.mark.parametrize("testing", [0.0, 1.0])
def test_a_share_of_nothing_or_everything_is_exact(testing: float) -> None:
    digests = [hashlib.sha256(bytes([n])).hexdigest() for n in range(256)] + ["0" * 64, "f" * 64]
    found = {Split(testing).of_digest(digest) for digest in digests}
    assert found == ({"testing"} if testing else {"training"})


@pytest.mark.parametrize(
    ("sent", "testing", "validation"),
    [
        ({}, 0.2, 0.0),
        ({"trainingSplitRatio": 80, "testingSplitRatio": 20}, 0.2, 0.0),
        ({"trainingSplitRatio": 0.6, "testingSplitRatio": 0.2, "validationSplitRatio": 0.2}, 0.2, 0.2),
        ({"trainingSplitRatio": 2, "testingSplitRatio": 1, "validationSplitRatio": 1}, 0.25, 0.25),
        ({"testingSplitRatio": 5}, 1.0, 0.0),
        ({"trainingSplitRatio": "1"}, 0.0, 0.0),
        ({"trainingSplitRatio": None}, 0.2, 0.0),
    ],
)
def test_proportions_count_relative_to_their_sum(sent: dict[str, Any], testing: float, validation: float) -> None:
    split = parse(SplitRequest, sent).split()
    assert (split.testing, split.validation) == (pytest.approx(testing), pytest.approx(validation))


def test_a_negative_proportion_is_rejected() -> None:
    with pytest.raises(ApiError) as caught:
        parse(SplitRequest, {"testingSplitRatio": -0.1})
    assert str(caught.value) == "testingSplitRatio must be 0 or greater, but is -0.1"
    with pytest.raises(Malformed, match="keepTogetherMetadataKeys must be a list, but is 'artist'"):
        parse(SplitRequest, {"keepTogetherMetadataKeys": "artist"})


def test_a_split_has_about_the_requested_proportions_and_is_the_same_each_time(api: Api) -> None:
    add(api, 600)
    body = {"trainingSplitRatio": 50, "testingSplitRatio": 30, "validationSplitRatio": 20}
    api.fields("POST", "/1/split", json=body)
    first = categories(api)
    counts = Counter(first.values())
    for category, share in (("training", 300), ("testing", 180), ("validation", 120)):
        assert counts[category] == pytest.approx(share, abs=45)
    api.fields("POST", "/1/split", json=body)
    assert categories(api) == first


def test_the_ratio_counts_the_samples_of_the_three_categories(api: Api) -> None:
    assert api.fields("GET", "/1/raw-data/ratio") == {"ratio": {}}
    add(api, 3)
    add(api, 1, "testing")
    add(api, 2, "post-processing")
    assert api.fields("GET", "/1/raw-data/ratio") == {"ratio": {"training": 3, "testing": 1}}


def test_rebalancing_uses_four_to_one_and_reports_the_result(api: Api) -> None:
    add(api, 400, "testing")
    ratio = api.fields("POST", "/1/rebalance")["ratio"]
    assert ratio["training"] + ratio["testing"] == 400 and ratio["testing"] == pytest.approx(80, abs=30)
    before = categories(api)
    assert api.fields("POST", "/1/v2/rebalance") == {}
    assert categories(api) == before


def test_samples_with_equal_metadata_stay_together_and_others_are_split_by_content(api: Api) -> None:
    groups = {artist: add(api, 20, artist=artist) for artist in "abcdefghij"}
    add(api, 40)
    api.fields("POST", "/1/split", json={"keepTogetherMetadataKeys": ["artist"], "trainingSplitRatio": 50,
                                         "testingSplitRatio": 50})  # fmt: skip
    found = categories(api)
    together = {artist: {found[id_] for id_ in ids} for artist, ids in groups.items()}
    assert all(len(chosen) == 1 for chosen in together.values())
    assert len({next(iter(chosen)) for chosen in together.values()}) == 2
    single = Counter(found[id_] for id_ in found if id_ > max(groups["j"]))
    assert len(single) == 2


def test_several_keys_define_a_group_only_together() -> None:
    def sample(**metadata: str) -> Sample:
        return Sample(
            1, 1, "training", "a", ".wav", "rock", "label", None, metadata, "f" * 64, "wav", 1.0, (), 1, 1.0, None, "",
            "", False, "", "", None, 0, -1,
        )  # fmt: skip

    split = Split(0.5, together=("artist", "album"))
    pairs = {split.category(sample(artist=artist, album=album)) for artist in "abc" for album in "abcdefgh"}
    assert pairs == {"training", "testing"}
    assert split.category(sample(artist="a", album="b")) == split.category(sample(album="b", artist="a", year="1"))
    assert split.category(sample()) == "training"  # by its hash


def test_disabled_samples_stay_where_they_are_if_they_are_excluded(api: Api) -> None:
    disabled = add(api, 30, "testing")
    api.studio.store.samples.change(1, disabled, disabled=1)
    api.fields("POST", "/1/split", json={"trainingSplitRatio": 1, "excludeDisabledSamples": True})
    assert set(categories(api).values()) == {"testing"}
    api.fields("POST", "/1/split", json={"trainingSplitRatio": 1})
    assert set(categories(api).values()) == {"training"}


def test_samples_of_other_categories_are_never_split(api: Api) -> None:
    add(api, 20, "post-processing")
    add(api, 20, "anomaly")
    api.fields("POST", "/1/split", json={"testingSplitRatio": 1})
    assert Counter(categories(api).values()) == {"post-processing": 20, "anomaly": 20}


def test_the_metadata_of_samples_that_have_any_is_listed(api: Api) -> None:
    [plain], [one] = add(api, 1), add(api, 1, artist="x")
    found = api.fields("GET", "/1/raw-data/metadata")["metadata"]
    assert found == [{"id": one, "metadata": {"artist": "x"}}] and plain != one
    assert api.fields("GET", "/1/raw-data/metadata?filename=none") == {"metadata": []}


def test_the_options_of_metadata_are_sorted_and_cut_into_pages(api: Api) -> None:
    add(api, 1, year="2001", artist="b")
    add(api, 1, year="1999", artist="a", live="true")
    add(api, 1, year="1999")
    whole = api.fields("GET", "/1/raw-data/metadata-filter-options")
    assert whole["optionsList"] == [
        {"key": "artist", "options": ["a", "b"]},
        {"key": "live", "options": ["true"]},
        {"key": "year", "options": ["1999", "2001"]},
    ]
    page = api.fields("GET", "/1/raw-data/metadata-filter-options?limit=1&offset=2")
    assert (page["totalCount"], page["count"], page["optionsList"][0]["key"]) == (3, 1, "year")
    beyond = api.fields("GET", "/1/raw-data/metadata-filter-options?offset=9")
    assert (beyond["totalCount"], beyond["count"]) == (3, 0)


def test_there_is_no_export_before_the_first_job(api: Api) -> None:
    assert api.fields("GET", "/1/export/get-url") == {"hasExport": False}
    assert api.error("GET", "/1/export/download") == "This project has no export yet: start an export job"


@pytest.mark.parametrize("kind", ["original", "wav"])
def test_an_export_holds_every_sample_under_its_category_with_labels_and_metadata(api: Api, kind: str) -> None:
    api.upload({"a.wav": wav(1), "sub/größe.wav": wav(2)}, x_label="rock", x_metadata='{"artist": "x"}')
    api.upload({"a.wav": wav(3)}, x_no_label="1")
    api.upload({"b.wav": wav(4)}, category="testing", x_label="jazz")
    job = api.fields("POST", f"/1/jobs/export/{kind}")["id"]
    assert api.run(job) == ["Exported 4 samples"]
    assert api.fields("GET", "/1/export/get-url") == {
        "hasExport": True, "url": "http://127.0.0.1:4800/v1/api/1/export/download",
    }  # fmt: skip
    response = api.call("GET", "/1/export/download")
    assert response.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        info = json.loads(archive.read("info.labels"))
        contents = {entry["path"]: archive.read(entry["path"]) for entry in info["files"]}
    assert contents == {
        "training/a.wav": wav(1), "training/größe.wav": wav(2), "training/a.3.wav": wav(3), "testing/b.wav": wav(4),
    }  # fmt: skip
    by_path = {entry["path"]: entry for entry in info["files"]}
    assert by_path["training/a.wav"]["label"] == {"type": "label", "label": "rock"}
    assert by_path["training/a.wav"]["metadata"] == {"artist": "x"}
    assert by_path["training/a.3.wav"]["label"] == {"type": "unlabeled"}
    assert (by_path["testing/b.wav"]["category"], by_path["testing/b.wav"]["name"]) == ("testing", "b")


def test_a_second_export_replaces_the_first(api: Api) -> None:
    for number in (1, 2):
        api.upload({f"{number}.wav": wav(number)}, x_label="rock")
        api.run(api.fields("POST", "/1/jobs/export/original")["id"])
    with zipfile.ZipFile(io.BytesIO(api.call("GET", "/1/export/download").content)) as archive:
        assert sorted(archive.namelist()) == ["info.labels", "training/1.wav", "training/2.wav"]


def test_a_second_export_job_waits_for_the_first(api: Api) -> None:
    job = api.fields("POST", "/1/jobs/export/original")["id"]
    error = api.error("POST", "/1/jobs/export/wav")
    assert error == f"Another job for export is queued or running already (job ID: {job})"


def test_an_empty_project_exports_an_empty_list(api: Api) -> None:
    api.run(api.fields("POST", "/1/jobs/export/original")["id"])
    with zipfile.ZipFile(io.BytesIO(api.call("GET", "/1/export/download").content)) as archive:
        assert json.loads(archive.read("info.labels")) == {"version": 1, "files": []}
