"""Block types as Edge Impulse describes them. `Catalogue` is what the helper process says of the dsp blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Catalogue = Sequence[Mapping[str, Any]]
AUTHOR = "eitk"


def input_blocks() -> list[dict[str, Any]]:
    """`InputBlock`s."""
    return [
        {
            "type": "time-series",
            "title": "Time series data",
            "author": AUTHOR,
            "description": "Cuts recordings into windows.",
            "name": "Time series data",
            "blockType": "official",
        }
    ]


def processing_blocks(catalogue: Catalogue) -> list[dict[str, Any]]:
    """`DSPBlock`s."""
    return [
        {
            "type": block["type"],
            "title": block["title"],
            "author": AUTHOR,
            "description": block["description"],
            "name": block["title"],
            "recommended": True,
            "experimental": False,
            "latestImplementationVersion": block["versions"][-1],
            "blockType": "official",
        }
        for block in catalogue
    ]


def learn_blocks() -> list[dict[str, Any]]:
    """`LearnBlock`s."""
    return [
        {
            "type": "keras",
            "title": "Classification",
            "author": AUTHOR,
            "description": "A neural network that learns to tell the labels apart.",
            "name": "Classifier",
            "recommended": True,
            "blockType": "official",
        }
    ]


def parameters_of(catalogue: Catalogue, kind: str) -> list[Mapping[str, Any]]:
    """Parameters of a processing block type, in order."""
    return next((list(block["parameters"]) for block in catalogue if block["type"] == kind), [])
