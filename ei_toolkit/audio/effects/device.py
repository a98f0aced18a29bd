"""How recordings of a device differ from the files, in third-octave bands: measured, stored, applied to windows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.config.atomic_write import write_text
from ei_toolkit.config.untrusted_json import read_json
from ei_toolkit.errors import ConfigurationError

Sound = NDArray[np.float32]
Values = NDArray[np.float64]
BANDS_HZ = (100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500, 3150, 4000, 5000, 6300)
THIRD_OCTAVE = 2 ** (1 / 6)  # from the centre of a band to its edge
FULL_SCALE = 32768.0
LEAST_ABOVE_NOISE_DB = 3.0  # a band of a recording below that is noise, and shows nothing of the response
LARGEST_DB = 200.0
SEGMENT = 2048  # samples of one spectrum


@dataclass(frozen=True)
class DeviceProfile:
    """The difference between the recordings of a device and the files, in BANDS_HZ.

    `gain_db` is the mean over the clips, relative to the mean of all bands, and `spread_db` its standard deviation.
    `level_db` is the mean of all bands, `tilt_db_per_octave` the slope of a line through the gains. `noise_db` is the
    power of each band of the silence before the clips, relative to the power of the recordings; `noise_dbfs` is that
    of all bands relative to full scale.
    """

    bands_hz: tuple[float, ...]
    gain_db: tuple[float, ...]
    spread_db: tuple[float, ...]
    noise_db: tuple[float, ...]
    level_db: float
    tilt_db_per_octave: float
    noise_dbfs: float
    clips: int
    board: str = ""
    firmware: str = ""

    def write(self, file: Path) -> None:
        """Write the profile in one step."""
        write_text(file, json.dumps({"version": 1, **asdict(self)}, indent=1) + "\n")

    @classmethod
    def read(cls, file: Path) -> DeviceProfile:
        """Read what `write` wrote. Raises ConfigurationError for a file that is not a profile."""
        try:
            stored = read_json(file.read_bytes())
            lists = {key: _numbers(stored[key]) for key in ("bands_hz", "gain_db", "spread_db", "noise_db")}
            if len({len(values) for values in lists.values()}) != 1 or len(lists["bands_hz"]) < 2:
                raise ValueError("its lists have different lengths")
            if list(lists["bands_hz"]) != sorted(set(lists["bands_hz"])) or lists["bands_hz"][0] <= 0:
                raise ValueError("bands_hz does not increase")
            level, tilt, noise = _numbers([stored[key] for key in ("level_db", "tilt_db_per_octave", "noise_dbfs")])
            return cls(
                **lists, level_db=level, tilt_db_per_octave=tilt, noise_dbfs=noise, clips=int(stored["clips"]),
                board=str(stored.get("board", "")), firmware=str(stored.get("firmware", "")),
            )  # fmt: skip
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ConfigurationError(
                f"{file} is not the profile of a device", why=str(error)[:200],
                hint="Write one: eitk verify --compare --profile board.json CLIPS",
            ) from None  # fmt: skip


@dataclass(frozen=True)
class ClipResponse:
    """One clip: the power of each band of the original, of the recording without its noise, and of the noise."""

    original: Values
    recorded: Values
    noise: Values


def measure_response(
    original: NDArray[np.int16], recorded: NDArray[np.int16], silence: NDArray[np.int16], rate: int
) -> ClipResponse:
    """Measure an aligned recording; `silence` is what the device recorded before the clip, at least 2048 samples."""
    noise = band_powers(silence, rate)
    return ClipResponse(band_powers(original, rate), band_powers(recorded, rate) - noise, noise)


def combine(clips: Sequence[ClipResponse], board: str = "", firmware: str = "") -> DeviceProfile:
    """Return the profile of a device from one response or more. Bands that no clip has are interpolated."""
    above = 10 ** (LEAST_ABOVE_NOISE_DB / 10) - 1
    gains = np.full((len(clips), len(BANDS_HZ)), np.nan)
    for row, clip in zip(gains, clips, strict=True):
        usable = (clip.recorded > clip.noise * above) & (clip.recorded > 0) & (clip.original > 0)
        row[usable] = 10 * np.log10(clip.recorded[usable] / clip.original[usable])
    there = np.isfinite(gains).any(axis=0)
    if not there.any():
        raise ConfigurationError("no band of the recordings is above the noise", hint="Play the clips louder.")
    octaves = np.log2(np.array(BANDS_HZ))
    levels = np.array([np.nanmean(row) if np.isfinite(row).any() else np.nan for row in gains])
    level = float(np.nanmean(levels))
    shape = np.array([np.nanmean(column) for column in (gains - levels[:, None]).T[there]])
    spread = np.array([np.nanstd(column) for column in (gains - levels[:, None]).T[there]])
    gain = np.interp(octaves, octaves[there], shape)
    noise = np.mean([clip.noise for clip in clips], axis=0)
    loudness = np.mean([np.clip(clip.recorded, 0, None).sum() for clip in clips])
    tilt = float(np.polyfit(octaves[there], shape, 1)[0]) if there.sum() > 1 else 0.0
    return DeviceProfile(
        tuple(map(float, BANDS_HZ)), _rounded(gain), _rounded(np.interp(octaves, octaves[there], spread)),
        _rounded(_db(noise / max(float(loudness), 1e-12))), round(level, 2), round(tilt, 2),
        round(float(_db(noise.sum() / FULL_SCALE**2)), 1), len(clips), board, firmware,
    )  # fmt: skip


def band_powers(samples: NDArray[np.int16], rate: int) -> Values:
    """Mean power of each third-octave band, by Welch's method with a Hann window."""
    count = max(1, (len(samples) - SEGMENT) // (SEGMENT // 2) + 1)
    padded = np.zeros(max(len(samples), SEGMENT))
    padded[: len(samples)] = samples
    window = np.hanning(SEGMENT)
    total = np.zeros(SEGMENT // 2 + 1)
    for start in range(0, count * SEGMENT // 2, SEGMENT // 2):
        part = padded[start : start + SEGMENT]
        total += np.square(np.abs(np.fft.rfft((part - part.mean()) * window)))
    density = 2 * total / (count * SEGMENT * np.square(window).sum())
    hz = np.fft.rfftfreq(SEGMENT, 1 / rate)
    return np.array([density[(hz >= band / THIRD_OCTAVE) & (hz < band * THIRD_OCTAVE)].sum() for band in BANDS_HZ])


def apply_profile(signal: Sound, rate: int, profile: DeviceProfile, rng: np.random.Generator) -> Sound:
    """Return `signal`, shape (n,), as the device records it, with the same RMS.

    The gain of each band is drawn from its mean and spread; the noise of the device is added.
    """
    n = len(signal)
    gains = np.array(profile.gain_db) + rng.normal(size=len(profile.gain_db)) * np.array(profile.spread_db)
    octaves, bands = _octaves(n, rate), np.log2(np.array(profile.bands_hz))
    response = 10 ** (np.interp(octaves, bands, gains) / 20)
    rms = float(np.sqrt(np.mean(np.square(signal, dtype=np.float64))))
    filtered = np.fft.irfft(np.fft.rfft(signal) * response, n)
    filtered *= rms / max(float(np.sqrt(np.mean(np.square(filtered)))), 1e-9)
    width_hz = np.array(profile.bands_hz) * (THIRD_OCTAVE - 1 / THIRD_OCTAVE)
    density_db = np.array(profile.noise_db) - 10 * np.log10(width_hz)
    amplitude = 10 ** (np.interp(octaves, bands, density_db) / 20) * np.sqrt(rate / 2) * rms
    noise = np.fft.irfft(np.fft.rfft(rng.normal(size=n)) * amplitude, n)
    mixed = filtered + noise
    mixed *= rms / max(float(np.sqrt(np.mean(np.square(mixed)))), 1e-9)
    return mixed.astype(np.float32)


def load_profile(file: str) -> DeviceProfile:
    """Read a profile, again only if the file has changed. Raises ConfigurationError."""
    path = Path(file)
    stat = path.stat() if path.exists() else None
    return _read_once(path, stat.st_mtime_ns, stat.st_size) if stat else DeviceProfile.read(path)


@lru_cache(maxsize=4)
def _read_once(path: Path, _changed_ns: int, _size: int) -> DeviceProfile:
    return DeviceProfile.read(path)


@lru_cache(maxsize=4)
def _octaves(n: int, rate: int) -> Values:
    return np.asarray(np.log2(np.maximum(np.fft.rfftfreq(n, 1 / rate), 1.0)))


def _numbers(values: object) -> tuple[float, ...]:
    if not isinstance(values, list) or not all(isinstance(one, int | float) for one in values):
        raise ValueError("a list of numbers is missing")
    numbers = tuple(map(float, values))
    if not all(abs(one) <= max(LARGEST_DB, 1e6) for one in numbers):
        raise ValueError("a number is out of range")
    return numbers


def _db(power: Values | float) -> Values:
    return np.asarray(10 * np.log10(np.maximum(power, 1e-20)))


def _rounded(values: Values) -> tuple[float, ...]:
    return tuple(round(float(one), 2) for one in values)
