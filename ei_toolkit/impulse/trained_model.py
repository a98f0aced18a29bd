"""What is common to all trained models: their variants, the names of their files, and the order of their classes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

ModelVariant = Literal["int8", "float32"]
VARIANTS: tuple[ModelVariant, ...] = get_args(ModelVariant)
"""All variants, the preferred one first."""

API_PREFIX = "tflite-"


def model_id(variant: str) -> str:
    """Return the id under which Edge Impulse's API offers a variant for download."""
    return API_PREFIX + variant


def model_file(variant: str) -> str:
    """Return the file name of a variant."""
    return f"model_{variant}.tflite"


def label_order(labels: Iterable[str]) -> list[str]:
    """Return the labels of a dataset in the order of the outputs of a model that is trained on them.

    It is alphabetical (by code point), as in Edge Impulse, whatever the order of [project] labels. A model that exists
    keeps the labels that are stored with it.
    """
    return sorted(set(labels))
