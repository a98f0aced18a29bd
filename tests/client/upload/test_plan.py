"""The metadata of a sample, and its window."""

from __future__ import annotations

import pytest

from ei_toolkit.client.samples import Sample
from ei_toolkit.client.upload.plan import is_annotated, own_metadata
from ei_toolkit.dataset.manifest import Window

TRACED = ("b.30.0123.wav", "01" * 32, "rock/b.wav", "02" * 32, "b", 30, "rock", "training")
PLAIN, AUGMENTED = Window(*TRACED), Window(*TRACED, "pink12.5 gain-3.0")


def test_metadata_has_the_kinds_of_augmentation_without_their_values() -> None:
    assert own_metadata(PLAIN) == {"start_ms": "30"}
    assert own_metadata(AUGMENTED) == {"start_ms": "30", "augmentation": "pink gain"}


@pytest.mark.parametrize(
    ("window", "metadata", "annotated"),
    [
        (PLAIN, {"start_ms": "30"}, True),
        (PLAIN, {}, False),
        (AUGMENTED, {"start_ms": "30", "augmentation": "pink gain"}, True),
        (AUGMENTED, {"start_ms": "30", "recipe": "pink gain"}, True),  # uploaded by a version before 0.3
        (AUGMENTED, {"start_ms": "30", "augmentation": "white gain"}, False),
        (AUGMENTED, {"start_ms": "30"}, False),
    ],
)
def test_a_sample_is_annotated_with_the_present_or_the_old_keys(
    window: Window, metadata: dict[str, str], annotated: bool
) -> None:
    sample = Sample(7, "b.30.0123", "training", "rock", 600.0, tuple(metadata.items()))
    assert is_annotated(window, sample) is annotated
