"""Files of windows, plans and teachers that do not fit, and the tables of a result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_model import classifier

from ei_toolkit.compression.clip_scores import ClipScores
from ei_toolkit.compression.data import read_data, with_teachers
from ei_toolkit.compression.request import Accuracy, CompressionData, CompressionPlan, Variant
from ei_toolkit.errors import DataError, UsageError
from ei_toolkit.report.compression_tables import compression_data, compression_markdown

ARRAYS: dict[str, Any] = {
    "features": np.arange(12.0).reshape(4, 3), "labels": ["rock", "jazz", "rock", "jazz"], "clips": list("aabb"),
    "groups": list("xxyy"), "split": ["training", "training", "testing", "testing"],
}  # fmt: skip


def written(folder: Path, **changed: Any) -> Path:
    np.savez(folder / "w.npz", **{name: value for name, value in (ARRAYS | changed).items() if value is not None})
    return folder / "w.npz"


def test_a_file_of_windows(tmp_path: Path) -> None:
    data = read_data(written(tmp_path))
    assert data.names == ("jazz", "rock")
    assert data.labels.tolist() == [1, 0, 1, 0]
    assert data.testing.tolist() == [False, False, True, True]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"clips": None, "split": None}, "has no array clips, split"),
        ({"features": np.full((4, 3), np.nan)}, "row 0 of the features"),
        ({"labels": ["rock"]}, "different numbers of rows"),
        ({"split": ["training"] * 4}, "training and testing windows are needed"),
        ({"teacher": np.zeros((4, 3))}, "different numbers of rows"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_data(written(tmp_path, **changed))


def test_a_file_that_is_no_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "w.npz").write_text("no archive")
    with pytest.raises(DataError, match=r"cannot be read as \.npz"):
        read_data(tmp_path / "w.npz")


def test_the_scores_of_several_teachers_are_averaged(tmp_path: Path) -> None:
    files = [tmp_path / f"{seed}.tflite" for seed in (1, 2)]
    for seed, file in enumerate(files, 1):
        file.write_bytes(classifier(3, 2, seed))
    data = read_data(written(tmp_path))
    [one, other, both] = [with_teachers(data, chosen).teacher for chosen in (files[:1], files[1:], files)]
    assert one is not None and other is not None and both is not None
    np.testing.assert_allclose(both, (one + other) / 2, atol=1e-6)
    (tmp_path / "wide.tflite").write_bytes(classifier(5, 2))
    with pytest.raises(DataError, match="takes 5 features and has 2 labels"):
        with_teachers(data, [tmp_path / "wide.tflite"])


def test_models_and_scores_of_clips_are_averaged_as_teachers(tmp_path: Path) -> None:
    (tmp_path / "1.tflite").write_bytes(classifier(3, 2, 1))
    given = ClipScores(("a",), ("jazz", "rock"), np.array([[0.25, 0.75]], np.float32))
    given.write(tmp_path / "s.npz")
    data = read_data(written(tmp_path))
    model, both = (
        with_teachers(data, [tmp_path / name for name in names]).teacher
        for names in (("1.tflite",), ("1.tflite", "s.npz"))
    )
    assert model is not None and both is not None
    np.testing.assert_allclose(both[:2], (model[:2] + given.scores) / 2, atol=1e-6)


def test_what_a_network_is_trained_to_is_a_mixture_of_labels_and_scores(tmp_path: Path) -> None:
    data = read_data(written(tmp_path, teacher=np.full((4, 2), 0.5)))
    assert read_data(written(tmp_path)).training_targets(0.5) is None
    np.testing.assert_allclose(data.training_targets(0.5), [[0.25, 0.75], [0.75, 0.25]])


def test_a_plan_with_an_unknown_method_or_share_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no method 'magic'"):
        CompressionPlan(("int8", "magic"))
    with pytest.raises(UsageError, match=r"sparsity is 1\.5"):
        CompressionPlan(sparsity=1.5)


def test_the_table_states_how_many_times_smaller_each_variant_is() -> None:
    accuracy = Accuracy(0.5, 0.75, (0.6, 0.9))
    before = Variant("float32", "float32", 100, 100, 4000, 3600, 9000, 2000, 8000, accuracy)
    after = Variant("int8", "int8 after training", 100, 90, 1000, 600, None, None, None, accuracy)
    windows = CompressionData(
        np.zeros((3, 1), np.float32), np.array([0, 0, 1]), ("a", "b"), ("1", "2", "2"), ("x", "y", "y"),
        np.array([False, True, True]),
    )  # fmt: skip
    data = compression_data((before, after), CompressionPlan(), windows)
    assert (data["clips"], data["groups"]) == (1, 1)
    assert (data["variants"][1]["times_smaller"], data["variants"][1]["times_smaller_compressed"]) == (4, 6)
    text = compression_markdown(data)
    assert "| int8 after training | 100 | 90 | 1.0 KiB | 4.00 | 0.6 KiB | 6.00 | – | – | 50.0 | 75.0 |" in text
    assert "| MLP of summary features, pruned | 5.49 |" in text
