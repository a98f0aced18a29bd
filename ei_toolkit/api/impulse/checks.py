"""Contradictions in an impulse, found before anything is sent."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ei_toolkit.api.impulse.state import DspState, ImpulseState, InputState, VisualLayer
from ei_toolkit.errors import ConfigurationError

BOARD_RAM = 256 * 1024  # Arduino Nano 33 BLE Sense
SKETCH_RAM = 44 * 1024  # what a sketch with the Arduino core takes before it does anything
SEEDS = 2**32  # what Keras takes
CONVOLUTIONS = ("conv1d", "conv2d")


def check_impulse(state: ImpulseState, *, for_board: bool = True) -> None:
    """Refuse what cannot work. `for_board`: the model is to run on a Nano 33 BLE Sense.

    Raises ConfigurationError for a window or features that cannot be, a reshape that does not divide the features,
    a kernel larger than them, training settings out of range, and a window that does not fit the board's RAM.
    """
    samples = _samples(state.input)
    shapes = [_shape(block, samples, state.input) for block in state.dsp]
    features = sum(frames * bins for frames, bins in shapes)
    if for_board:
        _check_ram(state.input, samples, features)
    if state.learn.mode == "visual":
        _check_layers(state.learn.layers, features)
    _check_training(state)


def _samples(window: InputState) -> int:
    samples = round(window.window_ms * window.frequency_hz / 1000)
    if samples < 1 or window.increase_ms < 1:
        raise ConfigurationError(
            "slice.window_ms, slice.hop_ms and slice.sample_rate must be positive",
            why=f"they are {window.window_ms:g}, {window.increase_ms:g} and {window.frequency_hz:g}",
            hint="For example 3000, 1500 and 16000.",
        )
    return samples


def _shape(block: DspState, samples: int, window: InputState) -> tuple[int, int]:
    from ei_toolkit import dsp

    fft = block.config.get("fft_length", "")
    if fft.isdecimal() and (int(fft) < 2 or int(fft) & (int(fft) - 1)):
        near = 2 ** max(1, round(math.log2(max(2, int(fft)))))
        raise ConfigurationError(f"fft_length = {fft} is no power of two", hint=f"Set fft_length = {near}.")
    try:
        return dsp.output_shape(block.type, samples, window.frequency_hz, block.version, **block.config)
    except ConfigurationError as error:
        raise (error if error.hint else _with_default(error, block)) from None


def _with_default(error: ConfigurationError, block: DspState) -> ConfigurationError:
    """A parameter of the wrong kind, with a value of the right one."""
    from ei_toolkit import dsp

    defaults = {parameter.name: parameter.default for parameter in dsp.describe(block.type).parameters}
    name = error.what.partition(" = ")[0]
    hint = f"Set {name} to a value such as {defaults[name]}, its default." if name in defaults else ""
    return ConfigurationError(error.what, why=error.why, hint=hint)


def _check_ram(window: InputState, samples: int, features: int) -> None:
    """The last window as int16, the int8 features, and the sketch; the model's arena comes on top."""
    needed = 2 * samples + features + SKETCH_RAM
    if needed > BOARD_RAM:
        longest = (BOARD_RAM - SKETCH_RAM - features) // 2 / window.frequency_hz * 1000
        raise ConfigurationError(
            f"a window of {window.window_ms} ms does not fit the board's RAM",
            why=f"it takes {needed / 1024:.0f} of {BOARD_RAM / 1024:.0f} kB before the model has any",
            hint=f"Set slice.window_ms well below {math.floor(longest / 100) * 100:.0f}, for example 3000.",
        )


def _check_layers(layers: Sequence[VisualLayer], features: int) -> None:
    rows, columns = features, 1
    for index, layer in enumerate(layers):
        where = f"layer {index + 1} ({layer['type']})"
        if layer["type"] == "reshape":
            rows, columns = _reshaped(features, int(layer["columns"]), where)
        elif layer["type"] in CONVOLUTIONS:
            _check_kernel(layer, rows, columns, where)


def _reshaped(features: int, columns: int, where: str) -> tuple[int, int]:
    if features % columns:
        divisors = [d for d in range(1, features + 1) if features % d == 0]
        near = sorted(sorted(divisors, key=lambda d: abs(d - columns))[:3])
        raise ConfigurationError(
            f"{where}: {columns} columns do not divide {features} features",
            hint="Columns that do: " + ", ".join(map(str, near)) + ", the features of one frame, for instance.",
        )
    return features // columns, columns


def _check_kernel(layer: VisualLayer, rows: int, columns: int, where: str) -> None:
    """Against the features, not against what pooling leaves of them: there, padding fills up, as published."""
    kernel = int(layer["kernelSize"])
    least = min(rows, columns) if layer["type"] == "conv2d" else rows
    if kernel > least:
        raise ConfigurationError(
            f"{where}: a kernel of {kernel} is larger than its input of {rows} × {columns}",
            hint=f"Set kernel to {least} or less" + (", or reshape first." if columns == 1 else "."),
        )


def _check_training(state: ImpulseState) -> None:
    learn = state.learn
    checks = (
        ("training.epochs", learn.epochs, learn.epochs >= 1, "a whole number from 1"),
        ("training.learning_rate", learn.learning_rate, 0 < learn.learning_rate <= 1, "above 0, and 1 at most"),
        ("training.batch_size", learn.batch_size, learn.batch_size >= 1, "a whole number from 1"),
        ("training.validation", learn.validation, 0 < learn.validation < 1, "above 0 and below 1"),
        ("training.seed", learn.seed, learn.seed is None or 0 <= learn.seed < SEEDS, f"0 to {SEEDS - 1}"),
    )
    for key, value, is_right, allowed in checks:
        if not is_right:
            raise ConfigurationError(f"{key} = {value} is out of range: {allowed}", hint=f"Set {key}: {allowed}.")
