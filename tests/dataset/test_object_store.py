"""Clips in an object store: a server of Amazon's protocol on this machine, and a store in memory for names and faults.

s3fs and moto are imported by what uses them: the import takes a second, in each process that collects the tests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.registry import known_implementations
from support import eitk, write_clips

from ei_toolkit.config import load_config
from ei_toolkit.config.address import is_address, place_of, shown_address
from ei_toolkit.config.project import ProjectPaths
from ei_toolkit.dataset import object_store
from ei_toolkit.dataset.manifest import Manifest
from ei_toolkit.dataset.object_store import copied_folder
from ei_toolkit.dataset.window_store import reader_of
from ei_toolkit.errors import ConfigurationError, DataError, EitkError, MissingToolError, NetworkError

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    moto = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"http://{host}:{port}"
    moto.stop()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A store with the empty bucket `clips`."""
    import s3fs

    for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": server}.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()  # an instance keeps the address of its server
    store = s3fs.S3FileSystem()
    if store.exists("clips"):
        store.rm("clips", recursive=True)
    store.mkdir("clips")
    return store


@pytest.fixture
def memory() -> Any:
    """An empty store in memory, memory://."""
    store = fsspec.filesystem("memory")
    store.store.clear()
    store.pseudo_dirs[:] = [""]
    return store


def files(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_windows_are_stored_in_a_bucket_and_read_from_it(bucket: Any, tmp_path: Path) -> None:
    write_clips(tmp_path / "clips", clips=8, seconds=4.0)
    assert eitk(tmp_path, "init", "--recipe", "reference", "--clips", "clips").code == 0
    stored = ("-o", "store.format=parquet", "-o", "store.url=s3://clips/windows")
    for hop_ms, expected in ((1500, "written"), (1500, "kept"), (500, "written")):
        done = eitk(tmp_path, *stored, "-o", f"slice.hop_ms={hop_ms}", "slice", "--jobs", "1", "--json")
        assert done.code == 0, done.err
        assert json.loads(done.out)["reused"] is (expected == "kept")
    config = load_config(tmp_path, {}, {"store.format": "parquet", "store.url": "s3://clips/windows"})
    windows, reader = Manifest.read(config.paths.manifest).windows, reader_of(config)
    assert all(sha256(reader.file(window)).hexdigest() == window.sha256 for window in windows)
    names = [key.rpartition("/")[2] for key in bucket.ls("clips/windows", refresh=True)]
    assert [Path(name).suffix for name in names] == [".csv", ".parquet"]
    assert bucket.cat("clips/windows/manifest.csv") == config.paths.manifest.read_bytes()


def test_windows_for_a_bucket_that_does_not_exist_name_the_setting(bucket: Any, tmp_path: Path) -> None:
    write_clips(tmp_path / "clips", clips=8, seconds=4.0)
    assert eitk(tmp_path, "init", "--recipe", "reference", "--clips", "clips").code == 0
    done = eitk(tmp_path, "-o", "store.format=parquet", "-o", "store.url=s3://missing/windows", "slice", "--jobs", "1")
    assert done.code == 3
    assert "s3://missing/windows cannot be used" in done.err and "Correct [store] url" in done.err


def test_a_project_is_made_of_a_bucket_and_its_windows_equal_those_of_the_folder(bucket: Any, tmp_path: Path) -> None:
    write_clips(tmp_path / "clips", clips=8, seconds=4.0)
    bucket.put(f"{tmp_path}/clips/", "clips/music/", recursive=True)
    windows = []
    for name, clips in (("near", str(tmp_path / "clips")), ("far", "s3://clips/music")):
        project = tmp_path / name
        project.mkdir()
        made = eitk(project, "init", "--recipe", "reference", "--clips", clips)
        assert made.code == 0, made.err
        done = eitk(project, "slice", "--jobs", "1")
        assert done.code == 0, done.err
        windows.append(files(project / ".eitk" / "windows"))
        del windows[-1]["slice.json"]  # the times of the clips
    assert windows[0] == windows[1]
    assert len(windows[0]) > 16
    assert 'root = "s3://clips/music"' in (tmp_path / "far" / "eitk.toml").read_text()
    assert eitk(tmp_path / "far", "config", "check").code == 0


def test_what_changed_is_copied_again_and_what_is_gone_is_removed(
    bucket: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_clips(tmp_path / "clips", clips=2, seconds=0.2)
    (tmp_path / "clips" / "notes.docx").write_text("no sound")
    bucket.put(f"{tmp_path}/clips/", "clips/music/", recursive=True)
    paths = ProjectPaths(tmp_path / "project")
    folder = copied_folder("s3://clips/music", paths)
    assert sorted(files(folder)) == [f"{g}/{g}.{n}.wav" for g in ("classical", "rock") for n in (0, 1)]
    first = {name: (folder / name).stat().st_mtime_ns for name in files(folder)}
    bucket.pipe_file("clips/music/rock/rock.1.wav", b"other")
    bucket.rm_file("clips/music/classical/classical.0.wav")
    bucket.pipe_file("clips/music/groups.csv", b"clip,group")
    assert copied_folder("s3://clips/music/", paths) != folder  # the address is the name
    caplog.clear()
    assert copied_folder("s3://clips/music", paths) == folder
    assert (folder / "rock/rock.1.wav").read_bytes() == b"other"
    assert sorted(files(folder)) == ["classical/classical.1.wav", "groups.csv", "rock/rock.0.wav", "rock/rock.1.wav"]
    assert (folder / "rock/rock.0.wav").stat().st_mtime_ns == first["rock/rock.0.wav"]
    assert [record.message for record in caplog.records if record.name == object_store.__name__] == [
        "copying 2 files, 0.0 MiB, from s3://clips/music"
    ]
    caplog.clear()
    copied_folder("s3://clips/music", paths)
    assert object_store.__name__ not in {record.name for record in caplog.records}


def test_a_bucket_without_permission_and_one_that_does_not_exist_are_named(bucket: Any, tmp_path: Path) -> None:
    from moto.core import set_initial_no_auth_action_count

    bucket.pipe_file("clips/music/rock/a.wav", b"sound")

    @set_initial_no_auth_action_count(0)
    def without_permission() -> None:
        with pytest.raises(ConfigurationError, match="s3://clips/music cannot be used") as caught:
            copied_folder("s3://clips/music", ProjectPaths(tmp_path))
        assert "permission" in caught.value.hint

    without_permission()
    with pytest.raises(EitkError, match="s3://nowhere/music"):
        copied_folder("s3://nowhere/music", ProjectPaths(tmp_path))


def test_a_store_that_does_not_answer_is_a_network_error(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    with pytest.raises(NetworkError, match="s3://clips/music cannot be used"):
        copied_folder("s3://clips/music", ProjectPaths(tmp_path))


def test_the_extra_of_an_address_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(known_implementations, "gs", {"class": "no.such.Store", "err": "Install gcsfs"})
    with pytest.raises(MissingToolError, match="gs://bucket/music cannot be used") as caught:
        copied_folder("gs://bucket/music", ProjectPaths(tmp_path))
    assert (caught.value.why, caught.value.hint) == ("Install gcsfs", "pip install 'eitk[gs]'")
    with pytest.raises(ConfigurationError, match="soup://bucket cannot be used"):
        copied_folder("soup://bucket", ProjectPaths(tmp_path))


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["rock/../../../out.wav"], "leads outside of its folder"),
        (["rock.wav", "rock.wav/a.wav"], "stands for several files"),
        (["rock/a.wav", "rock//a.wav"], "stands for several files"),
        ([], "there are no clips at"),
    ],
)
def test_names_that_cannot_be_copied_are_refused(
    memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str], problem: str
) -> None:
    found = {f"/clips/{name}": {"type": "file", "size": 1, "created": "now"} for name in names}
    monkeypatch.setattr(type(memory), "find", lambda *_arguments, **_options: found)
    with pytest.raises(DataError, match=problem):
        copied_folder("memory://clips", ProjectPaths(tmp_path))
    assert not list(tmp_path.rglob("*.wav"))


def test_a_copy_that_was_interrupted_continues(memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        memory.pipe_file(f"/clips/rock/{number}.wav", bytes(10 + number))
    monkeypatch.setattr(object_store, "FILES_AT_ONCE", 2)
    get, asked = type(memory).get, []

    def interrupted(store: Any, keys: list[str], to: list[str]) -> None:
        asked.append([Path(key).name for key in keys])
        if len(asked) == 2:
            raise ConnectionResetError("the connection was reset")
        get(store, keys, to)

    monkeypatch.setattr(type(memory), "get", interrupted)
    paths = ProjectPaths(tmp_path)
    with pytest.raises(NetworkError, match="memory://clips"):
        copied_folder("memory://clips", paths)
    assert len(list(tmp_path.rglob("*.wav"))) == 2
    assert not list(tmp_path.rglob("*.part"))
    folder = copied_folder("memory://clips", paths)
    assert {name: len(data) for name, data in files(folder).items()} == {f"rock/{n}.wav": 10 + n for n in range(6)}
    assert [len(names) for names in asked] == [2, 2, 2, 2]


def test_a_disk_without_space_is_found_before_anything_is_copied(
    memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.pipe_file("/clips/rock/a.wav", bytes(10))
    monkeypatch.setattr(object_store.shutil, "disk_usage", lambda _folder: type("Usage", (), {"free": 5}))
    with pytest.raises(DataError, match="are free for"):
        copied_folder("memory://clips", ProjectPaths(tmp_path))


def test_an_address_is_known_and_shown_without_its_secrets() -> None:
    assert is_address("s3://bucket/a")
    assert not any(map(is_address, ("clips", "/clips", "C:/clips", "C://clips", "")))
    assert place_of(Path("s3://bucket/a"), Path("/project")) == "s3://bucket/a"
    assert place_of(Path("clips"), Path("/project")) == "/project/clips"
    assert shown_address("ftp://me:word@host/a?token=1") == "ftp://host/a"
