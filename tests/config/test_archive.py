"""Archives that are not trusted are unpacked safely or not at all."""

from __future__ import annotations

import errno
import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ei_toolkit.config.archive import MIB, Limits, check_archive, entry_names, extract_archive, read_entries
from ei_toolkit.errors import ArchiveError

FILES = {"library/a.h": b"int a;\n" * 500, "library/src/b.cpp": bytes(range(256)) * 20, "library/empty": b""}


def make_zip(path: Path, files: dict[str, bytes] = FILES) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/", b"")
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def make_tar(path: Path, files: dict[str, bytes] = FILES) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def zip_with_link(path: Path, kind: int = stat.S_IFLNK) -> Path:
    info = zipfile.ZipInfo("link")
    info.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(make_zip(path), "a") as archive:
        archive.writestr(info, b"/etc/passwd")
    return path


def tar_with(kind: bytes) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        with tarfile.open(path, "w") as archive:
            archive.addfile(tarfile.TarInfo("first"))
            info = tarfile.TarInfo("link")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        return path

    return make


MAKERS = pytest.mark.parametrize("make", [make_zip, make_tar])
LINKS = {
    "zip link": zip_with_link,
    "tar symbolic link": tar_with(tarfile.SYMTYPE),
    "tar hard link": tar_with(tarfile.LNKTYPE),
    "tar device": tar_with(tarfile.CHRTYPE),
    "tar pipe": tar_with(tarfile.FIFOTYPE),
}


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@MAKERS
def test_an_archive_is_unpacked_and_replaces_the_folder(make: Callable[[Path], Path], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").touch()
    check_archive(make(tmp_path / "a"))
    extract_archive(tmp_path / "a", tmp_path / "out")
    assert content(tmp_path / "out") == FILES
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a", "out"]


@MAKERS
def test_files_are_read_without_unpacking(make: Callable[[Path], Path], tmp_path: Path) -> None:
    source = make(tmp_path / "a")
    assert [str(name) for name in entry_names(source)] == list(FILES)
    found = dict(read_entries(source, lambda name: name.suffix == ".h"))
    assert found == {PurePosixPath("library/a.h"): FILES["library/a.h"]}


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize("name", ["../a", "x/../../a", "/etc/a", "C:/a", "..\\a", "x\\..\\..\\a", "C:\\a"])
def test_a_name_outside_of_the_folder_stops_it_before_anything_is_kept(
    make: Callable[..., Path], name: str, tmp_path: Path
) -> None:
    source = make(tmp_path / "archive", {**FILES, name: b"x"})
    for attempt in (lambda: extract_archive(source, tmp_path / "out"), lambda: check_archive(source)):
        with pytest.raises(ArchiveError, match="would land outside"):
            attempt()
    assert [file.name for file in tmp_path.iterdir()] == ["archive"]


@pytest.mark.parametrize("kind", LINKS)
def test_links_and_devices_are_neither_unpacked_nor_read(kind: str, tmp_path: Path) -> None:
    source = LINKS[kind](tmp_path / "a")
    with pytest.raises(ArchiveError, match="is a link or a device"):
        extract_archive(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert PurePosixPath("link") not in dict(read_entries(source, lambda _name: True))


@MAKERS
@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(entries=2), "more than 2 files"),
        (Limits(entry_bytes=5000), "src/b.cpp is larger than 5000 bytes"),
        (Limits(total_bytes=6000), "unpacks to more than 6000 bytes"),
    ],
)
def test_an_archive_over_a_limit_is_not_unpacked(
    make: Callable[[Path], Path], limits: Limits, reason: str, tmp_path: Path
) -> None:
    source = make(tmp_path / "a")
    with pytest.raises(ArchiveError, match=reason):
        extract_archive(source, tmp_path / "out", limits)
    with pytest.raises(ArchiveError, match=reason):
        list(read_entries(source, lambda _name: True, limits))
    assert not (tmp_path / "out").exists()


def test_a_file_of_a_zip_that_grows_too_much_is_not_unpacked(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).bytes(2 * MIB)
    source = make_zip(tmp_path / "a", {"noise": noise, "small": bytes(MIB)})
    check_archive(source, Limits(ratio=100))
    make_zip(source, {"zeros": bytes(2 * MIB)})
    check_archive(source)
    with pytest.raises(ArchiveError, match="would grow more than 100 times"):
        check_archive(source, Limits(ratio=100))


def test_the_size_that_a_header_promises_does_not_matter(tmp_path: Path) -> None:
    source = make_zip(tmp_path / "a", {"zeros": bytes(2 * MIB)})
    data = source.read_bytes()
    source.write_bytes(data.replace((2 * MIB).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(ArchiveError):
        extract_archive(source, tmp_path / "out", Limits(total_bytes=MIB))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"no archive", b"PK\x05\x06" + bytes(18), bytes(10_240)])
def test_no_archive_and_an_empty_one_are_errors(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(ArchiveError, match="cannot be unpacked"):
        check_archive(tmp_path / "a")


def test_a_path_without_a_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="does not exist"):
        check_archive(tmp_path / "none")
    with pytest.raises(ArchiveError, match="is not a file"):
        check_archive(tmp_path)


def test_an_encrypted_file_is_an_error(tmp_path: Path) -> None:
    source = make_zip(tmp_path / "a", {"secret": b"x" * 100})
    data = bytearray(source.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.rindex(signature) + offset] |= 1
    source.write_bytes(bytes(data))
    with pytest.raises(ArchiveError, match="encrypted"):
        check_archive(source)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(make=st.sampled_from([make_zip, make_tar]), place=st.floats(0, 0.999), damage=st.binary(min_size=1, max_size=8))
def test_damage_gives_an_archive_error_or_the_same_names(
    make: Callable[[Path], Path], place: float, damage: bytes, tmp_path: Path
) -> None:
    data = bytearray(make(tmp_path / "a").read_bytes())
    at = int(place * len(data))
    data[at : at + len(damage)] = damage
    (tmp_path / "a").write_bytes(bytes(data))
    try:
        extract_archive(tmp_path / "a", tmp_path / "out")
    except ArchiveError:
        assert not list(tmp_path.glob("out*.part"))
    else:
        assert content(tmp_path / "out")


@MAKERS
@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a"), ("x/a", "y", "x/a/b/c")])
def test_a_name_that_is_a_file_and_a_folder_is_refused(
    make: Callable[..., Path], names: tuple[str, ...], tmp_path: Path
) -> None:
    source = make(tmp_path / "archive.bin", dict.fromkeys(names, b"x"))
    for attempt in (lambda: extract_archive(source, tmp_path / "out"), lambda: check_archive(source)):
        with pytest.raises(
            ArchiveError, match=r"archive\.bin cannot be unpacked \('(x/)?a' is a file and a folder in it"
        ):
            attempt()
    assert [file.name for file in tmp_path.iterdir()] == ["archive.bin"]


@MAKERS
def test_a_name_that_no_file_system_takes_is_refused(make: Callable[..., Path], tmp_path: Path) -> None:
    source = make(tmp_path / "a", {"folder/" + "ü" * 127 + "y": b"fits: 255 bytes"})
    extract_archive(source, tmp_path / "out")
    with pytest.raises(ArchiveError, match="is longer than 255 bytes"):
        check_archive(make(source, {"folder/" + "ü" * 128: b"256 bytes"}))


@MAKERS
def test_of_two_files_with_one_name_the_later_is_unpacked(make: Callable[..., Path], tmp_path: Path) -> None:
    source = make(tmp_path / "a", {"x\\y": b"first", "x/y": b"second"})
    extract_archive(source, tmp_path / "out")
    assert content(tmp_path / "out") == {"x/y": b"second"}


@MAKERS
def test_names_in_any_script_are_kept(make: Callable[..., Path], tmp_path: Path) -> None:
    files = {"Bibliothèque/größe.h": b"1", "音楽/ロック.wav": b"2", "a b/c'd\".txt": b"3", "x/./y": b"4"}
    extract_archive(make(tmp_path / "a", files), tmp_path / "out")
    assert content(tmp_path / "out") == {name.replace("/./", "/"): data for name, data in files.items()}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_may_be_compressed_in_each_way_that_python_reads(mode: str, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a", mode) as archive:  # type: ignore[call-overload]
        info = tarfile.TarInfo("x")
        info.size = 5
        archive.addfile(info, io.BytesIO(b"hello"))
    assert dict(read_entries(tmp_path / "a", lambda _name: True)) == {PurePosixPath("x"): b"hello"}


def test_an_archive_of_folders_only_is_empty(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("folder/", b"")
        archive.writestr("folder/inner/", b"")
    assert entry_names(tmp_path / "a.zip") == []
    with pytest.raises(ArchiveError, match=r"a\.zip cannot be unpacked \(it is empty\)"):
        extract_archive(tmp_path / "a.zip", tmp_path / "out")


def test_exactly_the_limits_are_allowed(tmp_path: Path) -> None:
    sizes = [len(data) for data in FILES.values()]
    limits = Limits(entries=len(FILES), entry_bytes=max(sizes), total_bytes=sum(sizes))
    check_archive(make_zip(tmp_path / "a"), limits)
    with pytest.raises(ArchiveError, match="too large to unpack"):
        check_archive(tmp_path / "a", Limits(len(FILES), max(sizes), sum(sizes) - 1))


def test_files_that_are_not_wanted_do_not_count_towards_the_size(tmp_path: Path) -> None:
    source = make_zip(tmp_path / "a", {"large.bin": bytes(100_000), "small.txt": b"text"})
    found = list(read_entries(source, lambda name: name.suffix == ".txt", Limits(total_bytes=10)))
    assert found == [(PurePosixPath("small.txt"), b"text")]


def test_a_full_disk_is_not_reported_as_damage_and_keeps_the_old_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_zip(tmp_path / "a")
    extract_archive(tmp_path / "a", tmp_path / "out")
    opened = Path.open

    def full(self: Path, *arguments: Any, **more: Any) -> Any:
        if ".part" in str(self):
            raise OSError(errno.ENOSPC, "No space left on device")
        return opened(self, *arguments, **more)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(OSError, match="No space left") as caught:
        extract_archive(tmp_path / "a", tmp_path / "out")
    assert not isinstance(caught.value, ArchiveError)
    assert content(tmp_path / "out") == FILES
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a", "out"]


def test_a_truncated_file_in_an_archive_is_damage(tmp_path: Path) -> None:
    whole = make_tar(tmp_path / "a", {"x": np.random.default_rng(1).bytes(50_000)}).read_bytes()
    (tmp_path / "a").write_bytes(whole[:-20_000])
    with pytest.raises(ArchiveError, match="a cannot be unpacked"):
        list(read_entries(tmp_path / "a", lambda _name: True))
