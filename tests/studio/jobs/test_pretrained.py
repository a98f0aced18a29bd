"""Representative features of an uploaded model: rows of finite numbers, or the reason why they cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.jobs.pretrained import representative_rows


def saved(folder: Path, values: Any) -> Path:
    np.save(folder / "features.npy", values)
    return folder / "features.npy"


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int8, np.bool_])
def test_rows_of_numbers_are_read_as_float32(tmp_path: Path, dtype: Any) -> None:
    rows = representative_rows(saved(tmp_path, np.eye(3).astype(dtype)))
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, np.eye(3))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.array([[1.0], [np.nan]]), "Row 1 of the representative features has a value that is not a number"),
        (np.array([[1e300]]), "Row 0 of the representative features has a value that is not a number"),
        (np.zeros(5), r"must be numbers in rows, one for each window, but are float64 of the shape \[5\]"),
        (np.zeros((0, 5)), r"but are float64 of the shape \[0, 5\]"),
        (np.array([["a"]]), r"but are <U1 of the shape \[1, 1\]"),
    ],
)
def test_rows_that_cannot_be_used_have_a_reason(tmp_path: Path, values: Any, reason: str) -> None:
    with pytest.raises(ApiError, match=reason):
        representative_rows(saved(tmp_path, values))


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"1,2,3\n", b"\x80\x04]."])
def test_a_file_that_is_no_array_has_a_reason(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(ApiError, match=r"are no \.npy file of numbers"):
        representative_rows(tmp_path / "x.npy")


def test_several_arrays_are_rejected(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.eye(2), b=np.eye(2))
    with pytest.raises(ApiError, match="but are several arrays"):
        representative_rows(tmp_path / "x.npz")
