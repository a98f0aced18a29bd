"""The summary at the top of the report and of the model card: the headline figures, and the steps that are missing.

docs/figures.md defines each figure. Figures of the gate are about the pinned model; an evaluation trains models of its
own, unless its protocol is `test`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ei_toolkit.board.budget import known_features_ms
from ei_toolkit.config.units import classification_time, counted, kib, percent
from ei_toolkit.impulse.metrics import CLIP_ACCURACY, MAJORITY, TOP_1, interval_text, thresholded_name
from ei_toolkit.report.audit import read_audit
from ei_toolkit.report.project_summary import ProjectSummary


@dataclass(frozen=True)
class Headline:
    """A figure with its name, and what limits or explains it."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class MissingStep:
    """Something that was not done yet, and the command that does it."""

    text: str
    command: str


def headlines(summary: ProjectSummary) -> list[Headline]:
    """Return the figures that are known: accuracies, worst condition, size, time and verdict of the gate."""
    found = (_accuracy(summary), _clip_accuracy(summary), _worst_condition(summary), *_cost(summary), _verdict(summary))
    return [headline for headline in found if headline]


def _accuracy(summary: ProjectSummary) -> Headline | None:
    """Return the accuracy of the model at the threshold: that of the gate, else that of the last training's test."""
    gate = summary.latest("gate")
    if gate:
        own, name = gate["challenger"], thresholded_name(gate.get("threshold"))
        return Headline(name, percent(own["thresholded_accuracy"]), "; ".join(_gate_notes(gate, own)))
    test: Mapping[str, Any] = summary.latest("train").get("test", {}).get("int8", {})
    accuracy = test.get("thresholded_accuracy", test.get("accuracy"))  # the latter is what older versions recorded
    if accuracy is None:
        return None
    note = f"{counted(test['windows'], 'window')} of the last training's test" if test.get("windows") else ""
    return Headline(thresholded_name(test.get("threshold")), percent(accuracy), note or "the last training's test")


def _gate_notes(gate: Mapping[str, Any], own: Mapping[str, Any]) -> Iterator[str]:
    if gate.get("clips"):
        yield f"{gate['clips']} held-out clips of {counted(gate['artists'], 'group')}"
    if interval := gate.get("interval"):  # runs before 0.3 have none
        yield interval_text(interval, None, gate["artists"])
    if (top_1 := own.get("top_1_accuracy")) is not None:
        yield f"{TOP_1} {percent(top_1)}"
    yield f"{CLIP_ACCURACY} {percent(own['track_accuracy'])}"
    if (majority := gate.get("majority")) is not None:
        yield f"{MAJORITY} {percent(majority)}"


def _clip_accuracy(summary: ProjectSummary) -> Headline | None:
    clean: Mapping[str, Any] = summary.evaluation.get("clean", {})
    if not clean:
        return None
    notes = [f"protocol {summary.evaluation.get('protocol', 'test')}"]
    if clean.get("interval"):
        notes.append(interval_text(clean["interval"], clean.get("tracks"), clean.get("artists")))
    return Headline(CLIP_ACCURACY, percent(clean["track_accuracy"]), "; ".join(notes))


def _worst_condition(summary: ProjectSummary) -> Headline | None:
    """Return the lowest top-1 accuracy under a condition: that of the gate, else that of the evaluation."""
    gate, evaluation = summary.latest("gate"), summary.evaluation
    if gate.get("worst"):
        name, accuracy = gate["worst"]
        return Headline(f"worst condition: {name}", percent(accuracy), f"{TOP_1} of the pinned model")
    conditions: Mapping[str, Any] = evaluation.get("conditions", {})
    if not conditions:
        return None
    accuracy, name = min((row["window_accuracy"], name) for name, row in conditions.items())
    note = f"{TOP_1}, protocol {evaluation.get('protocol', 'test')}"
    return Headline(f"worst condition: {name}", percent(accuracy), note)


def _cost(summary: ProjectSummary) -> Iterator[Headline]:
    profile = summary.profile
    if profile is None:
        return
    image = summary.latest("flash")
    size = f"RAM {kib(profile.ram_bytes)}, flash {kib(profile.flash_bytes)}"
    whole = "the network only"
    if "ram_bytes" in image and "flash_bytes" in image:
        whole += f"; the whole image: RAM {kib(image['ram_bytes'])}, flash {kib(image['flash_bytes'])}"
    yield Headline("size on the board", size, whole)
    time = classification_time(known_features_ms(summary.config.settings), profile.latency_ms)
    value, _, parts = time.partition(" (")
    yield Headline("time of a classification", value, f"{parts.rstrip(')')}; estimated for 64 MHz")


def _verdict(summary: ProjectSummary) -> Headline | None:
    gate = summary.latest("gate")
    if not gate:
        return None
    return Headline("verdict of the gate", gate["verdict"], "; ".join(gate.get("reasons", ())))


def missing_steps(summary: ProjectSummary) -> list[MissingStep]:
    """Return what the report would show after further commands, in the order of the pipeline."""
    is_pinned = summary.lock is not None
    steps = (
        (read_audit(summary.config.paths) is None, "the windows were not audited", "eitk dataset audit"),
        (not summary.of_kind("train") and not is_pinned, "no model was trained", "eitk train --eon"),
        (bool(summary.of_kind("train")) and not is_pinned, "no model is pinned", "eitk build"),
        (not summary.evaluation, "no accuracy over folds and under conditions", "eitk evaluate"),
        (is_pinned and not summary.latest("gate"), "the gate has not tested the pinned model", "eitk gate"),
        (is_pinned and not summary.latest("flash"), "the pinned model was not flashed", "eitk flash"),
    )
    return [MissingStep(text, command) for is_missing, text, command in steps if is_missing]
