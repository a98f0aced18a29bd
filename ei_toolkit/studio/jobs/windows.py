"""Values of stored samples in the units of 16-bit integers, and the windows that a processing block reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from ei_toolkit.audio.values import INT16_SCALE
from ei_toolkit.dataset.time_series import parse_time_series
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.wav_header import FLOAT, read_header
from ei_toolkit.studio.impulse import ProcessingBlock
from ei_toolkit.studio.jobs.acquisition import read_acquisition
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.sample_filter import SampleFilter, has_id
from ei_toolkit.studio.store.samples import Sample

Floats = npt.NDArray[np.float32]
FRAMES_AT_ONCE = 2**18
INTEGERS: Mapping[int, str] = {16: "<i2", 32: "<i4"}


def read_values(content: bytes, form: str) -> Floats:
    """Return the (n, sensors) values of a sample."""
    if form == "csv":
        return parse_time_series("sample.csv", content).values.astype(np.float32)
    return _read_wav(content) if form == "wav" else read_acquisition(content, form).values


def read_axis(content: bytes, form: str, names: list[str], axis: str) -> Floats:
    """Return the (n,) values of the sensor `axis`, or of the only sensor. Raises ApiError if there is no such axis."""
    values = read_values(content, form)
    if axis not in names and len(names) > 1:
        raise ApiError(f"There is no axis {axis!r}; there are {', '.join(names)}")
    return values[:, names.index(axis) if axis in names else 0]


def resample(values: Floats, rate: float, wanted_rate: float) -> Floats:
    """Return values resampled from `rate` to `wanted_rate` in Hz; unchanged if the rates are equal or unknown."""
    if not rate or abs(rate - wanted_rate) < 1e-6 * wanted_rate:
        return values
    resampled: Floats = soxr.resample(values, rate, wanted_rate, quality="HQ").astype(np.float32)
    return resampled


def wav_blocks(content: bytes, frames: int = FRAMES_AT_ONCE) -> tuple[Iterator[Floats], bool]:
    """Return blocks of (n, channels) values of a WAV file in −1…1, and whether it holds floating-point numbers.

    Values that float32 cannot hold are infinite.
    """
    header = read_header(lambda offset, count: content[offset : offset + count], len(content))
    frame = header.channels * header.bits // 8
    raw = memoryview(content)[header.offset : header.offset + header.frames * frame]
    blocks = (
        _unit_range(raw[start : start + frames * frame], header.encoding, header.bits).reshape(-1, header.channels)
        for start in range(0, len(raw), frames * frame)
    )
    return blocks, header.encoding == FLOAT


def wav_channels(content: bytes) -> Floats:
    """Return all values of a WAV file as `wav_blocks` does."""
    blocks, _ = wav_blocks(content, len(content))
    return next(blocks, np.empty((0, 1), np.float32))


def _read_wav(content: bytes) -> Floats:
    """Return PCM of any width in the units of 16-bit integers, (n, 1): the mean of the channels, as `eitk slice` reads.

    Ingestion rejects values that are not numbers. Samples of older versions may hold some, which count as silence.
    """
    channels = wav_channels(content)
    mixed = channels if channels.shape[1] == 1 else channels.mean(axis=1, keepdims=True, dtype=np.float32)
    values: Floats = np.nan_to_num(mixed * np.float32(INT16_SCALE), posinf=INT16_SCALE, neginf=-INT16_SCALE)
    return values


def _unit_range(raw: memoryview, encoding: int, bits: int) -> Floats:
    if encoding == FLOAT:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.frombuffer(raw, f"<f{bits // 8}").astype(np.float32)
    if bits == 8:
        return (np.frombuffer(raw, np.uint8).astype(np.float32) - np.float32(128)) / np.float32(128)
    if bits == 24:
        padded = np.zeros((len(raw) // 3, 4), np.uint8)
        padded[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        return (padded.view("<i4")[:, 0] / 2.0**31).astype(np.float32)
    return (np.frombuffer(raw, INTEGERS[bits]) / 2.0 ** (bits - 1)).astype(np.float32)


def starts(length: int, window: int, increase: int, pad: bool) -> list[int]:
    """Return the first value of each complete window; 0 for a shorter recording if it may be padded."""
    if length < window:
        return [0] if pad and length else []
    return list(range(0, length - window + 1, increase))


def cut(values: Floats, window: int, increase: int, pad: bool) -> Floats:
    """Return (windows, window) values. With `pad`, zeros are appended to a recording shorter than a window."""
    firsts = starts(len(values), window, increase, pad)
    if len(values) < window and firsts:
        values = np.pad(values, (0, window - len(values)))
    if not firsts:
        return np.empty((0, window), np.float32)
    return np.stack([values[first : first + window] for first in firsts])


def signal_of(store: Store, sample: Sample, block: ProcessingBlock) -> Floats:
    """Return the (n,) values of a stored sample at the frequency of a processing block."""
    names = [name for name, _ in sample.sensors]
    values = read_axis(store.byte_range(sample).read(), sample.format, names, block.axis)
    return resample(values, sample.frequency, block.frequency)


def windows_of(store: Store, sample: Sample, block: ProcessingBlock) -> Floats:
    """Return the (windows, window) values of a stored sample that a processing block reads."""
    values = signal_of(store, sample, block)
    return cut(values, block.window_samples, block.increase_samples, bool(block.window["padZeros"]))


def require_deleted(store: Store, sample: Sample) -> None:
    """Raise ApiError for a sample whose content is missing although the sample was not deleted."""
    if store.samples.ids(SampleFilter(sample.project, conditions=(has_id([sample.id]),))):
        raise ApiError(
            f"The content of {sample.filename} (sample {sample.id}) is missing: delete it and upload it again"
        )


@dataclass(frozen=True, slots=True)
class WindowInfo:
    """The sample, the time range and the label of one window."""

    sample: int
    start_ms: float
    end_ms: float
    label: str


def describe_windows(sample: Sample, count: int, window: Mapping[str, Any]) -> list[WindowInfo]:
    """Return the descriptions of the `count` windows of a sample."""
    length, increase = float(window["windowSizeMs"]), float(window["windowIncreaseMs"])
    begins = [index * increase for index in range(count)]
    return [WindowInfo(sample.id, begin, begin + length, _label(sample, begin + length)) for begin in begins]


def _label(sample: Sample, end_ms: float) -> str:
    """Return the label at the end of a window, as Edge Impulse does by default; empty if that part has none."""
    if not sample.structured_labels:
        return sample.label
    last = max(0, min(sample.values_count, round(end_ms / sample.interval_ms)) - 1)
    return _label_at(sample.structured_labels, last)


def _label_at(labels: Sequence[Mapping[str, Any]], index: int) -> str:
    found = (s["label"] for s in labels if s["startIndex"] <= index <= s["endIndex"])
    return str(next(found, ""))
