"""Look into an archive or folder for clips. Nothing is ever unpacked to a place that the archive names."""

from __future__ import annotations

import lzma
import shutil
import tarfile
import tomllib
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import urlsplit

from ei_toolkit.config.atomic_write import write_bytes
from ei_toolkit.config.project import bundled
from ei_toolkit.dataset.download import Patience, Progress, download
from ei_toolkit.dataset.folder import SUFFIXES
from ei_toolkit.dataset.index import Track, load_index
from ei_toolkit.dataset.verify import USABLE, Finding, judge, verify_folder, wanted_tracks
from ei_toolkit.errors import DataError, NetworkError

LARGEST_CLIP = 64 << 20  # half a minute of stereo at 192 kHz in 32-bit float would fit
LARGEST_TOTAL = 16 << 30
MOST_MEMBERS = 200_000
UNREADABLE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError)
RequestedClip = Callable[[str], bool]


def clips_in(source: Path, wanted: RequestedClip) -> Iterator[tuple[str, bytes]]:
    """(stem, content) of every clip in a folder, zip or tar archive whose stem is `wanted`, in its own order.

    Links, devices and names are never followed; a clip, or all of them together, may not be larger than is sane.
    Raises DataError for what is no archive, is damaged, or is a bomb.
    """
    if source.is_dir():
        yield from _from_folder(source, wanted)
    elif zipfile.is_zipfile(source):
        yield from _guarded(source, _from_zip(source, wanted))
    elif source.is_file():
        yield from _guarded(source, _from_tar(source, wanted))
    else:
        raise DataError(f"there is no {source}", hint="--from takes an address, an archive (tar.gz, zip) or a folder.")


def _from_folder(folder: Path, wanted: RequestedClip) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if _is_clip(path.name, wanted) and path.is_file() and path.stat().st_size <= LARGEST_CLIP:
            yield path.stem, path.read_bytes()


def _from_zip(source: Path, wanted: RequestedClip) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(source) as archive:
        members = archive.infolist()
        if len(members) > MOST_MEMBERS:
            raise _bomb(source, f"{len(members)} members")
        for member in members:
            if not member.is_dir() and _is_clip(member.filename, wanted):
                with archive.open(member) as stream:
                    yield _path(member.filename).stem, _read(source, stream)


def _from_tar(source: Path, wanted: RequestedClip) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(source, "r:*") as archive:
        for number, member in enumerate(archive):
            if number > MOST_MEMBERS:
                raise _bomb(source, f"more than {MOST_MEMBERS} members")
            if member.isreg() and _is_clip(member.name, wanted) and (stream := archive.extractfile(member)):
                yield _path(member.name).stem, _read(source, stream)


def _guarded(source: Path, clips: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Turn a damaged archive into a DataError, and stop one that never ends."""
    total = 0
    try:
        for stem, data in clips:
            total += len(data)
            if total > LARGEST_TOTAL:
                raise _bomb(source, f"more than {LARGEST_TOTAL >> 30} GiB of clips")
            yield stem, data
    except UNREADABLE as e:
        why = str(e) or type(e).__name__  # RuntimeError: a compression or encryption that zipfile does not know
        raise DataError(f"{source.name} is not an archive that can be read", why=why,
                        hint="Fetch it again, or give a tar.gz, a zip or a folder.") from None  # fmt: skip


def _read(source: Path, stream: IO[bytes]) -> bytes:
    data = stream.read(LARGEST_CLIP + 1)  # whatever the header says, no more than this is unpacked
    if len(data) > LARGEST_CLIP:
        raise _bomb(source, f"a clip of more than {LARGEST_CLIP >> 20} MiB")
    return data


def _is_clip(name: str, wanted: RequestedClip) -> bool:
    path = _path(name)
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and wanted(path.stem)


def _path(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/"))  # some zip programs write Windows' separator


def _bomb(source: Path, why: str) -> DataError:
    return DataError(f"{source.name} is not unpacked: it is no collection of clips", why=why)


DOWNLOADS = ".download"  # in DEST; a name that no search for clips looks into
SETTLED = frozenset({"ok", "same sound", "unverified"})


@dataclass(frozen=True)
class Source:
    """A published place. `md5` may be empty."""

    url: str
    md5: str = ""
    note: str = ""


@dataclass(frozen=True)
class FetchReport:
    """Every wanted track as it is in DEST now, and how many of them this run wrote."""

    findings: tuple[Finding, ...]
    written: int

    def counts(self) -> Counter[str]:
        """Number of tracks by status."""
        return Counter(finding.status for finding in self.findings)


def published_sources(own: Sequence[str] = ()) -> list[Source]:
    """The user's addresses ([dataset] sources), else those that eitk knows (datasets/gtzan/sources.toml)."""
    known = tomllib.loads((bundled("datasets") / "gtzan" / "sources.toml").read_text(encoding="utf-8"))["source"]
    md5 = {source["url"]: source["md5"] for source in known}
    return [Source(url, md5.get(url, "")) for url in own] or [Source(**source) for source in known]


def fetch_gtzan(
    dest: Path, origin: str, sources: Sequence[Source], genres: Collection[str], progress: Progress,
    patience: Patience | None = None,
) -> FetchReport:  # fmt: skip
    """Bring the tracks of `genres` (all, if empty) to `dest` and verify every one.

    `origin` is an address, an archive or a folder; empty means the first of `sources` that answers. A track that is
    whole in `dest` is left alone. Raises NetworkError, and DataError where not one track can be had.
    """
    tracks = wanted_tracks(load_index(), genres)
    lacking = {f.track for f in verify_folder(dest, tracks) if f.status not in SETTLED}
    written = 0
    if lacking:
        candidates = _local(dest, origin, sources, progress, patience)
        try:
            written = _collect(dest, candidates, {t.track: t for t in tracks if t.track in lacking}, progress)
        finally:  # a damaged download must not be found again
            shutil.rmtree(dest / DOWNLOADS, ignore_errors=True)
    findings = tuple(verify_folder(dest, tracks))
    if not any(finding.status in USABLE for finding in findings):
        raise DataError(
            f"no GTZAN track in {origin or 'the archive'}",
            why="no file is named like one, or none is whole",
            hint="Tracks are named <genre>.<number>.wav, .au or .flac.",
        )
    return FetchReport(findings, written)


def _local(dest: Path, origin: str, sources: Sequence[Source], progress: Progress, patience: Patience | None) -> Path:
    """The folder or archive to look into, downloaded if need be."""
    if origin and urlsplit(origin).scheme not in ("http", "https"):
        return Path(origin).expanduser()
    known = {source.url: source for source in published_sources()}
    failures: list[str] = []
    for source in [known.get(origin, Source(origin))] if origin else sources:
        target = dest / DOWNLOADS / (Path(urlsplit(source.url).path).name or "archive")
        if target.is_file():
            return target  # an earlier run downloaded it whole and was stopped
        try:
            download(source.url, target, source.md5, progress, patience)
            return target
        except (NetworkError, DataError) as error:
            failures.append(str(error))
    raise NetworkError(
        "GTZAN cannot be fetched",
        why="; ".join(failures),
        hint="Download it by hand and give it: eitk dataset fetch gtzan --from FILE_OR_FOLDER",
    )


def _collect(dest: Path, source: Path, lacking: dict[str, Track], progress: Progress) -> int:
    """Write each lacking track that the source holds; of several files the first whole one counts."""
    settled: set[str] = set()
    written: set[str] = set()
    for number, (stem, data) in enumerate(clips_in(source, lambda stem: stem in lacking and stem not in settled)):
        verdict = judge(lacking[stem], data)
        if verdict.status in USABLE and (stem not in written or verdict.status in SETTLED):
            write_bytes(dest / lacking[stem].genre / f"{stem}.wav", verdict.wav)
            written.add(stem)
        if verdict.status in SETTLED:
            settled.add(stem)
        progress(number + 1, stem)
    return len(written)
