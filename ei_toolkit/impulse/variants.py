"""The variants of a trained model and their names in the API and as files."""

from __future__ import annotations

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
