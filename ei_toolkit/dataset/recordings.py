"""The files of a folder that can be uploaded whole: sounds, CSV time series and data acquisition files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ei_toolkit.audio.formats import ACQUISITION_SUFFIXES, SUFFIXES
from ei_toolkit.config import DatasetSettings
from ei_toolkit.dataset.folder import Clip
from ei_toolkit.dataset.layout import Layout, detect_layout
from ei_toolkit.dataset.layout_sources import Rule
from ei_toolkit.dataset.listing import MOST_METADATA_BYTES, MOST_METADATA_FILES, LeftOut, Listing, list_folder
from ei_toolkit.dataset.time_series import is_time_series
from ei_toolkit.errors import DataError

SERIES = ".csv"
LONGEST_START = 2**16  # bytes of a JSON file in which an acquisition file has its payload
GIVE_LABEL = "Give one label for all files with --label."
NO_LABEL = f"no label. {GIVE_LABEL}"


@dataclass(frozen=True)
class Recordings:
    """The files to upload, sorted by name, those that are left out with the reason, and the layout of the folder."""

    clips: tuple[Clip, ...]
    left_out: tuple[LeftOut, ...]
    layout: Layout


def find_recordings(root: Path, settings: DatasetSettings, label: str = "") -> Recordings:
    """Return the files below `root` with their labels: those of the layout, or `label` for all of them.

    A CSV file may have a column of labels in itself; its label is empty if the layout gives none. Raises DataError
    where there is no file, or `detect_layout` finds no layout.
    """
    listing, paths = list_folder(root, SUFFIXES | ACQUISITION_SUFFIXES | {SERIES})
    listing = _without_tables(listing, paths)
    if not listing.sounds:
        raise DataError(
            f"no files to upload in {root}", hint="Sounds, CSV time series and data acquisition files are uploaded."
        )
    if label:
        clips = tuple(Clip(paths[name], name, label) for name in listing.sounds)
        return Recordings(clips, (), Layout((), labels_from=Rule("label", f"{label}, for all files")))
    layout = detect_layout(listing, settings)
    found = {sound.name: sound for sound in layout.sounds}
    clips = tuple(
        Clip.of(found[name], paths[name]) if name in found else Clip(paths[name], name, "")
        for name in listing.sounds
        if name in found or _suffix(name) == SERIES
    )
    reasons = {one.name: one.reason for one in layout.left_out}
    bare = [name for name in listing.sounds if name not in found and _suffix(name) != SERIES]
    left_out = tuple(LeftOut(name, f"{reasons.get(name, 'no label')}. {GIVE_LABEL}") for name in bare)
    return Recordings(clips, left_out, layout)


def _without_tables(listing: Listing, paths: Mapping[str, Path]) -> Listing:
    """The listing with the tables that may describe its sounds as metadata, and without other JSON files."""
    json_files = [name for name in listing.sounds if _suffix(name) == ".json" and not _is_acquisition(paths[name])]
    tables = [name for name in listing.sounds if _suffix(name) == SERIES and not is_time_series(paths[name])]
    others = set(listing.sounds) - {*json_files, *tables}
    if not others:  # then they are time series, each with a reason why it cannot be read
        return Listing(tuple(name for name in listing.sounds if name not in json_files), listing.metadata)
    metadata = dict(listing.metadata) | _contents(tables, paths)
    return Listing(tuple(sorted(others)), metadata, listing.left_out)


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _is_acquisition(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            start = stream.read(LONGEST_START)
    except OSError:
        return True  # why it cannot be read is reported when it is converted
    return any('"payload"'.encode(encoding) in start for encoding in ("utf-8", "utf-16-le", "utf-16-be"))


def _contents(names: Sequence[str], paths: Mapping[str, Path]) -> dict[str, bytes]:
    small = [name for name in names if paths[name].stat().st_size <= MOST_METADATA_BYTES]
    return {name: paths[name].read_bytes() for name in small[:MOST_METADATA_FILES]}
