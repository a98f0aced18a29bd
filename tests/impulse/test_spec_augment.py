"""The levels of Edge Impulse's augmentation policy and what they mean."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.impulse.spec_augment import DISABLED, ENABLED, Masks, masks_of, noise_deviation, policy


def test_the_switch_of_the_settings_chooses_a_policy() -> None:
    assert policy(True) is ENABLED and policy(False) is DISABLED
    assert masks_of(policy(True)) == Masks(3, 4, 1, 1)
    assert noise_deviation(policy(True)) == 0.2
    assert masks_of(policy(False)) == Masks() and noise_deviation(policy(False)) == 0


@pytest.mark.parametrize(
    ("levels", "masks"),
    [
        ({"freqMasking": "low"}, Masks(3, 4)),
        ({"freqMasking": "high"}, Masks(3, 12)),
        ({"timeMasking": "low"}, Masks(0, 0, 1, 1)),
        ({"timeMasking": "high"}, Masks(0, 0, 3, 2)),
        ({"warping": True}, Masks(warp=True)),
        ({"freqMasking": "none", "timeMasking": None}, Masks()),
        ({"freqMasking": "extreme", "timeMasking": 3, "warping": 0}, Masks()),
    ],
)
def test_each_level_has_its_masks(levels: dict[str, Any], masks: Masks) -> None:
    assert masks_of({"enabled": True, **levels}) == masks
    assert masks_of({"enabled": False, **levels}) == masks_of(levels) == Masks()
    assert bool(masks) == any(levels[name] in ("low", "high", True) for name in levels)


@pytest.mark.parametrize(
    ("level", "deviation"), [("none", 0.0), ("low", 0.2), ("high", 0.45), ("max", 0.0), (None, 0.0)]
)
def test_each_level_of_noise_has_its_deviation(level: str | None, deviation: float) -> None:
    assert noise_deviation({"enabled": True, "gaussianNoise": level}) == deviation
    assert noise_deviation({"gaussianNoise": level}) == 0


JSON = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
KEYS = st.sampled_from(["enabled", "warping", "freqMasking", "timeMasking", "gaussianNoise", "other"])


@given(st.dictionaries(KEYS, JSON))
def test_a_policy_with_any_values_is_read(policy: dict[str, Any]) -> None:
    masks = masks_of(policy)
    assert masks.frequency_masks in (0, 3) and masks.time_masks in (0, 1, 3)
    assert noise_deviation(policy) in (0, 0.2, 0.45)
