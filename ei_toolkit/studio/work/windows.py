"""Windows of samples: where they start, what they hold, and what each is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.studio.impulse import ProcessingBlock
from ei_toolkit.studio.refusal import Refusal
from ei_toolkit.studio.store import Store
from ei_toolkit.studio.store.sample_filter import SampleFilter
from ei_toolkit.studio.store.samples import Sample
from ei_toolkit.studio.work.values import read_axis, resample

Floats = npt.NDArray[np.float32]


def starts(length: int, window: int, increase: int, pad: bool) -> list[int]:
    """First samples of all windows that fit; a recording that is too short gives one if it may be padded."""
    if length < window:
        return [0] if pad and length else []
    return list(range(0, length - window + 1, increase))


def cut(values: Floats, window: int, increase: int, pad: bool) -> Floats:
    """(windows, window) values; a short recording is filled up with zeros at its end."""
    places = starts(len(values), window, increase, pad)
    if len(values) < window and places:
        values = np.pad(values, (0, window - len(values)))
    if not places:
        return np.empty((0, window), np.float32)
    return np.stack([values[place : place + window] for place in places])


def windows_of(store: Store, sample: Sample, block: ProcessingBlock) -> Floats:
    """The windows of a stored sample as a processing block sees them."""
    names = [name for name, _ in sample.sensors]
    values = read_axis(store.place(sample).read(), sample.format, names, block.axis)
    values = resample(values, sample.frequency, block.frequency)
    return cut(values, block.window_samples, block.increase_samples, bool(block.window["padZeros"]))


def require_deleted(store: Store, sample: Sample) -> None:
    """Refuse a sample whose content is not there although nobody deleted it."""
    if store.samples.ids(SampleFilter(sample.project, conditions=(("id = ?", (sample.id,)),))):
        raise Refusal(f"The content of {sample.filename} (sample {sample.id}) is gone: delete it and upload it again")


@dataclass(frozen=True)
class WindowName:
    """What is known of one window beside its values."""

    sample: int
    start_ms: float
    end_ms: float
    label: str


def name_windows(sample: Sample, count: int, window: Mapping[str, Any]) -> list[WindowName]:
    """Names of the `count` windows of a sample."""
    length, increase = float(window["windowSizeMs"]), float(window["windowIncreaseMs"])
    begins = [index * increase for index in range(count)]
    return [WindowName(sample.id, begin, begin + length, _label(sample, begin + length)) for begin in begins]


def _label(sample: Sample, end_ms: float) -> str:
    """A window of a multi-label recording is called what its end is called, Edge Impulse's default; perhaps nothing."""
    if not sample.structured_labels:
        return sample.label
    last = max(0, min(sample.values_count, round(end_ms / sample.interval_ms)) - 1)
    return _label_at(sample.structured_labels, last)


def _label_at(stretches: Sequence[Mapping[str, Any]], index: int) -> str:
    found = (s["label"] for s in stretches if s["startIndex"] <= index <= s["endIndex"])
    return str(next(found, ""))
