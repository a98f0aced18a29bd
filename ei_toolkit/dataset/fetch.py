"""Find clips in an archive or folder. Paths of the archive are never used to write files."""

from __future__ import annotations

import shutil
import tomllib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from urllib.parse import urlsplit

from ei_toolkit.audio.formats import SUFFIXES
from ei_toolkit.config.archive import MIB, Limits, read_entries
from ei_toolkit.config.atomic_write import write_bytes
from ei_toolkit.config.project import bundled
from ei_toolkit.dataset.download import Patience, Progress, download
from ei_toolkit.dataset.index import Track, load_index
from ei_toolkit.dataset.verify import USABLE, Finding, judge, verify_folder, wanted_tracks
from ei_toolkit.errors import ArchiveError, DataError, NetworkError

CLIP_LIMITS = Limits(entries=200_000, entry_bytes=64 * MIB, total_bytes=16 * 1024 * MIB)
"""A clip of half a minute in stereo at 192 kHz and 32-bit float has 46 MB."""
RequestedClip = Callable[[str], bool]
REFUSED = "not the published samples, in an archive without a published checksum"
REFUSED_HINT = "Download the archive yourself, check it, and give the file: eitk dataset fetch gtzan --from FILE"


def clips_in(source: Path, wanted: RequestedClip) -> Iterator[tuple[str, bytes]]:
    """(stem, content) of every clip in a folder, zip or tar archive whose stem is `wanted`, in its own order.

    Nothing is unpacked to a path that the archive names; links and devices are left out. Raises DataError for a file
    that is not an archive, is damaged, or exceeds CLIP_LIMITS.
    """
    if source.is_dir():
        yield from _from_folder(source, wanted)
        return
    if not source.is_file():
        raise DataError(
            f"{source} does not exist", hint="--from takes an address, an archive (tar.gz, zip) or a folder."
        )
    try:
        for name, data in read_entries(source, lambda name: _is_clip(name, wanted), CLIP_LIMITS):
            yield name.stem, data
    except ArchiveError as error:
        raise DataError(
            error.what, why=error.why, hint="Fetch it again, or give a tar.gz, a zip or a folder."
        ) from None


def _from_folder(folder: Path, wanted: RequestedClip) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if _is_clip(path, wanted) and path.is_file() and path.stat().st_size <= CLIP_LIMITS.entry_bytes:
            yield path.stem, path.read_bytes()


def _is_clip(path: PurePath, wanted: RequestedClip) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and wanted(path.stem)


DOWNLOADS = ".download"  # in DEST; a name that no search for clips looks into
COMPLETE = frozenset({"ok", "same sound", "unverified"})
VERIFIED = frozenset({"ok", "same sound"})
"""What is taken from an archive of an address without a published checksum."""


@dataclass(frozen=True)
class Source:
    """A published place. `md5` may be empty."""

    url: str
    md5: str = ""
    note: str = ""


@dataclass(frozen=True)
class FetchReport:
    """Every wanted track as it is in DEST now, and how many of them this run wrote.

    `refused` are the tracks of a downloaded archive without a published checksum that are not those of the index.
    """

    findings: tuple[Finding, ...]
    written: int
    refused: tuple[str, ...] = ()

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
    whole in `dest` is left unchanged. Raises NetworkError, and DataError where not one track can be had.
    """
    tracks = wanted_tracks(load_index(), genres)
    lacking = {f.track for f in verify_folder(dest, tracks) if f.status not in COMPLETE}
    written: set[str] = set()
    refused: set[str] = set()
    if lacking:
        source, accepted = _local(dest, origin, sources, progress, patience)
        try:
            wanted = {t.track: t for t in tracks if t.track in lacking}
            written, refused = _collect(dest, source, wanted, accepted, progress)
        finally:  # a damaged download must not be found again
            shutil.rmtree(dest / DOWNLOADS, ignore_errors=True)
    findings = tuple(verify_folder(dest, tracks))
    if refused and not written:
        raise DataError(
            f"{origin or 'the archive'} has no track of the index",
            why=f"{', '.join(sorted(refused)[:5])}: {REFUSED}",
            hint=REFUSED_HINT,
        )
    if not any(finding.status in USABLE for finding in findings):
        raise DataError(
            f"no GTZAN track in {origin or 'the archive'}",
            why="no file is named like one, or none is whole",
            hint="Tracks are named <genre>.<number>.wav, .au or .flac.",
        )
    return FetchReport(findings, len(written), tuple(sorted(refused)))


def _local(
    dest: Path, origin: str, sources: Sequence[Source], progress: Progress, patience: Patience | None
) -> tuple[Path, Collection[str]]:
    """The folder or archive to look into, downloaded if need be, and the statuses of its tracks that are accepted."""
    if origin and urlsplit(origin).scheme not in ("http", "https"):
        return Path(origin).expanduser(), USABLE
    known = {source.url: source for source in published_sources()}
    failures: list[str] = []
    for source in [known.get(origin, Source(origin))] if origin else sources:
        target = dest / DOWNLOADS / (Path(urlsplit(source.url).path).name or "archive")
        accepted = USABLE if source.md5 else VERIFIED
        if target.is_file():
            return target, accepted  # an earlier run downloaded it whole and was stopped
        try:
            download(source.url, target, source.md5, progress, patience)
            return target, accepted
        except (NetworkError, DataError) as error:
            failures.append(str(error))
    raise NetworkError(
        "GTZAN cannot be fetched",
        why="; ".join(failures),
        hint="Download it by hand and give it: eitk dataset fetch gtzan --from FILE_OR_FOLDER",
    )


def _collect(
    dest: Path, source: Path, lacking: dict[str, Track], accepted: Collection[str], progress: Progress
) -> tuple[set[str], set[str]]:
    """Write each lacking track that the source holds; of several files the first whole one counts.

    Return the tracks that were written, and those whose files all have a status that is not accepted.
    """
    complete: set[str] = set()
    written: set[str] = set()
    refused: set[str] = set()
    for number, (stem, data) in enumerate(clips_in(source, lambda stem: stem in lacking and stem not in complete)):
        verdict = judge(lacking[stem], data)
        if verdict.status in USABLE and verdict.status not in accepted:
            refused.add(stem)
        elif verdict.status in USABLE and (stem not in written or verdict.status in COMPLETE):
            write_bytes(dest / lacking[stem].genre / f"{stem}.wav", verdict.wav)
            written.add(stem)
        if verdict.status in COMPLETE & set(accepted):
            complete.add(stem)
        progress(number + 1, stem)
    return written, refused - written
