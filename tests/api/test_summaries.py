"""Summary features and suites in Python, on a table of three labels and on two short clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from feature_tables import table_of_three_labels
from support import write_clips

import ei_toolkit as eitk
from ei_toolkit.features.table import write_table


@pytest.fixture
def features(tmp_path: Path) -> eitk.SummaryFeatures:
    write_table(tmp_path / "features.csv", table_of_three_labels())
    return eitk.read_summary_features(tmp_path / "features.csv")


def test_a_table_has_named_axes_and_columns(features: eitk.SummaryFeatures) -> None:
    assert features.axes == ("row", "feature")
    assert features.values.shape == (len(features.labels), len(features.columns))
    assert features.records()[0][features.columns[0]] == features.values[0, 0]
    assert list(features.to_frame().columns[2:-1]) == list(features.columns)


def test_classifiers_are_measured_under_the_chosen_protocols(features: eitk.SummaryFeatures) -> None:
    seen: list[eitk.Progress] = []
    found = eitk.evaluate_suite(features, ["B1"], protocols=["clip", "artist"], jobs=1, on_progress=seen.append)
    [row] = found.records()
    assert row["model"] == "B1 KNN (10, distance)"
    assert 0 <= float(row["artist"] or 0) <= 1
    assert set(row) == {"model", "clip", "artist"}
    assert seen[-1].done == seen[-1].total
    with pytest.raises(eitk.UsageError, match="no model 'z9'"):
        eitk.evaluate_suite(features, ["Z9"])
    with pytest.raises(eitk.UsageError, match="there is no protocol 'guess'"):
        eitk.evaluate_suite(features, protocols=["guess"])


def test_features_of_clips_are_computed_and_kept(tmp_path: Path) -> None:
    write_clips(tmp_path / "clips", clips=1, seconds=2)
    project = eitk.create_project(tmp_path, clips=tmp_path / "clips")
    first = eitk.summary_features(project, window_ms=1000)
    assert first.labels.tolist() == ["classical"] * 2 + ["rock"] * 2
    assert first.table.starts_ms.tolist() == [0, 1000] * 2
    np.testing.assert_array_equal(eitk.summary_features(project, window_ms=1000).values, first.values)
    assert any(project.config.paths.features.iterdir())
    with pytest.raises(eitk.UsageError, match="windows of 10 ms are too short"):
        eitk.summary_features(project, window_ms=10)
