"""What differs between an impulse that is wanted and one that is there, readable line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Literal

from ei_toolkit.api.impulse.state import DspState, ImpulseState, LearnState, VisualLayer

Part = Literal["structure", "dsp", "learn"]


@dataclass(frozen=True)
class Change:
    """One value that differs. `block` is the index of the processing block in `dsp` changes."""

    part: Part
    key: str
    there: str
    wanted: str
    block: int = 0


def diff(there: ImpulseState | None, wanted: ImpulseState) -> tuple[Change, ...]:
    """All changes that turn `there` into `wanted`; none means that they are the same."""
    if there is None:
        return tuple(_everything(wanted))
    return (*_structure(there, wanted), *_configs(there, wanted), *_learn(there.learn, wanted.learn))


def structure(state: ImpulseState) -> Mapping[str, str]:
    """What `POST /impulse` holds: the input window and which blocks there are."""
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
    """Whether two parameter texts mean the same: 0.020 and 0.02 do."""
    try:
        return float(a) == float(b)
    except ValueError:
        return a.strip().lower() == b.strip().lower()


def layer_text(layer: VisualLayer) -> str:
    """A visual layer on one line: `conv2d neurons=8 kernelSize=3 stack=1`."""
    return " ".join([str(layer["type"]), *(f"{k}={v:g}" for k, v in layer.items() if k != "type")])


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
    """Parameters that eitk.toml does not set are the studio's to choose."""
    for index, block in enumerate(wanted.dsp):
        old = there.dsp[index].config if index < len(there.dsp) and _kin(there.dsp[index], block) else {}
        for key, value in block.config.items():
            if key not in old or not same_value(old[key], value):
                yield Change("dsp", _dsp_key(block, key), old.get(key, ""), value, index)


def _learn(there: LearnState, wanted: LearnState) -> Iterator[Change]:
    old, new = learn_values(there), learn_values(wanted)
    for key in sorted(old.keys() | new.keys(), key=[*new, *old].index):
        if key == "seed" and there.seed is None:
            continue  # the studio does not say; every training sends it anyway
        if old.get(key, "") != new.get(key, ""):
            yield Change("learn", f"learn.{key}", old.get(key, ""), new.get(key, ""))


def learn_values(learn: LearnState) -> Mapping[str, str]:
    """The learn block's settings as texts, one entry a layer."""
    values = {f.name: _text(getattr(learn, f.name)) for f in fields(learn) if f.name not in ("layers", "script")}
    values |= {f"layers[{index}]": layer_text(layer) for index, layer in enumerate(learn.layers)}
    if learn.mode == "expert":
        values["script"] = learn.script
    return values


def _kin(a: DspState, b: DspState) -> bool:
    return (a.type, a.version) == (b.type, b.version)


def _dsp_key(block: DspState, key: str) -> str:
    return f"{block.name}.{key}"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
