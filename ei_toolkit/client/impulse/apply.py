"""Compare two impulses and apply the difference, with the request classes of the official client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from ei_toolkit.client.impulse.current import Current, current_impulse, impulse_id_of, require_impulse
from ei_toolkit.client.impulse.state import DspState, ImpulseState, LearnState
from ei_toolkit.client.official import official
from ei_toolkit.client.project import Studio
from ei_toolkit.client.responses import Response, parse_response
from ei_toolkit.errors import ApiError
from ei_toolkit.impulse.layers import VisualLayer
from ei_toolkit.impulse.spec_augment import policy

AUDIO_AXIS = "audio"


class _NewBlock(Response, frozen=True):
    block_id: int


class _NewImpulse(Response, frozen=True):
    id: int


def impulse_body(state: ImpulseState, name: str, input_id: int, dsp_ids: Sequence[int], learn_id: int) -> Any:
    """Return a CreateImpulseRequest, with `implementationVersion`: without it the cloud uses version 1."""
    window = official("ImpulseInputBlock")(
        id=input_id,
        type="time-series",
        name="Time series",
        title="Time series data",
        windowSizeMs=state.input.window_ms,
        windowIncreaseMs=state.input.increase_ms,
        frequencyHz=state.input.frequency_hz,
        padZeros=state.input.pad_zeros,
    )
    blocks = [
        official("ImpulseDspBlock")(
            id=block_id,
            type=block.type,
            name=block.name,
            title=block.name,
            axes=[AUDIO_AXIS],
            input=input_id,
            implementationVersion=block.version,
        )
        for block_id, block in zip(dsp_ids, state.dsp, strict=True)
    ]
    learn = official("ImpulseLearnBlock")(
        id=learn_id, type="keras", name="Classifier", title="Classification", dsp=list(dsp_ids)
    )
    named = {"name": name} if name else {}
    return official("CreateImpulseRequest")(inputBlocks=[window], dspBlocks=blocks, learnBlocks=[learn], **named)


def learn_body(learn: LearnState) -> Any:
    """Return a SetKerasParameterRequest, which the learn block and the training job accept."""
    network: dict[str, Any] = {"mode": learn.mode}
    if learn.mode == "expert":
        network["script"] = learn.script
    else:
        network["visualLayers"] = [official("KerasVisualLayer")(**layer) for layer in learn.layers]
    seed = {"customParameters": {"seed": str(learn.seed)}} if learn.seed is not None else {}
    return official("SetKerasParameterRequest")(
        **network,
        **seed,
        trainingCycles=learn.epochs,
        learningRate=learn.learning_rate,
        batchSize=learn.batch_size,
        trainTestSplit=learn.validation,
        customValidationMetadataKey=learn.validation_group,
        autoClassWeights=learn.auto_class_weights,
        augmentationPolicySpectrogram=official("AugmentationPolicySpectrogram")(**policy(learn.spec_augment)),
        profileInt8=learn.profile_int8,
    )


Part = Literal["structure", "dsp", "learn"]


@dataclass(frozen=True)
class Change:
    """One value that differs: `there` in the studio, `wanted` in eitk.toml. `block`: index of the processing block."""

    part: Part
    key: str
    there: str
    wanted: str
    block: int = 0


def diff(there: ImpulseState | None, wanted: ImpulseState) -> tuple[Change, ...]:
    """Return all changes that make `wanted` of `there`; none if the two are equal."""
    if there is None:
        return tuple(_everything(wanted))
    return (*_structure(there, wanted), *_configs(there, wanted), *_learn(there.learn, wanted.learn))


def structure(state: ImpulseState) -> Mapping[str, str]:
    """Return what `POST /impulse` sets: the input window and the list of blocks."""
    window = state.input
    entries = {
        "input.window_ms": str(window.window_ms),
        "input.increase_ms": str(window.increase_ms),
        "input.frequency_hz": f"{window.frequency_hz:g}",
        "input.pad_zeros": str(window.pad_zeros).lower(),
    }
    for index, block in enumerate(state.dsp):
        entries[f"dsp[{index}]"] = f"{block.type} version {block.version} “{block.name}”"
    return entries


def same_value(a: str, b: str) -> bool:
    """Return whether two parameter texts have the same value: 0.020 and 0.02 have."""
    try:
        return float(a) == float(b)
    except ValueError:
        return a.strip().lower() == b.strip().lower()


def layer_text(layer: VisualLayer) -> str:
    """Return a visual layer on one line: `conv2d neurons=8 kernelSize=3 stack=1`."""
    kind = str(layer.get("type", "unknown"))
    return " ".join([kind, *(f"{key}={_text(value)}" for key, value in layer.items() if key != "type")])


def _everything(wanted: ImpulseState) -> Iterator[Change]:
    yield from (Change("structure", key, "", value) for key, value in structure(wanted).items())
    for index, block in enumerate(wanted.dsp):
        yield from (Change("dsp", _dsp_key(block, key), "", v, index) for key, v in block.config.items())
    yield from (Change("learn", key, "", value) for key, value in learn_values(wanted.learn).items())


def _structure(there: ImpulseState, wanted: ImpulseState) -> Iterator[Change]:
    old, new = structure(there), structure(wanted)
    for key in sorted(old.keys() | new.keys(), key=[*new, *old].index):
        if old.get(key, "") != new.get(key, ""):
            yield Change("structure", key, old.get(key, ""), new.get(key, ""))


def _configs(there: ImpulseState, wanted: ImpulseState) -> Iterator[Change]:
    """Parameters that eitk.toml does not set are not compared: the studio chooses them."""
    for index, block in enumerate(wanted.dsp):
        old = there.dsp[index].config if index < len(there.dsp) and _same_block(there.dsp[index], block) else {}
        for key, value in block.config.items():
            if key not in old or not same_value(old[key], value):
                yield Change("dsp", _dsp_key(block, key), old.get(key, ""), value, index)


def _learn(there: LearnState, wanted: LearnState) -> Iterator[Change]:
    old, new = learn_values(there), learn_values(wanted)
    for key in sorted(old.keys() | new.keys(), key=[*new, *old].index):
        if key == "seed" and there.seed is None:
            continue  # the studio does not return the seed; every training sends it
        if old.get(key, "") != new.get(key, ""):
            yield Change("learn", f"learn.{key}", old.get(key, ""), new.get(key, ""))


def learn_values(learn: LearnState) -> Mapping[str, str]:
    """Return the settings of the learn block as texts, with one entry for each layer."""
    values = {f.name: _text(getattr(learn, f.name)) for f in fields(learn) if f.name not in ("layers", "script")}
    values |= {f"layers[{index}]": layer_text(layer) for index, layer in enumerate(learn.layers)}
    if learn.mode == "expert":
        values["script"] = learn.script
    return values


def _same_block(a: DspState, b: DspState) -> bool:
    return (a.type, a.version) == (b.type, b.version)


def _dsp_key(block: DspState, key: str) -> str:
    return f"{block.name}.{key}"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def apply_impulse(studio: Studio, wanted: ImpulseState, name: str = "") -> tuple[Change, ...]:
    """Change the impulse in the studio and return the changes; nothing is sent if nothing differs.

    A block of the same type and version keeps its id, so that its features and its training are kept.
    Raises ApiError where the studio rejects a change, or does not have the requested values afterwards.
    """
    current = current_impulse(studio, name)
    changes = diff(current.state if current else None, wanted)
    if current is None or any(change.part == "structure" for change in changes):
        current = _set_structure(studio, wanted, current, name)
    open_changes = diff(current.state, wanted)
    for index in sorted({change.block for change in open_changes if change.part == "dsp"}):
        _set_config(studio, current.dsp_ids[index], wanted.dsp[index])
    if any(change.part == "learn" for change in open_changes):
        body = learn_body(wanted.learn)
        studio.transport.post(studio.path("training", "keras", current.learn_id), body, repeatable=True)
    if open_changes:
        _check_applied(diff(require_impulse(studio, name).state, wanted))
    return changes


def _set_structure(studio: Studio, wanted: ImpulseState, current: Current | None, name: str) -> Current:
    input_id = current.input_id if current else _new_id(studio)
    dsp_ids = tuple(_kept_id(block, current, index) or _new_id(studio) for index, block in enumerate(wanted.dsp))
    learn_id = current.learn_id if current else _new_id(studio)
    body = impulse_body(wanted, name, input_id, dsp_ids, learn_id)
    impulse_id = impulse_id_of(studio, name) or (_new_impulse(studio) if name else None)
    studio.transport.post(studio.path("impulse"), body, repeatable=True, impulseId=impulse_id)
    return require_impulse(studio, name)


def _kept_id(block: DspState, current: Current | None, index: int) -> int | None:
    """The id of a block with the same position, type and version; None for any other."""
    if current is None or index >= len(current.dsp_ids):
        return None
    return current.dsp_ids[index] if _same_block(current.state.dsp[index], block) else None


def _new_id(studio: Studio) -> int:
    path = studio.path("impulse", "get-new-block-id")
    return parse_response(studio.transport.post(path, repeatable=True), _NewBlock, path).block_id


def _new_impulse(studio: Studio) -> int:
    path = studio.path("impulse", "new")
    return parse_response(studio.transport.post(path, official("CreateNewEmptyImpulseRequest")()), _NewImpulse, path).id


def _set_config(studio: Studio, block_id: int, block: DspState) -> None:
    studio.transport.post(
        studio.path("dsp", block_id), official("DSPConfigRequest")(config=dict(block.config)), repeatable=True
    )


def _check_applied(remaining: Sequence[Change]) -> None:
    if remaining:
        change = remaining[0]
        raise ApiError(
            f"the studio has not stored {change.key} = {change.wanted}", why=f"it has {change.there or 'no value'}"
        )
