"""Training script of published networks for ten genres, for Edge Impulse's expert mode and for eitk's own studio.

The recipes cnn-d, cnn-b4, cnn-a4, resnet18, lstm and resnet18-lstm have this script with their own NETWORK. Layers,
sizes of images and rates of dropout are those of the publications; epochs, learning rate and batch size are in
eitk.toml. The weights of the epoch with the smallest loss on the validation windows are kept.

A studio gives the script these names: args, callbacks, classes, input_length, train_dataset, validation_dataset,
train_sample_count. The script leaves the model in `model`. Without training windows the model is only built.
"""

import numpy as np
import tensorflow as tf

NETWORK = "cnn-d"  # cnn-d, cnn-b4, cnn-a4, resnet18, lstm or resnet18-lstm
COLUMNS = {"cnn-d": 64, "cnn-a4": 13, "lstm": 13}.get(NETWORK, 128)  # features of a frame: mel bands or coefficients
IMAGE = {"cnn-b4": 150, "resnet18": 224, "resnet18-lstm": 224}.get(NETWORK, 0)  # rows and columns; 0: the features
STEPS = 0  # of an LSTM: frames are averaged to about this number; 0: every frame
CEPSTRAL = 13  # coefficients that resnet18-lstm computes of the mel bands for its LSTM

EPOCHS = args.epochs or 40
LEARNING_RATE = args.learning_rate or 0.001
BATCH_SIZE = args.batch_size or 32
SEED = getattr(args, "seed", 7)
FRAMES = input_length // COLUMNS
layers = tf.keras.layers


def image(x):
    """The features as an image with one channel, resized where the network takes another size."""
    x = layers.Reshape((FRAMES, COLUMNS, 1))(x)
    return layers.Resizing(IMAGE, IMAGE)(x) if IMAGE else x


def convolution(x, filters, kernel=3, **settings):
    """A convolution with ReLU."""
    return layers.Conv2D(filters, kernel, activation="relu", **settings)(x)


def batch_norm(x):
    """Batch normalisation whose mean and deviation are those of about the last ten batches."""
    return layers.BatchNormalization(momentum=0.9)(x)


def cnn_d(x):
    """Write-up D: three convolutions with pooling and batch normalisation, three dense layers with dropout."""
    x = image(x)
    for filters in (64, 32, 32):
        x = batch_norm(layers.MaxPooling2D()(convolution(x, filters, padding="same")))
    x = layers.Flatten()(x)
    for units in (64, 32, 16):
        x = layers.Dropout(0.5)(layers.Dense(units, activation="relu")(x))
    return x


def cnn_b4(x):
    """Write-up B: five pairs of convolutions with pooling, the second of each pair without padding.

    Images below 94 x 94 are too small for that, so the last pairs are padded.
    """
    x = image(x)
    for number, filters in enumerate((32, 64, 128, 256, 512), 1):
        x = convolution(x, filters, padding="same")
        x = convolution(x, filters, padding="valid" if x.shape[1] > 3 else "same")
        x = layers.MaxPooling2D(padding="valid" if x.shape[1] > 1 else "same")(x)
        x = layers.Dropout(0.3)(x) if number in (3, 5) else x
    return layers.Dropout(0.45)(layers.Dense(1200, activation="relu")(layers.Flatten()(x)))


def cnn_a4(x):
    """Write-up A: seven convolutions and two dense layers on coefficients of short segments."""
    x = image(x)
    for filters, is_pooled in ((32, 0), (64, 1), (64, 0), (128, 1), (128, 0), (256, 1), (256, 0)):
        x = batch_norm(convolution(x, filters, padding="same"))
        x = layers.MaxPooling2D(padding="same")(x) if is_pooled else x
    return layers.Dropout(0.3)(layers.Dense(192, activation="relu")(layers.Flatten()(x)))


def normalised(x, filters, kernel, stride=1):
    """A convolution without bias, and batch normalisation."""
    x = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False)(x)
    return batch_norm(x)


def residual(x, filters, stride):
    """A basic block: two convolutions, and the input added to their output."""
    y = normalised(layers.ReLU()(normalised(x, filters, 3, stride)), filters, 3)
    if stride > 1:
        x = normalised(x, filters, 1, stride)
    return layers.ReLU()(layers.Add()([x, y]))


def resnet18(x):
    """ResNet18 (He et al. 2015) on an image of three equal channels, without pretrained weights."""
    x = image(x)
    x = layers.ReLU()(normalised(layers.Concatenate()([x, x, x]), 64, 7, 2))
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    for filters, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        x = residual(residual(x, filters, stride), filters, 1)
    return layers.GlobalAveragePooling2D()(x)


def lstm(x, columns=COLUMNS):
    """An LSTM over the frames."""
    x = layers.Reshape((FRAMES, columns))(x)
    if STEPS and STEPS < FRAMES:
        x = layers.AveragePooling1D(FRAMES // STEPS)(x)
    return layers.LSTM(128)(x)


def resnet18_lstm(x):
    """Two branches, concatenated: ResNet18 on mel bands, and an LSTM on the cepstral coefficients of the same bands."""
    place = (np.arange(COLUMNS) + 0.5) * np.pi / COLUMNS
    cosines = np.cos(np.outer(place, np.arange(CEPSTRAL))) * np.sqrt(2 / COLUMNS)
    transform = layers.Dense(CEPSTRAL, use_bias=False, trainable=False, name="cosine_transform")
    cepstrum = transform(layers.Reshape((FRAMES, COLUMNS))(x))
    transform.set_weights([cosines])
    both = layers.Concatenate()([resnet18(x), lstm(batch_norm(cepstrum), CEPSTRAL)])
    return layers.Dropout(0.3)(layers.Dense(128, activation="relu")(both))


def standardised(x):
    """Features with mean 0 and deviation 1 in each column of the training windows."""
    if not train_sample_count:
        return x
    rows = np.stack([row for row, _ in train_dataset.as_numpy_iterator()]).reshape(-1, COLUMNS)
    mean, variance = rows.mean(axis=0, dtype=np.float64), rows.var(axis=0, dtype=np.float64)
    x = layers.Reshape((FRAMES, COLUMNS))(x)
    x = layers.Normalization(mean=mean, variance=np.maximum(variance, 1e-6))(x)
    return layers.Reshape((input_length,))(x)


NETWORKS = {
    "cnn-d": cnn_d, "cnn-b4": cnn_b4, "cnn-a4": cnn_a4, "resnet18": resnet18, "lstm": lstm,
    "resnet18-lstm": resnet18_lstm,
}  # fmt: skip
inputs = tf.keras.Input((input_length,), name="x_input")
features = NETWORKS[NETWORK](standardised(inputs))
model = tf.keras.Model(inputs, layers.Dense(classes, activation="softmax", name="y_pred")(features))
if train_sample_count:
    optimizer = tf.keras.optimizers.Adam(LEARNING_RATE)
    optimizer.build(model.trainable_variables)  # with all variables there, a step is traced once and not twice
    accuracy = tf.keras.metrics.CategoricalAccuracy(name="accuracy")
    model.compile(loss="categorical_crossentropy", optimizer=optimizer, metrics=[accuracy])
    model.fit(
        train_dataset.shuffle(train_sample_count, seed=SEED).batch(BATCH_SIZE),
        epochs=EPOCHS,
        validation_data=validation_dataset.batch(256),
        callbacks=callbacks,
        shuffle=False,
        verbose=2,
    )
disable_per_channel_quantization = False
