"""The label of a clip, from where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def label_of(clip: Path, labels: Sequence[str]) -> str:
    """The folder's name, or the file name's first part (`rock.00042.wav`); empty where neither is a label."""
    for name in (clip.resolve().parent.name, clip.name.split(".")[0]):
        if not labels or name in labels:
            return name
    return ""
