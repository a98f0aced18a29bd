"""Log-mel spectra of whole clips, and the chunks of them that networks take.

The file is an NPZ, or a folder with the files that are published for GTZAN: `logmel_u8.npy` (also as .xz),
`logmel_tracks.txt` and `logmel_scale.csv`.
"""

from __future__ import annotations

import csv
import io
import lzma
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ei_toolkit.errors import DataError
from ei_toolkit.features.table import check_npz

LEVELS = 256  # steps of a stored value between the lowest and the highest level of a clip
SHOWN_DB = 80.0  # below the loudest value of a clip: a feature of 0
FRAME_MS = 77.5  # between two frames of the published files
ARRAYS = ("filename", "label", "levels", "range_db", "frame_ms")
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class LogMel:
    """Log-mel spectra: `levels` is uint8 (clips, bands, frames), in 256 steps of the last `range_db` (clips) decibels.

    `labels` and `groups` have "" where the file gives none.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    groups: tuple[str, ...]
    frame_ms: float
    levels: npt.NDArray[np.uint8]
    range_db: npt.NDArray[np.float64]

    def values(self, clip: int) -> Floats:
        """Return the spectrum of a clip (frames, bands) between 0, 80 dB below its loudest value, and 1."""
        range_db = self.range_db[clip]
        decibels = (self.levels[clip].T.astype(np.float32) + 0.5) / LEVELS * range_db - range_db
        clipped: Floats = np.clip(1 + decibels / SHOWN_DB, 0, 1).astype(np.float32)
        return clipped


@dataclass(frozen=True)
class Chunks:
    """Parts of a clip: their length and the distance of their starts in milliseconds, and how many at most.

    A length of 0 means the whole clip. The chunks are consecutive, around the middle of the clip. `bands` is the number
    of mel bands, a divisor of those of the file; with `cepstral`, that many cepstral coefficients of them are taken.
    """

    window_ms: int = 0
    hop_ms: int = 0
    count: int = 1
    bands: int = 128
    cepstral: int = 0

    @property
    def columns(self) -> int:
        """Features of a frame."""
        return self.cepstral or self.bands


def read_log_mel(path: Path) -> LogMel:
    """Return the spectra in a file or folder. Raises DataError where it is damaged or is none."""
    try:
        return _published(path) if path.is_dir() else _npz(path)
    except (OSError, ValueError, KeyError, EOFError, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} has no log-mel spectra",
            why=str(error),
            hint=f"Give a folder with logmel_u8.npy, or a .npz with {', '.join(ARRAYS)}.",
        ) from None


def chunk_features(spectra: LogMel, chunks: Chunks) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return features (rows, frames * columns) of all chunks of all clips, and the index of each row's clip.

    Raises DataError for a chunk that is longer than the clips, or bands that the spectra cannot be averaged to.
    """
    bands, frames = spectra.levels.shape[1:]
    if bands % chunks.bands:
        raise DataError(f"{bands} mel bands cannot be averaged to {chunks.bands}", hint="Give spectra of 128 bands.")
    length = round(chunks.window_ms / spectra.frame_ms) or frames
    hop = max(1, round(chunks.hop_ms / spectra.frame_ms))
    if length > frames:
        raise DataError(
            f"a chunk of {chunks.window_ms} ms is longer than the clips, which have {frames * spectra.frame_ms:.0f} ms"
        )
    count = min(chunks.count, 1 + (frames - length) // hop)
    first = (frames - length - (count - 1) * hop) // 2
    transform = cosine_transform(chunks.bands, chunks.cepstral)
    rows = []
    for clip in range(len(spectra.names)):
        values = averaged_bands(spectra.values(clip), chunks.bands)
        values = values @ transform if chunks.cepstral else values
        rows += [values[start : start + length].ravel() for start in range(first, first + count * hop, hop)]
    return np.stack(rows), np.repeat(np.arange(len(spectra.names)), count)


def averaged_bands(values: Floats, bands: int) -> Floats:
    """Return the mean power of adjacent bands, as levels between 0 and 1 again."""
    if values.shape[1] == bands:
        return values
    power = 10 ** (values.reshape(len(values), bands, -1) * (SHOWN_DB / 10))
    averaged: Floats = (np.log10(power.mean(axis=2)) * (10 / SHOWN_DB)).astype(np.float32)
    return averaged


def cosine_transform(bands: int, coefficients: int) -> Floats:
    """Return the orthogonal DCT-II (bands, coefficients) that gives cepstral coefficients of mel bands."""
    place = (np.arange(bands) + 0.5) * np.pi / bands
    matrix = np.cos(np.outer(place, np.arange(coefficients))) * np.sqrt(2 / bands)
    matrix[:, :1] /= np.sqrt(2)
    coefficient: Floats = matrix.astype(np.float32)
    return coefficient


def _published(folder: Path) -> LogMel:
    packed = folder / "logmel_u8.npy.xz"
    raw = lzma.decompress(packed.read_bytes()) if packed.exists() else (folder / "logmel_u8.npy").read_bytes()
    levels = np.load(io.BytesIO(raw), allow_pickle=False)
    names = tuple((folder / "logmel_tracks.txt").read_text(encoding="utf-8").split())
    with (folder / "logmel_scale.csv").open(encoding="utf-8", newline="") as stream:
        range_of = {row["track"]: float(row["range_dB"]) for row in csv.DictReader(stream)}
    labels = tuple(name.partition(".")[0] for name in names)
    return _checked(names, labels, ("",) * len(names), FRAME_MS, levels, np.array([range_of[name] for name in names]))


def _npz(file: Path) -> LogMel:
    check_npz(file)
    with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as stored:
        names = tuple(map(str, stored["filename"]))
        groups = tuple(map(str, stored["group"])) if "group" in stored else ("",) * len(names)
        labels = tuple(map(str, stored["label"]))
        frame_ms = float(stored["frame_ms"])
        return _checked(names, labels, groups, frame_ms, stored["levels"], stored["range_db"].astype(np.float64))


def _checked(
    names: tuple[str, ...],
    labels: tuple[str, ...],
    groups: tuple[str, ...],
    frame_ms: float,
    levels: npt.NDArray[np.uint8],
    range_db: npt.NDArray[np.float64],
) -> LogMel:
    if levels.ndim != 3 or levels.dtype != np.uint8 or not levels.size:
        raise ValueError(f"levels are {levels.dtype} {levels.shape}, and uint8 (clips, bands, frames) is needed")
    if not len(names) == len(labels) == len(groups) == len(range_db) == len(levels):
        raise ValueError(f"{len(names)} names, {len(labels)} labels and {len(levels)} spectra do not fit together")
    if not (np.isfinite(range_db).all() and (range_db > 0).all() and frame_ms > 0):
        raise ValueError("range_db or frame_ms is not a positive number")
    return LogMel(names, labels, groups, frame_ms, levels, range_db)
