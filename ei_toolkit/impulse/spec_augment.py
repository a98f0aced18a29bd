"""SpecAugment in Edge Impulse's API: the policy that eitk.toml switches on, and the meaning of its levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

DISABLED: Mapping[str, Any] = MappingProxyType({"enabled": False})
ENABLED: Mapping[str, Any] = MappingProxyType(
    {"enabled": True, "warping": False, "freqMasking": "low", "timeMasking": "low", "gaussianNoise": "low"}
)
"""The augmentationPolicySpectrogram of `[training] spec_augment = true`."""

GAUSSIAN = {"none": 0.0, "low": 0.2, "high": 0.45}  # standard deviation of the noise
FREQUENCY_MASKS = 3
FREQUENCY_MASK = {"low": 4, "high": 12}  # longest run of masked bands
TIME_MASK = {"low": (1, 1), "high": (3, 2)}  # number of masks, longest run of masked frames


@dataclass(frozen=True)
class Masks:
    """The masks of a policy: their numbers and longest runs, and whether time is warped."""

    frequency_masks: int = 0
    longest_bands: int = 0
    time_masks: int = 0
    longest_frames: int = 0
    warp: bool = False

    def __bool__(self) -> bool:
        return bool(self.frequency_masks or self.time_masks or self.warp)


def policy(spec_augment: bool) -> Mapping[str, Any]:
    """Return the augmentationPolicySpectrogram of `[training] spec_augment`."""
    return ENABLED if spec_augment else DISABLED


def masks_of(policy: Mapping[str, Any]) -> Masks:
    """Return the masks of an augmentationPolicySpectrogram; a level that Edge Impulse does not have masks nothing."""
    if not policy.get("enabled"):
        return Masks()
    bands = FREQUENCY_MASK.get(str(policy.get("freqMasking")), 0)
    masks, frames = TIME_MASK.get(str(policy.get("timeMasking")), (0, 0))
    return Masks(FREQUENCY_MASKS if bands else 0, bands, masks, frames, bool(policy.get("warping")))


def noise_deviation(policy: Mapping[str, Any]) -> float:
    """Return the standard deviation of the Gaussian noise that a policy adds to the features."""
    return GAUSSIAN.get(str(policy.get("gaussianNoise")), 0.0) if policy.get("enabled") else 0.0
