"""Compute the features of many clips in parallel, and keep them by the hash of the clip and the settings."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ei_toolkit.audio.clip_level import full_scale, without_silent_ends
from ei_toolkit.audio.decode import read_clip
from ei_toolkit.audio.summary.columns import EXTRACTORS
from ei_toolkit.audio.summary.features import Samples, Values, summary_features
from ei_toolkit.audio.summary.spectra import RATE
from ei_toolkit.audio.window import cut_blocks, samples_in
from ei_toolkit.compute import PROCESSES, map_items
from ei_toolkit.config.atomic_write import write_bytes
from ei_toolkit.config.settings import FeatureSettings, Reading
from ei_toolkit.dataset.cutting import reason_of
from ei_toolkit.dataset.groups import KnownClip
from ei_toolkit.errors import DataError
from ei_toolkit.features.table import FeatureTable

VERSION = 3
"""Version of the computation; raise it when a feature changes, so that kept features are computed again."""

DEFAULT_READING = Reading()


@dataclass(frozen=True)
class Extraction:
    """What is computed from each clip, and how its samples are understood.

    [features] trim leaves out what is more than 60 dB below the peak, as `librosa.effects.trim` does. With
    `plain_librosa` the features are computed by plain calls of librosa, to compare with.
    """

    settings: FeatureSettings
    reading: Reading = DEFAULT_READING
    plain_librosa: bool = False

    @property
    def key(self) -> str:
        """Short hash of all that determines the features of a clip."""
        return hashlib.sha256(repr((VERSION, RATE, self)).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class ClipFeatures:
    """Features (windows, columns) of one clip with the first milliseconds of its windows, or why there are none."""

    starts_ms: npt.NDArray[np.int64]
    values: Values
    reason: str = ""


Progress = Callable[[float, str], None]


def extract_table(
    clips: Sequence[KnownClip],
    extraction: Extraction,
    cache: Path | None,
    jobs: int,
    progress: Progress,
    scheduler: str = PROCESSES,
) -> tuple[FeatureTable, dict[str, str]]:
    """Return the features of all clips that can be used, and the reasons for the others by name.

    `cache` is a folder for the features of each clip; None keeps nothing. `scheduler` is that of [compute].
    Raises DataError where no clip can be used.
    """
    compute = partial(clip_features, extraction=extraction, cache=cache)
    if extraction.plain_librosa:
        # Before the workers start: functions are compiled when they are first used, and processes that do so at the
        # same time damage the cache of numba, which then ends every process that uses it (numba issue 10128).
        plain_function(extraction.settings.extractor)(np.sin(np.arange(2 * RATE, dtype=np.float32)))
    if cache:
        cache.mkdir(parents=True, exist_ok=True)
    reach = [*([cache] if cache else []), *(known.clip.path for known in clips[:1])]
    found = map_items(compute, clips, jobs, scheduler, reach)
    used, skipped = [], {}
    for done, (known, one) in enumerate(zip(clips, found, strict=True), start=1):
        progress(done, known.clip.name)
        if one.reason:
            skipped[known.clip.name] = one.reason
        else:
            used.append((known, one))
    if not used:
        name, reason = next(iter(skipped.items()))
        raise DataError(
            "no clip can be used", why=f"{name}: {reason}", hint="Give a folder of clips of a second or more."
        )
    rows = [known for known, one in used for _ in one.values]
    table = FeatureTable(
        extractor=extraction.settings.extractor,
        names=tuple(known.clip.name for known in rows),
        labels=tuple(known.clip.label for known in rows),
        groups=tuple(known.group for known in rows),
        starts_ms=np.concatenate([one.starts_ms for _, one in used]),
        values=np.concatenate([one.values for _, one in used]),
    )
    return table, skipped


def clip_features(known: KnownClip, extraction: Extraction, cache: Path | None) -> ClipFeatures:
    """Return the features of one clip, from the cache if they are there. Runs in a worker process."""
    file = cache / extraction.key / f"{known.sha256}.npz" if cache else None
    if file and (kept := _read(file, extraction)):
        return kept
    try:
        samples = read_clip(known.clip.path, RATE, reading=extraction.reading)
        found = compute_features(samples, extraction.settings, plain_librosa=extraction.plain_librosa)
    except DataError as error:
        return ClipFeatures(np.empty(0, np.int64), np.empty((0, 0)), reason_of(error, known.clip))
    if file:
        packed = io.BytesIO()
        np.savez(packed, starts_ms=found.starts_ms, values=found.values)
        write_bytes(file, packed.getvalue())
    return found


def compute_features(
    samples: npt.NDArray[np.int16], settings: FeatureSettings, *, plain_librosa: bool = False
) -> ClipFeatures:
    """Return the features of a signal of shape (n,) at RATE Hz. Raises DataError where it is too short or silent.

    Silent windows are left out, unless all are silent.
    """
    samples = _prepared(samples, settings)
    own = plain_function(settings.extractor) if plain_librosa else None
    compute = partial(summary_features, extractor=settings.extractor, compute=own)
    if not settings.window_ms:
        return ClipFeatures(np.zeros(1, np.int64), compute(samples)[None])
    length, hop = samples_in(settings.window_ms, RATE), samples_in(settings.hop_ms or settings.window_ms, RATE)
    windows = [(start, window) for start, window in cut_blocks([samples], length, hop) if window.any()]
    if not windows:
        raise DataError("silent" if len(samples) >= length else f"shorter than a window of {settings.window_ms} ms")
    values = np.array([compute(window) for _, window in windows])
    return ClipFeatures(np.array([start * 1000 // RATE for start, _ in windows]), values)


def plain_function(extractor: str) -> Callable[[Samples], Values]:
    """Return the function that computes the features of an extractor by plain calls of librosa."""
    from ei_toolkit.features.plain_librosa import PLAIN  # the import of librosa takes seconds

    return PLAIN[extractor]


def whole_features(samples: npt.NDArray[np.int16], settings: FeatureSettings) -> npt.NDArray[np.float64]:
    """Return the features (columns,) of a signal with `window_ms` 0. Raises as `compute_features` does."""
    values: npt.NDArray[np.float64] = compute_features(samples, settings).values[0]
    return values


def _prepared(samples: npt.NDArray[np.int16], settings: FeatureSettings) -> npt.NDArray[np.int16]:
    samples = without_silent_ends(samples) if settings.trim else samples
    return full_scale(samples) if settings.normalise else samples


def _read(file: Path, extraction: Extraction) -> ClipFeatures | None:
    """Return kept features; None where there are none, or the file is damaged."""
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as stored:
            found = ClipFeatures(stored["starts_ms"], stored["values"])
    except (OSError, ValueError, KeyError, EOFError):
        return None
    return (
        found if found.values.shape == (len(found.starts_ms), len(EXTRACTORS[extraction.settings.extractor])) else None
    )
