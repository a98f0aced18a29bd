"""What a project has, as an impulse with the ids of its blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ei_toolkit.client.answer import Answer
from ei_toolkit.client.impulse.state import DspState, ImpulseState, InputState, LearnState
from ei_toolkit.client.project import Studio
from ei_toolkit.errors import ApiError

LEARN_TYPES = ("keras",)
NONE_YET = re.compile(r"\bno impulse\b|impulse .*(not|no) .*(found|exist|created)", re.IGNORECASE)


@dataclass(frozen=True)
class Current:
    """An impulse of a project, and the ids of its blocks."""

    impulse_id: int
    state: ImpulseState
    input_id: int
    dsp_ids: tuple[int, ...]
    learn_id: int


def impulse_id_of(studio: Studio, name: str) -> int | None:
    """The id of the impulse of that name; None for the default impulse or where there is none.

    Raises ApiError where several are called so.
    """
    if not name:
        return None
    impulses = Answer(studio.transport.get(studio.path("impulses")), "the list of impulses").objects("impulses", [])
    found = [impulse.integer("id") for impulse in impulses if impulse.text("name", "") == name]
    if len(found) > 1:
        raise ApiError(f"the project has {len(found)} impulses called {name!r}", hint="Rename one in the studio.")
    return found[0] if found else None


def current_impulse(studio: Studio, name: str = "") -> Current | None:
    """The project's impulse with its settings; None where it has none that classifies audio."""
    impulse_id = impulse_id_of(studio, name)
    if name and impulse_id is None:
        return None
    answer = _ask(studio, impulse_id)
    if answer is None or not answer.has("impulse"):
        return None
    impulse = answer.object("impulse")
    inputs = impulse.objects("inputBlocks", [])
    learns = [block for block in impulse.objects("learnBlocks", []) if block.text("type") in LEARN_TYPES]
    blocks = impulse.objects("dspBlocks", [])
    if not inputs or not learns or not blocks:
        return None
    dsp = tuple(_dsp(studio, block) for block in blocks)
    learn_id = learns[0].integer("id")
    state = ImpulseState(_input(inputs[0]), dsp, _learn(studio, learn_id))
    ids = tuple(block.integer("id") for block in blocks)
    return Current(impulse.integer("id"), state, inputs[0].integer("id"), ids, learn_id)


def _ask(studio: Studio, impulse_id: int | None) -> Answer | None:
    """The answer about an impulse. Some studios answer without one, some say that there is none."""
    try:
        return Answer(studio.transport.get(studio.path("impulse"), impulseId=impulse_id), "the impulse")
    except ApiError as error:
        if NONE_YET.search(error.what):
            return None
        raise


def require_impulse(studio: Studio, name: str = "") -> Current:
    """The project's impulse. Raises ApiError where it has none."""
    current = current_impulse(studio, name)
    if current is None:
        raise ApiError("the project has no impulse yet", hint="eitk impulse apply")
    return current


def dsp_config(studio: Studio, block: int) -> dict[str, str]:
    """The parameters of a processing block, as strings."""
    answer = Answer(studio.transport.get(studio.path("dsp", block)), "the processing block")
    items = [item for group in answer.objects("config") for item in group.objects("items")]
    return {item.text("param"): _text(item.data.get("value", item.data.get("defaultValue"))) for item in items}


def _dsp(studio: Studio, block: Answer) -> DspState:
    config = dsp_config(studio, block.integer("id"))
    return DspState(block.text("type"), block.text("name"), block.integer("implementationVersion", 1), config)


def _input(block: Answer) -> InputState:
    return InputState(
        block.integer("windowSizeMs", 0),
        block.integer("windowIncreaseMs", 0),
        block.number("frequencyHz", 0.0),
        block.flag("padZeros", False),
    )


def _learn(studio: Studio, block: int) -> LearnState:
    """Read by hand: the official typed answer fails on thresholds."""
    answer = Answer(studio.transport.get(studio.path("training", "keras", block)), "the learn block")
    custom = answer.data.get("customParameters") or {}
    augment = answer.data.get("augmentationPolicySpectrogram") or {}
    expert = answer.text("mode") == "expert"
    return LearnState(
        mode="expert" if expert else "visual",
        layers=() if expert else tuple(_layer(layer.data) for layer in answer.objects("visualLayers", [])),
        script=answer.text("script", "") if expert else "",
        epochs=answer.integer("trainingCycles"),
        learning_rate=answer.number("learningRate"),
        batch_size=answer.integer("batchSize", answer.integer("defaultBatchSize", 32)),
        validation=answer.number("trainTestSplit", 0.2),
        validation_group=answer.text("customValidationMetadataKey", ""),
        auto_class_weights=answer.flag("autoClassWeights", False),
        spec_augment=bool(augment.get("enabled")),
        profile_int8=answer.flag("profileInt8", True),
        seed=int(custom["seed"]) if str(custom.get("seed", "")).isdecimal() else None,
    )


def _layer(layer: Any) -> dict[str, Any]:
    return {key: value for key, value in layer.items() if value is not None and not (key == "enabled" and value)}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
