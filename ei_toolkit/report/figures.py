"""Figures as PNG bytes. Every function takes plain data, touches no file and no display."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT, DPI = 6.4, 4.0, 120
GAINS = {"gain-20": -20, "gain-10": -10, "clean": 0, "gain+10": 10, "gain+20": 20}
COLOURS = ("#2c7fb8", "#d95f0e", "#31a354", "#756bb1", "#636363")


def spectrograms(
    by_label: Mapping[str, npt.NDArray[np.floating[Any]]], seconds: float, band: str = "feature bin"
) -> bytes:
    """One spectrogram (frames, bins) a label, on one scale. `seconds` is the length of the window."""
    figure, axes = _figure(len(by_label))
    low = min(float(image.min()) for image in by_label.values())
    high = max(float(image.max()) for image in by_label.values())
    for axis, (label, image) in zip(axes, by_label.items(), strict=True):
        extent = (0.0, seconds, -0.5, image.shape[1] - 0.5)
        axis.imshow(image.T, origin="lower", aspect="auto", extent=extent, vmin=low, vmax=high, cmap="magma")
        axis.set(title=label, xlabel="time (s)")
    axes[0].set_ylabel(band)
    return _png(figure)


def learning_curves(history: Mapping[str, Sequence[float]]) -> bytes:
    """Loss and accuracy of training and validation after each epoch; `history` as Keras keeps it."""
    figure, axes = _figure(2)
    for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
        for key, label, colour in ((name, "training", COLOURS[0]), (f"val_{name}", "validation", COLOURS[1])):
            if values := history.get(key):
                axis.plot(range(1, len(values) + 1), values, label=label, color=colour)
        axis.set(xlabel="epoch", ylabel=name)
    axes[0].legend()
    return _png(figure)


def confusion_matrix(matrix: Sequence[Sequence[int]], labels: Sequence[str]) -> bytes:
    """Counts [actual][predicted]; colour is the share of the actual label."""
    figure, (axis,) = _figure(1)
    counts = np.asarray(matrix)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axis.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if share[row, column] > 0.5 else "black"
        axis.text(column, row, f"{count}\n{100 * share[row, column]:.1f} %", ha="center", va="center", color=colour)
    axis.set(xticks=range(len(labels)), yticks=range(len(labels)), xlabel="predicted", ylabel="actual")
    axis.set_xticklabels(labels)
    axis.set_yticklabels(labels)
    return _png(figure)


def reliability(truth: Sequence[int], probabilities: npt.NDArray[np.floating[Any]], bins: int = 10) -> bytes:
    """How often the winner is right against how sure it is; (n, classes) probabilities."""
    sure = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == np.asarray(truth)
    place = np.minimum((sure * bins).astype(int), bins - 1)
    used = np.unique(place)
    figure, (axis,) = _figure(1)
    axis.plot([0, 1], [0, 1], color=COLOURS[4], linestyle=":", label="as sure as it is right")
    means = [(sure[place == b].mean(), right[place == b].mean()) for b in used]
    bars = axis.bar(*zip(*means, strict=True), width=0.7 / bins, color=COLOURS[0], label="windows (darker: more)")
    for bar, b in zip(bars, used, strict=True):
        bar.set_alpha(0.3 + 0.7 * float(np.mean(place == b)))
    axis.set(xlabel="probability of the winner", ylabel="share named rightly", xlim=(0, 1), ylim=(0, 1.02))
    axis.legend(loc="upper left")
    return _png(figure)


def likeliest(ranked: Mapping[str, Sequence[tuple[str, float]]]) -> bytes:
    """The likeliest labels of some clips: clip to (label, probability), likeliest first; a group of bars a clip."""
    figure, (axis,) = _figure(1)
    rows = [(clip, label, p) for clip, best in ranked.items() for label, p in best]
    places = np.arange(len(rows))[::-1]
    first = [clip for i, (clip, *_) in enumerate(rows) if i == 0 or rows[i - 1][0] != clip]
    axis.barh(places, [p for *_, p in rows], color=[COLOURS[first.index(clip) % len(COLOURS)] for clip, *_ in rows])
    axis.set(yticks=places, xlim=(0, 1), xlabel="probability")
    axis.set_yticklabels([f"{clip}: {label}" for clip, label, _ in rows])
    return _png(figure)


def accuracy_by_gain(evaluations: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Window accuracy against gain, a line an evaluation (name to `eitk evaluate --json`), and its level baseline."""
    figure, (axis,) = _figure(1)
    for colour, (name, data) in zip(COLOURS, evaluations.items(), strict=False):
        _gain_line(axis, name, data["clean"], data["conditions"], colour, "-")
    first = next(iter(evaluations.values()))
    level = first["baselines"]["level"]
    _gain_line(axis, "level alone", level, level["conditions"], COLOURS[4], ":")
    axis.set(xlabel="gain of the microphone (dB)", ylabel="windows named rightly (%)", ylim=(40, 101))
    axis.legend(loc="lower center")
    return _png(figure)


def accuracy_by_condition(evaluation: Mapping[str, Any]) -> bytes:
    """Window and track accuracy of one evaluation, a pair of bars a condition."""
    rows = {"clean": evaluation["clean"], **evaluation["conditions"]}
    places = np.arange(len(rows))
    figure, (axis,) = _figure(1)
    for offset, key, colour in ((-0.2, "window_accuracy", COLOURS[0]), (0.2, "track_accuracy", COLOURS[1])):
        label = key.replace("_accuracy", "s")
        axis.bar(places + offset, [100 * row[key] for row in rows.values()], width=0.4, color=colour, label=label)
    axis.set(xticks=places, ylim=(40, 101), ylabel="named rightly (%)")
    axis.set_xticklabels(rows, rotation=45, ha="right")
    axis.legend(loc="lower left")
    return _png(figure)


def _gain_line(
    axis: Any, name: str, clean: Mapping[str, Any], conditions: Mapping[str, Any], colour: str, style: str
) -> None:
    rows = {"clean": clean, **conditions}
    known = [condition for condition in GAINS if condition in rows]
    values = [100 * rows[condition]["window_accuracy"] for condition in known]
    axis.plot([GAINS[c] for c in known], values, style, marker="o", color=colour, label=name)


def _figure(panels: int) -> tuple[Any, list[Any]]:
    """A figure of panels side by side, drawn without a display and without pyplot's global state."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, layout="constrained")
    return figure, list(figure.subplots(1, panels, squeeze=False)[0])


def _png(figure: Any) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()
