"""Training script of the recipe `robust`, for Edge Impulse's expert mode and for eitk's own studio.

The network takes 120 frames of 40 mel bands as a sequence: three convolutions over time with batch normalisation, then
the mean and the maximum over time. It does what visual layers cannot: in every epoch the features are augmented
differently (another recording, a small loudspeaker, clipping, another room, noise, another start, missing bands and
frames, two windows mixed), the learning rate rises and then falls, and the weights are the mean of those of the last
epochs. This makes the model robust against microphones, loudspeakers and rooms.

A studio gives a script these names: args, callbacks, classes, input_length, train_dataset, validation_dataset,
train_sample_count. The script leaves the trained model in `model`.
"""

import numpy as np
import tensorflow as tf

EPOCHS = args.epochs or 60
LEARNING_RATE = args.learning_rate or 0.003
BATCH_SIZE = args.batch_size or 64
SEED = getattr(args, "seed", 7)
batch_size = min(BATCH_SIZE, train_sample_count)
steps = train_sample_count // batch_size

BANDS = 40  # [impulse.dsp] num_filters
FRAMES = input_length // BANDS
RATE, FFT_LENGTH = 16000, 512
FRAME_SECONDS = STRIDE_SECONDS = 0.025
FLOOR_DB, TOP_DB = -65.0, 12.0  # a feature of 0, and of 1
SIGNAL_POWER = 0.01  # every window has an RMS of -20 dB
WARM_UP = 0.05  # part of the steps, the first ones, in which the learning rate rises
AVERAGED = 0.27  # part of the epochs, the last ones, whose weights are averaged


# insert recording_augmentation.py


def convolution(x, filters, pool):
    """A convolution over three frames, with the bands as channels."""
    x = tf.keras.layers.Conv2D(filters, (3, 1), padding="same", use_bias=False)(x)
    x = tf.keras.layers.ReLU()(tf.keras.layers.BatchNormalization(momentum=momentum)(x))
    return tf.keras.layers.MaxPooling2D((2, 1))(x) if pool else x


# insert fitting.py


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
fit(model, augmented_batches(), tf.keras.optimizers.Adam(Schedule()), steps_per_epoch=steps)
disable_per_channel_quantization = False
