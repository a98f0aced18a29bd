"""An impulse as plain data, the same for eitk.toml and for a project in the studio, and its checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ei_toolkit.audio.window import samples_in
from ei_toolkit.config import DspBlock, Settings
from ei_toolkit.config.boards import NANO33BLE, shorter_window, window_ram_bytes
from ei_toolkit.config.units import kib
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.layers import CONVOLUTIONS, VisualLayer, visual_layers
from ei_toolkit.impulse.ranges import check_training


@dataclass(frozen=True)
class InputState:
    """The input block; audio of one axis."""

    window_ms: int
    increase_ms: int
    frequency_hz: float
    pad_zeros: bool = True


@dataclass(frozen=True)
class DspState:
    """A processing block. The values of `config` are strings, as in the API."""

    type: str
    name: str
    version: int
    config: Mapping[str, str]


@dataclass(frozen=True)
class LearnState:
    """The learn block and how it is trained. `script` counts in expert mode only, `layers` in visual mode only.

    `seed` is None where a studio does not return it.
    """

    mode: str
    layers: tuple[VisualLayer, ...]
    script: str
    epochs: int
    learning_rate: float
    batch_size: int
    validation: float
    validation_group: str
    auto_class_weights: bool
    spec_augment: bool
    profile_int8: bool
    seed: int | None


@dataclass(frozen=True)
class ImpulseState:
    """A whole impulse."""

    input: InputState
    dsp: tuple[DspState, ...]
    learn: LearnState


def wanted_impulse(settings: Settings, root: Path) -> ImpulseState:
    """Return the impulse of the settings; `root` is the project's folder, which has the expert script.

    Raises ConfigurationError where a setting is missing or unknown. `check_impulse` checks the values.
    """
    if not settings.impulse.dsp:
        raise ConfigurationError("eitk.toml has no [impulse.dsp]", hint="Start from a recipe: eitk init")
    window = InputState(settings.slice.window_ms, settings.slice.hop_ms, float(settings.slice.sample_rate))
    return ImpulseState(window, _dsp(settings.impulse.dsp), _learn(settings, root))


def _dsp(blocks: Sequence[DspBlock]) -> tuple[DspState, ...]:
    states: list[DspState] = []
    for block in blocks:
        described = dsp.describe(block.type)
        defaults = {p.name: p.default for p in described.parameters if not p.hidden}
        unknown = sorted(set(block.params) - {p.name for p in described.parameters})
        if unknown:
            raise ConfigurationError(
                f"the {block.type} block has no parameter {unknown[0]}", hint="It has: " + ", ".join(defaults) + "."
            )
        config = {name: as_text(value) for name, value in {**defaults, **block.params}.items()}
        name = block.name or described.title
        same = sum(state.name == name for state in states)
        named = f"{name} {same + 1}" if same else name
        states.append(DspState(block.type, named, block.implementation_version, config))
    return tuple(states)


def _learn(settings: Settings, root: Path) -> LearnState:
    training, impulse = settings.training, settings.impulse
    if not impulse.script and not impulse.layers:
        raise ConfigurationError(
            "eitk.toml has neither [[impulse.layers]] nor impulse.script", hint="Start from a recipe: eitk init"
        )
    return LearnState(
        mode="expert" if impulse.script else "visual",
        layers=() if impulse.script else visual_layers(impulse.layers),
        script=_script(root / impulse.script) if impulse.script else "",
        epochs=training.epochs,
        learning_rate=training.learning_rate,
        batch_size=training.batch_size,
        validation=training.validation,
        validation_group=training.validation_group,
        auto_class_weights=training.auto_class_weights,
        spec_augment=training.spec_augment,
        profile_int8=training.int8,
        seed=training.seed,
    )


def _script(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"impulse.script: {file} cannot be read", why=str(error)) from None


def as_text(value: str | int | float | bool) -> str:
    """Return a parameter as the API has it, which is a string."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def check_impulse(state: ImpulseState, ram_bytes: int | None = NANO33BLE.ram_bytes) -> None:
    """Check that an impulse can work on a board with `ram_bytes` of RAM; None for no limit.

    Raises ConfigurationError for an impossible window or feature shape, a reshape that does not divide the features, a
    kernel larger than them, training settings out of range, and a window that does not fit the board's RAM.
    """
    samples = _samples(state.input)
    shapes = [_shape(block, samples, state.input) for block in state.dsp]
    features = sum(frames * bins for frames, bins in shapes)
    if ram_bytes is not None:
        _check_ram(state.input, samples, features, ram_bytes)
    if state.learn.mode == "visual":
        _check_layers(state.learn.layers, features)
    learn = state.learn
    check_training(
        epochs=learn.epochs,
        learning_rate=learn.learning_rate,
        batch_size=learn.batch_size,
        validation=learn.validation,
        seed=learn.seed,
    )


def _samples(window: InputState) -> int:
    samples = samples_in(window.window_ms, window.frequency_hz)
    if samples < 1 or window.increase_ms < 1:
        raise ConfigurationError(
            "slice.window_ms, slice.hop_ms and slice.sample_rate must be positive",
            why=f"they are {window.window_ms:g}, {window.increase_ms:g} and {window.frequency_hz:g}",
            hint="For example 3000, 1500 and 16000.",
        )
    return samples


def _shape(block: DspState, samples: int, window: InputState) -> tuple[int, int]:
    try:
        return dsp.output_shape(block.type, samples, window.frequency_hz, block.version, **block.config)
    except ConfigurationError as error:
        raise (error if error.hint else _with_default(error, block)) from None


def _with_default(error: ConfigurationError, block: DspState) -> ConfigurationError:
    """The error with a hint that names the default of the parameter."""
    defaults = {parameter.name: parameter.default for parameter in dsp.describe(block.type).parameters}
    name = error.what.partition(" = ")[0]
    hint = f"Set {name} to a value such as {defaults[name]}, its default." if name in defaults else ""
    return ConfigurationError(error.what, why=error.why, hint=hint)


def _check_ram(window: InputState, samples: int, features: int, ram_bytes: int) -> None:
    needed = window_ram_bytes(samples, features)
    if needed > ram_bytes:
        raise ConfigurationError(
            f"a window of {window.window_ms} ms does not fit the board's RAM",
            why=f"it takes {kib(needed)} of {kib(ram_bytes)} without the model",
            hint=f"{shorter_window(ram_bytes, features, window.frequency_hz).capitalize()}.",
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
    """Compare the kernel with the features, not with the output of a pooling, which padding extends."""
    kernel = int(layer["kernelSize"])
    least = min(rows, columns) if layer["type"] == "conv2d" else rows
    if kernel > least:
        raise ConfigurationError(
            f"{where}: a kernel of {kernel} is larger than its input of {rows} × {columns}",
            hint=f"Set kernel to {least} or less" + (", or reshape first." if columns == 1 else "."),
        )
