"""The export of a project: names in the zip, labels of every type, and samples that change meanwhile."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from studio_in_process import Api

from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.studio.jobs.exporting import write_export
from ei_toolkit.studio.store.sample_filter import SampleFilter


def wav(seed: int) -> bytes:
    return wav_bytes(np.full(160, seed, np.int16), 16000)


def export(api: Api, folder: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Entries of info.labels and contents of the zip, both by path."""
    write_export(api.studio.store, 1, folder / "out.zip")
    with zipfile.ZipFile(folder / "out.zip") as archive:
        info = json.loads(archive.read("info.labels"))
        names = archive.namelist()
        assert len(names) == len(set(names)), names
        contents = {name: archive.read(name) for name in names if name != "info.labels"}
    return {entry["path"]: entry for entry in info["files"]}, contents


def test_equal_names_in_different_categories_are_kept(api: Api, tmp_path: Path) -> None:
    api.upload({"a.wav": wav(1)}, x_label="rock")
    api.upload({"a.wav": wav(2)}, category="testing", x_label="rock")
    _, contents = export(api, tmp_path)
    assert contents == {"training/a.wav": wav(1), "testing/a.wav": wav(2)}


def test_equal_names_in_one_category_are_made_unique_with_the_id(api: Api, tmp_path: Path) -> None:
    api.upload({"a.wav": wav(1)}, x_label="rock")
    api.upload({"a.wav": wav(2)}, x_label="jazz")
    entries, contents = export(api, tmp_path)
    assert contents == {"training/a.wav": wav(1), "training/a.2.wav": wav(2)}
    assert {path: entry["name"] for path, entry in entries.items()} == {"training/a.wav": "a", "training/a.2.wav": "a"}


def test_a_unique_name_may_be_taken_too(api: Api, tmp_path: Path) -> None:
    api.upload({"a.3.wav": wav(1), "a.wav": wav(2)}, x_label="rock")
    api.upload({"a.wav": wav(3)}, x_label="rock")  # a.3.wav would be its unique name
    _, contents = export(api, tmp_path)
    assert sorted(contents.values()) == sorted([wav(1), wav(2), wav(3)])
    assert contents["training/a.3.wav"] == wav(1)


@given(st.lists(st.sampled_from(["a", "a.1", "a.2", "a.3", "a.2.2", ".a", "a/b", "..", ""]), min_size=1, max_size=6))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_sample_is_in_the_zip_under_a_name_of_its_own(api: Api, tmp_path: Path, names: list[str]) -> None:
    store = api.studio.store
    if not store.samples.count(SampleFilter(1)):
        api.upload({f"{n}.wav": wav(n) for n in range(6)}, x_label="rock")
    for id_, name in zip(range(1, 7), [*names, *"uvwxyz"], strict=False):
        store.samples.change(1, [id_], filename=name)
    entries, contents = export(api, tmp_path)
    assert sorted(contents.values()) == sorted(wav(n) for n in range(6))
    assert entries.keys() == contents.keys()
    assert all(len(Path(path).parts) == 2 and not Path(path).name.startswith(".") for path in contents)


def test_labels_of_every_type_are_described_as_the_official_clients_expect(api: Api, tmp_path: Path) -> None:
    _, two, three = api.upload({"a.wav": wav(1), "b.wav": wav(2), "c.wav": wav(3)}, x_label="gr%C3%B6%C3%9Fe")
    api.fields("POST", f"/1/raw-data/{two}/edit-label", json={"label": ""})
    ranges = [{"startIndex": 0, "endIndex": 79, "label": "x"}, {"startIndex": 80, "endIndex": 159, "label": "y"}]
    api.fields("POST", f"/1/raw-data/{three}/structured-labels", json={"structuredLabels": ranges})
    entries, _ = export(api, tmp_path)
    assert entries["training/a.wav"] == {
        "path": "training/a.wav", "name": "a", "category": "training", "label": {"type": "label", "label": "größe"},
        "boundingBoxes": [],
    }  # fmt: skip
    assert entries["training/b.wav"]["label"] == {"type": "unlabeled"}
    assert entries["training/c.wav"]["label"] == {"type": "multi-label", "labels": ranges}


def test_disabled_samples_are_exported_too(api: Api, tmp_path: Path) -> None:
    [id_] = api.upload({"a.wav": wav(1)}, x_label="rock")
    api.fields("POST", f"/1/raw-data/{id_}/disable")
    assert len(export(api, tmp_path)[1]) == 1


def test_samples_of_other_projects_are_not_exported(api: Api, tmp_path: Path) -> None:
    [id_] = api.upload({"a.wav": wav(1)}, x_label="rock")
    other = api.studio.store.projects.create("Other").id
    api.studio.store.database.run("UPDATE samples SET project = ? WHERE id = ?", (other, id_))
    assert export(api, tmp_path) == ({}, {})


@pytest.mark.parametrize("suffix", [".wav", ".json"])
def test_acquisition_files_are_exported_as_they_were_uploaded(api: Api, tmp_path: Path, suffix: str) -> None:
    payload = {"interval_ms": 10, "sensors": [{"name": "x", "units": "g"}], "values": [[1], [2]]}
    content = json.dumps({"payload": payload}).encode() if suffix == ".json" else wav(5)
    api.upload({f"move{suffix}": content}, x_label="wave")
    assert export(api, tmp_path)[1] == {f"training/move{suffix}": content}


def test_a_job_leaves_no_temporary_file(api: Api) -> None:
    api.upload({"a.wav": wav(1)}, x_label="rock")
    api.run(api.fields("POST", "/1/jobs/export/original")["id"])
    assert not list((api.data / "incoming").iterdir())
    with zipfile.ZipFile(io.BytesIO(api.call("GET", "/1/export/download").content)) as archive:
        assert archive.testzip() is None
