"""Files that no row refers to: which are deleted at a start, and which never."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import replace
from pathlib import Path

import pytest

from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.artifacts import Deployment, Features
from ei_toolkit.studio.store.blobs import CHUNK_BYTES, Blobs
from ei_toolkit.studio.store.garbage import collect_garbage, delete_samples
from ei_toolkit.studio.store.packs import Packs
from ei_toolkit.studio.store.samples import NewSample

NEW = NewSample("training", "a", ".wav", "rock", "label", "a" * 64, "wav", 0.0625, (("audio", "wav"),), 16)


def make_old(*files: Path) -> None:
    for file in files:
        os.utime(file, (0, 0))


def old_blob(store: Store, content: bytes) -> str:
    digest = store.blobs.put(content)
    make_old(store.blobs.path(digest))
    return digest


def exists(store: Store, digest: str) -> bool:
    return store.blobs.path(digest).exists()


def pack_of(store: Store, *contents: bytes) -> list[int]:
    """Store one sample for each content, all in one pack; return the ids."""
    with store.packs.begin() as pack:
        new = []
        for content in contents:
            entry = pack.begin()
            entry.write(content)
            place = entry.byte_range
            new.append(replace(NEW, sha256=place.sha256, pack=pack.name, start=place.start, size=place.size))
        pack.sync()
        store.packs.commit(pack)
    return [id_ for id_ in store.samples.add(1, new) if isinstance(id_, int)]


def test_every_table_that_refers_to_a_blob_keeps_it(opened: Store) -> None:
    x, y, model, result, library, legacy, of_job = (
        old_blob(opened, name) for name in (b"x", b"y", b"model", b"result", b"library", b"legacy", b"job")
    )
    opened.blocks.put(1, 1, "i", {"dspBlocks": [{"id": 2}], "learnBlocks": [{"id": 3}]})
    opened.artifacts.put_features(1, Features(2, "training", x, y, {}, ""))
    opened.artifacts.put_model(1, 3, {"tflite-int8": model}, {})
    opened.artifacts.put_result(1, "classify", 1, result, "int8")
    opened.artifacts.add_deployment(1, Deployment(1, 1, "i", "zip", "e", "int8", "a", library, "f", {}, "2026"))
    opened.samples.add(1, [replace(NEW, sha256=legacy)])
    opened.jobs.add(1, "profile-tflite", "k", "c", {"model": of_job, "device": "d"})
    unused = old_blob(opened, b"unused")
    assert collect_garbage(opened) == 1
    assert all(exists(opened, digest) for digest in (x, y, model, result, library, legacy, of_job))
    assert not exists(opened, unused)


def test_the_models_of_a_pretrained_description_are_kept(opened: Store) -> None:
    model = old_blob(opened, b"model")
    description = old_blob(opened, json.dumps({"models": {"float32": model}}).encode())
    opened.artifacts.put_result(1, "pretrained", 0, description)
    assert collect_garbage(opened) == 0 and exists(opened, model) and exists(opened, description)


def test_what_only_a_finished_job_refers_to_is_deleted(opened: Store) -> None:
    model = old_blob(opened, b"model")
    job = opened.jobs.add(1, "profile-tflite", "k", "c", {"model": model})
    opened.jobs.start(job.id)
    assert collect_garbage(opened) == 0
    opened.jobs.finish(job.id, success=True)
    assert collect_garbage(opened) == 1 and not exists(opened, model)


def test_a_replaced_result_is_deleted_when_it_is_old(opened: Store) -> None:
    first = opened.blobs.put(b"first")
    opened.artifacts.put_result(1, "export", 0, first)
    opened.artifacts.put_result(1, "export", 0, opened.blobs.put(b"second"))
    assert collect_garbage(opened) == 0
    make_old(opened.blobs.path(first))
    assert collect_garbage(opened) == 1 and not exists(opened, first)


def test_a_pack_without_rows_is_deleted_when_it_is_old(opened: Store) -> None:
    with opened.packs.begin() as pack:
        pack.begin().write(b"interrupted")
        pack.sync()
        opened.packs.commit(pack)
    path = opened.packs.path(pack.name)
    assert collect_garbage(opened) == 0 and path.exists()
    make_old(path)
    assert collect_garbage(opened) == 1 and not path.exists()


def test_a_pack_with_one_remaining_sample_keeps_its_bytes(opened: Store) -> None:
    first, second = pack_of(opened, b"a" * 5000, b"b" * 5000)
    delete_samples(opened, 1, [first])
    kept = opened.samples.get(1, second)
    assert opened.byte_range(kept).read() == b"b" * 5000
    [path] = opened.packs.folder.iterdir()
    assert path.read_bytes() == bytes(5000) + b"b" * 5000
    make_old(path)
    assert collect_garbage(opened) == 0 and opened.byte_range(kept).read() == b"b" * 5000


def test_the_last_sample_of_a_pack_takes_its_file_with_it(opened: Store) -> None:
    ids = pack_of(opened, b"a", b"b")
    delete_samples(opened, 1, ids[:1])
    assert len(list(opened.packs.folder.iterdir())) == 1
    delete_samples(opened, 1, ids[1:])
    assert not list(opened.packs.folder.iterdir())


def test_deleting_nothing_deletes_nothing(opened: Store) -> None:
    pack_of(opened, b"a")
    delete_samples(opened, 1, [])
    delete_samples(opened, 1, [999])
    assert len(list(opened.packs.folder.iterdir())) == 1


def test_an_error_of_the_disk_is_logged_and_the_row_is_deleted_anyway(
    opened: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = pack_of(opened, b"a" * 100, b"b" * 100)

    def fail(*_: object) -> None:
        raise OSError("input/output error")

    monkeypatch.setattr(Packs, "erase_unreferenced", fail)
    with caplog.at_level(logging.WARNING, "ei_toolkit.studio"):
        delete_samples(opened, 1, [first])
    assert "could not be erased: input/output error" in caplog.text
    assert opened.samples.byte_ranges(opened.samples.get(1, second).pack or "") == [(100, 100)]


def test_blobs_are_stored_once_and_in_chunks(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    large = bytes(range(256)) * (CHUNK_BYTES // 256 * 2 + 1)
    (tmp_path / "file").write_bytes(large)
    digest = blobs.put_file(tmp_path / "file")
    assert blobs.put_chunks(large[at : at + 999] for at in range(0, len(large), 999)) == digest
    assert blobs.read(digest) == large
    assert [path.name for path in blobs.folder.rglob("*") if path.is_file()] == [digest]
    assert not list(blobs.incoming.iterdir())


def test_an_error_while_the_chunks_are_produced_leaves_nothing(tmp_path: Path) -> None:
    def chunks() -> object:
        yield b"first"
        raise ConnectionError("the client left")

    blobs = Blobs(tmp_path)
    with pytest.raises(ConnectionError):
        blobs.put_chunks(chunks())  # type: ignore[arg-type]
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_missing_blob_is_an_error_and_its_removal_is_none(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    digest = blobs.put(b"x")
    blobs.remove(digest)
    blobs.remove(digest)
    with pytest.raises(FileNotFoundError):
        blobs.read(digest)


def test_an_empty_blob_is_stored_like_any_other(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    assert blobs.read(blobs.put(b"")) == b""
