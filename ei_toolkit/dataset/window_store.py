"""Where windows are: a WAV file for each, or many in each Parquet file, on this machine or in an object store.

`eitk slice` writes windows into a `WindowStore`, and whatever needs their samples reads them with a `WindowReader`.
The manifest is the same in both formats: it has the hash of the WAV file, which the reader gives for each window.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ei_toolkit.config import Config, StoreSettings
from ei_toolkit.config.address import is_address, shown_address
from ei_toolkit.config.atomic_write import write_bytes
from ei_toolkit.config.units import mib
from ei_toolkit.dataset.manifest import LARGEST_FILE_BYTES, MANIFEST_NAME, Window
from ei_toolkit.dataset.stored_files import SHARD_SUFFIX, folder_at, shards_in
from ei_toolkit.errors import ConfigurationError, DataError, MissingToolError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class WindowWriter(Protocol):
    """Takes the windows of a group of clips; `names` are those of the Parquet files that are complete."""

    names: list[str]

    def write(self, window: Window, content: bytes) -> None:
        """Store a window with the bytes of its WAV file."""


class FileWriter:
    """Writes a WAV file for each window."""

    def __init__(self, folder: Path) -> None:
        self.names: list[str] = []
        self._folder = folder

    def write(self, window: Window, content: bytes) -> None:
        """Write the file of a window, unless it is there."""
        write_once(self._folder / window.file, content)


def write_once(path: Path, data: bytes) -> None:
    """Write a file whose name contains the hash of its content; an existing one of the right size is kept."""
    with suppress(FileNotFoundError):
        if path.stat().st_size == len(data):
            return
    write_bytes(path, data)  # equal clips give equal names, possibly in two processes at once


@dataclass(frozen=True)
class WindowStore:
    """Where `eitk slice` writes windows: a path or an address, and whether they are in Parquet files."""

    location: str
    is_sharded: bool

    @property
    def folders(self) -> list[Path]:
        """The folder of this machine, if it is one, which all processes that write must have under the same path."""
        return [] if is_address(self.location) else [Path(self.location)]

    def create(self) -> None:
        """Create the folder."""
        for folder in self.folders:
            folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def writer(self, group: int) -> Iterator[WindowWriter]:
        """Give the writer of the windows of a group of clips, whose Parquet files contain its number in their names."""
        if not self.is_sharded:
            yield FileWriter(Path(self.location))
            return
        from ei_toolkit.dataset.window_shards import ShardWriter  # pyarrow is an extra

        with ShardWriter(folder_at(self.location), group) as writer:
            yield writer

    def keep_only(self, shards: Sequence[str], windows: Sequence[Window]) -> list[str]:
        """Remove windows that are not in the manifest from new Parquet files; return the names of these files."""
        if not self.is_sharded:
            return []
        from ei_toolkit.dataset.window_shards import keep_only

        return keep_only(folder_at(self.location), shards, [window.sha256 for window in windows])

    def finish(self, manifest: Path, shards: Sequence[str], windows: Sequence[Window]) -> None:
        """Copy the manifest beside the Parquet files, and remove what earlier runs have left here and beside it."""
        wanted = set() if self.is_sharded else {window.file for window in windows}
        _remove_stale(manifest.parent, wanted | set(shards))
        if not self.is_sharded:
            return
        from ei_toolkit.dataset.window_shards import remove_others

        folder = folder_at(self.location)
        if Path(self.location) != manifest.parent:
            copy = folder.new_file()
            copy.write_bytes(manifest.read_bytes())
            folder.add(copy, MANIFEST_NAME)
        remove_others(folder, shards)

    def has_all(self, windows: Sequence[Window], file_bytes: int) -> bool:
        """Return whether every window is there: WAV files by their sizes, rows of Parquet files by their hashes.

        Hashing the content of every window in every run would take too long, so a flipped bit is not found. Raises
        OSError and DataError where the store cannot be read.
        """
        if self.is_sharded:
            return WindowReader(self.location).has_all(windows)
        sizes = {entry.name: entry.stat().st_size for entry in os.scandir(self.location)}
        return all(sizes.get(window.file) == file_bytes for window in windows)


def store_of(settings: StoreSettings, project: Path, windows: Path) -> WindowStore:
    """Return the store of the settings; without `[store] url` it is the folder `windows`.

    Raises ConfigurationError for WAV files at an address, MissingToolError without pyarrow for Parquet files.
    """
    if settings.format == "wav" and settings.url:
        raise ConfigurationError(
            f"[store] url is {shown_address(settings.url)!r}, and [store] format is 'wav'",
            why="windows in another folder or in an object store are in Parquet files",
            hint='Set [store] format = "parquet".',
            key="store.format",
        )
    if settings.format == "parquet":
        _require_pyarrow()
    return WindowStore(_location(settings, project, windows), settings.format == "parquet")


def reader_of(config: Config) -> WindowReader:
    """Return the reader of the windows of a project. Raises MissingToolError without pyarrow for Parquet files."""
    return WindowReader(_location(config.settings.store, config.paths.root, config.paths.windows))


class WindowReader:
    """Reads windows of a manifest from the files of a folder or an object store. Several threads may use it.

    A window is looked up in the Parquet files by its hash, and if it is not there, by the name of its file.
    """

    def __init__(self, location: str | Path) -> None:
        self._location = str(location)
        folder = folder_at(self._location)
        if names := shards_in(folder):
            _require_pyarrow()
            from ei_toolkit.dataset.window_shards import ShardReader

            self._shards: ShardReader | None = ShardReader(folder, names)
        else:
            self._shards = None

    def file(self, window: Window) -> bytes:
        """Return the bytes of the file of a window. Raises DataError where it cannot be read."""
        if self._shards and (content := self._shards.wav(window.sha256)) is not None:
            return content
        if is_address(self._location):
            where = shown_address(self._location)
            raise DataError(f"the window {window.file} cannot be read", why=f"it is not at {where}", hint="eitk slice")
        path = Path(self._location) / window.file
        try:
            if path.stat().st_size > LARGEST_FILE_BYTES:
                raise DataError(f"the file {window.file} is larger than {mib(LARGEST_FILE_BYTES)}")
            return path.read_bytes()
        except OSError as error:
            raise DataError(
                f"the window {window.file} cannot be read", why=(error.strerror or "").lower(), hint="eitk slice"
            ) from None

    def samples(self, window: Window) -> npt.NDArray[np.int16]:
        """Return the 16-bit samples of a window, shape (n,). Raises DataError where they cannot be read."""
        import soundfile  # an upload reads windows without decoding them

        if self._shards and (found := self._shards.samples(window.sha256)):
            return found[0]
        try:
            samples: npt.NDArray[np.int16] = soundfile.read(BytesIO(self.file(window)), dtype="int16")[0]
        except soundfile.SoundFileError as error:
            raise DataError(f"the window {window.file} cannot be read", why=str(error), hint="eitk slice") from None
        return samples

    def has_all(self, windows: Sequence[Window]) -> bool:
        """Return whether the Parquet files have every window."""
        return self._shards is not None and self._shards.has_all([window.sha256 for window in windows])


def _location(settings: StoreSettings, project: Path, windows: Path) -> str:
    if not settings.url:
        return str(windows)
    return settings.url if is_address(settings.url) else str(project / Path(settings.url).expanduser())


def _require_pyarrow() -> None:
    try:
        import ei_toolkit.dataset.window_shards  # noqa: F401
    except ImportError as error:
        raise MissingToolError(
            "windows in Parquet files need pyarrow", why=str(error), hint="pip install 'eitk[parquet]'"
        ) from None


def _remove_stale(folder: Path, wanted: set[str]) -> None:
    """Remove windows of earlier settings and parts of files that an interrupted run left."""
    for entry in os.scandir(folder):
        if entry.name.endswith((".wav", SHARD_SUFFIX, ".part")) and entry.name not in wanted:
            Path(entry.path).unlink()
