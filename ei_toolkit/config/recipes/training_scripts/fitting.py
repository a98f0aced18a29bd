"""The part that training scripts have in common, which `script_text` inserts in place of `# insert fitting.py`.

It uses the constants EPOCHS, LEARNING_RATE, WARM_UP and AVERAGED of the script, and `steps`, the steps of an epoch.
"""

import numpy as np
import tensorflow as tf

# The part that is inserted begins here.
LARGEST_CACHE = 2**25  # features for validation that are kept in memory
momentum = min(0.97, max(0.5, 1 - 10 / (EPOCHS * steps)))  # of batch normalisation; smaller for a short training


class Schedule(tf.keras.optimizers.schedules.LearningRateSchedule):
    """Rise linearly in the first steps, then fall to zero along a cosine."""

    def __call__(self, step):
        done = tf.cast(step, tf.float32) / float(EPOCHS * steps)
        return LEARNING_RATE * tf.minimum(done / WARM_UP, 0.5 * (1 + tf.cos(np.pi * tf.minimum(done, 1.0))))

    def get_config(self):
        return {}


class AverageWeights(tf.keras.callbacks.Callback):
    """Set the weights to the mean of those after each of the last epochs."""

    def on_train_begin(self, logs=None):
        self.kept = []

    def on_epoch_end(self, epoch, logs=None):
        if epoch >= int(EPOCHS * (1 - AVERAGED)):
            self.kept.append(self.model.get_weights())

    def on_train_end(self, logs=None):
        self.model.set_weights([np.mean(arrays, axis=0) for arrays in zip(*self.kept)])


def fit(model, batches, optimizer, **options):
    """Train the model with batches, and leave the mean of the weights of the last epochs in it."""
    optimizer.build(model.trainable_variables)  # with all variables there, a step is traced once and not twice
    model.compile(
        loss="categorical_crossentropy",
        optimizer=optimizer,
        metrics=[tf.keras.metrics.CategoricalAccuracy(name="accuracy")],
        steps_per_execution=steps,  # an epoch without Python between its steps
    )
    watched = validation_dataset.batch(256)
    if validation_dataset.cardinality() * input_length < LARGEST_CACHE:
        watched = watched.cache()
    # No checkpoint of a single epoch: the mean of the last epochs is more accurate than any one of them.
    others = [callback for callback in callbacks if not isinstance(callback, tf.keras.callbacks.ModelCheckpoint)]
    model.fit(
        batches,
        epochs=EPOCHS,
        validation_data=watched,
        callbacks=[*others, AverageWeights()],
        shuffle=False,
        verbose=2,
        **options,
    )
