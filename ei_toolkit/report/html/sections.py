"""The sections of the report as data; `templates/<section>.html.j2` turns each into HTML.

Every function returns a section, or None where the project has nothing to show for it yet. Texts in a section are plain
text, which the templates escape; only `Figure.svg` is HTML already.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from ei_toolkit.board.budget import known_features_ms
from ei_toolkit.config.code_version import code_version
from ei_toolkit.config.settings import plain
from ei_toolkit.config.units import classification_time, counted, kib
from ei_toolkit.dataset.manifest import Window
from ei_toolkit.dataset.plan import rows_of_windows
from ei_toolkit.eon.profile import Profile
from ei_toolkit.evaluation.run_log import Run, data_hash, fingerprint, flatten
from ei_toolkit.impulse.metrics import CLIP_ACCURACY, TOP_1, interval_text
from ei_toolkit.impulse.trained_model import VARIANTS
from ei_toolkit.report.audit import read_audit
from ei_toolkit.report.figures import Figure
from ei_toolkit.report.headlines import Headline, MissingStep, headlines, missing_steps
from ei_toolkit.report.nightly_summary import gate_confusion, trial_table
from ei_toolkit.report.project_figures import (
    accuracy_by_condition,
    accuracy_by_gain,
    confusion_figure,
    instructions_by_layer,
    learning_curves,
    reliability,
    window_figure,
    window_title,
)
from ei_toolkit.report.project_summary import ProjectSummary, held_out_windows
from ei_toolkit.report.published import PUBLISHED_LABELS, like_published, own_results
from ei_toolkit.report.result_tables import BASELINE_NAMES, condition_table, recorded_label_table, recorded_scores
from ei_toolkit.report.run_comparison import comparison_figure, results_table, settings_table
from ei_toolkit.report.suite_tables import suite_notes, suite_table
from ei_toolkit.report.tables import Table, percent

LABELS_SHOWN, WINDOWS_SHOWN = 6, 2  # how many labels have players, and how many windows of each
GROUPS_SHOWN = 8


class Section:
    """One part of the page. `anchor` is its identifier and the name of its template."""

    anchor: ClassVar[str]
    title: ClassVar[str]


@dataclass(frozen=True)
class CompressionSection(Section):
    """The variants of a compressed network, notes on the figures, and published compressions."""

    anchor, title = "compression", "Compression"
    results: Table
    notes: Sequence[str]
    published: Table


@dataclass(frozen=True)
class SummarySection(Section):
    """The headline figures, and the steps that are missing with their commands."""

    anchor, title = "summary", "Summary"
    headlines: Sequence[Headline]
    missing: Sequence[MissingStep]


def summary_section(summary: ProjectSummary) -> SummarySection:
    """Show the most important figures, whatever has run."""
    return SummarySection(headlines(summary), missing_steps(summary))


@dataclass(frozen=True)
class VerdictSection(Section):
    """The last verdict of the gate with champion and challenger side by side, and the confusion matrix."""

    anchor, title = "verdict", "Verdict"
    passed: bool
    text: str
    trials: Table
    confusion: Figure
    counts: Table


def verdict(summary: ProjectSummary) -> VerdictSection | None:
    """Describe the last verdict on the pinned model."""
    gate = summary.latest("gate")
    if not gate:
        return None
    matrix = gate_confusion(gate, summary.labels)
    picture = confusion_figure(matrix)
    return VerdictSection(gate["verdict"] == "passed", gate["text"], trial_table(gate), picture, matrix.table())


@dataclass(frozen=True)
class DataSection(Section):
    """Clips and windows by label and split, and what both splits contain; `audit` is None before an audit."""

    anchor, title = "data", "Data"
    preparation: str
    counts: Table
    leakage: str
    audit: str | None


def data(summary: ProjectSummary) -> DataSection:
    """Describe the windows, how they were split, and the groups that are in both splits."""
    rows = tuple(
        (row.label, row.split, row.clips, row.groups, row.windows, row.augmented)
        for row in rows_of_windows(summary.windows)
    )
    head = ("label", "split", "clips", "groups", "windows", "of which augmented")
    settings = summary.config.settings
    preparation = (
        f"Windows of {settings.slice.window_ms / 1000:g} s every {settings.slice.hop_ms / 1000:g} s, split by"
        f" {settings.dataset.split}, level: {settings.slice.level}."
    )
    return DataSection(preparation, Table("", head, rows), _leakage(summary), read_audit(summary.config.paths))


def _leakage(summary: ProjectSummary) -> str:
    training, testing = (
        [window for window in summary.windows if window.split == split] for split in ("training", "testing")
    )
    groups = {window.group for window in training} & {window.group for window in testing}
    clips = {window.clip_sha256 for window in training} & {window.clip_sha256 for window in testing}
    if not groups and not clips:
        return "No group and no recording is in both splits."
    shown = ", ".join(sorted(groups)[:GROUPS_SHOWN]) + (" …" if len(groups) > GROUPS_SHOWN else "")
    return (
        f"{counted(len(groups), 'group')} ({shown}) and {counted(len(clips), 'recording')} are in both splits: the test"
        " overestimates accuracy."
    )


@dataclass(frozen=True)
class WindowView:
    """A window with its picture and its sound as a data URI, so that the page needs no other file."""

    title: str
    picture: Figure
    sound: str


@dataclass(frozen=True)
class WindowsSection(Section):
    """A few held-out windows with the features that the model is given."""

    anchor, title = "windows", "Held-out windows"
    block: str
    windows: Sequence[WindowView]


def windows(summary: ProjectSummary) -> WindowsSection | None:
    """Show windows of different clips, from the middle of each, with the features of the first processing block."""
    blocks = summary.config.settings.impulse.dsp
    if not blocks:
        return None
    chosen = [
        window
        for label in summary.labels[:LABELS_SHOWN]
        for window in _representative(held_out_windows(summary.windows, label))
    ]
    if not chosen:
        return None
    return WindowsSection(blocks[0].type, [_window_view(summary, window) for window in chosen])


def _representative(found: Sequence[Window]) -> list[Window]:
    """Return the middle windows of clips of different groups, or of different clips where there is one group."""
    clips: dict[str, list[Window]] = {}
    for window in found:
        clips.setdefault(window.clip, []).append(window)
    middles = [own[len(own) // 2] for own in clips.values()]
    by_group = list({window.group: window for window in reversed(middles)}.values())[::-1]
    return list(dict.fromkeys([*by_group, *middles]))[:WINDOWS_SHOWN]


def _window_view(summary: ProjectSummary, window: Window) -> WindowView:
    sound = summary.reader.file(window)
    return WindowView(window_title(window), window_figure(summary, window), _data_uri("audio/wav", sound))


def _data_uri(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


@dataclass(frozen=True)
class TrainingSection(Section):
    """The learning curves of the last training, and the scores of validation and test."""

    anchor, title = "training", "Training"
    settings: str
    curves: Figure | None
    scores: Table | None
    labels: Table | None


def training(summary: ProjectSummary) -> TrainingSection | None:
    """Show accuracy and loss by epoch, the scores of each variant of the model, and those of each label."""
    curves, last = learning_curves(summary), summary.latest("train")
    scores = {
        f"{part}, {variant}": found
        for part in ("validation", "test")
        for variant in VARIANTS
        if (found := last.get(part, {}).get(variant))
    }
    if curves is None and not scores:
        return None
    own = summary.config.settings.training
    settings = (
        f"{own.epochs} epochs in batches of {own.batch_size}, learning rate {own.learning_rate:g},"
        f" {own.validation * 100:g} % of the training windows used for validation."
    )
    tested = last.get("test", {}).get("int8", {}).get("report")
    return TrainingSection(
        settings,
        curves,
        recorded_scores("", scores) if scores else None,
        recorded_label_table("", tested) if tested else None,
    )


@dataclass(frozen=True)
class RobustnessSection(Section):
    """The last evaluation, clean and under every condition, with the baselines."""

    anchor, title = "robustness", "Robustness"
    protocol: str
    interval: str
    figures: Sequence[Figure]
    conditions: Table
    baselines: Table | None
    labels: Table | None


def robustness(summary: ProjectSummary) -> RobustnessSection | None:
    """Show accuracy by condition."""
    evaluation = summary.evaluation
    clean: Mapping[str, Any] = evaluation.get("clean", {})
    if not clean:
        return None
    drawn = [draw(summary) for draw in (accuracy_by_condition, accuracy_by_gain, reliability)]
    baselines = tuple(
        (BASELINE_NAMES.get(name, name), percent(_window_accuracy(v)))
        for name, v in evaluation.get("baselines", {}).items()
    )
    return RobustnessSection(
        protocol=evaluation.get("protocol", "test"),
        interval=_interval(clean),
        figures=[figure for figure in drawn if figure],
        conditions=condition_table(evaluation),
        baselines=Table("", ("baseline", TOP_1), baselines) if baselines else None,
        labels=recorded_label_table("", clean["by_label"]) if clean.get("by_label") else None,
    )


def _interval(clean: Mapping[str, Any]) -> str:
    """Return the interval of the clip accuracy; empty for an evaluation without one."""
    if not clean.get("interval"):
        return ""
    text = interval_text(clean["interval"], clean.get("tracks"), clean.get("artists"))
    return f"{CLIP_ACCURACY.capitalize()} without any change to the sound: {text}."


def _window_accuracy(baseline: Any) -> float:
    """A baseline is a fraction, or a table of figures."""
    return float(baseline["window_accuracy"] if isinstance(baseline, Mapping) else baseline)


@dataclass(frozen=True)
class PublishedSection(Section):
    """Tables 1 to 4 of the published project with this project's figures."""

    anchor, title = "published", "Comparison with the published project"
    tables: Sequence[Table]


def published(summary: ProjectSummary) -> PublishedSection | None:
    """Show the published project's tables beside this project's figures, if this project has all of its labels."""
    if not PUBLISHED_LABELS.issubset(summary.labels):
        return None
    return PublishedSection(like_published(own_results(summary)))


@dataclass(frozen=True)
class CostSection(Section):
    """What the model needs on the board, layer by layer, and the figures of the last flashed image."""

    anchor, title = "cost", "Size and speed"
    profile: Profile
    time: str
    figure: Figure | None
    layers: Table
    image: Table | None


def cost(summary: ProjectSummary) -> CostSection | None:
    """Show the layers with shapes, multiplications and instructions; RAM, flash, time; the last flashed image."""
    profile = summary.profile
    if profile is None:
        return None
    rows = tuple(
        (layer.title, " × ".join(map(str, layer.output)), layer.macs, layer.instructions, layer.instructions_per_mac)
        for layer in profile.layers
    )
    head = ("layer", "output", "multiplications", "instructions", "instructions per multiplication")
    image = tuple(_image_row(k, v) for k, v in summary.latest("flash").items() if isinstance(v, (str, int, float)))
    return CostSection(
        profile=profile,
        time=classification_time(known_features_ms(summary.config.settings), profile.latency_ms),
        figure=instructions_by_layer(summary),
        layers=Table("", head, rows),
        image=Table("", ("last flashed image", ""), image) if image else None,
    )


def _image_row(name: str, value: str | float) -> tuple[str, str | float]:
    if name.endswith("_bytes") and not isinstance(value, str):
        return name.removesuffix("_bytes"), kib(value)
    return name, value


@dataclass(frozen=True)
class ProvenanceSection(Section):
    """From which clips, settings and code the model was made: name and value of each."""

    anchor, title = "provenance", "Provenance"
    origins: Sequence[tuple[str, object]]
    settings: Sequence[tuple[str, object]]


def provenance(summary: ProjectSummary) -> ProvenanceSection:
    """Show hashes, the pinned deployment and every setting that is not a default, so that it can be made again."""
    config = summary.config
    origins: list[tuple[str, object]] = [
        ("code", code_version()),
        ("window manifest, SHA-256", data_hash(config.paths)),
        ("fingerprint of settings, windows and code", fingerprint(config)),
    ]
    origins += [(f"eitk.lock: {key}", value) for key, value in (asdict(summary.lock) if summary.lock else {}).items()]
    settings: list[tuple[str, object]] = [
        (key, value)
        for key, value in config.values()
        if config.origin(key) != "default" and isinstance(value, (str, int, float))
    ]
    settings += [(f"impulse.{key}", value) for key, value in flatten(plain(config.settings.impulse)) if value]
    return ProvenanceSection(origins, settings)


@dataclass(frozen=True)
class SuiteSection(Section):
    """Published systems with their published and their measured figures."""

    anchor, title = "suite", "Published systems"
    results: Table
    notes: Sequence[str]


def suite(summary: ProjectSummary) -> SuiteSection | None:
    """Show the last suite that was evaluated."""
    return SuiteSection(suite_table(summary.suite), suite_notes(summary.suite)) if summary.suite else None


@dataclass(frozen=True)
class ComparisonSection(Section):
    """Runs side by side; it is a page of its own."""

    anchor, title = "comparison", "Comparison of runs"
    picture: Figure | None
    tables: Sequence[Table]


def comparison(runs: Sequence[Run]) -> ComparisonSection:
    """Show what differs between runs, and their results."""
    tables = (settings_table(runs), results_table(runs))
    return ComparisonSection(comparison_figure(runs), [table for table in tables if table])


SECTIONS: tuple[Callable[[ProjectSummary], Section | None], ...] = (
    summary_section, verdict, training, robustness, cost, data, windows, provenance, published, suite,
)  # fmt: skip
"""In the order in which they appear on the page."""
