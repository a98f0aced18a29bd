"""Packs: recordings are written together, read by byte range and erased when they are deleted."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.errors import ConfigurationError
from ei_toolkit.studio import manage
from ei_toolkit.studio.options import Options
from ei_toolkit.studio.server import lock_data_folder
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store import packs as packs_module
from ei_toolkit.studio.store.garbage import collect_garbage, delete_samples
from ei_toolkit.studio.store.migrations import MIGRATIONS
from ei_toolkit.studio.store.packs import PACK_NAME, ByteRange, Pack, Packs, gaps
from ei_toolkit.studio.store.samples import NewSample

MEGABYTE = 2**20


@pytest.fixture
def packs(tmp_path: Path) -> Packs:
    (tmp_path / "incoming").mkdir()
    return Packs(tmp_path / "packs", tmp_path / "incoming")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    opened.projects.create("p")
    yield opened
    opened.close()


def keep(store: Store, *contents: bytes) -> tuple[Pack, list[int]]:
    """Store recordings as an upload does: a pack, then the rows that refer to it."""
    with store.packs.begin() as pack:
        rows = []
        for number, content in enumerate(contents):
            entry = pack.begin()
            entry.write(content)
            rows.append(
                NewSample("training", f"{number}", ".wav", "rock", "label", entry.byte_range.sha256, "wav", 1.0, (), 1,
                          pack=pack.name, start=entry.start, size=entry.size)
            )  # fmt: skip
        pack.sync()
        store.packs.commit(pack)
    return pack, [id_ for id_ in store.samples.add(1, rows) if isinstance(id_, int)]


def test_each_recording_of_a_pack_is_read_by_its_byte_range(store: Store) -> None:
    _, ids = keep(store, b"first", b"", b"the third")
    found = [store.byte_range(store.samples.get(1, id_)).read() for id_ in ids]
    assert found == [b"first", b"", b"the third"]


def test_a_pack_that_is_not_committed_leaves_no_file(packs: Packs) -> None:
    with pytest.raises(OSError, match="no space"), packs.begin() as pack:
        pack.begin().write(b"half of it")
        raise OSError("no space")
    assert not list(packs.incoming.iterdir()) and not list(packs.folder.iterdir())


def test_an_entry_is_read_while_its_pack_is_written(packs: Packs) -> None:
    with packs.begin() as pack:
        pack.begin().write(b"before")
        entry = pack.begin()
        for chunk in (b"RI", memoryview(b"FF....")):
            entry.write(chunk)
        pack.begin().write(b"behind")
        assert (entry.read(0, 4), entry.read(6), entry.read(), entry.read(9)) == (
            b"RIFF",
            b"..",
            b"RIFF....",
            b"",
        )
        assert entry.byte_range.read() == b"RIFF...."


def test_content_that_differs_from_its_hash_counts_as_missing(store: Store) -> None:
    pack, [id_] = keep(store, b"recording")
    byte_range = store.byte_range(store.samples.get(1, id_))
    store.packs.path(pack.name).write_bytes(b"recordinG")
    with pytest.raises(FileNotFoundError):
        byte_range.read()


def test_a_byte_range_is_passed_to_another_process_as_json() -> None:
    byte_range = ByteRange(Path("/x/y"), 3, 5, "0" * 64)
    assert ByteRange.from_json({**byte_range.to_json(), "format": "wav"}) == byte_range


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "0123456789abcde", "0123456789ABCDEF"])
def test_a_name_that_no_pack_can_have_is_rejected(packs: Packs, name: str) -> None:
    with pytest.raises(ValueError, match="name of a pack"):
        packs.path(name)


def test_gaps_lie_before_between_and_after_the_byte_ranges() -> None:
    assert list(gaps([(2, 3), (5, 1), (8, 2)], 12)) == [(0, 2), (6, 2), (10, 2)]
    assert list(gaps([(0, 4)], 4)) == []
    assert list(gaps([], 4)) == [(0, 4)]


def contents_of(path: Path) -> tuple[bytes, int]:
    """The content of a file, and the bytes that it occupies on disk."""
    return path.read_bytes(), path.stat().st_blocks * 512


def test_a_deleted_recording_is_erased_and_its_disk_space_released_but_not_the_adjacent_ones(store: Store) -> None:
    big = [bytes([65 + number]) * MEGABYTE for number in range(3)]
    pack, ids = keep(store, *big)
    path = store.packs.path(pack.name)
    before = contents_of(path)[1]
    delete_samples(store, 1, ids[1:2])
    content, occupied = contents_of(path)
    assert b"B" not in content and store.byte_range(store.samples.get(1, ids[0])).read() == big[0]
    assert store.byte_range(store.samples.get(1, ids[2])).read() == big[2]
    assert occupied <= before - MEGABYTE + 2 * 4096 or sys.platform != "linux"
    delete_samples(store, 1, [ids[0], ids[2]])
    assert not path.exists()


def test_zeros_are_written_where_the_system_has_no_sparse_files(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs_module, "release_range", lambda *_: False)
    monkeypatch.setattr(packs_module, "CHUNK_BYTES", 1000)
    pack, ids = keep(store, b"A" * 5000, b"B" * 2500, b"C")
    delete_samples(store, 1, [ids[1]])
    assert store.packs.path(pack.name).read_bytes() == b"A" * 5000 + bytes(2500) + b"C"


def test_an_incomplete_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda descriptor, data, at: real(descriptor, data[:3], at))
    with (tmp_path / "x").open("w+b", buffering=0) as file:
        packs_module.write_all(file.fileno(), b"eleven byte", 2)
    assert (tmp_path / "x").read_bytes() == b"\0\0eleven byte"


def test_a_start_deletes_old_packs_without_rows_and_completes_an_interrupted_deletion(store: Store) -> None:
    kept, [first, _] = keep(store, b"A" * MEGABYTE, b"B" * MEGABYTE)
    store.samples.delete(1, [first])  # the rows; then the process was killed
    orphans = [store.packs.folder / f"{number:016x}" for number in range(2)]
    for orphan in orphans:
        orphan.write_bytes(b"no row refers to this")
    os.utime(orphans[0], (0, 0))
    assert collect_garbage(store) == 1
    assert [orphan.exists() for orphan in orphans] == [False, True]
    assert b"A" not in contents_of(store.packs.path(kept.name))[0]


def test_a_start_completes_a_deletion_of_recordings_smaller_than_a_disk_block(store: Store) -> None:
    kept, ids = keep(store, *(bytes([number]) * 3000 for number in range(1, 101)))
    store.samples.delete(1, ids[::5])
    collect_garbage(store)
    content = store.packs.path(kept.name).read_bytes()
    assert not any(bytes([number]) * 3000 in content for number in range(1, 101, 5))
    assert store.byte_range(store.samples.get(1, ids[1])).read() == b"\2" * 3000


def test_a_recording_that_cannot_be_erased_is_erased_at_the_next_start(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [keep(store, b"A" * 100, b"B" * 100) for _ in range(3)]

    def broken(*_: int) -> None:
        raise OSError("I/O error")

    with monkeypatch.context() as patched:
        patched.setattr(packs_module, "erase", broken)
        delete_samples(store, 1, [ids[0] for _, ids in kept])
    paths = [store.packs.path(pack.name) for pack, _ in kept]
    assert all(b"A" in path.read_bytes() for path in paths)
    collect_garbage(store)
    assert not any(b"A" in path.read_bytes() for path in paths)


def test_a_pack_that_another_request_deleted_is_skipped(store: Store) -> None:
    pack, _ = keep(store, b"A", b"B")
    store.packs.path(pack.name).unlink()
    store.packs.erase_unreferenced(pack.name, [(0, 1)])


def test_a_start_skips_packs_that_are_deleted_meanwhile_and_files_that_are_no_packs(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(store, b"A")
    (store.packs.folder / "0123456789abcdef").write_bytes(b"of an import that runs")
    (store.packs.folder / "lost+found").mkdir()
    real = Path.stat

    def stat(path: Path, **_: Any) -> os.stat_result:
        if PACK_NAME.fullmatch(path.name):
            path.unlink(missing_ok=True)
        return real(path)

    monkeypatch.setattr(Path, "stat", stat)
    assert collect_garbage(store) == 0


def test_zeros_are_not_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs_module, "release_range", lambda *_: False)
    written: list[int] = []
    monkeypatch.setattr(packs_module, "write_all", lambda _, data, at: written.append(len(data)))
    with (tmp_path / "x").open("w+b", buffering=0) as file:
        file.write(bytes(5000) + b"x" * 10)
        packs_module.erase(file.fileno(), 0, 5000)
        assert written == []
        packs_module.erase(file.fileno(), 0, 5010)
        assert written == [5010]


def test_a_write_after_the_pack_is_closed_fails_and_reaches_no_other_file(packs: Packs, tmp_path: Path) -> None:
    with packs.begin() as pack:
        entry = pack.begin()
    with (tmp_path / "other").open("w+b") as other, pytest.raises(ValueError, match="closed"):
        entry.write(b"late")
    assert other.closed and (tmp_path / "other").read_bytes() == b""


def test_a_long_recording_is_read_in_chunks(store: Store) -> None:
    content = os.urandom(2 * MEGABYTE + 5)
    _, ids = keep(store, b"before", content)
    byte_range = store.byte_range(store.samples.get(1, ids[1]))
    chunks = list(byte_range.checked_chunks(store.blobs.incoming))
    assert [len(chunk) for chunk in chunks] == [MEGABYTE, MEGABYTE, 5] and b"".join(chunks) == content
    assert byte_range.length == len(content)


@pytest.mark.parametrize("size", [1000, 3 * MEGABYTE, 9 * MEGABYTE])
def test_a_recording_that_is_deleted_while_it_is_sent_is_sent_whole(store: Store, size: int) -> None:
    content = os.urandom(size)
    _, ids = keep(store, b"before", content)
    chunks = store.byte_range(store.samples.get(1, ids[1])).checked_chunks(store.blobs.incoming)
    first = next(chunks)
    delete_samples(store, 1, ids)
    assert first + b"".join(chunks) == content
    assert list(store.blobs.incoming.iterdir()) == []


def test_a_recording_that_was_deleted_before_is_an_error_before_the_first_byte(store: Store) -> None:
    _, ids = keep(store, b"before", b"content")
    byte_range = store.byte_range(store.samples.get(1, ids[1]))
    delete_samples(store, 1, ids[1:])
    with pytest.raises(FileNotFoundError):
        byte_range.checked_chunks(store.blobs.incoming)


def first_schema(data: Path) -> None:
    """Make a data folder with the first version of the schema."""
    with closing(sqlite3.connect(data / "studio.sqlite")) as connection:
        connection.executescript(MIGRATIONS[0])
        connection.execute("PRAGMA user_version = 1")
        connection.commit()


def test_a_folder_that_a_running_older_studio_uses_is_not_migrated(tmp_path: Path) -> None:
    first_schema(tmp_path)
    with lock_data_folder(Options(tmp_path)), pytest.raises(ConfigurationError, match="older eitk"):
        manage.projects(tmp_path)
    assert manage.projects(tmp_path) == []


def test_samples_that_were_stored_before_packs_are_read_and_deleted(tmp_path: Path) -> None:
    first_schema(tmp_path)
    with closing(sqlite3.connect(tmp_path / "studio.sqlite")) as connection:
        connection.execute("INSERT INTO projects (name, hmac_key, created, modified) VALUES ('p', '', '', '')")
        digest = hashlib.sha256(b"old").hexdigest()
        connection.execute(
            "INSERT INTO samples (project, category, filename, suffix, label, label_type, sha256, format, interval_ms,"
            " sensors, values_count, length_ms, created, modified) VALUES (1, 'training', 'a', '.wav', 'rock', 'label',"
            " ?, 'wav', 1, '[]', 1, 1, '', '')",
            (digest,),
        )
        connection.commit()
    store = Store.open(tmp_path)
    assert store.database.all("PRAGMA user_version")[0][0] == len(MIGRATIONS)
    store.blobs.put(b"old")
    assert store.byte_range(store.samples.get(1, 1)).read() == b"old"
    delete_samples(store, 1, [1])
    assert not store.blobs.path(digest).exists()
    store.close()


def test_rejected_files_of_an_upload_occupy_no_disk_space(server: Any, make_noise: Any) -> None:
    before = set((server.data / "packs").iterdir())
    same = make_noise(4711, 20_000)
    files = {"good.wav": same, "again.wav": same, "photo.png": b"\x89PNG" + os.urandom(40_000)}
    outcomes = server.upload(files, x_disallow_duplicates="1").json()["files"]
    assert [outcome["success"] for outcome in outcomes] == [True, False, False]
    [pack] = set((server.data / "packs").iterdir()) - before
    assert pack.read_bytes().strip(b"\0") in same
    server.call("DELETE", f"/1/raw-data/{outcomes[0]['sampleId']}")
    assert not pack.exists()
    server.upload({"photo.png": b"\x89PNG"})
    assert set((server.data / "packs").iterdir()) == before


def test_a_request_for_a_recording_whose_content_is_missing_reports_an_error(own_server: Any, make_noise: Any) -> None:
    [outcome] = own_server.upload({"a.wav": make_noise(1)}, x_label="rock").json()["files"]
    for pack in (own_server.data / "packs").iterdir():
        pack.unlink()
    for path in ("", "/wav", "/wav?sliceStart=0&sliceEnd=9", "/raw"):
        answer = own_server.call("GET", f"/1/raw-data/{outcome['sampleId']}{path}")
        assert answer.status_code < 500 and "not stored any more" in answer.json()["error"]
