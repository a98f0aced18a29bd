"""Convert whole files to what a studio accepts: sounds to 16-bit mono WAV, CSV time series to acquisition files.

The results are listed in a manifest, like the windows of `eitk slice`, so that they are uploaded in the same way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ei_toolkit.audio.decode import describe, read_clip
from ei_toolkit.audio.formats import ACQUISITION_SUFFIXES
from ei_toolkit.audio.sources import Warn
from ei_toolkit.audio.wav import HEADER_BYTES, wav_bytes
from ei_toolkit.compute import map_items
from ei_toolkit.config.settings import Category, Reading
from ei_toolkit.dataset.cutting import HASH_IN_NAME, SILENT_STEPS, safe_stem
from ei_toolkit.dataset.folder import Clip
from ei_toolkit.dataset.folder_names import Split
from ei_toolkit.dataset.hash_split import split_by_hash
from ei_toolkit.dataset.manifest import LARGEST_FILE_BYTES, Window
from ei_toolkit.dataset.recordings import NO_LABEL, SERIES
from ei_toolkit.dataset.time_series import SeriesOptions, read_time_series
from ei_toolkit.dataset.window_store import write_once
from ei_toolkit.errors import DataError

Ranges = list[dict[str, Any]]


@dataclass(frozen=True)
class ConversionSettings:
    """`rate` of the WAV files in Hz, and how sounds and CSV files are read.

    `category`: of all files, or `split` for four of five in training by the hash of their content (a group stays
    together), or `auto` for the splits that the layout gives and `split` where it gives none.
    """

    rate: int
    reading: Reading
    series: SeriesOptions = field(default_factory=SeriesOptions)
    category: Category = "auto"


@dataclass(frozen=True)
class Converted:
    """One file: its row of the manifest and its structured labels, or the reason why it has none."""

    name: str
    window: Window | None = None
    ranges: Ranges | None = None
    warnings: tuple[str, ...] = ()
    reason: str = ""
    converted: bool = False


def convert_files(
    clips: Sequence[Clip], settings: ConversionSettings, out: Path, jobs: int, progress: Callable[[float, str], None]
) -> list[Converted]:
    """Write a file for each clip into `out`. A clip that cannot be converted, or repeats another, has a reason.

    Raises DataError where the folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        found = []
        for clip, one in zip(clips, map_items(partial(convert, settings=settings, out=out), clips, jobs), strict=True):
            found.append(one)
            progress(len(found), clip.name)
    except OSError as error:
        raise DataError(f"files cannot be written to {out}", why=error.strerror or str(error)) from None
    return list(_without_repeats(found))


def convert(clip: Clip, settings: ConversionSettings, out: Path) -> Converted:
    """Convert one file. Runs in a worker process."""
    warnings: list[str] = []
    try:
        content, label, ranges = _content(clip, settings, _without_name(clip, warnings))
        if len(content) > LARGEST_FILE_BYTES:
            raise _too_large(len(content))
        if not label:
            raise DataError(NO_LABEL)
        with clip.path.open("rb") as stream:
            clip_sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        return Converted(clip.name, reason=f"cannot be opened ({error.strerror})")
    except DataError as error:
        reason = error.with_hint
        return Converted(clip.name, reason=reason.removeprefix(f"{clip.path.name}: "))
    sha256 = hashlib.sha256(content).hexdigest()
    file = f"{safe_stem(clip.name)}.{sha256[:HASH_IN_NAME]}{_suffix(clip)}"
    write_once(out / file, content)
    split = _split(clip, sha256, settings.category)
    window = Window(file, sha256, clip.name, clip_sha256, clip.group, 0, label, split)
    return Converted(clip.name, window, ranges or None, tuple(warnings), converted=sha256 != clip_sha256)


def _without_name(clip: Clip, warnings: list[str]) -> Warn:
    """Return a function that keeps warnings, which begin with the name of the file."""
    return lambda warning: warnings.append(warning.removeprefix(f"{clip.path.name}: "))


def _suffix(clip: Clip) -> str:
    """The suffix of the file that a clip is converted to."""
    suffix = clip.path.suffix.lower()
    if suffix in ACQUISITION_SUFFIXES:
        return suffix
    return ".json" if suffix == SERIES else ".wav"


def _content(clip: Clip, settings: ConversionSettings, warn: Warn) -> tuple[bytes, str, Ranges]:
    """The file to upload, its label and its structured labels."""
    suffix = clip.path.suffix.lower()
    if suffix in ACQUISITION_SUFFIXES:  # it may be signed, and stays as it is
        if (size := clip.path.stat().st_size) > LARGEST_FILE_BYTES:
            raise _too_large(size)
        return clip.path.read_bytes(), clip.label, []
    if suffix == SERIES:
        series = read_time_series(clip.path, settings.series)
        for warning in series.warnings:
            warn(f"{clip.path.name}: {warning}")
        return series.acquisition_file(), series.label or clip.label, series.ranges
    size = HEADER_BYTES + 2 * round(describe(clip.path).seconds * settings.rate)
    if size > LARGEST_FILE_BYTES:
        raise _too_large(size)
    samples = read_clip(clip.path, settings.rate, reading=settings.reading, warn=warn)
    if int(samples.max()) - int(samples.min()) <= SILENT_STEPS:
        warn(f"{clip.path.name}: is silent")
    return wav_bytes(samples, settings.rate), clip.label, []


def _too_large(size: int) -> DataError:
    what = f"would have {size / 2**20:.0f} MiB, and a studio accepts {LARGEST_FILE_BYTES // 2**20} MiB"
    return DataError(what, hint="Cut it into windows: eitk slice.")


def _split(clip: Clip, sha256: str, category: Category) -> Split:
    if category != "auto" and category != "split":
        return category
    if category == "auto" and clip.split:
        return clip.split
    return split_by_hash(hashlib.sha256(clip.group.encode()).hexdigest() if clip.group else sha256)


def _without_repeats(found: Sequence[Converted]) -> Iterator[Converted]:
    """Replace all files but the first with the same content: a studio stores the content of a file once."""
    first: dict[str, Window] = {}
    for one in found:
        same = first.setdefault(one.window.sha256, one.window) if one.window else None
        if same is None or same is one.window:
            yield one
            continue
        assert one.window is not None
        other = f", which has the label {same.label}" if same.label != one.window.label else ""
        yield Converted(one.name, warnings=one.warnings, reason=f"has the same content as {same.clip}{other}")
