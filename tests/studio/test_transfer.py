"""Exports of other programs: every entry is stored, or rejected with its own reason; the command counts them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support import Outcome, eitk

from ei_toolkit.errors import DataError
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.sample_filter import SampleFilter
from ei_toolkit.studio.store.samples import Sample
from ei_toolkit.studio.transfer import ImportReport, import_project

ENTRY = {"path": "a/rock.1.wav", "category": "training", "label": {"type": "label", "label": "rock"}}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with one project."""
    store = Store.open(tmp_path / "data")
    store.projects.create("imported")
    store.close()
    return tmp_path / "data"


@pytest.fixture
def written(tmp_path: Path, make_noise: Any) -> Any:
    """Write a zip of entries; `files` holds further files, or None in place of the usual one."""

    def write(*entries: Any, files: Mapping[str, bytes] | None = None, labels: str = "info.labels") -> Path:
        with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
            for name, content in ({"a/rock.1.wav": make_noise(1)} if files is None else files).items():
                archive.writestr(name, content)
            archive.writestr(labels, json.dumps({"version": 1, "files": list(entries)}))
        return tmp_path / "export.zip"

    return write


def imported(data: Path, source: Path) -> ImportReport:
    return import_project(data, 1, source, lambda _: None)


def samples(data: Path) -> list[Sample]:
    store = Store.open(data)
    try:
        return store.samples.select(SampleFilter(1, sort_by="id-asc"))
    finally:
        store.close()


@pytest.mark.parametrize(
    ("entry", "filename", "label", "category"),
    [
        (ENTRY, "rock.1", "rock", "training"),
        ({**ENTRY, "name": "gtzan.1"}, "gtzan.1", "rock", "training"),
        ({**ENTRY, "label": "jazz"}, "rock.1", "jazz", "training"),
        ({**ENTRY, "label": None}, "rock.1", "rock", "training"),  # of the file name, as for an upload without a label
        ({**ENTRY, "label": {"type": "unlabeled"}}, "rock.1", "", "training"),
        ({**ENTRY, "path": "a\\rock.1.wav"}, "rock.1", "rock", "training"),
        ({**ENTRY, "path": "./a/rock.1.wav"}, "rock.1", "rock", "training"),
        ({**ENTRY, "category": "validation"}, "rock.1", "rock", "validation"),
    ],
)
def test_an_entry_is_stored_with_its_name_label_and_category(
    data: Path, written: Any, entry: dict[str, Any], filename: str, label: str, category: str
) -> None:
    assert imported(data, written(entry)) == ImportReport(1, 0, ())
    [stored] = samples(data)
    assert (stored.filename, stored.label, stored.category) == (filename, label, category)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({**ENTRY, "category": "train"}, "a/rock.1.wav: its entry in info.labels is not valid: category must be"),
        ({**ENTRY, "path": "a/other.wav"}, "a/other.wav: it is not in the zip"),
        ({**ENTRY, "path": "../../etc/passwd"}, "../../etc/passwd: it is not in the zip"),
        ({**ENTRY, "path": None}, "an entry without a path: its entry in info.labels is not valid: path is missing"),
        (None, "an entry without a path: its entry in info.labels is not an object"),
        ({**ENTRY, "label": {"type": "image"}}, "a/rock.1.wav: its entry in info.labels is not valid: label.type must"),
        ({**ENTRY, "metadata": []}, "a/rock.1.wav: its entry in info.labels is not valid: metadata must be an object"),
    ],
)
def test_an_entry_that_cannot_be_stored_has_its_own_reason_and_does_not_stop_the_others(
    data: Path, written: Any, make_noise: Any, entry: Any, reason: str
) -> None:
    files = {"a/rock.1.wav": make_noise(1), "b/2.wav": make_noise(2)}
    report = imported(data, written(entry, {**ENTRY, "path": "b/2.wav"}, files=files))
    assert (report.accepted, report.known) == (1, 0)
    [rejected] = report.rejected
    assert rejected.startswith(reason)
    assert [stored.filename for stored in samples(data)] == ["2"]


def test_content_that_cannot_be_stored_has_its_own_reason(data: Path, written: Any, make_noise: Any) -> None:
    files = {"a.wav": b"RIFF", "b.json": b'{"payload": {}}', "c.png": b"\x89PNG", "d.wav": make_noise(1)}
    report = imported(data, written(*({**ENTRY, "path": path} for path in files), files=files))
    assert report.accepted == 1
    starts = (
        "a.wav: The file is not a WAV file",
        "b.json: The file is not in the data acquisition",
        "c.png: A file of",
    )
    assert [reason.startswith(start) for reason, start in zip(report.rejected, starts, strict=True)] == [True] * 3


def test_a_damaged_member_does_not_affect_the_others(data: Path, written: Any, make_noise: Any) -> None:
    files = {"a.wav": make_noise(1), "b.wav": make_noise(2)}
    source = written(*({**ENTRY, "path": path} for path in files), files=files)
    content = bytearray(source.read_bytes())
    content[200] ^= 0xFF  # within the samples of the first file
    source.write_bytes(content)
    report = imported(data, source)
    assert (report.accepted, report.rejected) == (1, ("a.wav: Bad CRC-32 for file 'a.wav'",))


def test_an_export_in_a_folder_and_with_the_separators_of_windows_is_read(
    data: Path, written: Any, make_noise: Any
) -> None:
    files = {"my export\\training\\rock.1.wav": make_noise(1)}
    entry = {**ENTRY, "path": "training\\rock.1.wav"}
    assert imported(data, written(entry, files=files, labels="my export/info.labels")).accepted == 1


def test_an_info_labels_in_each_folder_is_read(data: Path, tmp_path: Path, make_noise: Any) -> None:
    with zipfile.ZipFile(tmp_path / "split.zip", "w") as archive:
        for number, category in enumerate(("training", "testing")):
            archive.writestr(f"{category}/1.wav", make_noise(number))
            document = {"version": 1, "files": [{**ENTRY, "path": "1.wav", "category": category}]}
            archive.writestr(f"{category}/info.labels", b"\xef\xbb\xbf" + json.dumps(document).encode())
    assert imported(data, tmp_path / "split.zip").accepted == 2
    assert sorted(stored.category for stored in samples(data)) == ["testing", "training"]


def test_files_that_info_labels_does_not_list_are_counted(data: Path, written: Any, make_noise: Any) -> None:
    files = {"a/rock.1.wav": make_noise(1), "extra.wav": make_noise(2), "more.wav": make_noise(3)}
    assert imported(data, written(ENTRY, files=files)) == ImportReport(1, 0, (), unlisted=2)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "no valid JSON"),
        (b'{"version": 9, "files": []}', "has version 9"),
        (b'{"version": 1}', "no list of files"),
    ],
)
def test_an_info_labels_that_cannot_be_read_ends_the_import(
    data: Path, tmp_path: Path, content: bytes, reason: str
) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("info.labels", content)
    with pytest.raises(DataError, match=r"the zip has no valid info\.labels") as caught:
        imported(data, tmp_path / "x.zip")
    assert reason in caught.value.why


def run_import(data: Path, source: Path) -> Outcome:
    return eitk(data.parent, "studio", "import", str(source), "--data", str(data))


def test_the_command_fails_if_an_entry_was_rejected_and_shows_the_counts(data: Path, written: Any) -> None:
    source = written(ENTRY, {**ENTRY, "path": "gone.wav"}, ENTRY)
    code, out, err = run_import(data, source)
    assert code == 1
    assert "1 accepted, 1 exist already, 1 rejected" in out
    assert "warning: rejected gone.wav: it is not in the zip" in err
    assert "error: 1 of 3 files of the zip were rejected" in err


def test_the_command_succeeds_if_every_entry_is_there(data: Path, written: Any) -> None:
    source = written(ENTRY)
    assert run_import(data, source).code == 0
    code, out, _ = run_import(data, source)
    assert (code, out) == (0, "0 accepted, 1 exist already, 0 rejected\n")
