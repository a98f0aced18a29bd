"""Training script of the recipe `robust`, for Edge Impulse's expert mode and for eitk's own studio.

The network hears 120 frames of 40 mel bands as a sequence: three convolutions over time with batch normalisation, then
the mean and the maximum over time. What visual layers cannot say, and what holds up through a microphone: every epoch
alters the features anew (another recording, a small loudspeaker, clipping, another room, noise, another start, bands
and moments missing, two windows mixed), the learning rate warms up and falls, and the weights are the mean of those of
the last epochs.

A studio gives a script these names: args, callbacks, classes, input_length, train_dataset, validation_dataset,
train_sample_count. It takes back `model`.
"""

import numpy as np
import tensorflow as tf

EPOCHS = args.epochs or 60
LEARNING_RATE = args.learning_rate or 0.003
BATCH_SIZE = args.batch_size or 64
SEED = getattr(args, "seed", 7)

BANDS = 40  # [impulse.dsp] num_filters
FRAMES = input_length // BANDS
RATE, FFT_LENGTH, FRAME_SECONDS = 16000, 512, 0.025
FLOOR_DB, TOP_DB = -65.0, 12.0  # a feature of 0, and of 1
SIGNAL_POWER = 0.01  # every window has an RMS of -20 dB

CLEAN = 0.3  # part of the windows that stay as they are
TILT_DB = 4.0  # deviation of a random tone: treble against bass,
CURVE_DB = 4.0  # a curve through six points over the bands,
OFFSET_DB = 2.0  # and all bands alike
SMALL_SPEAKER = 0.5  # part of the windows without the lowest bass and the highest treble, and with a resonance
OVERDRIVEN = 0.3  # part of the windows that clip
ROOM = 0.2  # part of the windows that ring on
REVERBERATION_S = 0.1, 0.8
NOISY = 0.4  # part of the windows with noise
NOISE_SNR_DB = 3.0, 30.0
NOISE_SLOPES = 0.0, 0.5, 1.0, 1.5  # power over frequency: white, between, pink, and darker
MASKED = 0.4  # part of the windows that lose some bands and some moments
MASKED_BANDS, MASKED_FRAMES = 6, 20
MIXUP = 0.3
AVERAGED = 0.27  # part of the epochs, the last ones, whose weights are averaged

rng = np.random.default_rng(SEED)
features, labels = (np.stack(part) for part in zip(*train_dataset.as_numpy_iterator()))
features = features.reshape(-1, FRAMES, BANDS)
steps = max(1, len(features) // BATCH_SIZE)
memory = min(0.97, max(0.5, 1 - 10 / (EPOCHS * steps)))  # of batch normalisation: a tenth of a short training


def mel_bank():
    """Triangles over the bins of the FFT, (bands, bins), as the MFE block has them, and the middle of each in Hz."""
    hertz = 700 * (np.exp(np.linspace(0, np.log(1 + 8000 / 700), BANDS + 2)) - 1)
    edges = np.minimum((FFT_LENGTH + 1) * hertz / RATE, FFT_LENGTH / 2).astype(int)
    bins = np.arange(FFT_LENGTH // 2 + 1)
    return np.stack([np.interp(bins, edges[i : i + 3], [0, 1, 0]) for i in range(BANDS)]), hertz[1:-1]


bank, centres = mel_bank()
bin_hertz = np.fft.rfftfreq(FFT_LENGTH, 1 / RATE)
emphasis = np.abs(1 - 0.98 * np.exp(-2j * np.pi * bin_hertz / RATE)) ** 2
band_emphasis = bank @ emphasis / bank.sum(axis=1)
tilt = 2 * np.log2(np.maximum(centres, 62.5) / 707) / 7  # from -1 at 62.5 Hz to 1 at 8 kHz
flutter = 1 / np.sqrt(np.maximum(bank.sum(axis=1), 1), dtype=np.float32)  # noise in a narrow band is restless


def noise_in_bands(slope):
    """Energy in each band of noise with a power of 1 that falls as frequency ** -slope."""
    density = np.maximum(bin_hertz, 20.0) ** -slope
    return bank @ (density / density.mean() * emphasis) * (FRAME_SECONDS * RATE / FFT_LENGTH)


noises = np.stack([noise_in_bands(slope) for slope in NOISE_SLOPES]).astype(np.float32)


def uniform(low, high, n):
    """A random number for each of n windows, shaped to multiply with them."""
    return rng.uniform(low, high, (n, 1, 1)).astype(np.float32)


def some(x, part):
    """Places of about that part of the windows."""
    return np.flatnonzero(rng.random(len(x)) < part)


def decibels(curve):
    """Factors of energies, from decibels."""
    return np.exp(curve * np.log(10) / 10).astype(np.float32)


def loudness(energy):
    """Power of each window before the pre-emphasis, but for a constant."""
    return (energy.mean(axis=1, keepdims=True) / band_emphasis).sum(axis=2, keepdims=True).astype(np.float32)


def toned(energy):
    """Another recording: a random smooth curve over the bands, the same for all frames of a window."""
    n = len(energy)
    points = rng.normal(size=(n, 6)) * CURVE_DB
    curve = np.stack([np.interp(np.arange(BANDS), np.linspace(0, BANDS - 1, 6), p) for p in points])
    curve += rng.normal(size=(n, 1)) * TILT_DB * tilt + rng.normal(size=(n, 1)) * OFFSET_DB
    return energy * decibels(curve)[:, None]


def small_speaker(energy):
    """Nothing below 80 to 400 Hz, nothing above 5 to 12 kHz (12 dB an octave), and one resonance of up to 6 dB."""
    low = 80 * 5 ** uniform(0, 1, len(energy))
    passed = 1 / (1 + (low / centres) ** 4) / (1 + (centres / uniform(5000, 12000, len(energy))) ** 4)
    octaves = np.log2(centres / low / uniform(1.2, 8, len(energy)))
    return energy * passed.astype(np.float32) * decibels(uniform(-6, 6, len(energy)) * np.exp(-3 * octaves**2))


def overdriven(energy):
    """Clipping: what is loud becomes less loud, and what is lost comes back in part as noise."""
    n = len(energy)
    power = (energy / band_emphasis).sum(axis=2, keepdims=True)
    over = power / power.mean(axis=1, keepdims=True) * decibels(uniform(-12, 8, n))
    kept = (1 / (1 + over)).astype(np.float32)
    noise = noises[rng.integers(1, len(noises), size=n)][:, None]
    noise = noise / (noise / band_emphasis).sum(axis=2, keepdims=True)
    return kept * (energy + ((1 - kept) * uniform(0.02, 0.2, n) * power * noise).astype(np.float32))


def echoing(energy):
    """A room: every frame rings on for 16 frames, falling by 60 dB in the reverberation time."""
    n = len(energy)
    decay = 10 ** (-6 * FRAME_SECONDS / uniform(*REVERBERATION_S, n))
    ringing = energy
    for frames in (1, 2, 4, 8):
        ringing = ringing + decay**frames * np.roll(ringing, frames, axis=1)
    return energy + 10 ** uniform(-1.2, 0.3, n) * (1 - decay) * ringing


def noisy(energy):
    """Noise of a random colour behind the window, and the whole at its level again."""
    n = len(energy)
    ratio = 10 ** (-uniform(*NOISE_SNR_DB, n) / 10)
    restless = np.exp(rng.standard_normal(energy.shape, np.float32) * flutter)
    noise = noises[rng.integers(len(noises), size=n)][:, None] * restless
    return (energy + SIGNAL_POWER * ratio * noise) / (1 + ratio)


def altered(x):
    """Features of windows as another recording, in another room, behind noise."""
    energy = np.exp(((TOP_DB - FLOOR_DB) * x + FLOOR_DB) * np.float32(np.log(10) / 10))
    level = loudness(energy)
    energy = toned(energy)
    for part, alter in ((SMALL_SPEAKER, small_speaker), (ROOM, echoing), (OVERDRIVEN, overdriven)):
        chosen = some(x, part)
        energy[chosen] = alter(energy[chosen])
    energy *= level / loudness(energy)
    chosen = some(x, NOISY)
    energy[chosen] = noisy(energy[chosen])
    heard = np.log(np.maximum(energy, 1e-30)) * np.float32(10 / np.log(10))
    return np.clip((heard - FLOOR_DB) / (TOP_DB - FLOOR_DB), 0, 1)


def masked(x):
    """Some windows without a few neighbouring bands and a few neighbouring frames."""
    for i in some(x, MASKED):
        band, frame = rng.integers(BANDS), rng.integers(FRAMES)
        x[i, :, band : band + rng.integers(MASKED_BANDS)] = 0
        x[i, frame : frame + rng.integers(MASKED_FRAMES)] = 0
    return x


def mixed(x, y):
    """Each window with a little of another (mixup)."""
    share = rng.beta(MIXUP, MIXUP, (len(x), 1, 1)).astype(np.float32)
    share = np.maximum(share, 1 - share)
    other = rng.permutation(len(x))
    return share * x + (1 - share) * x[other], share[:, 0] * y + (1 - share[:, 0]) * y[other]


def epoch():
    """Batches of one epoch: shuffled, and altered as no epoch before."""
    order = rng.permutation(len(features))
    for step in range(steps):
        chosen = order[step * BATCH_SIZE : (step + 1) * BATCH_SIZE]
        x = np.roll(features[chosen], rng.integers(FRAMES), axis=1)
        heard = some(x, 1 - CLEAN)
        x[heard] = altered(x[heard])
        x, y = mixed(masked(x), labels[chosen])
        yield x.reshape(len(x), input_length).astype(np.float32), y.astype(np.float32)


def convolution(x, filters, pool):
    """Three frames wide; over time only, so the bands are the channels."""
    x = tf.keras.layers.Conv2D(filters, (3, 1), padding="same", use_bias=False)(x)
    x = tf.keras.layers.ReLU()(tf.keras.layers.BatchNormalization(momentum=memory)(x))
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
        if epoch >= int(EPOCHS * (1 - AVERAGED)):
            self.kept.append(self.model.get_weights())

    def on_train_end(self, logs=None):
        self.model.set_weights([np.mean(arrays, axis=0) for arrays in zip(*self.kept)])


inputs = tf.keras.Input((input_length,), name="x_input")
x = tf.keras.layers.Reshape((FRAMES, 1, BANDS))(inputs)
x = convolution(x, 24, pool=True)
x = convolution(x, 32, pool=True)
x = convolution(x, 32, pool=False)
x = tf.keras.layers.Dropout(0.2)(x)
mean = tf.keras.layers.GlobalAveragePooling2D()(x)
largest = tf.keras.layers.Flatten()(tf.keras.layers.MaxPooling2D((x.shape[1], 1))(x))
x = tf.keras.layers.Concatenate()([mean, largest])
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
