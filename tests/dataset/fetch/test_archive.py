from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ei_toolkit.config.archive import Limits
from ei_toolkit.dataset import fetch
from ei_toolkit.dataset.fetch import clips_in
from ei_toolkit.errors import DataError

FILES = {
    "genres/rock/rock.00001.au": b"one",
    "Data/genres_original/jazz/jazz.00002.wav": b"two",
    "../../../../escape/rock.00003.wav": b"three",
    "/absolute/rock.00004.wav": b"four",
    "rock\\rock.00005.WAV": b"five",
    "genres/rock/._rock.00006.wav": b"a fork of a Mac file",
    "genres/bextract_single.mf": b"a list",
    "images/rock.00001.png": b"a picture",
    "genres/rock/holiday.wav": b"not a track",
}
EXPECTED = {
    "rock.00001": b"one",
    "jazz.00002": b"two",
    "rock.00003": b"three",
    "rock.00004": b"four",
    "rock.00005": b"five",
}


def wanted(stem: str) -> bool:
    return stem[-5:].isdigit()


def make_tar(path: Path, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as out:  # type: ignore[call-overload]
        for name, data in FILES.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            out.addfile(member, io.BytesIO(data))
    return path


def make_zip(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in FILES.items():
            out.writestr(name, data)
    return path


def make_folder(path: Path) -> Path:
    for name, data in FILES.items():
        inside = path / name.replace("..", "up").replace("\\", "/").lstrip("/")
        inside.parent.mkdir(parents=True, exist_ok=True)
        inside.write_bytes(data)
    return path


MAKERS: dict[str, Callable[[Path], Path]] = {
    "a.tar.gz": make_tar,
    "a.tar": lambda path: make_tar(path, "w"),
    "a.tar.xz": lambda path: make_tar(path, "w:xz"),
    "a.zip": make_zip,
    "folder": make_folder,
}


@pytest.mark.parametrize("kind", MAKERS)
def test_clips_are_found_and_nothing_is_written(tmp_path: Path, kind: str) -> None:
    source = MAKERS[kind](tmp_path / kind)
    before = sorted(tmp_path.rglob("*"))
    assert dict(clips_in(source, wanted)) == EXPECTED
    assert sorted(tmp_path.rglob("*")) == before


def test_links_and_devices_in_a_tar_are_not_followed(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as out:
        for number, kind in enumerate((tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)):
            member = tarfile.TarInfo(f"rock/rock.0000{number}.wav")
            member.type, member.linkname = kind, "/etc/passwd"
            out.addfile(member)
    assert dict(clips_in(tmp_path / "a.tar", wanted)) == {}


@pytest.mark.parametrize("kind", ["a.zip", "a.tar.gz"])
def test_a_bomb_is_not_unpacked(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "CLIP_LIMITS", Limits(entry_bytes=1 << 16))
    monkeypatch.setitem(FILES, "rock/rock.00007.wav", bytes(1 << 22))
    source = MAKERS[kind](tmp_path / kind)
    assert source.stat().st_size < 1 << 14
    with pytest.raises(DataError, match="too large to unpack"):
        list(clips_in(source, wanted))


def test_many_small_clips_that_never_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "CLIP_LIMITS", Limits(total_bytes=10))
    with pytest.raises(DataError, match="too large to unpack"):
        list(clips_in(make_zip(tmp_path / "a.zip"), wanted))


@pytest.mark.parametrize("kind", ["a.zip", "a.tar.gz"])
def test_more_members_than_any_edition(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "CLIP_LIMITS", Limits(entries=3))
    with pytest.raises(DataError, match="more than 3 files"):
        list(clips_in(MAKERS[kind](tmp_path / kind), wanted))


@pytest.mark.parametrize("kind", ["a.zip", "a.tar.gz", "a.tar.xz"])
@pytest.mark.parametrize(
    "damage", [lambda d: d[: len(d) // 2], lambda d: d[:60] + b"\xff" * 40 + d[100:], lambda _d: b"no"]
)
def test_a_damaged_archive_is_an_error(tmp_path: Path, kind: str, damage: Callable[[bytes], bytes]) -> None:
    source = MAKERS[kind](tmp_path / kind)
    source.write_bytes(damage(source.read_bytes()))
    with pytest.raises(DataError, match="cannot be unpacked"):
        list(clips_in(source, wanted))


def test_no_such_source(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        list(clips_in(tmp_path / "gone.zip", wanted))
