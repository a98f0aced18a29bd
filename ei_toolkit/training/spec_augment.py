"""SpecAugment: masks over bands and frames, and a warp of time, random for each window and epoch.

Parameters have the names of Edge Impulse's generated script, so that an expert script can use the class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from ei_toolkit.impulse.spec_augment import masks_of


@dataclass(frozen=True)
class SpecAugment:
    """Masks and warps windows of `spectrogram_shape` = [frames, bands]."""

    spectrogram_shape: Sequence[int]
    mF_num_freq_masks: int = 0
    F_freq_mask_max_consecutive: int = 0
    mT_num_time_masks: int = 0
    T_time_mask_max_consecutive: int = 0
    enable_time_warp: bool = False
    W_time_warp_max_distance: int = 6
    mask_with_mean: bool = False

    def mapper(self) -> Callable[[Any, Any], tuple[Any, Any]]:
        """Return a function for `Dataset.map`: (features, label) to (augmented features, label)."""
        return lambda features, label: (self.augment(features), label)

    def augment(self, features: Any) -> Any:
        """Augment one window of features, flat or (frames, bands), and return it in the same shape."""
        import tensorflow as tf

        frames, bands = map(int, self.spectrogram_shape)
        image = tf.reshape(features, (frames, bands))
        if self.enable_time_warp:
            image = _warped(image, frames, self.W_time_warp_max_distance)
        fill = tf.reduce_mean(image) if self.mask_with_mean else tf.zeros((), image.dtype)
        for _ in range(self.mF_num_freq_masks):
            image = tf.where(_run(bands, self.F_freq_mask_max_consecutive)[tf.newaxis, :], fill, image)
        for _ in range(self.mT_num_time_masks):
            image = tf.where(_run(frames, self.T_time_mask_max_consecutive)[:, tf.newaxis], fill, image)
        return tf.reshape(image, tf.shape(features))


def from_policy(policy: Mapping[str, Any], shape: Sequence[int]) -> SpecAugment | None:
    """Return the masks that an augmentationPolicySpectrogram asks for; None where it asks for none."""
    masks = masks_of(policy)
    return SpecAugment(shape, *astuple(masks)) if masks else None


def _run(length: int, longest: int) -> Any:
    """Return a mask of `length` values in which one run of 0 to `longest` values is set."""
    import tensorflow as tf

    size = tf.random.uniform((), 0, longest + 1, tf.int32)
    start = tf.random.uniform((), 0, tf.maximum(length - size, 0) + 1, tf.int32)
    places = tf.range(length)
    return (places >= start) & (places < start + size)


def _warped(image: Any, frames: int, distance: int) -> Any:
    """Stretch time before a random frame and compress it after it, or the reverse, by up to `distance` frames."""
    import tensorflow as tf

    if frames <= 2 * distance + 1:
        return image
    centre = tf.cast(tf.random.uniform((), distance + 1, frames - distance, tf.int32), tf.float32)
    moved = centre + tf.random.uniform((), -float(distance), float(distance))
    place, last = tf.range(frames, dtype=tf.float32), float(frames - 1)
    source = tf.where(place < moved, place * centre / moved, last - (last - place) * (last - centre) / (last - moved))
    low = tf.clip_by_value(tf.cast(tf.floor(source), tf.int32), 0, frames - 2)
    part = (tf.clip_by_value(source, 0.0, last) - tf.cast(low, tf.float32))[:, tf.newaxis]
    return tf.gather(image, low) * (1 - part) + tf.gather(image, low + 1) * part
