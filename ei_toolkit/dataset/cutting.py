"""Cut a group of clips into windows. Runs in a worker process; what it returns is small."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.audio.clip_level import full_scale, sound_ends
from ei_toolkit.audio.decode import probe, read_blocks
from ei_toolkit.audio.effects.augment import augment_window
from ei_toolkit.audio.effects.device import load_profile
from ei_toolkit.audio.formats import NEEDS_FFMPEG
from ei_toolkit.audio.level import apply_level
from ei_toolkit.audio.silence import sound_stretches
from ei_toolkit.audio.sources import Warn
from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.audio.window import cut_blocks, samples_in
from ei_toolkit.config import SliceSettings
from ei_toolkit.config.archive import MIB
from ei_toolkit.dataset.folder import Clip
from ei_toolkit.dataset.folder_names import Split
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.dataset.manifest import Window
from ei_toolkit.dataset.window_store import WindowStore, WindowWriter
from ei_toolkit.errors import DataError

SILENT_STEPS = 2  # a window whose samples lie within so many steps of 16 bits holds nothing to learn from
HASH_IN_NAME = 12
GROUP_BYTES = 32 * MIB  # of the windows of a group: several processes have something to do, also with little data


@dataclass(frozen=True)
class Task:
    """One clip to cut, and its length by its header."""

    known: KnownClip
    split: Split
    seconds: float = 0.0


@dataclass(frozen=True)
class Cut:
    """The windows of a clip, or the reason why it has none; `warnings` are about a clip that was read."""

    windows: tuple[Window, ...] = ()
    reason: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Inspection:
    """The hash of a clip's file and its length, or the reason why it cannot be used."""

    sha256: str = ""
    reason: str = ""
    seconds: float = 0.0


def inspect_clip(clip: Clip, settings: SliceSettings) -> Inspection:
    """Hash a clip and look at its header, without decoding it."""
    try:
        seconds = probe(clip.path)
        if settings.short == "skip" and seconds * 1000 < settings.window_ms:
            return Inspection(reason=_too_short(seconds, settings.window_ms), seconds=seconds)
        with clip.path.open("rb") as stream:
            return Inspection(hashlib.file_digest(stream, "sha256").hexdigest(), seconds=seconds)
    except DataError as error:
        return Inspection(reason=reason_of(error, clip))
    except OSError as error:
        return Inspection(reason=f"cannot be opened ({error.strerror})")


@dataclass(frozen=True)
class Group:
    """Clips that one task cuts: their windows are in the same Parquet files, with its number in their names."""

    number: int
    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class CutGroup:
    """What each clip of a group gave, and the names of the Parquet files that were written."""

    cuts: tuple[Cut, ...]
    shards: tuple[str, ...]


def groups_of(tasks: Sequence[Task], settings: SliceSettings, store: WindowStore) -> list[Group]:
    """Return the tasks in groups that fill a Parquet file; for WAV files, each task is a group."""
    groups: list[list[Task]] = []
    room = 0.0
    for task in tasks:
        size = _expected_bytes(task, settings)
        if not store.is_sharded or size > room:
            groups.append([])
            room = GROUP_BYTES
        groups[-1].append(task)
        room -= size
    return [Group(number, tuple(group)) for number, group in enumerate(groups)]


def _expected_bytes(task: Task, settings: SliceSettings) -> float:
    """Return about how many bytes the windows of a clip have."""
    hops = max(0.0, task.seconds * 1000 - settings.window_ms) / settings.hop_ms
    return (1 + hops) * (1 + _copies(task, settings)) * 2 * samples_in(settings.window_ms, settings.sample_rate)


def cut_group(group: Group, settings: SliceSettings, store: WindowStore) -> CutGroup:
    """Write the windows of clips into the store, and describe them."""
    with store.writer(group.number) as writer:
        cuts = tuple(cut_clip(task, settings, writer) for task in group.tasks)
    return CutGroup(cuts, tuple(writer.names))


def cut_clip(task: Task, settings: SliceSettings, writer: WindowWriter) -> Cut:
    """Write the windows of one clip and describe them; a clip that fails half way has none."""
    warnings: list[str] = []
    try:
        windows = tuple(_windows(task, settings, writer, warnings.append))
    except DataError as error:
        return Cut(reason=reason_of(error, task.known.clip))
    named = tuple(without_name(text, task.known.clip) for text in warnings)
    return Cut(windows, "" if windows else "silent", named)


def _windows(task: Task, settings: SliceSettings, writer: WindowWriter, warn: Warn) -> Iterator[Window]:
    known = task.known
    for cut in clip_windows(known.clip.path, known.sha256, settings, _copies(task, settings), warn):
        content = window_file(cut.samples, settings)
        start_ms = cut.start * 1000 // settings.sample_rate
        window = _described(task, start_ms, hashlib.sha256(content).hexdigest(), cut.augmentation)
        writer.write(window, content)
        yield window


def _copies(task: Task, settings: SliceSettings) -> int:
    return augmented_copies(task.known.clip, settings.augment.copies) if task.split == "training" else 0


def _described(task: Task, start_ms: int, sha256: str, augmentation: str) -> Window:
    known = task.known
    file = f"{safe_stem(known.clip.name)}.{start_ms}.{sha256[:HASH_IN_NAME]}.wav"
    return Window(
        file, sha256, known.clip.name, known.sha256, known.group, start_ms, known.clip.label, task.split, augmentation
    )


def augmented_copies(clip: Clip, copies: int) -> int:
    """Return how many augmented copies the windows of a training clip get: a recording is itself a copy of another."""
    return 0 if clip.is_rerecorded else copies


@dataclass(frozen=True)
class CutWindow:
    """One window of a clip before its level is set.

    `start` is its first sample, `copy` the number of the augmented copy (None for the window itself), `augmentation`
    describes how a copy was made.
    """

    start: int
    samples: NDArray[np.int16]
    copy: int | None = None
    augmentation: str = ""


def clip_windows(
    path: Path, clip_sha256: str, settings: SliceSettings, copies: int, warn: Warn | None = None
) -> Iterator[CutWindow]:
    """Cut a clip into windows, each followed by `copies` augmented copies; silent windows are left out.

    `eitk slice`, the evaluation and the gate all take their windows from here. The random generator of each copy is
    seeded with the hash of the clip, the place of the window and the number of the copy. Raises DataError for a clip
    that cannot be read or is shorter than a window.
    """
    rate = settings.sample_rate
    found = False
    for start, samples in _cut(path, settings, warn):
        found = True
        if int(samples.max()) - int(samples.min()) <= SILENT_STEPS:
            continue
        yield CutWindow(start, samples)
        for copy in range(copies):
            rng = np.random.default_rng([settings.augment.seed, int(clip_sha256[:16], 16), start, copy])
            augmented, augmentation = augment_window(samples, rate, settings.augment, rng)
            yield CutWindow(start, augmented, copy, augmentation)
    if not found and settings.short == "skip":
        between = " between its silences" if settings.trim_silence else ""
        raise DataError(f"shorter than a window of {settings.window_ms} ms{between}")


def _cut(path: Path, settings: SliceSettings, warn: Warn | None) -> Iterator[tuple[int, NDArray[np.int16]]]:
    """Yield the windows of a clip with their first samples: of the whole clip, or of each stretch between silences."""
    rate, pad = settings.sample_rate, settings.short == "pad"
    length, hop = samples_in(settings.window_ms, rate), samples_in(settings.hop_ms, rate)
    blocks = read_blocks(path, rate, reading=settings.reading, warn=warn)
    if not (settings.trim_silence or settings.trim_ends or settings.normalise):
        yield from cut_blocks(blocks, length, hop, pad=pad)
        return
    clip = np.concatenate(list(blocks))
    before, end = sound_ends(clip) if settings.trim_ends else (0, len(clip))
    clip = full_scale(clip[before:end]) if settings.normalise else clip[before:end]
    for first, last in sound_stretches(clip, rate) if settings.trim_silence else [(0, len(clip))]:
        for start, samples in cut_blocks([clip[first:last]], length, hop, pad=pad):
            yield before + first + start, samples


def set_level(samples: NDArray[np.int16], settings: SliceSettings) -> NDArray[np.int16]:
    """Return a window with the level that the settings ask for."""
    return apply_level(samples, settings.level, settings.target_dbfs, settings.max_gain_db)


def window_file(samples: NDArray[np.int16], settings: SliceSettings) -> bytes:
    """Return the WAV file that `eitk slice` writes for a window whose level is not set yet."""
    return wav_bytes(set_level(samples, settings), settings.sample_rate)


def first_occurrences(hashes: Iterable[str]) -> list[bool]:
    """Mark the first window of each hash; the others are duplicates, which `eitk slice` leaves out.

    `hashes` are those of the windows' WAV files, in the order of clips, time and copies.
    """
    seen: set[str] = set()
    marks = []
    for sha256 in hashes:
        marks.append(sha256 not in seen)
        seen.add(sha256)
    return marks


def locate_noise(settings: SliceSettings, project: Path) -> SliceSettings:
    """Return the settings with the noise recordings and the profile as paths that do not depend on the working folder.

    Raises ConfigurationError for a profile that cannot be read.
    """
    own = settings.augment
    noise, profile = (str(project / Path(name).expanduser()) if name else "" for name in (own.noise_files, own.profile))
    if profile:
        load_profile(profile)
    return replace(settings, augment=replace(own, noise_files=noise, profile=profile))


def safe_stem(name: str) -> str:
    """A clip's stem in ASCII, safe in paths, multipart headers and URLs; the hash behind it keeps names apart."""
    plain = unicodedata.normalize("NFKD", PurePosixPath(name).stem).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9.-]+", "_", plain)[:80].strip(".") or "clip"


def _too_short(seconds: float, window_ms: int) -> str:
    return f"shorter than a window: {seconds:.2f} s of {window_ms / 1000:g} s"


def without_name(text: str, clip: Clip) -> str:
    """Return a message of the decoder without the name of the file that it begins with."""
    return text.removeprefix(f"{clip.path.name}: ")


def reason_of(error: DataError, clip: Clip) -> str:
    """What is wrong and what to do; how to install ffmpeg is stated once for all clips."""
    text = str(error) if NEEDS_FFMPEG in error.what else error.with_hint
    return without_name(text, clip)
