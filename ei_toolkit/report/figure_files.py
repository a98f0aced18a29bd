"""The figures that can be made of what is known about a project, by file name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ei_toolkit.report import figures
from ei_toolkit.report.project_summary import ProjectSummary, held_out_windows
from ei_toolkit.report.window_features import window_features

Figure = bytes | None


def figure_files(facts: ProjectSummary) -> dict[str, bytes]:
    """PNG by file name; what has not been done yet has no figure."""
    makers: dict[str, Callable[[ProjectSummary], Figure]] = {
        "spectrograms.png": spectrograms,
        "learning-curves.png": learning_curves,
        "confusion.png": confusion,
        "reliability.png": reliability,
        "accuracy-by-gain.png": accuracy_by_gain,
    }
    return {name: png for name, make in makers.items() if (png := make(facts)) is not None}


def spectrograms(facts: ProjectSummary) -> Figure:
    """One held-out window of each label as the network is given it."""
    if not facts.config.settings.impulse.dsp:
        return None
    first = {label: held_out_windows(facts.windows, label)[:1] for label in facts.labels}
    images = {label: window_features(facts, found[0]) for label, found in first.items() if found}
    return figures.spectrograms(images, facts.config.settings.slice.window_ms / 1000)


def learning_curves(facts: ProjectSummary) -> Figure:
    """Loss and accuracy by epoch of the last training."""
    history = facts.latest("train").get("history")
    return figures.learning_curves(history) if history else None


def confusion(facts: ProjectSummary) -> Figure:
    """Held-out windows by label and by what won, as the gate saw them."""
    gate = facts.latest("gate")
    return figures.confusion_matrix(gate["challenger"]["confusion"], facts.labels) if gate else None


def reliability(facts: ProjectSummary) -> Figure:
    """How often the last evaluation was right against how sure it was, by track."""
    tracks, labels = facts.evaluation.get("tracks"), facts.evaluation.get("labels")
    if not tracks or not labels:
        return None
    truth = [labels.index(track["label"]) for track in tracks]
    return figures.reliability(truth, np.array([track["probabilities"] for track in tracks]))


def accuracy_by_gain(facts: ProjectSummary) -> Figure:
    """Accuracy of the last evaluation against the gain of the microphone."""
    evaluation = facts.evaluation
    has_gains = any(name.startswith("gain") for name in evaluation.get("conditions", {}))
    if not has_gains or "level" not in evaluation.get("baselines", {}):
        return None
    return figures.accuracy_by_gain({str(evaluation.get("recipe", "this project")): evaluation})
