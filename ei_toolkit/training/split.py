"""Choose validation windows and folds so that no group is in two splits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ei_toolkit.errors import DataError
from ei_toolkit.impulse.ranges import VALIDATION

Indices = npt.NDArray[np.int64]
FEW_GROUPS = 4


def validation_split(
    labels: Sequence[int], groups: Sequence[str], fraction: float, seed: int
) -> tuple[Indices, Indices]:
    """Return (training, validation) indices in shuffled order, about `fraction` of each label in validation.

    Groups stay whole; without groups each window is its own group. Of each label at least one group stays in
    training; of a label with four groups or more, at least the smallest is in validation.
    Raises DataError for a fraction out of range.
    """
    if fraction not in VALIDATION.range:
        raise DataError(f"a validation fraction of {fraction:g} is not {VALIDATION.range}")
    rng = np.random.default_rng(seed)
    label_of, group_of = np.asarray(labels), _group_numbers(groups, len(labels))
    held = np.zeros(len(label_of), bool)
    for label in np.unique(label_of):
        held |= np.isin(group_of, _pick(label_of, group_of, label, fraction, held, rng))
    order = rng.permutation(len(label_of))
    return order[~held[order]], order[held[order]]


def given_split(validation: Sequence[bool], seed: int) -> tuple[Indices, Indices]:
    """Return (training, validation) indices in shuffled order; `validation` marks the windows for validation."""
    held = np.asarray(validation, bool)
    order = np.random.default_rng(seed).permutation(len(held))
    return order[~held[order]], order[held[order]]


def grouped_folds(labels: Sequence[int], groups: Sequence[str], k: int, seed: int) -> list[tuple[Indices, Indices]]:
    """Return k pairs of (training, test) indices with whole groups and evenly distributed labels.

    Groups, largest first after a shuffle, go to the fold that has the fewest windows of their label so far.
    Raises DataError for a label with fewer than k groups.
    """
    rng = np.random.default_rng(seed)
    label_of, group_of = np.asarray(labels), _group_numbers(groups, len(labels))
    n_labels = int(label_of.max()) + 1
    sizes = np.zeros((int(group_of.max()) + 1, n_labels), int)
    np.add.at(sizes, (group_of, label_of), 1)
    if k < 2 or np.any((sizes > 0).sum(axis=0)[np.unique(label_of)] < k):
        raise DataError(
            f"{k} folds cannot be made", why="a label has fewer groups than that, or k < 2", hint="Use fewer folds."
        )
    order = rng.permutation(len(sizes))
    order = order[np.argsort(-sizes[order].sum(axis=1), kind="stable")]
    load, fold_of = np.zeros((k, n_labels)), np.zeros(len(sizes), int)
    for group in order:
        main = int(sizes[group].argmax())
        fold_of[group] = int(np.lexsort((load.sum(axis=1), load[:, main]))[0])
        load[fold_of[group]] += sizes[group]
    fold = fold_of[group_of]
    return [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(k)]


def _group_numbers(groups: Sequence[str], n: int) -> npt.NDArray[np.int64]:
    if not len(groups):
        return np.arange(n)
    if len(groups) != n:
        raise DataError(f"{len(groups)} groups were given for {n} windows")
    return np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1]


def _pick(
    label_of: npt.NDArray[np.int64],
    group_of: npt.NDArray[np.int64],
    label: int,
    fraction: float,
    held: npt.NDArray[np.bool_],
    rng: np.random.Generator,
) -> list[int]:
    """Choose groups of a label for validation, in random order, while that approaches the target."""
    mine = label_of == label
    wanted = fraction * mine.sum() - (mine & held).sum()
    groups = rng.permutation(np.unique(group_of[mine & ~held]))
    chosen: list[int] = []
    for group in groups[: len(groups) - 1]:
        size = (mine & (group_of == group)).sum()
        if abs(wanted - size) < abs(wanted):
            chosen.append(int(group))
            wanted -= size
    if not chosen and wanted > 0 and len(groups) >= FEW_GROUPS:
        chosen = [int(min(groups, key=lambda group: (mine & (group_of == group)).sum()))]
    return chosen
