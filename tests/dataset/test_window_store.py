"""Windows in Parquet files: the same windows as WAV files, written whole or not at all, here or in an object store."""

from __future__ import annotations

import errno
import hashlib
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from support import eitk, write_clips

from ei_toolkit.api.data import compute_features
from ei_toolkit.api.project import open_project
from ei_toolkit.config import AugmentSettings, Settings, StoreSettings, load_config
from ei_toolkit.dataset import cutting, window_shards
from ei_toolkit.dataset.manifest import Manifest, Window
from ei_toolkit.dataset.slicing import SliceReport, slice_clips
from ei_toolkit.dataset.stored_files import LocalFolder, shards_in
from ei_toolkit.dataset.window_shards import ShardReader, ShardWriter
from ei_toolkit.dataset.window_store import WindowReader, store_of
from ei_toolkit.errors import ConfigurationError, DataError, MissingToolError
from ei_toolkit.report.project_summary import gather_summary

Write = Callable[..., Path]
PARQUET = StoreSettings("parquet")


def cut(settings: Settings, project: Path, jobs: int = 1) -> SliceReport:
    return slice_clips(settings, project, project / "out", jobs, lambda _done, _note: None)


def sharded(settings: Settings, url: str = "") -> Settings:
    return replace(settings, store=StoreSettings("parquet", url))


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several row groups and shards for a few windows of 16 kB."""
    monkeypatch.setattr(window_shards, "ROW_GROUP_BYTES", 40_000)
    monkeypatch.setattr(window_shards, "SHARD_BYTES", 200_000)


@pytest.fixture
def memory() -> Any:
    """An empty store in memory, memory://."""
    store = fsspec.filesystem("memory")
    store.store.clear()
    store.pseudo_dirs[:] = [""]
    return store


def rows_in(folder: Path) -> list[dict[str, Any]]:
    return [row for file in sorted(folder.glob("*.parquet")) for row in pq.read_table(file).to_pylist()]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.usefixtures("small_shards")
def test_the_windows_and_the_manifest_are_those_of_wav_files(clips: Path, settings: Settings) -> None:
    settings = replace(settings, slice=replace(settings.slice, augment=AugmentSettings(copies=2)))
    files = cut(settings, clips.parent)
    shutil.move(clips.parent / "out", clips.parent / "wav")
    assert cut(sharded(settings), clips.parent).windows == files.windows
    manifests = [(clips.parent / name / "manifest.csv").read_bytes() for name in ("wav", "out")]
    assert manifests[0] == manifests[1]
    reader = WindowReader(clips.parent / "out")
    for window in files.windows:
        content = (clips.parent / "wav" / window.file).read_bytes()
        assert reader.file(window) == content
        assert np.array_equal(reader.samples(window), soundfile.read(BytesIO(content), dtype="int16")[0])
        assert hashlib.sha256(content).hexdigest() == window.sha256
    assert len(shards_in(LocalFolder(clips.parent / "out"))) > 3
    assert not list((clips.parent / "out").glob("*.wav"))


def test_other_programs_find_label_split_group_and_samples_in_the_rows(clips: Path, settings: Settings) -> None:
    report = cut(sharded(settings), clips.parent)
    rows = rows_in(clips.parent / "out")
    assert [row["file"] for row in rows] == [window.file for window in report.windows]
    for row, window in zip(rows, report.windows, strict=True):
        assert (row["label"], row["split"], row["group"]) == (window.label, window.split, window.group)
        assert row["start_ms"] == window.start_ms
        clip, _ = soundfile.read(clips / row["clip"], dtype="int16")
        start = row["start_ms"] * row["sample_rate"] // 1000
        assert np.array_equal(np.frombuffer(row["samples"], "<i2"), clip[start : start + 8000])


def test_the_files_of_several_groups_of_clips_are_in_the_order_of_the_manifest(
    clips: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutting, "GROUP_BYTES", 200_000)  # three clips of four windows
    report = cut(sharded(settings), clips.parent)
    assert [row["file"] for row in rows_in(clips.parent / "out")] == [window.file for window in report.windows]
    assert len(list((clips.parent / "out").glob("*.parquet"))) == 4


@pytest.mark.usefixtures("small_shards")
def test_a_duplicate_of_another_clip_is_in_no_row(clips: Path, settings: Settings) -> None:
    first = sorted(clips.glob("rock/*.wav"))[0]
    doubled = np.concatenate([soundfile.read(first)[0], soundfile.read(sorted(clips.glob("rock/*.wav"))[1])[0]])
    soundfile.write(clips / "rock" / "twice.wav", doubled, 8000)
    report = cut(sharded(settings), clips.parent)
    assert report.duplicates == 8
    assert [row["file"] for row in rows_in(clips.parent / "out")] == [window.file for window in report.windows]


def test_a_second_run_does_nothing(clips: Path, settings: Settings) -> None:
    first = cut(sharded(settings), clips.parent)
    second = cut(sharded(settings), clips.parent)
    assert second.reused
    assert second.windows == first.windows


@pytest.mark.parametrize("change", ["lost", "cut short", "another", "setting"])
def test_damage_is_noticed_and_repaired(clips: Path, settings: Settings, change: str) -> None:
    first = cut(sharded(settings), clips.parent)
    out, chosen = clips.parent / "out", sharded(settings)
    (shard,) = out.glob("*.parquet")
    if change == "lost":
        shard.unlink()
    elif change == "cut short":
        shard.write_bytes(shard.read_bytes()[:-100])
    elif change == "another":
        table = pq.read_table(shard)
        pq.write_table(table.slice(1), shard)
    else:
        chosen = replace(chosen, slice=replace(chosen.slice, level="dc"))
    again = cut(chosen, clips.parent)
    assert not again.reused
    assert (again.windows == first.windows) is (change != "setting")
    reader = WindowReader(out)
    assert all(hashlib.sha256(reader.file(window)).hexdigest() == window.sha256 for window in again.windows)
    assert len(list(out.glob("*.parquet"))) == 1


def test_another_format_replaces_the_files_of_the_first(clips: Path, settings: Settings) -> None:
    out = clips.parent / "out"
    cut(settings, clips.parent)
    cut(sharded(settings), clips.parent)
    assert [Path(name).suffix for name in names(out)] == [".csv", ".json", ".parquet"]
    report = cut(settings, clips.parent)
    assert names(out) == sorted([*(window.file for window in report.windows), "manifest.csv", "slice.json"])


class StopError(Exception):
    """Stands for a process that is ended."""


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize("after", [0, 5, 17, 39])
def test_an_interrupted_run_leaves_no_half_file_and_the_old_windows(
    clips: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    out, written = clips.parent / "out", 0
    before = cut(sharded(settings), clips.parent)
    write = ShardWriter.write

    def interrupted(self: ShardWriter, window: Window, content: bytes) -> None:
        nonlocal written
        if written == after:
            raise StopError
        written += 1
        write(self, window, content)

    monkeypatch.setattr(ShardWriter, "write", interrupted)
    changed = sharded(replace(settings, slice=replace(settings.slice, level="dc")))
    with pytest.raises(StopError):
        cut(changed, clips.parent)
    assert not list(out.glob("*.part"))
    assert Manifest.read(out / "manifest.csv").windows == before.windows
    reader = WindowReader(out)
    assert all(hashlib.sha256(reader.file(one)).hexdigest() == one.sha256 for one in before.windows)
    monkeypatch.setattr(ShardWriter, "write", write)
    report = cut(changed, clips.parent)
    assert [row["file"] for row in rows_in(out)] == [window.file for window in report.windows]


def test_a_full_disk_is_an_error_and_leaves_the_old_windows(
    clips: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = clips.parent / "out"
    before = cut(sharded(settings), clips.parent)

    def fail(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(LocalFolder, "add", fail)
    changed = sharded(replace(settings, dataset=replace(settings.dataset, seed=8)))
    with pytest.raises(DataError, match=r"windows cannot be written to .*out \(No space left on device\)"):
        cut(changed, clips.parent)
    assert not list(out.glob("*.part"))
    assert [row["split"] for row in rows_in(out)] == [window.split for window in before.windows]


def test_parts_of_a_run_that_was_killed_are_removed(clips: Path, settings: Settings) -> None:
    place = clips.parent / "elsewhere"
    place.mkdir()
    own, foreign = place / f"{'ab' * 16}.part", place / "film.part"
    own.touch()
    foreign.touch()
    (place / "table.parquet").write_bytes(b"of another program")
    cut(sharded(settings, str(place)), clips.parent)
    assert not own.exists()
    assert foreign.exists()
    assert (place / "table.parquet").exists()


@pytest.mark.parametrize("url", ["elsewhere", "memory://bucket/windows"])
def test_windows_are_written_to_and_read_from_another_place(
    clips: Path, settings: Settings, memory: Any, url: str
) -> None:
    report = cut(sharded(settings, url), clips.parent)
    assert names(clips.parent / "out") == ["manifest.csv", "slice.json"]
    place = url if "://" in url else str(clips.parent / url)
    reader = WindowReader(place)
    assert all(hashlib.sha256(reader.file(one)).hexdigest() == one.sha256 for one in report.windows)
    manifest = memory.cat("/bucket/windows/manifest.csv") if "://" in url else Path(place, "manifest.csv").read_bytes()
    assert manifest == (clips.parent / "out" / "manifest.csv").read_bytes()
    assert cut(sharded(settings, url), clips.parent).reused
    again = cut(sharded(replace(settings, slice=replace(settings.slice, hop_ms=500)), url), clips.parent)
    with pytest.raises(DataError, match=r"the window .* cannot be read"):
        WindowReader(place).file(replace(report.windows[0], sha256="0" * 64))
    assert WindowReader(place).has_all(again.windows)


def test_threads_read_the_same_windows(clips: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_shards, "ROW_GROUP_BYTES", 40_000)
    report = cut(sharded(settings), clips.parent)
    reader = WindowReader(clips.parent / "out")
    with ThreadPoolExecutor(8) as pool:
        contents = list(pool.map(reader.file, report.windows * 4))
    assert [hashlib.sha256(each).hexdigest() for each in contents] == [one.sha256 for one in report.windows * 4]


def test_windows_whose_hashes_begin_alike_are_distinguished(tmp_path: Path) -> None:
    windows = [
        Window("a.wav", "ab" * 8 + "00" * 24, "a", "", "a", 0, "rock", "training"),
        Window("b.wav", "ab" * 8 + "11" * 24, "b", "", "b", 0, "rock", "training"),
    ]
    with ShardWriter(LocalFolder(tmp_path), 0) as writer:
        for number, window in enumerate(windows):
            samples = np.full(10, number, "<i2").tobytes()
            writer.write(window, bytes(24) + (8000).to_bytes(4, "little") + bytes(16) + samples)
    reader = ShardReader(LocalFolder(tmp_path), writer.names)
    contents = [reader.wav(window.sha256) or b"" for window in windows]
    assert [content[44:46] for content in contents] == [b"\0\0", b"\1\0"]
    assert reader.wav("ab" * 8 + "22" * 24) is None


def test_a_parquet_file_of_another_program_is_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"sha256": ["text"], "samples": [1]}), tmp_path / "windows-mine.parquet")
    with pytest.raises(DataError, match=r"windows-mine\.parquet has no windows of eitk \(its columns are others\)"):
        WindowReader(tmp_path)


def test_wav_files_at_an_address_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"\[store\] format is 'wav'") as caught:
        store_of(StoreSettings(url="s3://bucket/windows"), tmp_path, tmp_path)
    assert caught.value.key == "store.format"


def test_a_missing_pyarrow_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ei_toolkit.dataset.window_shards", None)
    with pytest.raises(MissingToolError) as caught:
        store_of(PARQUET, tmp_path, tmp_path)
    assert caught.value.hint == "pip install 'eitk[parquet]'"


def test_a_store_without_permission_names_the_setting(
    clips: Path, settings: Settings, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise PermissionError("access denied")

    monkeypatch.setattr(type(memory), "put_file", refuse)
    with pytest.raises(ConfigurationError, match=r"memory://bucket/windows cannot be used \(access denied\)"):
        cut(sharded(settings, "memory://bucket/windows"), clips.parent)
    assert not (clips.parent / "out" / "manifest.csv").exists()


def test_commands_use_the_windows_of_the_store(tmp_path: Path) -> None:
    write_clips(tmp_path / "clips", clips=8, seconds=4.0)
    assert eitk(tmp_path, "init", "--recipe", "reference", "--clips", "clips").code == 0
    with (tmp_path / "eitk.toml").open("a", encoding="utf-8") as file:
        file.write('\n[store]\nformat = "parquet"\nurl = "windows"\n')
    sliced = eitk(tmp_path, "slice", "--jobs", "1")
    assert sliced.code == 0, sliced.err
    config = load_config(tmp_path, {})
    assert names(config.paths.windows) == ["manifest.csv", "slice.json"]
    reader = gather_summary(config).reader
    windows = Manifest.read(config.paths.manifest).windows
    assert all(hashlib.sha256(reader.file(one)).hexdigest() == one.sha256 for one in windows)
    features = compute_features(open_project(tmp_path), "testing")
    assert len(features.values) == sum(one.split == "testing" for one in windows)
