"""The augmentation of candidates of `eitk tune` for features of any block, in TensorFlow.

`script_text` inserts it in place of `# insert feature_augmentation.py`. It uses the constants COLUMNS, FRAMES,
AUGMENTATION, FLOOR_DB, TOP_DB and SEED of the script, `steps` and `batch_size`, and of a studio the names input_length,
train_dataset and train_sample_count.
"""

import numpy as np
import tensorflow as tf

# The part that is inserted begins here.
MASKED = 0.5  # part of the windows with masked bands and frames
CHANGED = 0.7  # part of the windows with another frequency response and noise
RESPONSE_DB = 4.0  # standard deviation of each of six points, through which a curve over the bands goes
RESPONSE = 0.3  # the same for features that are not decibels, in their standard deviations
NOISE_SNR_DB = 3.0, 40.0
MIXUP = 0.3  # parameter of the beta distribution of the shares
RANGE_DB = TOP_DB - FLOOR_DB
smooth = [np.interp(np.arange(COLUMNS), np.linspace(0, COLUMNS - 1, 6), point) for point in np.eye(6)]
curves = tf.constant(np.stack(smooth), tf.float32)  # six points to a smooth curve over the bands


def uniform(n, low=0.0, high=1.0):
    """A random number for each of n windows, shaped to multiply with them."""
    return tf.random.uniform((n, 1, 1), low, high)


def chosen(n, part):
    """Whether each of n windows is chosen, with that probability."""
    return uniform(n) < part


def span(n, length, longest):
    """A run of up to `longest` of `length` places for each of n windows, as booleans (n, length)."""
    size = tf.random.uniform((n, 1), 0.0, float(longest + 1))
    start = tf.random.uniform((n, 1)) * (length - size)
    places = tf.range(length, dtype=tf.float32)[tf.newaxis]
    return (places >= start) & (places < start + size)


def masked(x):
    """Mask up to an eighth of the bands and a sixth of the frames of some windows."""
    n = tf.shape(x)[0]
    bands, frames = span(n, COLUMNS, COLUMNS // 8)[:, tf.newaxis, :], span(n, FRAMES, FRAMES // 6)[:, :, tf.newaxis]
    return tf.where((bands | frames) & chosen(n, MASKED), 0.0, x)


def changed(x, deviation):
    """Give some windows another frequency response and, where features are decibels, noise."""
    n = tf.shape(x)[0]
    points = tf.random.normal((n, 6)) if RANGE_DB else tf.random.normal((n, COLUMNS))
    curve = points @ curves if RANGE_DB else points * RESPONSE * deviation
    other = x + (curve * RESPONSE_DB / RANGE_DB if RANGE_DB else curve)[:, tf.newaxis, :]
    if RANGE_DB:
        scale = RANGE_DB * np.log(10) / 10
        power = tf.exp(scale * other)
        level = tf.reduce_mean(power, axis=(1, 2), keepdims=True)
        noise = level * 10 ** (-uniform(n, *NOISE_SNR_DB) / 10) * tf.random.gamma(tf.shape(x), 4.0, 4.0)
        other = tf.clip_by_value(tf.math.log(power + noise) / scale, 0.0, 1.0)
    return tf.where(chosen(n, CHANGED), other, x)


def mixed(x, y):
    """Mix each window with a smaller share of another one (mixup)."""
    n = tf.shape(x)[0]
    ones, others = (tf.random.gamma((n, 1, 1), MIXUP) for _ in range(2))
    share = ones / tf.maximum(ones + others, 1e-6)
    share = tf.maximum(share, 1 - share)
    other = tf.random.shuffle(tf.range(n))
    part = share[:, 0]
    return share * x + (1 - share) * tf.gather(x, other), part * y + (1 - part) * tf.gather(y, other)


def augmented(x, y, deviation):
    """A batch with the augmentation that the candidate has, different in every epoch."""
    x = tf.reshape(x, (-1, FRAMES, COLUMNS))
    if AUGMENTATION != "none":
        x = tf.roll(x, tf.random.uniform((), 0, FRAMES, tf.int32), axis=1)
        x, y = mixed(masked(changed(x, deviation) if AUGMENTATION == "device" else x), y)
    return tf.reshape(x, (-1, input_length)), y


def augmented_batches():
    """Batches without end as a data set of TensorFlow: each epoch is shuffled, and augmented differently."""
    features = np.stack([x for x, _ in train_dataset.as_numpy_iterator()]).reshape(-1, COLUMNS)
    deviation = tf.constant(features.std(axis=0), tf.float32)

    @tf.autograph.experimental.do_not_convert
    def changed_batch(x, y):
        return augmented(x, y, deviation)

    shuffled = train_dataset.shuffle(train_sample_count, seed=SEED).batch(batch_size, drop_remainder=True)
    return shuffled.map(changed_batch).repeat().prefetch(2)
