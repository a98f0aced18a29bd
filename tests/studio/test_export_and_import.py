"""Exporting a project into a file, and what an import of it counts."""

from __future__ import annotations

import errno
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.errors import DataError, UsageError
from ei_toolkit.studio import manage, transfer
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.sample_filter import SampleFilter
from ei_toolkit.studio.transfer import export_project, import_project


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with an empty project."""
    manage.prepare(tmp_path / "data", "p")
    return tmp_path / "data"


def write(file: Path, entries: list[dict[str, Any]], files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr("info.labels", json.dumps({"version": 1, "files": entries}))
    return file


def count(data: Path) -> int:
    store = Store.open(data)
    try:
        return store.samples.count(SampleFilter(1))
    finally:
        store.close()


def test_an_empty_project_is_exported_as_a_zip_without_samples(data: Path, tmp_path: Path) -> None:
    assert export_project(data, 0, tmp_path / "out.zip") == 0
    report = import_project(data, 0, tmp_path / "out.zip", lambda _: None)
    assert (report.accepted, report.known, report.rejected) == (0, 0, ())


def test_an_export_into_a_folder_or_below_a_missing_one_is_an_error_with_a_hint(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        export_project(data, 0, tmp_path)
    assert (caught.value.what, caught.value.hint) == (f"{tmp_path} is a folder", "name the zip file to write")
    with pytest.raises(DataError) as missing:
        export_project(data, 0, tmp_path / "none" / "out.zip")
    assert missing.value.why == f"the folder {tmp_path / 'none'} does not exist"
    assert missing.value.hint == "create the folder first" and not (tmp_path / "none").exists()


def test_an_export_that_fails_leaves_the_old_file_and_no_part(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out" / "export.zip"
    out.parent.mkdir()
    out.write_bytes(b"old")

    def fail(store: Store, project: int, partial: Path) -> int:
        partial.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device", str(partial))

    monkeypatch.setattr(transfer, "write_export", fail)
    with pytest.raises(DataError) as caught:
        export_project(data, 0, out)
    assert caught.value.what == f"{out} cannot be written"
    assert str(caught.value.why).startswith("No space left on device: ")
    assert caught.value.hint == "name another file, or free disk space"
    assert [path.name for path in out.parent.iterdir()] == ["export.zip"] and out.read_bytes() == b"old"


def test_a_project_that_does_not_exist_is_not_exported(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no project 7"):
        export_project(data, 7, tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + bytes(40)])
def test_a_file_that_is_no_zip_is_an_error_with_a_hint(data: Path, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.zip"
    file.write_bytes(content)
    with pytest.raises(DataError) as caught:
        import_project(data, 0, file, lambda _: None)
    assert caught.value.what == f"{file} cannot be read" and "info.labels" in caught.value.hint


def test_a_file_that_does_not_exist_is_an_error_with_the_reason(data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        import_project(data, 0, tmp_path / "none.zip", lambda _: None)
    assert caught.value.why == f"No such file or directory: {tmp_path / 'none.zip'}"


def test_progress_is_reported_for_each_entry_also_for_rejected_ones(
    data: Path, tmp_path: Path, make_noise: Any
) -> None:
    entries = [{"path": name, "category": "training", "label": "rock"} for name in ("a.wav", "b.wav", "none.wav")]
    file = write(tmp_path / "x.zip", entries, {"a.wav": make_noise(1), "b.wav": make_noise(2)})
    seen: list[int] = []
    report = import_project(data, 0, file, seen.append)
    assert seen == [1, 1, 1] and (report.accepted, len(report.rejected)) == (2, 1)


def test_an_import_is_repeated_without_a_second_sample(data: Path, tmp_path: Path, make_noise: Any) -> None:
    entries = [{"path": "a.wav", "category": "training", "label": "rock"}]
    file = write(tmp_path / "x.zip", entries, {"a.wav": make_noise(1)})
    reports = [import_project(data, 0, file, lambda _: None) for _ in range(3)]
    assert [(report.accepted, report.known) for report in reports] == [(1, 0), (0, 1), (0, 1)]
    assert count(data) == 1


def test_a_rejected_file_whose_name_has_the_words_of_a_duplicate_counts_as_rejected(data: Path, tmp_path: Path) -> None:
    name = "An item with this hash already exists.wav"
    entries = [{"path": name, "category": "training", "label": "rock"}]
    report = import_project(data, 0, write(tmp_path / "x.zip", entries, {name: b"no audio"}), lambda _: None)
    assert (report.accepted, report.known) == (0, 0)
    [reason] = report.rejected
    assert reason.startswith(f"{name}: ")
