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
AUGMENTATION = "masks"  # none; masks: masked bands and frames, shifted, mixed; device: also another response and noise;
# recording: as the recipe robust has it, which needs features of MFE
FLOOR_DB = -65.0  # a feature of 0
TOP_DB = 12.0  # a feature of 1; equal to FLOOR_DB where features are not decibels
SIGNAL_POWER = 0.01  # of every window that is brought to one level: 0.01 at an RMS of -20 dB
RATE = 16000
FFT_LENGTH = 512
FRAME_SECONDS = 0.025
STRIDE_SECONDS = 0.025  # from frame to frame

EPOCHS = args.epochs or 60
LEARNING_RATE = args.learning_rate or 0.003
BATCH_SIZE = args.batch_size or 64
SEED = getattr(args, "seed", 7)

BANDS = COLUMNS
FRAMES = input_length // COLUMNS
WARM_UP = 0.05  # part of the steps, the first ones, in which the learning rate rises
AVERAGED = 0.27  # part of the epochs, the last ones, whose weights are averaged
batch_size = min(BATCH_SIZE, max(1, train_sample_count))
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


# insert feature_augmentation.py


# insert fitting.py


model = network()
if train_sample_count:
    fit(model, augmented_batches(), tf.keras.optimizers.Adam(Schedule()), steps_per_epoch=steps)
disable_per_channel_quantization = False
