"""Training script of the recipe `ten-genres`, for Edge Impulse's expert mode and for eitk's own studio.

The network takes 38 frames of 48 mel bands as a picture: a convolution of 5 x 5, then four separable convolutions of
3 x 3, each with batch normalisation, and the mean over time and frequency. In every epoch the features are augmented
differently: another frequency response, masked bands and frames, another start, two windows mixed. The learning rate
rises and then falls, and the weights are the mean of those of the last epochs.

A studio gives a script these names: args, callbacks, classes, input_length, train_dataset, validation_dataset,
train_sample_count. The script leaves the trained model in `model`.
"""

import numpy as np
import tensorflow as tf

EPOCHS = args.epochs or 90
LEARNING_RATE = args.learning_rate or 0.003
BATCH_SIZE = args.batch_size or 64
SEED = getattr(args, "seed", 7)

BANDS = 48  # [impulse.dsp] num_filters
FRAMES = input_length // BANDS
RANGE_DB = 77.0  # from a feature of 0, at the noise floor of -65 dB, to a feature of 1
TILT_DB = 3.0  # standard deviation of the treble against the bass
CURVE_DB = 3.0  # standard deviation of each of six points, through which a curve over the bands goes
MASKED = 0.5  # part of the windows with masked bands and frames
MASKED_BANDS, MASKED_FRAMES = 8, 8
MIXUP = 0.3  # parameter of the beta distribution of the shares
WEIGHT_DECAY = 0.01
WARM_UP = 1 / 30  # part of the steps, the first ones, in which the learning rate rises
AVERAGED = 0.2  # part of the epochs, the last ones, whose weights are averaged

rng = np.random.default_rng(SEED)
if "X_train" in globals():  # eitk's studio, which keeps the features of many windows in a file
    features, labels = X_train, Y_train
else:
    features, labels = (np.stack(part) for part in zip(*train_dataset.as_numpy_iterator()))
features = features.reshape(-1, FRAMES, BANDS)
steps = max(1, len(features) // BATCH_SIZE)


def toned(x):
    """Change the frequency response: a random smooth curve over the bands, the same for all frames of a window."""
    points = rng.normal(size=(len(x), 6)) * CURVE_DB
    curves = np.stack([np.interp(np.arange(BANDS), np.linspace(0, BANDS - 1, 6), p) for p in points])
    curves += rng.normal(size=(len(x), 1)) * TILT_DB * np.linspace(-1, 1, BANDS)
    return np.where(x > 0, np.clip(x + curves[:, None] / RANGE_DB, 0, 1), 0)


def masked(x):
    """Mask up to 7 adjacent bands and up to 7 adjacent frames of some windows."""
    for i in np.flatnonzero(rng.random(len(x)) < MASKED):
        band, frame = rng.integers(BANDS), rng.integers(FRAMES)
        x[i, :, band : band + rng.integers(MASKED_BANDS)] = 0
        x[i, frame : frame + rng.integers(MASKED_FRAMES)] = 0
    return x


def mixed(x, y):
    """Mix each window with a smaller share of another one (mixup)."""
    share = rng.beta(MIXUP, MIXUP, (len(x), 1, 1))
    share = np.maximum(share, 1 - share)
    other = rng.permutation(len(x))
    return share * x + (1 - share) * x[other], share[:, 0] * y + (1 - share[:, 0]) * y[other]


def epoch():
    """Batches of one epoch: shuffled, and augmented differently in each epoch."""
    order = rng.permutation(len(features))
    for step in range(steps):
        batch = order[step * BATCH_SIZE : (step + 1) * BATCH_SIZE]
        x = np.roll(features[batch], rng.integers(FRAMES), axis=1)
        x, y = mixed(masked(toned(x)), labels[batch])
        yield x.reshape(len(x), input_length).astype(np.float32), y.astype(np.float32)


def normalised(x):
    """Batch normalisation and ReLU."""
    return tf.keras.layers.ReLU()(tf.keras.layers.BatchNormalization(momentum=momentum)(x))


def separable(x, filters, stride):
    """A convolution of 3 x 3 within each channel, then one over the channels."""
    x = normalised(tf.keras.layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x))
    return normalised(tf.keras.layers.Conv2D(filters, 1, use_bias=False)(x))


# insert fitting.py


inputs = tf.keras.Input((input_length,), name="x_input")
x = tf.keras.layers.Reshape((FRAMES, BANDS, 1))(inputs)
x = normalised(tf.keras.layers.Conv2D(20, 5, strides=2, padding="same", use_bias=False)(x))
for filters, stride in ((40, 2), (64, 1), (80, 2), (96, 1)):
    x = separable(x, filters, stride)
x = tf.keras.layers.GlobalAveragePooling2D()(x)
x = tf.keras.layers.Dropout(0.3)(x)
model = tf.keras.Model(inputs, tf.keras.layers.Dense(classes, activation="softmax", name="y_pred")(x))

shapes = (tf.TensorSpec((None, input_length), tf.float32), tf.TensorSpec((None, classes), tf.float32))
batches = tf.data.Dataset.from_generator(epoch, output_signature=shapes)
batches = batches.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(2)
fit(model, batches, tf.keras.optimizers.AdamW(Schedule(), weight_decay=WEIGHT_DECAY))
disable_per_channel_quantization = False
round_weights_by_outputs = True  # eitk's own studio rounds the weights to int8 so that the outputs change least
