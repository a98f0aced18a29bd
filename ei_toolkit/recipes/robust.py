"""Training script of the recipe `robust`, for Edge Impulse's expert mode and for eitk's own studio.

The network hears 120 frames of 40 mel bands as a sequence: three convolutions over time with batch normalisation, then
the mean over time. What visual layers cannot say, and what holds up through a microphone: every epoch alters the
features anew (another tone, another start, bands and moments missing, two windows mixed), the learning rate warms up
and falls, and the weights are the mean of those of the last epochs.

A studio gives a script these names: args, callbacks, classes, input_length, train_dataset, validation_dataset,
train_sample_count. It takes back `model`.
"""

import numpy as np
import tensorflow as tf

EPOCHS = args.epochs or 14
LEARNING_RATE = args.learning_rate or 0.003
BATCH_SIZE = args.batch_size or 32
SEED = getattr(args, "seed", 7)

BANDS = 40  # [impulse.dsp] num_filters
FRAMES = input_length // BANDS
DECIBELS = 77.0  # a feature of 1 is 12 dB, a feature of 0 the noise floor of -65 dB

TILT_DB = 5.0  # deviation of the random tone: treble against bass,
CURVE_DB = 4.0  # a curve through six points over the bands,
OFFSET_DB = 2.5  # and all bands alike
MASKED = 0.5  # part of the windows that lose some bands and some moments
MASKED_BANDS, MASKED_FRAMES = 6, 20
MIXUP = 0.3
AVERAGED_EPOCHS = 4

rng = np.random.default_rng(SEED)
features, labels = (np.stack(part) for part in zip(*train_dataset.as_numpy_iterator()))
features = features.reshape(-1, FRAMES, BANDS)
steps = max(1, len(features) // BATCH_SIZE)

mel = np.linspace(0, 1127 * np.log(1 + 8000 / 700), BANDS + 2)[1:-1]
octaves = np.log2(np.maximum(700 * (np.exp(mel / 1127) - 1), 62.5) / 707)  # 707 Hz is the middle of the band
tilt = 2 * octaves / 7


def toned(x):
    """Another loudspeaker or recording: a random smooth curve in decibels, the same for all frames of a window."""
    n = len(x)
    points = rng.normal(size=(n, 6)) * CURVE_DB
    curve = np.stack([np.interp(np.arange(BANDS), np.linspace(0, BANDS - 1, 6), p) for p in points])
    curve += rng.normal(size=(n, 1)) * TILT_DB * tilt + rng.normal(size=(n, 1)) * OFFSET_DB
    return np.where(x > 0, np.clip(x + curve[:, None] / DECIBELS, 0, 1), x)


def masked(x):
    """Some windows without a few neighbouring bands and a few neighbouring frames."""
    for i in np.flatnonzero(rng.random(len(x)) < MASKED):
        band, frame = rng.integers(BANDS), rng.integers(FRAMES)
        x[i, :, band : band + rng.integers(MASKED_BANDS)] = 0
        x[i, frame : frame + rng.integers(MASKED_FRAMES)] = 0
    return x


def mixed(x, y):
    """Each window with a little of another (mixup)."""
    share = rng.beta(MIXUP, MIXUP, (len(x), 1, 1))
    share = np.maximum(share, 1 - share)
    other = rng.permutation(len(x))
    return share * x + (1 - share) * x[other], share[:, 0] * y + (1 - share[:, 0]) * y[other]


def epoch():
    """Batches of one epoch: shuffled, and altered as no epoch before."""
    order = rng.permutation(len(features))
    for step in range(steps):
        chosen = order[step * BATCH_SIZE : (step + 1) * BATCH_SIZE]
        x = np.roll(features[chosen], rng.integers(FRAMES), axis=1)
        x, y = mixed(masked(toned(x)), labels[chosen])
        yield x.reshape(len(x), input_length).astype(np.float32), y.astype(np.float32)


def convolution(x, filters, pool):
    """Three frames wide; over time only, so the bands are the channels."""
    x = tf.keras.layers.Conv2D(filters, (3, 1), padding="same", use_bias=False)(x)
    x = tf.keras.layers.ReLU()(tf.keras.layers.BatchNormalization(momentum=0.9)(x))
    return tf.keras.layers.MaxPooling2D((2, 1))(x) if pool else x


class Schedule(tf.keras.optimizers.schedules.LearningRateSchedule):
    """A twentieth of the steps to warm up, then along a cosine down to nothing."""

    def __call__(self, step):
        done = tf.cast(step, tf.float32) / float(EPOCHS * steps)
        return LEARNING_RATE * tf.minimum(done / 0.05, 0.5 * (1 + tf.cos(np.pi * tf.minimum(done, 1.0))))

    def get_config(self):
        return {}


class AverageWeights(tf.keras.callbacks.Callback):
    """At the end the model has the mean of the weights after each of the last epochs."""

    def on_train_begin(self, logs=None):
        self.kept = []

    def on_epoch_end(self, epoch, logs=None):
        if epoch >= EPOCHS - AVERAGED_EPOCHS:
            self.kept.append(self.model.get_weights())

    def on_train_end(self, logs=None):
        self.model.set_weights([np.mean(arrays, axis=0) for arrays in zip(*self.kept)])


inputs = tf.keras.Input((input_length,), name="x_input")
x = tf.keras.layers.Reshape((FRAMES, 1, BANDS))(inputs)
x = convolution(x, 24, pool=True)
x = convolution(x, 32, pool=True)
x = convolution(x, 32, pool=False)
x = tf.keras.layers.Dropout(0.2)(x)
x = tf.keras.layers.GlobalAveragePooling2D()(x)
model = tf.keras.Model(inputs, tf.keras.layers.Dense(classes, activation="softmax", name="y_pred")(x))

shapes = (tf.TensorSpec((None, input_length), tf.float32), tf.TensorSpec((None, classes), tf.float32))
batches = tf.data.Dataset.from_generator(epoch, output_signature=shapes)
batches = batches.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(2)
# The mean of the last epochs is better than any one of them, so no checkpoint of a single epoch.
callbacks = [c for c in callbacks if not isinstance(c, tf.keras.callbacks.ModelCheckpoint)] + [AverageWeights()]

model.compile(loss="categorical_crossentropy", optimizer=tf.keras.optimizers.Adam(Schedule()), metrics=["accuracy"])
model.fit(
    batches,
    epochs=EPOCHS,
    validation_data=validation_dataset.batch(256),
    callbacks=callbacks,
    shuffle=False,
    verbose=2,
)
disable_per_channel_quantization = False
