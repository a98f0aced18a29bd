"""One function for each parser that reads bytes of others. It raises what the parser must not raise.

`scripts/fuzz` calls them with inputs that reach new code, `test_corpus.py` with the kept inputs in `corpus/`.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from unittest import mock

from ei_toolkit.audio import acquisition_parts
from ei_toolkit.audio.acquisition import read_acquisition
from ei_toolkit.audio.decode import describe
from ei_toolkit.board.protocol.parser import LineSplitter, Parser
from ei_toolkit.config import CONFIG_NAME
from ei_toolkit.config.archive import Limits, read_entries
from ei_toolkit.config.load import load_config
from ei_toolkit.config.lockfile import read_lock
from ei_toolkit.dataset.time_series import parse_time_series
from ei_toolkit.eon.reader import read_model
from ei_toolkit.errors import ArchiveError, ConfigurationError, DataError
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.info_labels import describe as describe_entry
from ei_toolkit.studio.http.info_labels import read_entries as read_info_labels
from ei_toolkit.studio.http.multipart import Bounds, receive
from ei_toolkit.studio.http.sample_labels import boxed_files, ranges_by_file
from ei_toolkit.studio.store.packs import Packs

LIMITS = Limits(entries=100, entry_bytes=2**20, total_bytes=2**22)
BOUNDS = Bounds(file_size=2**16, files=20)
BOUNDARY = "boundary"


@functools.cache
def folder() -> Path:
    """A folder for the files of this process."""
    return Path(tempfile.mkdtemp(prefix="eitk-fuzz-"))


@functools.cache
def runner() -> asyncio.Runner:
    """An event loop that is made once."""
    return asyncio.Runner()


def file_of(name: str, data: bytes) -> Path:
    """Write a file and return its path."""
    path = folder() / name
    path.write_bytes(data)
    return path


def audio(data: bytes) -> None:
    """Read the headers of a sound of any format."""
    with contextlib.suppress(DataError):
        describe(file_of("clip.wav", data))


def acquisition_json(data: bytes) -> None:
    """Read a data acquisition file in JSON."""
    read_in_both_ways(data, "json")


def acquisition_cbor(data: bytes) -> None:
    """Read a data acquisition file in CBOR."""
    read_in_both_ways(data, "cbor")


def read_in_both_ways(data: bytes, form: str) -> None:
    """Read a data acquisition file as a whole, and in parts as a large one."""
    for largest in (len(data), 40):
        with mock.patch.object(acquisition_parts, "LARGEST_AT_ONCE", largest), contextlib.suppress(DataError):
            read_acquisition(data, form, "0123456789abcdef")


def multipart(data: bytes) -> None:
    """Receive the body of an upload; the studio stores what it reads."""

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(data), 1000):
            yield data[at : at + 1000]

    with contextlib.suppress(ApiError), Packs(folder(), folder()).begin() as pack:
        runner().run(receive(f"multipart/form-data; boundary={BOUNDARY}", pieces(), pack, BOUNDS))


def archive(data: bytes) -> None:
    """Read every file of a zip or tar archive."""
    with contextlib.suppress(ArchiveError):
        for _, content in read_entries(file_of("archive", data), lambda _: True, LIMITS):
            assert len(content) <= LIMITS.entry_bytes


def tflite(data: bytes) -> None:
    """Read a model."""
    with contextlib.suppress(DataError):
        read_model(data)


def serial(data: bytes) -> None:
    """Parse what a board sends, in pieces of 100 bytes."""
    splitter, parser = LineSplitter(), Parser()
    for at in range(0, len(data), 100):
        for line in splitter.add(data[at : at + 100]):
            parser.feed(line)
    parser.flush()


def configuration(data: bytes) -> None:
    """Read eitk.toml and eitk.lock."""
    with contextlib.suppress(ConfigurationError):
        file_of(CONFIG_NAME, data)
        load_config(folder(), {})
    with contextlib.suppress(ConfigurationError):
        read_lock(file_of("eitk.lock", data))


def labels(data: bytes) -> None:
    """Read the labels files that may stand beside uploaded files."""
    for read in (ranges_by_file, boxed_files):
        with contextlib.suppress(ApiError):
            read(data)
    with contextlib.suppress(ApiError):
        for entry in read_info_labels(data):
            with contextlib.suppress(ApiError):
                describe_entry(entry)


def time_series(data: bytes) -> None:
    """Read a CSV time series."""
    with contextlib.suppress(DataError):
        parse_time_series("series.csv", data)


ALL = (
    acquisition_cbor, acquisition_json, archive, audio, configuration, labels, multipart, serial, tflite, time_series,
)  # fmt: skip
TARGETS: dict[str, Callable[[bytes], None]] = {target.__name__: target for target in ALL}
