"""Values of stored samples: integers as they were recorded, one column a sensor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.studio.ingestion.wav import FLOAT, read_header
from ei_toolkit.studio.refusal import Refusal
from ei_toolkit.studio.work.acquisition import read_acquisition

Floats = npt.NDArray[np.float32]
INTEGERS: Mapping[int, str] = {16: "<i2", 32: "<i4"}
FULL_SCALE = 32768.0


def read_values(content: bytes, form: str) -> Floats:
    """(n, sensors) values of a sample."""
    return _read_wav(content) if form == "wav" else read_acquisition(content, form).values


def read_axis(content: bytes, form: str, names: list[str], axis: str) -> Floats:
    """(n,) values of the sensor called `axis`, or of the only one there is."""
    values = read_values(content, form)
    if axis not in names and len(names) > 1:
        raise Refusal(f"There is no axis {axis!r}; there are {', '.join(names)}")
    return values[:, names.index(axis) if axis in names else 0]


def resample(values: Floats, rate: float, wanted: float) -> Floats:
    """Values at another rate; untouched where the rate is right already."""
    if not rate or abs(rate - wanted) < 1e-6 * wanted:
        return values
    import soxr

    resampled: Floats = soxr.resample(values, rate, wanted, quality="HQ").astype(np.float32)
    return resampled


def _read_wav(content: bytes) -> Floats:
    """PCM in units of 16 bits, whatever its width; 16-bit samples come out as they are."""
    header = read_header(lambda offset, count: content[offset : offset + count], len(content))
    frame = header.channels * header.bits // 8
    raw = memoryview(content)[header.offset : header.offset + header.frames * frame]
    return _scaled(raw, header.encoding, header.bits).reshape(-1, header.channels)


def _scaled(raw: memoryview, encoding: int, bits: int) -> Floats:
    if encoding == FLOAT:
        found: npt.NDArray[Any] = np.frombuffer(raw, f"<f{bits // 8}") * FULL_SCALE
    elif bits == 8:
        found = (np.frombuffer(raw, np.uint8).astype(np.float32) - 128.0) * 256.0
    elif bits == 24:
        padded = np.zeros((len(raw) // 3, 4), np.uint8)
        padded[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        found = padded.view("<i4")[:, 0] / 65536.0
    else:
        found = np.frombuffer(raw, INTEGERS[bits]).astype(np.float64) / 2.0 ** (bits - 16)
    return np.nan_to_num(found.astype(np.float32), posinf=FULL_SCALE, neginf=-FULL_SCALE)
