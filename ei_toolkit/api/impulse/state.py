"""An impulse as plain data: what eitk.toml wants and what a project has, in the same words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VisualLayer = Mapping[str, Any]  # as the API writes it: {"type": "conv2d", "neurons": 8, "kernelSize": 3, "stack": 1}


@dataclass(frozen=True)
class InputState:
    """The input block; audio of one axis."""

    window_ms: int
    increase_ms: int
    frequency_hz: float
    pad_zeros: bool = True


@dataclass(frozen=True)
class DspState:
    """A processing block. Values of `config` are strings, as the API has them."""

    type: str
    name: str
    version: int
    config: Mapping[str, str]


@dataclass(frozen=True)
class LearnState:
    """The learn block and how it is trained. `script` counts in expert mode only, `layers` in visual mode only.

    `seed` is None where a studio does not say.
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
