"""The augmentation that training scripts of MFE features have in common: each window as if recorded elsewhere.

`script_text` inserts it in place of `# insert recording_augmentation.py`. It uses the constants BANDS, FRAMES, RATE,
FFT_LENGTH, FRAME_SECONDS, STRIDE_SECONDS, FLOOR_DB, TOP_DB, SIGNAL_POWER and SEED of the script, `steps` and
`batch_size`, and of a studio the names classes, input_length and train_dataset, or X_train and Y_train.
"""

import numpy as np
import tensorflow as tf

# The part that is inserted begins here.
CLEAN = 0.3  # part of the windows that are not augmented
TILT_DB = 4.0  # standard deviation of the treble against the bass
CURVE_DB = 4.0  # standard deviation of each of six points, through which a curve over the bands goes
OFFSET_DB = 2.0  # standard deviation of a gain that is the same for all bands
SMALL_SPEAKER = 0.5  # part of the windows without the lowest bass and the highest treble, and with a resonance
OVERDRIVEN = 0.3  # part of the windows that clip
ROOM = 0.2  # part of the windows with reverberation
REVERBERATION_S = 0.1, 0.8
NOISY = 0.4  # part of the windows with noise
NOISE_SNR_DB = 3.0, 30.0
NOISE_SLOPES = 0.0, 0.5, 1.0, 1.5  # noise power falls as frequency ** -slope: 0 is white noise, 1 is pink noise
MASKED = 0.4  # part of the windows with masked bands and frames
MASKED_BANDS, MASKED_FRAMES = max(1, 3 * BANDS // 20), max(1, FRAMES // 6)
MIXUP = 0.3  # parameter of the beta distribution of the shares
VARIATION_FRAMES = 2**14  # frames of noise that are drawn once; a window gets those from a random place

rng = np.random.default_rng(SEED)


def training_windows():
    """Features (windows, FRAMES, BANDS) and labels (windows, classes)."""
    if "X_train" in globals():  # eitk's studio, which keeps the features of many windows in a file
        features, labels = X_train, Y_train
    else:
        features, labels = (np.stack(part) for part in zip(*train_dataset.as_numpy_iterator()))
    return features.reshape(-1, FRAMES, BANDS), labels


def mel_bank():
    """Triangles over the bins of the FFT, (bands, bins), as the MFE block has them, and the middle of each in Hz."""
    hertz = 700 * (np.exp(np.linspace(0, np.log(1 + RATE / 2 / 700), BANDS + 2)) - 1)
    edges = np.minimum((FFT_LENGTH + 1) * hertz / RATE, FFT_LENGTH / 2).astype(int)
    bins = np.arange(FFT_LENGTH // 2 + 1)
    return np.stack([np.interp(bins, edges[i : i + 3], [0, 1, 0]) for i in range(BANDS)]), hertz[1:-1]


bank, centres = mel_bank()
bin_hertz = np.fft.rfftfreq(FFT_LENGTH, 1 / RATE)
emphasis = np.abs(1 - 0.98 * np.exp(-2j * np.pi * bin_hertz / RATE)) ** 2
without_emphasis = (bank.sum(axis=1) / np.maximum(bank @ emphasis, 1e-6)).astype(np.float32)
centres = centres.astype(np.float32)
tilt = 2 * np.log2(np.maximum(centres, 62.5) / 707) / 7  # from -1 at 62.5 Hz to 1 at 8 kHz
smooth = [np.interp(np.arange(BANDS), np.linspace(0, BANDS - 1, 6), point) for point in np.eye(6)]
responses_db = np.stack([*(CURVE_DB * curve for curve in smooth), TILT_DB * tilt, np.full(BANDS, OFFSET_DB)])
responses_db = responses_db.astype(np.float32)  # a frequency response is a random sum of these


def noise_in_bands(slope):
    """Energy in each band of noise with a power of 1 that falls as frequency ** -slope."""
    density = np.maximum(bin_hertz, 20.0) ** -slope
    return bank @ (density / density.mean() * emphasis) * min(FRAME_SECONDS * RATE / FFT_LENGTH, 1)


noises = np.stack([noise_in_bands(slope) for slope in NOISE_SLOPES]).astype(np.float32)
narrowness = 1 / np.sqrt(np.maximum(bank.sum(axis=1), 1), dtype=np.float32)  # noise varies more in a narrow band
mean_over_time = np.full((1, FRAMES), 1 / FRAMES, np.float32)
variations = np.exp(rng.standard_normal((VARIATION_FRAMES + FRAMES, BANDS), np.float32) * narrowness)


def uniform(low, high, n):
    """A random number for each of n windows, shaped to multiply with them."""
    return rng.uniform(low, high, (n, 1, 1)).astype(np.float32)


def choose(n, part):
    """Indices of some of n windows, each chosen with that probability."""
    return np.flatnonzero(rng.random(n) < part)


def decibels(curve):
    """Energy ratios, from decibels."""
    exponent = curve * np.float32(np.log(10) / 10)
    return np.exp(exponent, out=exponent)


def loudness(mean_energy):
    """Power of each window before the pre-emphasis, times a constant, from its mean over time (windows, 1, bands)."""
    return mean_energy @ without_emphasis[:, None]


def frequency_response(n):
    """Random smooth curves over the bands, (n, 1, bands), which are the same for all frames of a window."""
    return decibels(rng.standard_normal((n, 1, len(responses_db)), np.float32) @ responses_db)


def small_speaker(n):
    """Responses of small loudspeakers: 12 dB per octave below 80 to 400 Hz and above 5 to 12 kHz, 6 dB of resonance."""
    low = 80 * 5 ** uniform(0, 1, n)
    passed = 1 / (1 + (low / centres) ** 4) / (1 + (centres / uniform(5000, 12000, n)) ** 4)
    octaves = np.log2(centres / low / uniform(1.2, 8, n))
    return passed * decibels(uniform(-6, 6, n) * np.exp(-3 * octaves**2))


def echoing(energy):
    """Simulate a room: the energy of a frame decays over 16 frames, by 60 dB in the reverberation time."""
    n = len(energy)
    decay = 10 ** (-6 * STRIDE_SECONDS / uniform(*REVERBERATION_S, n))
    reverberant = energy
    for frames in (1, 2, 4, 8):
        reverberant = reverberant + decay**frames * np.roll(reverberant, frames, axis=1)
    return energy + 10 ** uniform(-1.2, 0.3, n) * (1 - decay) * reverberant


def overdriven(energy):
    """Simulate clipping: loud frames become quieter, and a part of the energy that they lose becomes noise."""
    n = len(energy)
    power = energy @ without_emphasis[:, None]
    kept = 1 / (1 + power / (mean_over_time @ power) * decibels(uniform(-12, 8, n)))
    noise = noises[rng.integers(1, len(noises), size=n)][:, None]
    noise = noise / loudness(noise)
    return kept * energy + (kept * (1 - kept) * uniform(0.02, 0.2, n) * power) * noise


def noisy(energy):
    """Add noise with a random slope, and restore the level of the window."""
    n = len(energy)
    ratio = 10 ** (-uniform(*NOISE_SNR_DB, n) / 10)
    noise = variations[rng.integers(VARIATION_FRAMES, size=n)[:, None] + np.arange(FRAMES)]
    noise *= noises[rng.integers(len(noises), size=n)][:, None] * (SIGNAL_POWER * ratio / (1 + ratio))
    noise += energy * (1 / (1 + ratio))
    return noise


def augmented(x):
    """Features of windows with another frequency response, loudspeaker, room, clipping and noise."""
    n = len(x)
    response = frequency_response(n)
    chosen = choose(n, SMALL_SPEAKER)
    response[chosen] *= small_speaker(len(chosen))
    energy = decibels((TOP_DB - FLOOR_DB) * x + FLOOR_DB)
    energy *= response
    level = loudness(mean_over_time @ energy / response)
    for part, change in ((ROOM, echoing), (OVERDRIVEN, overdriven)):
        chosen = choose(n, part)
        energy[chosen] = change(energy[chosen])
    energy *= level / loudness(mean_over_time @ energy)
    chosen = choose(n, NOISY)
    energy[chosen] = noisy(energy[chosen])
    np.log(np.maximum(energy, 1e-30, out=energy), out=energy)
    energy *= np.float32(10 / np.log(10) / (TOP_DB - FLOOR_DB))
    energy -= np.float32(FLOOR_DB / (TOP_DB - FLOOR_DB))
    return np.clip(energy, 0, 1, out=energy)


def masked(x):
    """Mask up to 5 adjacent bands and up to 19 adjacent frames of some windows."""
    chosen = choose(len(x), MASKED)
    places = rng.integers((BANDS, MASKED_BANDS, FRAMES, MASKED_FRAMES), size=(len(chosen), 4))
    for i, (band, bands, frame, frames) in zip(chosen, places.tolist()):
        x[i, :, band : band + bands] = 0
        x[i, frame : frame + frames] = 0
    return x


def mixed(x, y):
    """Mix each window with a smaller share of another one (mixup)."""
    share = rng.beta(MIXUP, MIXUP, (len(x), 1, 1)).astype(np.float32)
    share = np.minimum(share, 1 - share)
    other = rng.permutation(len(x))
    return x + share * (x[other] - x), y + share[:, 0] * (y[other] - y)


def batches():
    """Batches without end: each epoch is shuffled, and augmented differently."""
    features, labels = training_windows()
    while True:
        order = rng.permutation(len(features))
        for chosen in order[: steps * batch_size].reshape(steps, batch_size):
            x = np.roll(features[chosen], rng.integers(FRAMES), axis=1)
            changed = rng.binomial(batch_size, 1 - CLEAN)  # the order is random, so these may be the first ones
            x[:changed] = augmented(x[:changed])
            x, y = mixed(masked(x), labels[chosen])
            yield x.reshape(batch_size, input_length), y


def augmented_batches():
    """The batches as a data set of TensorFlow, which makes the next ones during a step."""
    shapes = (tf.TensorSpec((batch_size, input_length), tf.float32), tf.TensorSpec((batch_size, classes), tf.float32))
    return tf.data.Dataset.from_generator(batches, output_signature=shapes).prefetch(4)
