"""What is found in a table of features, on tables in which it is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from feature_tables import COLUMNS, table_of_three_labels
from support import eitk

from ei_toolkit.evaluation.exploration import Exploration, exploration_data, explore
from ei_toolkit.evaluation.labelled_rows import LabelledRows, labelled_rows
from ei_toolkit.features.table import read_table, write_table


@pytest.fixture(scope="module")
def rows() -> LabelledRows:
    return labelled_rows(table_of_three_labels())


@pytest.fixture(scope="module")
def found(rows: LabelledRows) -> Exploration:
    return explore(rows, COLUMNS)


def test_a_feature_that_never_changes_is_left_out(found: Exploration) -> None:
    assert set(COLUMNS) - set(found.columns) == {"rms_var"}
    assert np.isfinite(found.correlation).all()


def test_correlations_are_those_of_numpy_and_correlated_features_are_left_out(
    rows: LabelledRows, found: Exploration
) -> None:
    used = [COLUMNS.index(name) for name in found.columns]
    np.testing.assert_allclose(found.correlation, np.corrcoef(rows.values[:, used].T), atol=1e-9)
    assert set(found.columns) - set(found.kept) == {"rolloff_mean"}
    assert np.abs(found.kept_correlation - np.eye(len(found.kept))).max() <= 0.9


def test_the_density_of_the_feature_that_separates_the_labels_comes_first(found: Exploration) -> None:
    first = found.densities[0]
    assert first.column == "tempo"
    peaks = first.values[first.by_label.argmax(axis=1)]
    np.testing.assert_allclose(peaks, [0, 8, 16], atol=1)
    area = first.by_label.sum(axis=1) * (first.values[1] - first.values[0])
    np.testing.assert_allclose(area, 1, atol=0.1)


def test_principal_components_explain_all_variance_and_are_not_correlated(found: Exploration) -> None:
    assert found.variances.sum() == pytest.approx(1)
    assert found.variances[: found.kept_components].sum() >= 0.95 - 1e-9
    assert found.variances[: found.kept_components - 1].sum() < 0.95
    assert np.corrcoef(found.components.T)[0, 1] == pytest.approx(0, abs=1e-9)


def test_labels_at_the_two_ends_of_a_feature_are_unlike(found: Exploration) -> None:
    assert found.similarity_rest[0, 2] < -0.5
    np.testing.assert_allclose(np.diag(found.similarity_mfcc), 1)


def test_the_unusual_row_and_its_feature_are_named(found: Exploration) -> None:
    first = found.outliers[0]
    assert (first.clip, first.label, first.column) == ("a-5", "a", "mfcc3_var")
    assert first.deviation > 4


def test_clips_with_equal_features_are_found(found: Exploration) -> None:
    assert [(pair.first, pair.second) for pair in found.pairs] == [("a-0", "a-1")]


def test_artists_are_counted_by_label(found: Exploration) -> None:
    assert found.artists[0] == ("a", 30, 10, "artist 0", 3)


def test_the_figures_are_plain_data(found: Exploration) -> None:
    data = json.loads(json.dumps(exploration_data(found)))
    assert data["equal_features"][0]["first"] == "a-0"
    assert len(data["principal_components"]["rows"]) == 90


def test_the_command_writes_a_page_with_pictures_and_the_figures(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", table_of_three_labels())
    code, out, err = eitk(tmp_path, "explore", "--features", "t.csv", "--data", "e.json", "--json")
    assert code == 0, err
    assert json.loads(out)["kept_columns"] == json.loads((tmp_path / "e.json").read_text())["kept_columns"]
    page = (tmp_path / "exploration.html").read_text()
    assert page.count("<figure>") == 7
    for text in ("Artists by label", "Densities of features by label", "Clips with nearly equal features", "mfcc3_var"):
        assert text in page


@pytest.mark.gtzan
def test_the_repetitions_of_gtzan_are_found_by_their_features(gtzan: Path) -> None:
    all_rows = labelled_rows(read_table(gtzan / "ten-genres/features_30_sec.csv"))
    pairs = {(pair.first, pair.second) for pair in explore(all_rows, COLUMNS).pairs}
    assert {("metal.00058", "rock.00016"), ("hiphop.00039", "hiphop.00045"), ("reggae.00081", "reggae.00082")} <= pairs
    assert len(pairs) == 24
