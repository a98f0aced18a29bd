"""Compare clips with GTZAN's index: unchanged, modified, corrupt or missing."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from ei_toolkit.audio.formats import SUFFIXES
from ei_toolkit.audio.headers import missing_part
from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.dataset.index import Index, Track, load_index
from ei_toolkit.errors import DataError, UsageError

Status = Literal["ok", "same sound", "unverified", "modified", "corrupt", "missing"]
MOST_SAMPLES = 1 << 25  # a few minutes; a small file may claim to hold hours
USABLE = frozenset({"ok", "same sound", "unverified", "modified"})
DAMAGED = frozenset({"modified", "corrupt"})


@dataclass(frozen=True)
class Verdict:
    """The status of a file as a track. `wav` is the published file's content, where the file allows to make it."""

    status: Status
    detail: str = ""
    wav: bytes = b""


@dataclass(frozen=True)
class Finding:
    """The verdict on one track."""

    track: str
    genre: str
    status: Status
    detail: str = ""


def wanted_tracks(index: Index, genres: Collection[str] = ()) -> list[Track]:
    """The tracks of some genres, or all. Raises UsageError for a genre that GTZAN does not have."""
    known = {track.genre for track in index.tracks.values()}
    if strange := sorted(set(genres) - known):
        raise UsageError(f"GTZAN has no genre {', '.join(strange)}", hint=f"Genres: {', '.join(sorted(known))}.")
    return [track for track in index.tracks.values() if not genres or track.genre in genres]


def genres_in(root: Path) -> list[str]:
    """The genres of GTZAN that have a folder in `root`."""
    genres = {track.genre for track in load_index().tracks.values()}
    return sorted(genre for genre in genres if (root / genre).is_dir())


def verify_folder(root: Path, tracks: Sequence[Track], jobs: int = 1) -> list[Finding]:
    """Judge ROOT/<genre>/<track>.* for each track."""
    with ThreadPoolExecutor(jobs) as pool:  # reading and hashing leave Python's lock
        return list(pool.map(partial(_verify, root), tracks))


def damage(root: Path, findings: Sequence[Finding]) -> DataError | None:
    """The error to end with where a track is modified or corrupt, or none is there at all."""
    wrong = [finding for finding in findings if finding.status in DAMAGED]
    if wrong:
        named = ", ".join(finding.track for finding in wrong[:5])
        hint = "Fetch them again: eitk dataset fetch gtzan. Modified clips can be used, but are not GTZAN's."
        return DataError(f"{len(wrong)} tracks in {root} are modified or corrupt", why=named, hint=hint)
    if all(finding.status == "missing" for finding in findings):
        return DataError(f"there is no GTZAN track in {root}", hint="Tracks lie at ROOT/<genre>/<genre>.<number>.wav.")
    return None


def judge(track: Track, data: bytes) -> Verdict:
    """Compare the content of a file with `track`.

    "same sound" is a file of another format, or with other words in its header, that holds the very same samples.
    """
    if track.sha256 and hashlib.sha256(data).hexdigest() == track.sha256:
        return Verdict("ok", wav=data)
    missing = missing_part(io.BytesIO(data), len(data))
    if missing or not data:
        return Verdict("corrupt", f"{missing or 1:.0%} of its sound is missing")
    try:
        wav = _as_published(data)
    except ValueError as error:
        return Verdict("corrupt", str(error))
    if not track.sha256:
        return Verdict("unverified", "no published hash is known", wav)
    if hashlib.sha256(wav).hexdigest() == track.sha256:
        return Verdict("same sound", "in another format", wav)
    return Verdict("modified", "its samples are not the published ones", wav)


def _verify(root: Path, track: Track) -> Finding:
    for suffix in sorted(SUFFIXES, key=lambda suffix: suffix != ".wav"):
        path = root / track.genre / f"{track.track}{suffix}"
        if path.is_file():
            verdict = judge(track, path.read_bytes())
            detail = "; ".join(filter(None, [verdict.detail, track.fault if verdict.status == "corrupt" else ""]))
            return Finding(track.track, track.genre, verdict.status, detail)
    return Finding(track.track, track.genre, "missing")


def _as_published(data: bytes) -> bytes:
    """The samples as a 16-bit WAV file with a plain header. Raises ValueError where they cannot be read."""
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(data)) as sound:
            if sound.frames * sound.channels > MOST_SAMPLES:
                raise ValueError("far longer than a clip")
            samples = sound.read(dtype="int16", always_2d=True)
            if not len(samples) or len(samples) < sound.frames:
                raise ValueError("cut short")
            return wav_bytes(samples[:, 0], sound.samplerate)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"not audio that can be read ({error.error_string.rstrip('.')})") from None
