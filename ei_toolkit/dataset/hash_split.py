"""The split of single files by the hash of their content: the same file is always in the same split."""

from __future__ import annotations

from ei_toolkit.dataset.folder_names import Split

TESTING_FRACTION = 0.2  # Edge Impulse: 80 % training, 20 % testing


def split_by_hash(digest: str, testing: float = TESTING_FRACTION, validation: float = 0.0) -> Split:
    """Return the split of content with this SHA-256, in hexadecimal; the rest of the fractions is for training."""
    position = int(digest[:8], 16) / 2**32
    if position < testing:
        return "testing"
    return "validation" if position < testing + validation else "training"
