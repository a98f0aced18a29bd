"""The sections of the exploration of a table of features as data; the template is `exploration.html.j2`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ei_toolkit.audio.fingerprint import Match
from ei_toolkit.config.units import counted
from ei_toolkit.evaluation.exploration import CORRELATED, Exploration
from ei_toolkit.report.figures import Figure, component_scatter, densities, explained_variance, matrix
from ei_toolkit.report.html.sections import Section
from ei_toolkit.report.tables import Table


@dataclass(frozen=True)
class ExplorationPart:
    """A part of the exploration: sentences, figures and tables."""

    heading: str
    notes: Sequence[str]
    figures: Sequence[Figure]
    tables: Sequence[Table]


@dataclass(frozen=True)
class ExplorationSection(Section):
    """The whole exploration."""

    anchor, title = "exploration", "Exploration"
    parts: Sequence[ExplorationPart]


def exploration_sections(found: Exploration, repeated: Sequence[Match]) -> list[Section]:
    """Return the page of an exploration."""
    return [
        ExplorationSection(
            (_labels(found), _features(found), _components(found), _similar(found), _unusual(found, repeated))
        )
    ]


def _labels(found: Exploration) -> ExplorationPart:
    head = ("label", "clips", "artists", "largest artist", "its clips")
    return ExplorationPart("Artists by label", (), (), (Table("", head, found.artists),))


def _features(found: Exploration) -> ExplorationPart:
    left_out = len(found.columns) - len(found.kept)
    note = (
        f"{counted(left_out, 'feature')} of {len(found.columns)} have a correlation of more than {CORRELATED:g} with an"
        f" earlier one; {len(found.kept)} remain: {', '.join(found.kept)}."
    )
    panels = [(density.column, density.values, density.by_label) for density in found.densities]
    drawn = (
        densities(panels, found.labels),
        matrix("Correlation of all features", found.correlation, found.columns),
        matrix("Correlation of the features that remain", found.kept_correlation, found.kept),
    )
    return ExplorationPart("Features", (note,), drawn, ())


def _components(found: Exploration) -> ExplorationPart:
    drawn = (
        component_scatter(found.components, found.row_labels.tolist(), found.labels),
        explained_variance(found.variances, found.kept_components),
    )
    note = "Principal components are not correlated: after the analysis their correlation is 0."
    return ExplorationPart("Principal components", (note,), drawn, ())


def _similar(found: Exploration) -> ExplorationPart:
    drawn = (
        matrix("Cosine similarity of labels by MFCC", found.similarity_mfcc, found.labels),
        matrix("Cosine similarity of labels by the other features", found.similarity_rest, found.labels),
    )
    return ExplorationPart("Similarity of labels", (), drawn, ())


def _unusual(found: Exploration, repeated: Sequence[Match]) -> ExplorationPart:
    outliers = Table(
        "Rows far from the mean of their label, in standard deviations of the label",
        ("clip", "label", "distance", "most unusual feature", "its deviation"),
        tuple((one.clip, one.label, one.distance, one.column, one.deviation) for one in found.outliers),
    )
    pairs = Table(
        "Clips with nearly equal features", ("clip", "equals", "distance"),
        tuple((one.first, one.second, one.distance) for one in found.pairs),
    )  # fmt: skip
    recordings = Table(
        "The same recording by its fingerprint", ("clip", "recording of", "shared landmarks", "offset, s"),
        tuple((one.first, one.second, one.shared, one.offset) for one in repeated),
    )  # fmt: skip
    tables = [outliers, *([pairs] if found.pairs else []), *([recordings] if repeated else [])]
    return ExplorationPart("Outliers and duplicates", (), (), tables)
