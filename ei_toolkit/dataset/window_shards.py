"""Windows in Parquet files of a limited size, here called shards: written whole or not at all, and read by hash.

A row has the columns of the manifest, the sample rate, and the samples as 16-bit little-endian numbers. The name of a
shard contains a hash of what the manifest states about its windows. The shards of other settings have other names, so
that the manifest of an earlier run remains valid until the new one is written.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from ei_toolkit.audio.wav import HEADER_BYTES, wav_bytes
from ei_toolkit.config.archive import MIB
from ei_toolkit.dataset.manifest import COLUMNS, Window
from ei_toolkit.dataset.stored_files import PART_SUFFIX, SHARD_PREFIX, SHARD_SUFFIX, Folder, shards_in
from ei_toolkit.errors import DataError

INCOMPLETE = re.compile(r"[0-9a-f]{32}\.part")
SHARD_BYTES = 64 * MIB  # of samples
ROW_GROUP_BYTES = 4 * MIB  # of samples: what is read for one window, and kept in memory while it is written
ROW_GROUPS_KEPT = 4  # in memory by a reader; several threads read in the order of the manifest
SCHEMA = pa.schema(
    [
        ("file", pa.string()),
        ("sha256", pa.binary(32)),
        ("clip", pa.string()),
        ("clip_sha256", pa.string()),
        ("group", pa.string()),
        ("start_ms", pa.int64()),
        ("label", pa.string()),
        ("split", pa.string()),
        ("augmentation", pa.string()),
        ("sample_rate", pa.int32()),
        ("samples", pa.binary()),
    ]
)
REPEATED = ["clip", "clip_sha256", "group", "label", "split", "sample_rate"]
COMPRESSION = {name: "NONE" if name in ("samples", "sha256") else "ZSTD" for name in SCHEMA.names}


class ShardWriter:
    """Writes windows into one shard, or into several where they are more than SHARD_BYTES.

    It is a context manager. `group` is the number of the group of clips, and `part` that of the first shard of it.
    `names` are those of the complete shards; after an error the incomplete one is deleted.
    """

    def __init__(self, folder: Folder, group: int, part: int = 0) -> None:
        self.names: list[str] = []
        self._folder, self._group, self._part = folder, group, part
        self._rows: list[dict[str, Any]] = []
        self._row_bytes = self._shard_bytes = 0
        self._digest = hashlib.sha256()
        self._file: Path | None = None
        self._parquet: Any = None

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._close_shard()
        finally:
            self._discard()

    def write(self, window: Window, content: bytes) -> None:
        """Add a window with the bytes of its WAV file, as `wav_bytes` gives them."""
        rate = int.from_bytes(content[24:28], "little")
        sha256 = bytes.fromhex(window.sha256)
        row = {column: getattr(window, column) for column in COLUMNS}
        self.add(row | {"sha256": sha256, "sample_rate": rate, "samples": content[HEADER_BYTES:]})

    def add(self, row: dict[str, Any]) -> None:
        """Add a row with the columns of SCHEMA."""
        self._rows.append(row)
        self._digest.update("\0".join(str(row[column]) for column in COLUMNS).encode())
        self._row_bytes += len(row["samples"])
        if self._row_bytes >= ROW_GROUP_BYTES:
            self._write_row_group()
        if self._shard_bytes >= SHARD_BYTES:
            self._close_shard()

    def _write_row_group(self) -> None:
        if self._file is None:
            self._file = self._folder.new_file()
            self._parquet = pq.ParquetWriter(
                self._file, SCHEMA, compression=COMPRESSION, use_dictionary=REPEATED, write_statistics=REPEATED
            )
        self._parquet.write_table(pa.Table.from_pylist(self._rows, SCHEMA))
        self._shard_bytes += self._row_bytes
        self._rows, self._row_bytes = [], 0

    def _close_shard(self) -> None:
        if self._rows:
            self._write_row_group()
        if self._file is None:
            return
        self._parquet.close()
        part = self._part + len(self.names)
        name = f"{SHARD_PREFIX}{self._group:06d}-{part:03d}-{self._digest.hexdigest()[:12]}{SHARD_SUFFIX}"
        self._folder.add(self._file, name)
        self.names.append(name)
        self._file, self._shard_bytes, self._digest = None, 0, hashlib.sha256()

    def _discard(self) -> None:
        """Delete an incomplete shard."""
        if self._file is not None:
            with suppress(OSError):  # the disk may be full
                self._parquet.close()
            self._file.unlink(missing_ok=True)


class ShardReader:
    """Finds windows in shards by the hash of their WAV file. Several threads may use it.

    It keeps 20 bytes for each window in memory. Raises DataError for a shard that is damaged.
    """

    def __init__(self, folder: Folder, names: Sequence[str]) -> None:
        self._folder, self._names = folder, names
        self._lock = threading.Lock()
        keys, places = [], []
        for shard, name in enumerate(names):
            for group, hashes in enumerate(_hashes_of(folder, name)):
                keys.append(_keys(hashes))
                places.append(np.array([(shard, group, row) for row in range(len(hashes))], np.int32))
        order = np.argsort(np.concatenate(keys), kind="stable")
        self._keys, self._places = np.concatenate(keys)[order], np.concatenate(places)[order]
        self._row_group = lru_cache(ROW_GROUPS_KEPT)(self._read_row_group)

    def wav(self, sha256: str) -> bytes | None:
        """Return the bytes of the WAV file of a window; None if no shard has it."""
        found = self.samples(sha256)
        return wav_bytes(*found) if found else None

    def samples(self, sha256: str) -> tuple[npt.NDArray[np.int16], int] | None:
        """Return the samples of a window, by the hash of its WAV file, and their rate; None if no shard has it."""
        wanted = bytes.fromhex(sha256)
        key = np.frombuffer(wanted[:8], ">u8")[0]
        first, last = np.searchsorted(self._keys, key, "left"), np.searchsorted(self._keys, key, "right")
        for shard, group, row in self._places[first:last].tolist():
            with self._lock:
                rows = self._row_group(shard, group)
            if rows["sha256"][row].as_py() == wanted:
                samples = np.frombuffer(rows["samples"][row].as_buffer(), "<i2")
                return samples, rows["sample_rate"][row].as_py()
        return None

    def has_all(self, hashes: Sequence[str]) -> bool:
        """Return whether the shards have a window of each hash, by the first half of the hash."""
        wanted = _keys([bytes.fromhex(sha256) for sha256 in hashes])
        return bool(np.isin(wanted, self._keys).all())

    def _read_row_group(self, shard: int, group: int) -> dict[str, Any]:
        with _opened(self._folder, self._names[shard]) as file:
            table = file.read_row_group(group, columns=["sha256", "sample_rate", "samples"])
            return {name: table.column(name).combine_chunks() for name in table.column_names}


def keep_only(folder: Folder, names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Leave only windows with the hashes `wanted` in the shards, each once; return the names of the shards.

    A shard with other windows, such as duplicates of those of other clips, is replaced by one without them.
    """
    missing = {bytes.fromhex(sha256) for sha256 in wanted}
    kept = []
    for name in names:
        marks = []
        for sha256 in (each for hashes in _hashes_of(folder, name) for each in hashes):
            marks.append(sha256 in missing)
            missing.discard(sha256)
        kept += [name] if all(marks) else _without(folder, name, marks)
    return kept


def remove_others(folder: Folder, kept: Sequence[str]) -> None:
    """Remove the shards of earlier settings, and the incomplete ones that an interrupted run has left."""
    incomplete = filter(INCOMPLETE.fullmatch, folder.names(PART_SUFFIX))
    for name in {*shards_in(folder), *incomplete} - set(kept):
        folder.remove(name)


def _without(folder: Folder, name: str, marks: Sequence[bool]) -> list[str]:
    """Replace a shard by one with its marked rows only; return the names of what is there now."""
    group, part, _ = name.removeprefix(SHARD_PREFIX).split("-")
    rows = deque(marks)
    with _opened(folder, name) as file, ShardWriter(folder, int(group), int(part)) as writer:
        for number in range(file.num_row_groups):
            for row in file.read_row_group(number).to_pylist():
                if rows.popleft():
                    writer.add(row)
    folder.remove(name)
    return writer.names


def _hashes_of(folder: Folder, name: str) -> Iterator[list[bytes]]:
    """Yield the hashes of the windows of each row group of a shard."""
    with _opened(folder, name) as file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group, columns=["sha256"]).column("sha256").to_pylist()


@contextmanager
def _opened(folder: Folder, name: str) -> Iterator[pq.ParquetFile]:
    """Open a shard. Raises DataError if it is damaged, not there, or has other columns than eitk writes."""
    try:
        with folder.open(name) as stream, pq.ParquetFile(stream) as file:
            if not file.schema_arrow.remove_metadata().equals(SCHEMA):
                raise DataError(f"{name} has no windows of eitk", why="its columns are others", hint="eitk slice")
            yield file
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{name} is damaged", why=str(error).splitlines()[0], hint="eitk slice") from None


def _keys(hashes: Sequence[bytes]) -> npt.NDArray[np.uint64]:
    """Return the first eight bytes of each hash as a number."""
    return np.frombuffer(b"".join(sha256[:8] for sha256 in hashes), ">u8").astype(np.uint64)
