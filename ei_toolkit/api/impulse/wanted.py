"""What eitk.toml wants, as an impulse."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ei_toolkit.api.impulse.layers import to_visual
from ei_toolkit.api.impulse.state import DspState, ImpulseState, InputState, LearnState
from ei_toolkit.config import DspBlock, Settings
from ei_toolkit.errors import ConfigurationError


def wanted_impulse(settings: Settings, root: Path) -> ImpulseState:
    """The impulse of the settings; `root` is the project's folder, where an expert script lies.

    Raises ConfigurationError where something is missing. See `checks` for what contradicts itself.
    """
    if not settings.impulse.dsp:
        raise ConfigurationError("eitk.toml has no [impulse.dsp]", hint="Start from a recipe: eitk init")
    window = InputState(settings.slice.window_ms, settings.slice.hop_ms, float(settings.slice.sample_rate))
    return ImpulseState(window, _dsp(settings.impulse.dsp), _learn(settings, root))


def _dsp(blocks: Sequence[DspBlock]) -> tuple[DspState, ...]:
    from ei_toolkit import dsp

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
        layers=() if impulse.script else to_visual(impulse.layers),
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
    """A parameter as the API has it: always a string."""
    return str(value).lower() if isinstance(value, bool) else str(value)
