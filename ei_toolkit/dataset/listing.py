"""List a folder of sounds: names of the clips, and the small files that may describe them."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ei_toolkit.audio.formats import ACQUISITION_SUFFIXES

GROUPS_NAME = "groups.csv"  # the user's own list of groups; it describes no layout
METADATA_SUFFIXES = frozenset({".csv", ".tsv", ".jsonl"})
INFO_LABELS = "info.labels"
ORIGINAL, ORIGINAL_SHA256 = "original", "original_sha256"  # in its metadata: name and hash of the clip that was played
METADATA_NAMES = frozenset({INFO_LABELS, "validation_list.txt", "testing_list.txt"})
MOST_METADATA_FILES = 100
MOST_METADATA_BYTES = 64 * 2**20
DEEPEST = 32  # levels of folders
IGNORED_FOLDERS = frozenset({"__MACOSX"})
DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True)
class LeftOut:
    """A file that is not used, and the reason."""

    name: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """The sounds of a folder by name, sorted, and the content of the files that may describe them.

    Names are paths below the folder with `/`, in Unicode's composed form (NFC).
    """

    sounds: tuple[str, ...]
    metadata: Mapping[str, bytes] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()

    @cached_property
    def index(self) -> NameIndex:
        """The sounds by full name, file name and stem."""
        return NameIndex(self.sounds)


class NameIndex:
    """Finds the sound that a metadata file means; a path outside of the folder is never one."""

    def __init__(self, sounds: Collection[str]) -> None:
        self._names = frozenset(sounds)
        self._by_ending: dict[str, list[str]] = {}
        for name in sounds:
            for ending in {file_of(name), stem_of(name)}:
                self._by_ending.setdefault(ending, []).append(name)

    def find(self, text: str, folder: str = "", parents: Collection[str] = ()) -> str | None:
        """Return the sound that `text` means in a file that lies in `folder`; None if there is none or are several.

        The text is a path relative to that folder or one above it, or a file name with or without its ending. Of
        several files of one name, the one in a folder named as one of `parents` is meant.
        """
        wanted = safe_name(text)
        if wanted is None:
            return None
        for above in _with_parents(folder):
            name = f"{above}/{wanted}" if above else wanted
            if name in self._names:
                return name
        found = self._by_ending.get(file_of(wanted)) or self._by_ending.get(stem_of(wanted), [])
        if len(found) > 1 and "/" in wanted:
            endings = (f"/{wanted}", f"/{_without_suffix(wanted)}")
            found = [name for name in found if f"/{_without_suffix(name)}".endswith(endings)] or found
        if len(found) > 1 and parents:
            found = [name for name in found if set(name.split("/")[:-1]) & set(parents)]
        return found[0] if len(found) == 1 else None

    def is_known(self, text: str) -> bool:
        """Whether one sound or more have that file name or stem."""
        wanted = safe_name(text)
        return wanted is not None and file_of(wanted) in self._by_ending


def file_of(name: str) -> str:
    """Return the last part of a name. Names are many, and pathlib is slow."""
    return name.rpartition("/")[2]


def stem_of(name: str) -> str:
    """Return the last part of a name without its ending."""
    return _without_suffix(file_of(name))


def _without_suffix(name: str) -> str:
    stem = name.rpartition(".")[0]
    return stem if stem and "/" not in name[len(stem) :] and not stem.endswith("/") else name


def _with_parents(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
    yield ""


def safe_name(text: str) -> str | None:
    """Return a path below a folder with `/` and without `.`; None for an absolute path or one that leads outside."""
    path = composed(text.strip()).replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or DRIVE.match(path) or ".." in parts or not parts or "\0" in path:
        return None
    return "/".join(parts)


def composed(text: str) -> str:
    """In NFC; bytes of a name that are not UTF-8 become U+FFFD, because they cannot be encoded."""
    return unicodedata.normalize("NFC", os.fsencode(text).decode("utf-8", "replace"))


def list_folder(root: Path, suffixes: Collection[str]) -> tuple[Listing, Mapping[str, Path]]:
    """Return the listing of a folder, and the path of each sound. Sounds end in one of `suffixes`, in lower case.

    Data acquisition files (JSON, CBOR) are listed as sounds beside `info.labels`, which states which of them are.

    Hidden files and folders, and folders more than DEEPEST levels down, are passed over. A folder that is reached
    twice through a link is listed once.
    """
    paths: dict[str, Path] = {}
    acquisitions: dict[str, Path] = {}
    metadata: dict[str, bytes] = {}
    left_out: list[LeftOut] = []
    for path in _files(root):
        name = composed(path.as_posix().removeprefix(f"{root.as_posix()}/"))
        if path.suffix.lower() in suffixes:
            paths[name] = path
        elif path.suffix.lower() in ACQUISITION_SUFFIXES:
            acquisitions[name] = path
        elif is_metadata(name):
            content = _content(path) if len(metadata) < MOST_METADATA_FILES else None
            if content is None:
                left_out.append(LeftOut(name, "too large, unreadable, or one of too many metadata files"))
            else:
                metadata[name] = content
    if any(file_of(name) == INFO_LABELS for name in metadata):
        paths |= acquisitions
    return Listing(tuple(sorted(paths)), metadata, tuple(left_out)), paths


def is_metadata(name: str) -> bool:
    """Whether a file may describe sounds."""
    file = file_of(name)
    return file != GROUPS_NAME and (Path(file).suffix.lower() in METADATA_SUFFIXES or file in METADATA_NAMES)


def _files(root: Path) -> Iterator[Path]:
    seen: set[tuple[int, int]] = set()
    waiting = [(root, 0)]
    while waiting:
        folder, depth = waiting.pop()
        state = folder.stat()
        if (state.st_dev, state.st_ino) in seen:
            continue
        seen.add((state.st_dev, state.st_ino))
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.startswith(".") or entry.name in IGNORED_FOLDERS:
                    continue
                if entry.is_file():
                    yield Path(entry.path)
                elif entry.is_dir() and depth < DEEPEST:
                    waiting.append((Path(entry.path), depth + 1))


def _content(path: Path) -> bytes | None:
    try:
        if path.stat().st_size > MOST_METADATA_BYTES:
            return None
        return path.read_bytes()
    except OSError:
        return None
