"""A folder of complete files, on this machine or in an object store, whose files are replaced in one step."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import IO, Protocol

from ei_toolkit.config.address import is_address
from ei_toolkit.dataset.object_store import RemoteFolder

PART_SUFFIX = ".part"
SHARD_PREFIX, SHARD_SUFFIX = "windows-", ".parquet"
"""How the names of Parquet files with windows begin and end."""


class Folder(Protocol):
    """What windows in Parquet files need of a folder."""

    def names(self, suffix: str) -> list[str]:
        """Return the sorted names of the files that end in `suffix`; none where there is no such folder."""

    def open(self, name: str) -> IO[bytes] | RawIOBase:
        """Open a file for reading."""

    def new_file(self) -> Path:
        """Return the path of a file to write, which `add` then puts in place."""

    def add(self, file: Path, name: str) -> None:
        """Put a written file in place under a name; a file of that name is replaced in one step."""

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""


@dataclass(frozen=True)
class LocalFolder:
    """A folder of this machine, or one that is mounted."""

    path: Path

    def names(self, suffix: str) -> list[str]:
        """Return the sorted names of the files that end in `suffix`; none where there is no such folder."""
        return sorted(file.name for file in self.path.glob(f"*{suffix}"))

    def open(self, name: str) -> IO[bytes]:
        """Open a file for reading."""
        return (self.path / name).open("rb")

    def new_file(self) -> Path:
        """Return the path of a file in the folder, whose name ends in .part."""
        self.path.mkdir(parents=True, exist_ok=True)
        return self.path / f"{uuid.uuid4().hex}{PART_SUFFIX}"

    def add(self, file: Path, name: str) -> None:
        """Rename a file that is on the same disk."""
        file.replace(self.path / name)

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""
        (self.path / name).unlink(missing_ok=True)


def folder_at(location: str) -> Folder:
    """Return the folder at a path or at an address such as s3://BUCKET/FOLDER."""
    return RemoteFolder(location, "[store] url") if is_address(location) else LocalFolder(Path(location))


def shards_in(folder: Folder) -> list[str]:
    """Return the sorted names of the Parquet files with windows."""
    return [name for name in folder.names(SHARD_SUFFIX) if name.startswith(SHARD_PREFIX)]
