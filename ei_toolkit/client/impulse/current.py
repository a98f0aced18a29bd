"""The impulse of a project in the studio, with the ids of its blocks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ei_toolkit.client.impulse.state import DspState, ImpulseState, InputState, LearnState
from ei_toolkit.client.project import Studio
from ei_toolkit.client.responses import Response
from ei_toolkit.errors import ApiError, MissingStepError

LEARN_TYPES = ("keras",)
NO_IMPULSE = re.compile(r"\bno impulse\b|impulse .*(not|no) .*(found|exist|created)", re.IGNORECASE)


@dataclass(frozen=True)
class Current:
    """An impulse of a project, and the ids of its blocks."""

    impulse_id: int
    state: ImpulseState
    input_id: int
    dsp_ids: tuple[int, ...]
    learn_id: int


class _ImpulseName(Response, frozen=True):
    id: int
    name: str = ""


class _ImpulseList(Response, frozen=True):
    impulses: tuple[_ImpulseName, ...] = ()


class _InputBlock(Response, frozen=True):
    id: int
    window_size_ms: int = 0
    window_increase_ms: int = 0
    frequency_hz: float = 0.0
    pad_zeros: bool = False


class _DspBlock(Response, frozen=True):
    id: int
    type: str
    name: str
    implementation_version: int = 1


class _LearnBlock(Response, frozen=True):
    id: int
    type: str


class _Impulse(Response, frozen=True):
    id: int
    input_blocks: tuple[_InputBlock, ...] = ()
    dsp_blocks: tuple[_DspBlock, ...] = ()
    learn_blocks: tuple[_LearnBlock, ...] = ()


class _OneImpulse(Response, frozen=True):
    impulse: _Impulse | None = None


class _ConfigItem(Response, frozen=True):
    param: str
    value: Any = None
    default_value: Any = None

    @property
    def text(self) -> str:
        """The value, else the default, as the API writes it."""
        value = self.default_value if self.value is None else self.value
        return str(value).lower() if isinstance(value, bool) else str(value)


class _ConfigGroup(Response, frozen=True):
    items: tuple[_ConfigItem, ...]


class _DspConfig(Response, frozen=True):
    config: tuple[_ConfigGroup, ...]


class _Augmentation(Response, frozen=True):
    enabled: bool = False


class _LearnConfig(Response, frozen=True):
    """`KerasResponse`, as far as eitk reads it; the official model rejects the thresholds of real projects."""

    mode: str
    training_cycles: int
    learning_rate: float
    visual_layers: tuple[dict[str, Any], ...] = ()
    script: str = ""
    batch_size: int | None = None
    default_batch_size: int = 32
    train_test_split: float = 0.2
    custom_validation_metadata_key: str = ""
    auto_class_weights: bool = False
    augmentation_policy_spectrogram: _Augmentation = _Augmentation()
    profile_int8: bool = True
    custom_parameters: Mapping[str, Any] = msgspec.field(default_factory=dict)

    def state(self) -> LearnState:
        """Return the settings of the learn block."""
        is_expert = self.mode == "expert"
        seed = str(self.custom_parameters.get("seed", ""))
        return LearnState(
            mode="expert" if is_expert else "visual",
            layers=() if is_expert else tuple(map(_visual_layer, self.visual_layers)),
            script=self.script if is_expert else "",
            epochs=self.training_cycles,
            learning_rate=self.learning_rate,
            batch_size=self.default_batch_size if self.batch_size is None else self.batch_size,
            validation=self.train_test_split,
            validation_group=self.custom_validation_metadata_key,
            auto_class_weights=self.auto_class_weights,
            spec_augment=self.augmentation_policy_spectrogram.enabled,
            profile_int8=self.profile_int8,
            seed=int(seed) if seed.isdecimal() else None,
        )


def impulse_id_of(studio: Studio, name: str) -> int | None:
    """Return the id of the impulse with this name; None for the default impulse, or where there is none.

    Raises ApiError where several have the name.
    """
    if not name:
        return None
    impulses = studio.transport.read(studio.path("impulses"), _ImpulseList).impulses
    found = [impulse.id for impulse in impulses if impulse.name == name]
    if len(found) > 1:
        raise ApiError(f"the project has {len(found)} impulses called {name!r}", hint="Rename one in the studio.")
    return found[0] if found else None


def current_impulse(studio: Studio, name: str = "") -> Current | None:
    """Return the project's impulse with its settings; None where it has none that classifies audio."""
    impulse_id = impulse_id_of(studio, name)
    if name and impulse_id is None:
        return None
    impulse = _read_impulse(studio, impulse_id)
    learn_ids = [block.id for block in impulse.learn_blocks if block.type in LEARN_TYPES] if impulse else []
    if impulse is None or not learn_ids or not impulse.input_blocks or not impulse.dsp_blocks:
        return None
    window = impulse.input_blocks[0]
    state = ImpulseState(
        InputState(window.window_size_ms, window.window_increase_ms, window.frequency_hz, window.pad_zeros),
        tuple(
            DspState(block.type, block.name, block.implementation_version, dsp_config(studio, block.id))
            for block in impulse.dsp_blocks
        ),
        studio.transport.read(studio.path("training", "keras", learn_ids[0]), _LearnConfig).state(),
    )
    return Current(impulse.id, state, window.id, tuple(block.id for block in impulse.dsp_blocks), learn_ids[0])


def require_impulse(studio: Studio, name: str = "") -> Current:
    """Return the project's impulse. Raises MissingStepError where it has none."""
    current = current_impulse(studio, name)
    if current is None:
        raise MissingStepError("the project has no impulse yet", hint="eitk impulse apply")
    return current


def dsp_config(studio: Studio, block: int) -> dict[str, str]:
    """Return the parameters of a processing block, as strings."""
    groups = studio.transport.read(studio.path("dsp", block), _DspConfig).config
    return {item.param: item.text for group in groups for item in group.items}


def _read_impulse(studio: Studio, impulse_id: int | None) -> _Impulse | None:
    """An impulse; None where the studio has none: some studios leave it out of the response, some send an error."""
    try:
        return studio.transport.read(studio.path("impulse"), _OneImpulse, impulseId=impulse_id).impulse
    except ApiError as error:
        if NO_IMPULSE.search(error.what):
            return None
        raise


def _visual_layer(layer: Mapping[str, Any]) -> dict[str, Any]:
    """A layer without `enabled: true`, which is the default."""
    return {key: value for key, value in layer.items() if not (key == "enabled" and value)}
