"""The order of a model's classes."""

from __future__ import annotations

from collections.abc import Iterable


def label_order(labels: Iterable[str]) -> list[str]:
    """Return the labels of a dataset in the order of the outputs of a model that is trained on them.

    It is alphabetical (by code point), as in Edge Impulse, whatever the order of [project] labels. A model that exists
    keeps the labels that are stored with it.
    """
    return sorted(set(labels))
