"""The figures of a project: what can be drawn from its windows, its runs and its last evaluation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ei_toolkit.dataset.manifest import Window
from ei_toolkit.impulse import dsp
from ei_toolkit.report import figures
from ei_toolkit.report.confusion import ConfusionMatrix
from ei_toolkit.report.figures import Figure
from ei_toolkit.report.nightly_summary import gate_confusion
from ei_toolkit.report.project_summary import ProjectSummary, held_out_windows

BAND_NAMES = {"mfe": "mel band", "mfcc": "cepstral coefficient", "spectrogram": "frequency bin"}


def figure_files(summary: ProjectSummary) -> dict[str, bytes]:
    """Return PNG files by name; there is no figure of a step that was not done yet."""
    drawing: dict[str, Callable[[ProjectSummary], Figure | None]] = {
        "spectrograms.png": spectrograms,
        "learning-curves.png": learning_curves,
        "confusion.png": confusion_matrix,
        "reliability.png": reliability,
        "accuracy-by-gain.png": accuracy_by_gain,
        "accuracy-by-condition.png": accuracy_by_condition,
        "instructions-by-layer.png": instructions_by_layer,
    }
    return {name: figure.png() for name, draw in drawing.items() if (figure := draw(summary))}


def spectrograms(summary: ProjectSummary) -> Figure | None:
    """Draw the features of one held-out window of each label."""
    if not summary.config.settings.impulse.dsp:
        return None
    first = {label: held_out_windows(summary.windows, label)[:1] for label in summary.labels}
    images = {label: window_features(summary, found[0]) for label, found in first.items() if found}
    if not images:
        return None
    return figures.spectrograms(images, summary.config.settings.slice.window_ms / 1000, band_name(summary))


def window_figure(summary: ProjectSummary, window: Window) -> Figure:
    """Draw the features of one window."""
    seconds = summary.config.settings.slice.window_ms / 1000
    return figures.spectrogram(window_features(summary, window), seconds, window_title(window), band_name(summary))


def window_title(window: Window) -> str:
    """Return where a window is from."""
    return f"{window.label}: {window.clip} at {window.start_ms / 1000:g} s, by {window.group}"


def band_name(summary: ProjectSummary) -> str:
    """Return what the bins of the first processing block are."""
    return BAND_NAMES.get(summary.config.settings.impulse.dsp[0].type, "feature bin")


def learning_curves(summary: ProjectSummary) -> Figure | None:
    """Draw accuracy and loss of the last training by epoch."""
    history = summary.latest("train").get("history")
    return figures.learning_curves(history) if history else None


def confusion_matrix(summary: ProjectSummary) -> Figure | None:
    """Draw the confusion matrix of the held-out windows at the last gate."""
    gate = summary.latest("gate")
    return confusion_figure(gate_confusion(gate, summary.labels)) if gate else None


def confusion_figure(matrix: ConfusionMatrix) -> Figure:
    """Draw a confusion matrix under its own title."""
    return replace(figures.confusion_matrix(matrix.counts, matrix.labels), title=matrix.title)


def reliability(summary: ProjectSummary) -> Figure | None:
    """Draw the share of correct clips in the last evaluation against the highest probability."""
    tracks, labels = summary.evaluation.get("tracks"), summary.evaluation.get("labels")
    if not tracks or not labels:
        return None
    actual = [labels.index(track["label"]) for track in tracks]
    return figures.reliability(actual, np.array([track["probabilities"] for track in tracks]))


def accuracy_by_gain(summary: ProjectSummary) -> Figure | None:
    """Draw the accuracy of the last evaluation against the gain of the microphone."""
    evaluation = summary.evaluation
    has_gains = any(name.startswith("gain") for name in evaluation.get("conditions", {}))
    if not has_gains or "level" not in evaluation.get("baselines", {}):
        return None
    return figures.accuracy_by_gain(evaluation, str(evaluation.get("recipe", "this project")))


def accuracy_by_condition(summary: ProjectSummary) -> Figure | None:
    """Draw the accuracy of the last evaluation under each condition."""
    return figures.accuracy_by_condition(summary.evaluation) if summary.evaluation.get("clean") else None


def instructions_by_layer(summary: ProjectSummary) -> Figure | None:
    """Draw what each layer of the pinned model costs."""
    if summary.profile is None:
        return None
    layers = enumerate(summary.profile.layers, start=1)
    spent = {f"{i}: {layer.title.split()[0].lower()}": layer.instructions for i, layer in layers if layer.instructions}
    return figures.instructions_by_layer(spent) if spent else None


def window_features(summary: ProjectSummary, window: Window) -> npt.NDArray[np.float64]:
    """Return features (frames, bins) of the first block. Raises DataError where the window cannot be read."""
    settings = summary.config.settings
    block, rate = settings.impulse.dsp[0], settings.slice.sample_rate
    samples = summary.reader.samples(window)
    shape = dsp.output_shape(block.type, len(samples), rate, block.implementation_version, **block.params)
    return dsp.run(block.type, samples, rate, block.implementation_version, **block.params).reshape(shape)
