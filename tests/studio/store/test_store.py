"""The stored state of a studio: migrations, blobs, filters of samples, and the export and import of projects."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import stat
import zipfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ei_toolkit.errors import ConfigurationError, DataError
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.sample_labels import header_text, safe_filename
from ei_toolkit.studio.http.sample_query import SampleQuery
from ei_toolkit.studio.http.schema import parse
from ei_toolkit.studio.http.wav_header import read_header
from ei_toolkit.studio.impulse import ProcessingBlock
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.blobs import Blobs
from ei_toolkit.studio.store.garbage import collect_garbage
from ei_toolkit.studio.store.keys import new_secret
from ei_toolkit.studio.store.migrations import MIGRATIONS
from ei_toolkit.studio.store.sample_filter import SampleFilter
from ei_toolkit.studio.store.samples import NewSample
from ei_toolkit.studio.transfer import export_project, import_project
from ei_toolkit.studio.wire_format import stamp


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "data")


def add(store: Store, project: int, name: str, label: str, data: bytes, **metadata: str) -> int:
    digest = store.blobs.put(data)
    sample = NewSample(
        "training", name, ".wav", label, "label", digest, "wav", 0.0625, (("audio", "wav"),), 16, metadata=metadata
    )
    [id_] = store.samples.add(project, [sample])
    assert isinstance(id_, int)
    return id_


def test_a_new_database_has_the_newest_schema_and_a_newer_database_is_rejected(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    with sqlite3.connect(tmp_path / "studio.sqlite") as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(ConfigurationError, match="newer eitk"):
        Store.open(tmp_path)


def old_database(folder: Path, version: int, *statements: str) -> Store:
    """Make a database of an older version, run statements on it, and open it."""
    with closing(sqlite3.connect(folder / "studio.sqlite")) as connection:
        for text in (*MIGRATIONS[:version], f"PRAGMA user_version = {version}", *statements):
            connection.executescript(text)
    return Store.open(folder)


PROJECT = "INSERT INTO projects (name, hmac_key, created, modified) VALUES ('p', '', '', '')"


def test_a_migration_renames_the_settings_hash_of_stored_features(tmp_path: Path) -> None:
    old = '{"recipe": "abc", "labels": ["rock"], "bins": 3}'
    rows = (
        f"(1, 2, 'training', 'x', 'y', '{old}', ''), (1, 2, 'testing', 'x', 'y', '{{\"settingsHash\": \"def\"}}', '')"
    )
    store = old_database(tmp_path, 2, PROJECT, f"INSERT INTO features VALUES {rows}")
    migrated = [store.artifacts.features(1, 2, category) for category in ("training", "testing")]
    assert [features.summary for features in migrated if features] == [
        {"settingsHash": "abc", "labels": ["rock"], "bins": 3},
        {"settingsHash": "def"},
    ]
    store.close()


def test_a_migration_gives_stored_stereo_files_the_axis_that_blocks_use(tmp_path: Path) -> None:
    sensors = {"wav": '[["audio0", "wav"], ["audio1", "wav"]]', "json": '[["accX", "g"], ["accY", "g"]]'}
    inserted = [
        "INSERT INTO samples (project, category, filename, suffix, label, label_type, sha256, format, interval_ms,"
        f" sensors, values_count, length_ms, created, modified) VALUES (1, 'training', 'a', '.{form}', 'x', 'label',"
        f" '{form}', '{form}', 1, '{axes}', 5, 5, '', '')"
        for form, axes in sensors.items()
    ]
    store = old_database(tmp_path, 3, PROJECT, *inserted)
    found = store.samples.select(SampleFilter(1, sort_by="id-asc"))
    assert [sample.sensors for sample in found] == [(("audio", "wav"),), (("accX", "g"), ("accY", "g"))]
    assert [sample.signature_valid for sample in found] == [True, True]
    assert store.samples.axes(1) == {"audio": 5, "accX": 5, "accY": 5}
    store.close()


def test_the_settings_hash_keeps_the_feature_caches_of_old_versions_valid() -> None:
    window = {"id": 1, "windowSizeMs": 100, "windowIncreaseMs": 50, "frequencyHz": 16000, "padZeros": True}
    document = {"id": 2, "type": "mfe", "axes": ["audio"], "implementationVersion": 4, "name": "MFE"}
    block = ProcessingBlock(2, 1, document, window, {"fft_length": "64"})
    assert block.settings_hash == "e4eb0f7469ed5cb44907d7071544648bdab1d03c969f0216f7de7f3fcbd6fa88"


def test_a_blob_has_its_final_name_only_if_it_is_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = Blobs(tmp_path)
    digest = hashlib.sha256(b"hello").hexdigest()
    (tmp_path / "source").write_bytes(b"hello")
    assert blobs.put(b"hello") == blobs.put_file(tmp_path / "source") == digest
    assert blobs.read(digest) == b"hello"
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(OSError, match="no space"):
        blobs.put(b"other")
    assert [path.name for path in blobs.folder.rglob("*") if path.is_file()] == [digest]
    (blobs.incoming / "of-a-killed-process").write_bytes(b"half")
    blobs.delete_incoming()
    assert not list(blobs.incoming.iterdir())


def _full(_: int) -> None:
    raise OSError("no space")


def test_only_old_blobs_that_nothing_refers_to_are_collected(store: Store) -> None:
    project = store.projects.create("p").id
    kept, deleted, young = store.blobs.put(b"kept"), store.blobs.put(b"deleted"), store.blobs.put(b"young")
    store.blocks.put(project, 1, "i", {"learnBlocks": [{"id": 3}]})
    store.artifacts.put_model(project, 3, {"keras": kept}, {})
    for digest in (kept, deleted):
        os.utime(store.blobs.path(digest), (0, 0))
    assert collect_garbage(store) == 1
    assert [store.blobs.path(digest).exists() for digest in (kept, deleted, young)] == [True, False, True]
    os.utime(store.blobs.path(young), (0, 0))
    store.blobs.put(b"young")  # renews the time of modification
    assert collect_garbage(store) == 0


def test_a_key_is_found_until_it_expires_and_not_after_it_is_revoked(store: Store) -> None:
    project = store.projects.create("p").id
    permanent, valid, expired = (new_secret() for _ in range(3))
    id_ = store.keys.add(project, "permanent", "admin", permanent)
    store.keys.add(project, "valid", "readonly", valid, expires=stamp(datetime.now(UTC) + timedelta(minutes=1)))
    store.keys.add(project, "expired", "admin", expired, expires=stamp(datetime.now(UTC) - timedelta(seconds=1)))
    found = [store.keys.find(secret) for secret in (permanent, valid, expired, new_secret())]
    assert [key.name if key else None for key in found] == ["permanent", "valid", None, None]
    store.keys.revoke(project, id_)
    assert store.keys.find(permanent) is None and store.keys.find(valid) is not None
    with pytest.raises(ApiError, match="No API key"):
        store.keys.revoke(project, id_)


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "a" * 63, "A" * 64])
def test_a_name_that_is_no_digest_is_rejected(tmp_path: Path, digest: str) -> None:
    with pytest.raises(ValueError, match="digest"):
        Blobs(tmp_path).path(digest)


def test_a_filter_selects_the_samples_that_match_all_its_conditions(store: Store) -> None:
    project = store.projects.create("p").id
    one = add(store, project, "a_1", "rock", b"1", artist="x")
    two = add(store, project, "a%2", "jazz", b"2", artist="y")
    three = add(store, project, "b", "jazz", b"3")

    def found(**query: str) -> list[int]:
        return [s.id for s in store.samples.select(parse(SampleQuery, query).filter(project))]

    assert found() == [three, two, one]
    assert found(sortBy="id-asc", labels='["jazz"]') == [two, three]
    assert found(filename="a_") == [one]
    assert found(filename="%") == [two]
    assert found(search="jaz") == [three, two]
    assert found(metadata='[{"key":"artist","op":"eq","values":["x"]}]') == [one]
    assert found(metadata='[{"key":"artist","op":"neq","values":["x"]}]') == [three, two]
    assert found(metadata='[{"no_metadata":true}]') == [three]
    assert found(ids=f"[{one},{two}]", excludeIds=f"[{one}]") == [two]
    assert found(minId=str(two), maxId=str(three)) == [two]


def test_a_project_that_is_exported_and_imported_has_equal_samples(store: Store, tmp_path: Path) -> None:
    import numpy as np

    from ei_toolkit.audio.wav import wav_bytes

    project = store.projects.create("p").id
    wav = wav_bytes(np.arange(16, dtype=np.int16), 16000)
    add(store, project, "größe", "hip hop/é", wav, artist="Åse")
    assert export_project(tmp_path / "data", project, tmp_path / "out.zip") == 1
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        [entry] = json.loads(archive.read("info.labels"))["files"]
    assert entry["label"] == {"type": "label", "label": "hip hop/é"} and entry["boundingBoxes"] == []
    other = Store.open(tmp_path / "other").projects.create("q").id
    report = import_project(tmp_path / "other", other, tmp_path / "out.zip", lambda _: None)
    assert (report.accepted, report.known, report.rejected) == (1, 0, ())
    again = import_project(tmp_path / "other", other, tmp_path / "out.zip", lambda _: None)
    assert (again.accepted, again.known) == (0, 1)
    [sample] = Store.open(tmp_path / "other").samples.select(SampleFilter(other))
    assert (sample.filename, sample.label, sample.metadata) == ("größe", "hip hop/é", {"artist": "Åse"})


def test_a_file_that_is_no_zip_cannot_be_imported(store: Store, tmp_path: Path) -> None:
    project = store.projects.create("p").id
    (tmp_path / "x.zip").write_bytes(b"no zip")
    with pytest.raises(DataError, match="cannot be read"):
        import_project(tmp_path / "data", project, tmp_path / "x.zip", lambda _: None)


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_the_reader_of_wav_headers_accepts_or_rejects_any_bytes(data: bytes) -> None:
    content = b"RIFF\0\0\0\0WAVE" + data
    try:
        header = read_header(lambda offset, count: content[offset : offset + count], len(content))
    except ApiError:
        return
    assert header.frames > 0 and header.rate > 0


@given(st.text(max_size=300))
@settings(max_examples=300)
def test_a_safe_file_name_is_one_printable_path_component(name: str) -> None:
    safe = safe_filename(name)
    assert safe and "/" not in safe and "\\" not in safe and safe.isprintable()


@given(st.text(alphabet=st.characters(codec="latin-1"), max_size=60))
def test_any_header_value_is_decoded_as_text(value: str) -> None:
    assert isinstance(header_text(value), str)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_owner_can_read_what_is_stored(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        data = tmp_path / "data"
        store = Store.open(data)
        store.projects.create("p")
        assert mode(data) == 0o700
        assert {mode(path) for path in data.glob("studio.sqlite*")} == {0o600}
        assert {mode(data / name) for name in ("blobs", "packs", "incoming")} == {0o700}
        store.close()
    finally:
        os.umask(before)


def test_a_data_folder_of_an_older_version_becomes_private(tmp_path: Path) -> None:
    Store.open(tmp_path / "data").close()
    database, blobs = tmp_path / "data" / "studio.sqlite", tmp_path / "data" / "blobs"
    database.chmod(0o644)
    blobs.chmod(0o755)
    Store.open(tmp_path / "data").close()
    assert (mode(database), mode(blobs)) == (0o600, 0o700)
