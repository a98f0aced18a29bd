"""Performance calibration: a long recording with known regions, the scores of its windows, and parameters for them."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from ei_toolkit.audio.values import INT16_SCALE
from ei_toolkit.audio.wav import wav_bytes
from ei_toolkit.config.archive import read_entries
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.calibration import BACKGROUND, HOLD_WINDOWS, SMOOTHINGS, Decisions, detections
from ei_toolkit.impulse.decision import UNCERTAIN_LABEL, labels_at_settings, smoothed
from ei_toolkit.impulse.interpreter import Interpreter
from ei_toolkit.impulse.region_stats import Detection, LabelStats, Region, label_stats
from ei_toolkit.impulse.trained_model import model_id
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.performance_calibration import RESULT, UPLOAD, WAV
from ei_toolkit.studio.impulse import ProcessingBlock, processing_blocks
from ei_toolkit.studio.jobs.features import usable_samples
from ei_toolkit.studio.jobs.task import Task
from ei_toolkit.studio.jobs.testing import trained
from ei_toolkit.studio.jobs.windows import Floats, cut, read_values, resample, signal_of
from ei_toolkit.studio.store.samples import Sample

SLICES = 4  # windows begin a quarter of a window apart, as in Edge Impulse's continuous inference
WINDOWS_AT_ONCE = 64
LONGEST_UPLOAD_MINUTES = 120.0
THRESHOLDS = tuple(percent / 100 for percent in range(50, 100, 5))
MOST_SETS = 25
SEED = 7


@dataclass(frozen=True)
class Placed:
    """A labelled part of the recording; `sample` and `place` are 0 and −1 for an uploaded one."""

    label: str
    start_ms: float
    length_ms: float
    sample: int = 0
    place: int = -1


@dataclass(frozen=True)
class LabelledStream:
    """A recording of int16 samples, as floats, with its labelled parts in the order of time."""

    samples: Floats
    parts: tuple[Placed, ...]


def calibrate(task: Task) -> None:
    """Job: make or read a long recording, classify its windows, and store parameters that separate its labels."""
    impulse = task.store.blocks.get(task.project, int(task.job.spec["impulse"]))
    block, model = trained(task, impulse.blocks("learnBlocks"))
    blocks = processing_blocks(task.store, impulse, block)
    options: Mapping[str, Any] = task.job.spec["options"]
    noise = {options["backgroundNoiseLabel"], *options.get("otherNoiseLabels", [])}
    labels = [str(label) for label in model.summary["labels"]]
    if unknown := sorted(noise - set(labels)):
        raise ApiError(f"The model has no label {', '.join(unknown)}; labels: {', '.join(labels)}")
    if options.get("uploadKey"):
        stream = _uploaded(task, blocks[0], options["uploadKey"])
    else:
        stream = _synthetic(task, blocks[0], noise, labels, float(options["sampleLengthMinutes"]))
    minutes = len(stream.samples) / blocks[0].frequency / 60
    task.log(f"Classifying {minutes:.1f} minutes with {len(stream.parts)} labelled parts...")
    variant = next(name for name in ("int8", "float32") if model_id(name) in model.files)
    interpreter = Interpreter(task.store.blobs.read(model.files[model_id(variant)]))
    scores = _scores(blocks, stream.samples, interpreter)
    document = _document(stream, scores, labels, noise, blocks[0], options)
    clipped = np.clip(np.rint(stream.samples), -INT16_SCALE, INT16_SCALE - 1).astype(np.int16)
    wav = wav_bytes(clipped, round(blocks[0].frequency))
    task.store.artifacts.put_result(task.project, WAV, impulse.id, task.store.blobs.put(wav))
    blob = task.store.blobs.put(json.dumps(document).encode())
    task.store.artifacts.put_result(task.project, RESULT, impulse.id, blob)
    task.log(f"Found {len(document['parameterSets'])} parameter sets")


def _synthetic(
    task: Task, block: ProcessingBlock, noise: set[str], labels: Sequence[str], minutes: float
) -> LabelledStream:
    """Add testing samples of the other labels to background noise at random distances, until the length is reached."""
    samples = usable_samples(task.store, task.project, "testing")
    background = [sample for sample in samples if sample.label in noise]
    events = [sample for sample in samples if sample.label in labels and sample.label not in noise]
    if not background or not events:
        missing = ", ".join(sorted(noise)) if not background else "any other label"
        raise ApiError(f"There are no testing samples of {missing}: upload some first")
    random = np.random.default_rng(SEED)
    total = round(minutes * 60 * block.frequency)
    stream = _background(task, block, background, total, random)
    parts: list[Placed] = []
    position = block.window_samples
    while True:
        place = int(random.integers(len(events)))
        sample = events[place]
        values = signal_of(task.store, sample, block)
        if position + len(values) > total:
            return LabelledStream(stream, tuple(parts))
        stream[position : position + len(values)] += values
        start_ms, length_ms = (1000 * count / block.frequency for count in (position, len(values)))
        parts.append(Placed(sample.label, start_ms, length_ms, sample.id, place))
        position += len(values) + int(random.uniform(1, 3) * block.window_samples)


def _background(
    task: Task, block: ProcessingBlock, samples: Sequence[Sample], total: int, random: np.random.Generator
) -> Floats:
    pieces: list[Floats] = []
    length = 0
    while length < total:
        pieces.append(signal_of(task.store, samples[int(random.integers(len(samples)))], block))
        if not len(pieces[-1]):
            raise ApiError("A sample of background noise is empty: delete it")
        length += len(pieces[-1])
    return np.concatenate(pieces)[:total].astype(np.float32)


def _uploaded(task: Task, block: ProcessingBlock, key: str) -> LabelledStream:
    """Read a zip with one WAV file and one label track as Audacity exports it: start, end and label on each line."""
    blob = task.store.artifacts.result(task.project, UPLOAD, 0, key)
    if blob is None:
        raise ApiError("There is no upload with this key: upload the zip again")
    files = dict(read_entries(task.store.blobs.path(blob), lambda name: name.suffix.lower() in (".wav", ".txt")))
    wav, track = (_only(files, suffix) for suffix in (".wav", ".txt"))
    rate = float(int.from_bytes(wav[24:28], "little"))
    values = resample(read_values(wav, "wav")[:, 0], rate, block.frequency)
    if len(values) > LONGEST_UPLOAD_MINUTES * 60 * block.frequency:
        raise ApiError(f"The WAV file is longer than {LONGEST_UPLOAD_MINUTES:g} minutes")
    length_ms = 1000 * len(values) / block.frequency
    return LabelledStream(values.astype(np.float32), tuple(_label_track(track, length_ms)))


def _only(files: Mapping[PurePosixPath, bytes], suffix: str) -> bytes:
    found = [content for name, content in files.items() if name.suffix.lower() == suffix]
    if len(found) != 1:
        raise ApiError(f"The zip must have one {suffix} file, but has {len(found)}")
    return found[0]


def _label_track(content: bytes, length_ms: float) -> Iterator[Placed]:
    for number, line in enumerate(io.StringIO(content.decode("utf-8-sig", "replace")), 1):
        if not line.strip():
            continue
        start, end, label = [*line.rstrip("\r\n").split("\t", 2), "", ""][:3]
        try:
            start_ms, end_ms = 1000 * float(start), 1000 * float(end)
        except ValueError:
            start_ms = end_ms = math.nan
        if not (0 <= start_ms < end_ms <= length_ms + 1) or not label.strip():
            raise ApiError(f"Line {number} of the label track is not start, end and label: {line.strip()[:80]!r}")
        yield Placed(label.strip(), start_ms, end_ms - start_ms)


def _scores(blocks: Sequence[ProcessingBlock], samples: Floats, model: Interpreter) -> npt.NDArray[np.float32]:
    """Return the scores of all windows, a quarter of a window apart."""
    hop, window = max(1, blocks[0].window_samples // SLICES), blocks[0].window_samples
    if len(samples) < window:
        raise ApiError("The recording is shorter than a window of the impulse")
    found = []
    for first in range(0, (len(samples) - window) // hop + 1, WINDOWS_AT_ONCE):
        windows = cut(samples[first * hop : (first + WINDOWS_AT_ONCE - 1) * hop + window], window, hop, False)
        features = [
            dsp.run_many(block.type, windows, block.frequency, block.version, **dict(block.config)) for block in blocks
        ]
        found.append(model.predict(np.concatenate(features, axis=1).astype(np.float32)))
    return np.concatenate(found)


def _document(
    stream: LabelledStream,
    scores: npt.NDArray[np.float32],
    labels: Sequence[str],
    noise: set[str],
    block: ProcessingBlock,
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what `studio.http.performance_calibration` reads."""
    window_ms = float(block.window["windowSizeMs"])
    hop_ms = 1000 * max(1, block.window_samples // SLICES) / block.frequency
    length_ms = 1000 * len(stream.samples) / block.frequency
    known = list(_ground_truth(stream, labels, noise, length_ms, options["backgroundNoiseLabel"]))
    sets = _parameter_sets(known, scores, labels, noise, window_ms, hop_ms)
    raw = [
        {
            "start": round(row * hop_ms),
            "end": round(row * hop_ms + window_ms),
            "result": [round(float(s), 6) for s in own],
        }
        for row, own in enumerate(scores)
    ]
    return {"options": dict(options), "groundTruth": known, "rawResult": raw, "parameterSets": sets}


def _ground_truth(
    stream: LabelledStream, labels: Sequence[str], noise: set[str], length_ms: float, background: str
) -> Iterator[dict[str, Any]]:
    """Yield a region for each labelled part, and one of noise for each gap."""
    end_ms = 0.0
    for part in [*stream.parts, None]:
        start_ms = part.start_ms if part else length_ms
        if start_ms - end_ms >= 1:
            yield _region("noise", background, labels, end_ms, start_ms - end_ms)
        if part is not None:
            kind = "noise" if part.label in noise else "sample"
            inner = [{"id": part.sample, "start": part.start_ms, "length": part.length_ms, "idx": part.place}]
            region = _region(kind, part.label, labels, part.start_ms, part.length_ms)
            yield region | ({"samples": inner} if part.sample else {})
            end_ms = part.start_ms + part.length_ms


def _region(kind: str, label: str, labels: Sequence[str], start_ms: float, length_ms: float) -> dict[str, Any]:
    index = labels.index(label) if label in labels else BACKGROUND
    return {
        "type": kind, "labelIdx": index, "labelString": label, "start": round(start_ms), "length": round(length_ms),
    }  # fmt: skip


def _parameter_sets(
    known: Sequence[Mapping[str, Any]],
    scores: npt.NDArray[np.float32],
    labels: Sequence[str],
    noise: set[str],
    window_ms: float,
    hop_ms: float,
) -> list[dict[str, Any]]:
    """Return the parameters that no others exceed in both mean rates, each with its detections and statistics."""
    events = [number for number, label in enumerate(labels) if label not in noise]
    regions = [
        Region(
            int(one["labelIdx"]) if one["type"] == "sample" else BACKGROUND, one["start"], one["start"] + one["length"]
        )
        for one in known
    ]
    tried = []
    for decisions, found in _detections(scores, events, window_ms, hop_ms):
        tolerance_ms = window_ms + decisions.smoothing * hop_ms
        stats = label_stats(regions, found, events, tolerance_ms)
        rates = [float(np.mean([getattr(one, name) for one in stats])) for name in
                 ("false_positive_rate", "false_negative_rate")]  # fmt: skip
        tried.append((rates[0], rates[1], decisions, found, stats))
    tried.sort(key=lambda one: (one[0], one[1], one[2].smoothing, one[2].hold))
    kept, best_negative = [], math.inf
    for one in tried:
        if one[1] < best_negative:
            best_negative = one[1]
            kept.append(one)
    kept = kept[:MOST_SETS]
    best = min(range(len(kept)), key=lambda place: kept[place][0] + kept[place][1])
    return [
        {
            "detections": [{"time": round(d.time_ms), "label": labels[d.label]} for d in found],
            "isBest": place == best,
            "labels": [labels[event] for event in events],
            "aggregateStats": {"falsePositiveRate": positive, "falseNegativeRate": negative},
            "stats": [_stats(one, labels) for one in stats],
            "params": parameters(decisions, hop_ms),
            "windowSizeMs": window_ms,
        }
        for place, (positive, negative, decisions, found, stats) in enumerate(kept)
    ]


def _detections(
    scores: npt.NDArray[np.float32], events: Sequence[int], window_ms: float, hop_ms: float
) -> Iterator[tuple[Decisions, list[Detection]]]:
    """Yield the detections for all parameters that are tried; those of noise are none."""
    settings = [(threshold, hold) for threshold in THRESHOLDS for hold in HOLD_WINDOWS]
    thresholds, holds = (np.array(column) for column in zip(*settings, strict=True))
    for depth in SMOOTHINGS:
        found = labels_at_settings(smoothed(scores, depth), thresholds, 0.0, holds)
        found = np.where(np.isin(found, events), found, UNCERTAIN_LABEL).astype(np.int16)
        begins = detections(found)
        for place, (threshold, hold) in enumerate(settings):
            rows = np.flatnonzero(begins[:, place])
            own = [Detection(int(found[row, place]), float(row * hop_ms + window_ms)) for row in rows]
            yield Decisions(threshold, depth, hold), own


def parameters(decisions: Decisions, hop_ms: float) -> dict[str, Any]:
    """Return a `PerformanceCalibrationParameters`."""
    standard = {
        "averageWindowDurationMs": decisions.smoothing * hop_ms, "detectionThreshold": decisions.threshold,
        "suppressionMs": decisions.hold * hop_ms,
    }  # fmt: skip
    return {"type": "standard", "version": 1, "parametersStandard": standard}


def _stats(stats: LabelStats, labels: Sequence[str]) -> dict[str, Any]:
    details = [
        {"type": one.kind, "detectionTime": round(one.detection.time_ms)}
        | (
            {"groundTruthLabel": labels[one.region.label], "groundTruthStart": float(one.region.start_ms)}
            if one.region
            else {}
        )
        for one in stats.false_positives
    ]
    return {
        "label": labels[stats.label],
        "truePositives": stats.true_positives,
        "falsePositives": len(stats.false_positives),
        "falseNegatives": len(stats.missed),
        "trueNegatives": stats.true_negatives,
        "falsePositiveRate": stats.false_positive_rate,
        "falseNegativeRate": stats.false_negative_rate,
        "falsePositiveDetails": details,
        "falseNegativeTimes": [float(one.start_ms) for one in stats.missed],
    }
