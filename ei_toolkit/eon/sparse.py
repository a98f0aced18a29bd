"""Sparse constants: read the values of a tensor in TensorFlow Lite's sparse format as a dense array.

The format stores the dimensions in a traversal order, blocks as further dimensions. Each level is dense, or it lists
the indices that are present (compressed sparse rows). Source: SparsityParameters in the TensorFlow Lite schema.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ei_toolkit.errors import DataError

DENSE, COMPRESSED = 0, 1  # DimensionType in the schema
MOST_LEVELS = 16


def dense_values(sparsity: Any, values: NDArray[Any], shape: tuple[int, ...], name: str) -> NDArray[Any]:
    """Return the dense array of a sparse tensor. Raises DataError for indices that do not fit its shape."""
    order, blocks = (_numbers(v) for v in (sparsity.TraversalOrderAsNumpy(), sparsity.BlockMapAsNumpy()))
    levels = sparsity.DimMetadataLength()
    fits = sorted(order) == list(range(levels)) and levels == len(shape) + len(blocks) <= MOST_LEVELS
    if not fits or any(not 0 <= b < len(shape) for b in blocks):
        raise _damaged(name)
    places = np.zeros(1, dtype=np.int64)
    indices: list[NDArray[np.int64]] = [places] * levels
    sizes = [0] * levels
    for level, dimension in enumerate(order):
        places, repeats, found, sizes[dimension] = _expand(sparsity.DimMetadata(level), places, values.size, name)
        indices = [np.repeat(index, repeats) for index in indices]
        indices[dimension] = found
    if len(places) != values.size:
        raise _damaged(name)
    result = np.zeros(shape, dtype=values.dtype)
    at = [indices[i] for i in range(len(shape))]
    for block, dimension in enumerate(blocks):
        at[dimension] = at[dimension] * sizes[len(shape) + block] + indices[len(shape) + block]
    if any(len(a) and not 0 <= a.min() <= a.max() < n for a, n in zip(at, shape, strict=True)):
        raise _damaged(name)
    result[tuple(at)] = values[places]
    return result


def _expand(
    level: Any, places: NDArray[np.int64], most: int, name: str
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], int]:
    """Return the places of the next level, how many each place has, the index of each, and the size if dense."""
    if level.Format() == DENSE:
        size = level.DenseSize()
        if not 0 < size * len(places) <= most:
            raise _damaged(name)
        found = np.tile(np.arange(size), len(places))
        return (places[:, np.newaxis] * size + np.arange(size)).ravel(), np.full(len(places), size), found, size
    segments, present = _vector(level, "ArraySegments"), _vector(level, "ArrayIndices")
    if level.Format() != COMPRESSED or not len(segments) or (len(places) and places.max() + 1 >= len(segments)):
        raise _damaged(name)
    begins, counts = segments[places], segments[places + 1] - segments[places]
    if counts.min(initial=0) < 0 or counts.sum() > most or segments.min() < 0 or segments.max() > len(present):
        raise _damaged(name)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    following = np.repeat(begins, counts) + within
    return following, counts, present[following], 0


def _vector(level: Any, what: str) -> NDArray[np.int64]:
    """Return the numbers of one of the two vectors of a level, whose elements have one, two or four bytes."""
    import tflite

    kinds = {1: tflite.Int32Vector, 2: tflite.Uint16Vector, 3: tflite.Uint8Vector}  # SparseIndexVector in the schema
    union, kind = getattr(level, what)(), getattr(level, f"{what}Type")()
    if union is None or kind not in kinds:
        return np.zeros(0, dtype=np.int64)
    vector = kinds[kind]()
    vector.Init(union.Bytes, union.Pos)
    values = vector.ValuesAsNumpy()
    return np.zeros(0, dtype=np.int64) if isinstance(values, int) else values.astype(np.int64)


def _numbers(vector: Any) -> list[int]:
    return [] if isinstance(vector, int) else [int(n) for n in vector[: MOST_LEVELS + 1]]


def _damaged(name: str) -> DataError:
    return DataError(f"the sparse tensor {name} is damaged", why="its indices do not fit its shape")
