"""Training script of a candidate of `eitk tune`, for Edge Impulse's expert mode and for eitk's own studio.

`eitk tune` sets the constants below; they describe one network and how it is trained. A studio gives the script these
names: args, callbacks, classes, input_length, train_dataset, validation_dataset, train_sample_count. The script leaves
the model in `model`. Without training windows the model is only built, so that its memory and its time on a board are
known before it is trained.
"""

import numpy as np
import tensorflow as tf

COLUMNS = 40  # features of a frame
NETWORK = "conv1d"  # conv1d, conv2d or separable
FILTERS = (24, 32, 32)  # of each convolution
KERNEL = 3
BATCH_NORMALIZATION = True
DROPOUT = 0.2
HEAD = "pool"  # pool: mean and maximum over time and bands; flatten: every value
AUGMENTATION = "masks"  # none; masks: masked bands and frames, shifted, mixed; device: also another response and noise
RANGE_DB = 77.0  # decibels between a feature of 0 and of 1; 0 where features are not decibels

EPOCHS = args.epochs or 60
LEARNING_RATE = args.learning_rate or 0.003
BATCH_SIZE = args.batch_size or 64
SEED = getattr(args, "seed", 7)

FRAMES = input_length // COLUMNS
MASKED = 0.5  # part of the windows with masked bands and frames
CHANGED = 0.7  # part of the windows with another frequency response and noise
RESPONSE_DB = 4.0  # standard deviation of each of six points, through which a curve over the bands goes
RESPONSE = 0.3  # the same for features that are not decibels, in their standard deviations
NOISE_SNR_DB = 3.0, 40.0
MIXUP = 0.3  # parameter of the beta distribution of the shares
WARM_UP = 0.05  # part of the steps, the first ones, in which the learning rate rises
AVERAGED = 0.27  # part of the epochs, the last ones, whose weights are averaged
steps = max(1, train_sample_count // BATCH_SIZE)
layers = tf.keras.layers


def activated(x):
    """The end of a convolution: batch normalisation if it is used, and ReLU."""
    return layers.ReLU()(layers.BatchNormalization(momentum=momentum)(x) if BATCH_NORMALIZATION else x)


def convolution(x, filters, is_first):
    """One convolution of the network: over frames with the bands as channels, or over frames and bands."""
    common = {"padding": "same", "use_bias": not BATCH_NORMALIZATION}
    if NETWORK == "conv1d":
        return activated(layers.Conv2D(filters, (KERNEL, 1), **common)(x))
    if NETWORK == "separable" and not is_first:
        x = activated(layers.DepthwiseConv2D(KERNEL, **common)(x))
        return activated(layers.Conv2D(filters, 1, **common)(x))
    return activated(layers.Conv2D(filters, KERNEL, strides=2 if NETWORK == "separable" else 1, **common)(x))


def network():
    """The network from features to the probabilities of the classes."""
    inputs = tf.keras.Input((input_length,), name="x_input")
    x = layers.Reshape((FRAMES, 1, COLUMNS) if NETWORK == "conv1d" else (FRAMES, COLUMNS, 1))(inputs)
    for number, filters in enumerate(FILTERS):
        x = convolution(x, filters, number == 0)
        pool = (2 if x.shape[1] > 2 else 1, 2 if x.shape[2] > 2 else 1)
        if number < len(FILTERS) - 1 and pool != (1, 1) and not (NETWORK == "separable" and number == 0):
            x = layers.MaxPooling2D(pool)(x)
    x = layers.Dropout(DROPOUT)(x) if DROPOUT else x
    if HEAD == "pool":
        mean = layers.GlobalAveragePooling2D()(x)
        x = layers.Concatenate()([mean, layers.Flatten()(layers.MaxPooling2D((x.shape[1], x.shape[2]))(x))])
    else:
        x = layers.Flatten()(x)
    return tf.keras.Model(inputs, layers.Dense(classes, activation="softmax", name="y_pred")(x))


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


@tf.autograph.experimental.do_not_convert
def augmented(x, y):
    """A batch with the augmentation that the candidate has, different in every epoch."""
    x = tf.reshape(x, (-1, FRAMES, COLUMNS))
    if AUGMENTATION != "none":
        x = tf.roll(x, tf.random.uniform((), 0, FRAMES, tf.int32), axis=1)
        x, y = mixed(masked(changed(x, deviation) if AUGMENTATION == "device" else x), y)
    return tf.reshape(x, (-1, input_length)), y


# insert fitting.py


model = network()
if train_sample_count:
    curves = tf.constant(  # six points to a smooth curve over the bands
        np.stack([np.interp(np.arange(COLUMNS), np.linspace(0, COLUMNS - 1, 6), row) for row in np.eye(6)]), tf.float32
    )
    features = np.stack([x for x, _ in train_dataset.as_numpy_iterator()]).reshape(-1, COLUMNS)
    deviation = tf.constant(features.std(axis=0), tf.float32)
    batches = train_dataset.shuffle(train_sample_count, seed=SEED).batch(BATCH_SIZE, drop_remainder=steps > 1)
    fit(model, batches.map(augmented).prefetch(2), tf.keras.optimizers.Adam(Schedule()))
disable_per_channel_quantization = False
