"""Recordings on disk: written together, found by their place, erased when they are deleted."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.errors import ConfigurationError
from ei_toolkit.studio import manage
from ei_toolkit.studio.options import Options
from ei_toolkit.studio.server import hold
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store import packs as holes
from ei_toolkit.studio.store import packs as packs_module
from ei_toolkit.studio.store.garbage import collect, delete_samples
from ei_toolkit.studio.store.migrations import MIGRATIONS
from ei_toolkit.studio.store.packs import NAME, Pack, Packs, Place, gaps
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
    """What an upload does: a pack, then rows that refer to it."""
    with store.packs.begin() as pack:
        rows = []
        for number, content in enumerate(contents):
            stretch = pack.begin()
            stretch.write(content)
            rows.append(
                NewSample("training", f"{number}", ".wav", "rock", "label", stretch.place.sha256, "wav", 1.0, (), 1,
                          pack=pack.name, start=stretch.start, size=stretch.size)
            )  # fmt: skip
        pack.sync()
        store.packs.place(pack)
    return pack, [id_ for id_ in store.samples.add(1, rows) if isinstance(id_, int)]


def test_recordings_of_a_pack_are_read_back_alone(store: Store) -> None:
    _, ids = keep(store, b"first", b"", b"the third")
    found = [store.place(store.samples.get(1, id_)).read() for id_ in ids]
    assert found == [b"first", b"", b"the third"]


def test_a_pack_that_is_not_placed_leaves_nothing(packs: Packs) -> None:
    with pytest.raises(OSError, match="no space"), packs.begin() as pack:
        pack.begin().write(b"half of it")
        raise OSError("no space")
    assert not list(packs.incoming.iterdir()) and not list(packs.folder.iterdir())


def test_a_stretch_is_read_while_its_pack_is_written(packs: Packs) -> None:
    with packs.begin() as pack:
        pack.begin().write(b"before")
        stretch = pack.begin()
        for piece in (b"RI", memoryview(b"FF....")):
            stretch.write(piece)
        pack.begin().write(b"behind")
        assert (stretch.read(0, 4), stretch.read(6), stretch.read(), stretch.read(9)) == (
            b"RIFF",
            b"..",
            b"RIFF....",
            b"",
        )
        assert stretch.place.read() == b"RIFF...."


def test_bytes_that_are_not_those_that_were_stored_are_not_there(store: Store) -> None:
    pack, [id_] = keep(store, b"recording")
    place = store.place(store.samples.get(1, id_))
    store.packs.path(pack.name).write_bytes(b"recordinG")
    with pytest.raises(FileNotFoundError):
        place.read()


def test_a_place_goes_to_another_process_as_json() -> None:
    place = Place(Path("/x/y"), 3, 5, "0" * 64)
    assert Place.parse({**place.plain(), "format": "wav"}) == place


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "0123456789abcde", "0123456789ABCDEF"])
def test_only_names_of_packs_name_files(packs: Packs, name: str) -> None:
    with pytest.raises(ValueError, match="name of a pack"):
        packs.path(name)


def test_gaps_are_what_is_between_and_behind() -> None:
    assert list(gaps([(2, 3), (5, 1), (8, 2)], 12)) == [(0, 2), (6, 2), (10, 2)]
    assert list(gaps([(0, 4)], 4)) == []
    assert list(gaps([], 4)) == [(0, 4)]


def contents_of(path: Path) -> tuple[bytes, int]:
    """What a file reads as, and the bytes that it takes on disk."""
    return path.read_bytes(), path.stat().st_blocks * 512


def test_a_deleted_recording_is_erased_and_gives_its_room_back_while_its_neighbours_stay(store: Store) -> None:
    big = [bytes([65 + number]) * MEGABYTE for number in range(3)]
    pack, ids = keep(store, *big)
    path = store.packs.path(pack.name)
    before = contents_of(path)[1]
    delete_samples(store, 1, ids[1:2])
    content, room = contents_of(path)
    assert b"B" not in content and store.place(store.samples.get(1, ids[0])).read() == big[0]
    assert store.place(store.samples.get(1, ids[2])).read() == big[2]
    assert room <= before - MEGABYTE + 2 * 4096 or holes._fallocate() is None
    delete_samples(store, 1, [ids[0], ids[2]])
    assert not path.exists()


def test_where_no_hole_can_be_made_zeros_are_written(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holes, "_fallocate", lambda: None)
    monkeypatch.setattr(holes, "CHUNK", 1000)
    pack, ids = keep(store, b"A" * 5000, b"B" * 2500, b"C")
    delete_samples(store, 1, [ids[1]])
    assert store.packs.path(pack.name).read_bytes() == b"A" * 5000 + bytes(2500) + b"C"


def test_a_short_write_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda descriptor, data, at: real(descriptor, data[:3], at))
    with (tmp_path / "x").open("w+b", buffering=0) as file:
        holes.write_all(file.fileno(), b"eleven byte", 2)
    assert (tmp_path / "x").read_bytes() == b"\0\0eleven byte"


def test_a_start_removes_old_packs_without_rows_and_finishes_a_deletion_that_was_cut_off(store: Store) -> None:
    kept, [first, _] = keep(store, b"A" * MEGABYTE, b"B" * MEGABYTE)
    store.samples.delete(1, [first])  # the rows; then the process was killed
    orphans = [store.packs.folder / f"{number:016x}" for number in range(2)]
    for orphan in orphans:
        orphan.write_bytes(b"no row refers to this")
    os.utime(orphans[0], (0, 0))
    assert collect(store) == 1
    assert [orphan.exists() for orphan in orphans] == [False, True]
    assert b"A" not in contents_of(store.packs.path(kept.name))[0]


def test_a_start_finishes_a_deletion_of_recordings_smaller_than_what_a_disk_gives_out(store: Store) -> None:
    kept, ids = keep(store, *(bytes([number]) * 3000 for number in range(1, 101)))
    store.samples.delete(1, ids[::5])
    collect(store)
    content = store.packs.path(kept.name).read_bytes()
    assert not any(bytes([number]) * 3000 in content for number in range(1, 101, 5))
    assert store.place(store.samples.get(1, ids[1])).read() == b"\2" * 3000


def test_what_the_disk_refuses_to_erase_is_no_error_and_is_erased_at_the_next_start(
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
    collect(store)
    assert not any(b"A" in path.read_bytes() for path in paths)


def test_a_pack_whose_last_sample_another_request_deletes_is_passed_over(store: Store) -> None:
    pack, _ = keep(store, b"A", b"B")
    store.packs.path(pack.name).unlink()
    store.packs.trim(pack.name, [(0, 1)])


def test_a_start_passes_over_what_goes_meanwhile_and_what_is_no_pack(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(store, b"A")
    (store.packs.folder / "0123456789abcdef").write_bytes(b"of an import that runs")
    (store.packs.folder / "lost+found").mkdir()
    real = Path.stat

    def stat(path: Path, **_: Any) -> os.stat_result:
        if NAME.fullmatch(path.name):
            path.unlink(missing_ok=True)
        return real(path)

    monkeypatch.setattr(Path, "stat", stat)
    assert collect(store) == 0


def test_zeros_are_not_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holes, "_fallocate", lambda: None)
    written: list[int] = []
    monkeypatch.setattr(holes, "write_all", lambda _, data, at: written.append(len(data)))
    with (tmp_path / "x").open("w+b", buffering=0) as file:
        file.write(bytes(5000) + b"x" * 10)
        holes.erase(file.fileno(), 0, 5000)
        assert written == []
        holes.erase(file.fileno(), 0, 5010)
        assert written == [5010]


def test_a_thread_that_writes_on_after_the_end_writes_into_no_other_file(packs: Packs, tmp_path: Path) -> None:
    with packs.begin() as pack:
        stretch = pack.begin()
    with (tmp_path / "other").open("w+b") as other, pytest.raises(ValueError, match="closed"):
        stretch.write(b"late")
    assert other.closed and (tmp_path / "other").read_bytes() == b""


def test_a_long_recording_is_read_in_pieces(store: Store) -> None:
    content = os.urandom(2 * MEGABYTE + 5)
    _, ids = keep(store, b"before", content)
    place = store.place(store.samples.get(1, ids[1]))
    pieces = list(place.checked_pieces())
    assert [len(piece) for piece in pieces] == [MEGABYTE, MEGABYTE, 5] and b"".join(pieces) == content
    assert place.length == len(content)


def first_schema(data: Path) -> None:
    """Make a folder as the first studios had it."""
    Store.open(data).close()
    with closing(sqlite3.connect(data / "studio.sqlite")) as connection:
        connection.execute("DROP INDEX samples_by_pack")
        for column in ("pack", "start", "size"):
            connection.execute(f"ALTER TABLE samples DROP COLUMN {column}")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()


def test_a_folder_that_an_older_studio_serves_is_not_changed_under_its_feet(tmp_path: Path) -> None:
    first_schema(tmp_path)
    with hold(Options(tmp_path).lock), pytest.raises(ConfigurationError, match="older eitk"):
        manage.projects(tmp_path)
    assert manage.projects(tmp_path) == []


def test_a_studio_from_before_packs_keeps_its_samples(tmp_path: Path) -> None:
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
    assert store.place(store.samples.get(1, 1)).read() == b"old"
    delete_samples(store, 1, [1])
    assert not store.blobs.path(digest).exists()
    store.close()


def test_what_a_request_brings_beside_good_recordings_takes_no_room(server: Any, make_noise: Any) -> None:
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


def test_asking_for_a_recording_whose_bytes_are_lost_is_answered_in_words(own_server: Any, make_noise: Any) -> None:
    [outcome] = own_server.upload({"a.wav": make_noise(1)}, x_label="rock").json()["files"]
    for pack in (own_server.data / "packs").iterdir():
        pack.unlink()
    for path in ("", "/wav", "/wav?sliceStart=0&sliceEnd=9", "/raw"):
        answer = own_server.call("GET", f"/1/raw-data/{outcome['sampleId']}{path}")
        assert answer.status_code < 500 and "not there any more" in answer.json()["error"]
