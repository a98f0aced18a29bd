from __future__ import annotations

import numpy as np
import pytest

from ei_toolkit.impulse.spec_augment import noise_deviation
from ei_toolkit.training.import_tensorflow import import_tensorflow
from ei_toolkit.training.spec_augment import SpecAugment, from_policy

SHAPE = (30, 12)


def augmented(augment: SpecAugment, times: int = 40) -> np.ndarray:
    """Ramp windows (value = frame + 1), augmented; (times, frames, bands)."""
    tf = import_tensorflow()
    tf.random.set_seed(1)
    ramp = np.repeat(np.arange(1, SHAPE[0] + 1, dtype=np.float32)[:, None], SHAPE[1], axis=1).reshape(-1)
    return np.stack([np.asarray(augment.augment(tf.constant(ramp))) for _ in range(times)]).reshape(times, *SHAPE)


def test_masks_are_whole_bands_and_whole_frames_of_bounded_width() -> None:
    bands = augmented(SpecAugment(SHAPE, mF_num_freq_masks=3, F_freq_mask_max_consecutive=4)) == 0
    assert bands.any()
    np.testing.assert_array_equal(bands.all(axis=1), bands.any(axis=1))
    assert bands.any(axis=1).sum(axis=1).max() <= 12
    frames = augmented(SpecAugment(SHAPE, mT_num_time_masks=1, T_time_mask_max_consecutive=2)) == 0
    np.testing.assert_array_equal(frames.all(axis=2), frames.any(axis=2))
    assert frames.any(axis=2).sum(axis=1).max() == 2


def test_masks_may_take_the_mean() -> None:
    masked = augmented(SpecAugment(SHAPE, mF_num_freq_masks=1, F_freq_mask_max_consecutive=4, mask_with_mean=True))
    assert (masked > 0).all()
    assert (masked == np.float32(15.5)).any()


def test_a_warp_keeps_the_order_of_time_and_its_ends() -> None:
    warped = augmented(SpecAugment(SHAPE, enable_time_warp=True))
    assert (np.diff(warped[:, :, 0], axis=1) >= 0).all()
    np.testing.assert_allclose(warped[:, 0], 1, atol=1e-4)
    np.testing.assert_allclose(warped[:, -1], SHAPE[0], atol=1e-4)
    moved = np.abs(warped[:, :, 0] - np.arange(1, SHAPE[0] + 1)).max()
    assert 1 < moved <= 6 + 1e-3


def test_a_window_too_short_to_warp_stays() -> None:
    short = SpecAugment((12, 30), enable_time_warp=True)
    np.testing.assert_array_equal(augmented(short)[0], augmented(SpecAugment(SHAPE))[0])


@pytest.mark.parametrize(
    ("policy", "masks"),
    [
        ({}, None),
        ({"enabled": False, "freqMasking": "high"}, None),
        ({"enabled": True, "freqMasking": "none", "timeMasking": "none"}, None),
        ({"enabled": True, "freqMasking": "low", "timeMasking": "high"}, (3, 4, 3, 2)),
        ({"enabled": True, "freqMasking": "high", "timeMasking": "low"}, (3, 12, 1, 1)),
    ],
)
def test_policies_have_the_values_of_the_generated_script(policy: dict, masks: tuple[int, ...] | None) -> None:
    made = from_policy(policy, SHAPE)
    shown = made and (
        made.mF_num_freq_masks, made.F_freq_mask_max_consecutive,
        made.mT_num_time_masks, made.T_time_mask_max_consecutive,
    )  # fmt: skip
    assert shown == masks


def test_noise_is_added_only_where_the_policy_is_on() -> None:
    assert noise_deviation({"enabled": True, "gaussianNoise": "high"}) == 0.45
    assert noise_deviation({"enabled": False, "gaussianNoise": "high"}) == 0.0
