"""The kernel machines: blocks count equally, scores are probabilities, and only the training rows set the scale."""

from __future__ import annotations

import numpy as np
import pytest

from ei_toolkit.evaluation.kernel_ensemble import (
    KernelEnsembleSettings,
    normal_scores,
    standard_scores,
    train_and_score,
)

SETTINGS = KernelEnsembleSettings()
BLOCKS = (2, 40)


def rows(count: int, seed: int, labels: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a small block that depends on the label, and of a large one that does not."""
    random = np.random.default_rng(seed)
    of = np.arange(count) % labels
    angle = 2 * np.pi * of / labels
    small = 2 * np.column_stack([np.cos(angle), np.sin(angle)]) + 0.3 * random.normal(size=(count, 2))
    return np.hstack([small, random.normal(size=(count, 40))]), of


@pytest.mark.parametrize("labels", [2, 3])
def test_a_small_block_counts_as_much_as_a_large_one(labels: int) -> None:
    training, of = rows(60, 0, labels)
    testing, actual = rows(60, 1, labels)
    by_block = train_and_score(SETTINGS, BLOCKS, training, of, testing).scores
    as_one = train_and_score(SETTINGS, (42,), training, of, testing).scores
    np.testing.assert_allclose(by_block.sum(axis=1), 1)
    right, right_as_one = ((one.argmax(axis=1) == actual).mean() for one in (by_block, as_one))
    assert right > 0.95 and right > right_as_one + 0.03


def test_scores_of_a_row_do_not_depend_on_the_other_tested_rows() -> None:
    training, of = rows(60, 0)
    testing, _ = rows(10, 1)
    together = train_and_score(SETTINGS, BLOCKS, training, of, testing).scores
    single = train_and_score(SETTINGS, BLOCKS, training, of, testing[:1]).scores
    np.testing.assert_allclose(together[:1], single)


def test_the_scales_are_those_of_the_training_rows() -> None:
    training = np.random.default_rng(0).exponential(size=(500, 1))
    assert standard_scores(training, training.mean(axis=0, keepdims=True)) == pytest.approx(0)
    assert standard_scores(training, np.array([[1e9]])) == 4.0
    normal = normal_scores(training, training)
    assert (abs(normal.mean()), normal.std()) == (pytest.approx(0, abs=0.02), pytest.approx(1, abs=0.05))


def test_a_feature_that_never_changes_is_no_obstacle() -> None:
    training, of = rows(30, 0)
    constant = np.hstack([training, np.ones((30, 1))])
    scores = train_and_score(SETTINGS, (*BLOCKS, 1), constant, of, constant).scores
    assert np.isfinite(scores).all() and (scores.argmax(axis=1) == of).all()
