"""The JSON Schema of eitk.toml, made of the settings, the processing blocks and the layers.

Editors with Taplo (Even Better TOML and others) read it: `eitk init` writes it into the project and names it in the
first line of eitk.toml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from ei_toolkit import __version__
from ei_toolkit.client.endpoint import LOCAL
from ei_toolkit.config import DspBlock, Layer, Settings
from ei_toolkit.config.ranges import PowersOfTwo, Range
from ei_toolkit.config.settings import ENGINES, TARGETS, plain
from ei_toolkit.impulse import dsp
from ei_toolkit.impulse.layers import LAYER_TYPES, LayerType, settings_range

TAPLO_INFO = {"authors": ["eitk"], "version": __version__, "patterns": [r"^(.*[/\\])?eitk\.toml$"]}
"""By which Taplo associates the schema with files: a catalog, or an editor, reads it from the schema itself."""
DRAFT = "http://json-schema.org/draft-07/schema#"
Schema = dict[str, Any]
TYPES: Mapping[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
BLOCK_TYPES = {"int": "integer", "float": "number", "boolean": "boolean"}


def settings_schema() -> Schema:
    """Return the schema of all tables of eitk.toml."""
    local = {"properties": {"studio": {"properties": {"url": {"const": LOCAL}}}}}
    build = {"engine": {"enum": list(ENGINES)}, "target": {"enum": list(TARGETS)}}
    schema = {"$schema": DRAFT, "title": "eitk.toml", "x-taplo-info": TAPLO_INFO, **_table(Settings)}
    tables = schema["properties"]
    tables["studio"]["properties"]["url"]["pattern"] = f"^({LOCAL}|https?://.+/v1/*)$"
    tables["studio"]["properties"]["ingestion_url"]["pattern"] = "^(|https?://.+)$"
    tables["studio"]["properties"]["remote_management_url"]["pattern"] = "^(|wss?://.+)$"
    return schema | {"if": local, "then": {"properties": {"build": {"properties": build}}}}


def _table(cls: Any) -> Schema:
    """Return the schema of a table. What the key `type` of a block or layer decides is a condition for each type."""
    if cls is DspBlock:
        forms = {kind: _block(kind) for kind in dsp.block_types()}
        return {"type": "object", "description": _lead(cls), "required": ["type"], **_by_type(forms)}
    hints = get_type_hints(cls)
    properties = {f.name: _setting(hints[f.name], f) for f in fields(cls)}
    table = {"type": "object", "description": _lead(cls), "properties": properties, "additionalProperties": False}
    if cls is Layer:
        table |= {"required": ["type"], "allOf": _by_type({each.name: _layer(each) for each in LAYER_TYPES})["allOf"]}
    return table


def _by_type(forms: Mapping[str, Schema]) -> Schema:
    """Return the types that a table can have, and the schema that applies to each."""
    choices = [
        {"if": {"properties": {"type": {"const": kind}}, "required": ["type"]}, "then": form}
        for kind, form in forms.items()
    ]
    return {"properties": {"type": {"enum": list(forms)}}, "allOf": choices}


def _block(kind: str) -> Schema:
    """Return the keys of a processing block: its own, and its parameters with Edge Impulse's names."""
    block = dsp.describe(kind)
    own = {f.name: f.metadata["description"] for f in fields(DspBlock) if "description" in f.metadata}
    parameters = {
        p.name: {"type": BLOCK_TYPES[p.type], "description": p.help, "default": p.default} | _allowed(p.allowed)
        for p in block.parameters
    }
    return {
        "properties": {
            "type": {"description": own["type"]},
            "implementation_version": {"enum": list(block.versions), "description": own["implementation_version"]},
            "name": {"type": "string", "description": own["name"]},
            **parameters,
        },
        "additionalProperties": False,
    }


def _layer(layer: LayerType) -> Schema:
    """Return the ranges of the parameters of a layer, and those that it needs."""
    return {
        "properties": {p.name: _limits(settings_range(p)) for p in layer.parameters},
        "required": [p.name for p in layer.parameters if p.default is None],
    }


def _setting(hint: Any, field: Field[Any]) -> Schema:
    """Return the schema of one setting, with its description and its default."""
    schema = _value(hint) | ({"description": field.metadata["description"]} if "description" in field.metadata else {})
    allowed = field.metadata.get("allowed")
    if isinstance(allowed, Range):
        schema |= _pair(allowed) if get_origin(hint) is tuple else _limits(allowed)
    elif allowed is not None:
        schema["enum"] = list(allowed)
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return schema if default is MISSING or is_dataclass(default) else schema | {"default": plain(default)}


def _value(hint: Any) -> Schema:
    """Return the schema of a value of a type of the settings."""
    if is_dataclass(hint):
        return _table(hint)
    if get_origin(hint) is Literal:
        return {"enum": list(get_args(hint))}
    if get_origin(hint) is tuple:
        item = _value(get_args(hint)[0])
        array = {"type": "array", "items": item}
        is_table = is_dataclass(get_args(hint)[0])  # [impulse.dsp] is an array of one
        return {"oneOf": [item, array]} if is_table else array
    if get_origin(hint) is Mapping:
        return {"type": "object", "additionalProperties": _value(get_args(hint)[1])}
    return {"type": TYPES[hint]}


def _limits(allowed: Range) -> Schema:
    """Return the limits of a range, without those that are infinite."""
    low, high = "exclusiveMinimum" if allowed.above else "minimum", "exclusiveMaximum" if allowed.below else "maximum"
    infinite = float("inf")
    return {key: end for key, end in ((low, allowed.low), (high, allowed.high)) if abs(end) != infinite}


def _allowed(allowed: Range | PowersOfTwo) -> Schema:
    return {"enum": allowed.values} if isinstance(allowed, PowersOfTwo) else _limits(allowed)


def _pair(allowed: Range) -> Schema:
    """Return the schema of a list that is empty or has two numbers of a range."""
    return {
        "items": {"type": "number", **_limits(allowed)},
        "oneOf": [{"maxItems": 0}, {"minItems": 2, "maxItems": 2}],
    }


def _lead(cls: Any) -> str:
    """Return the first paragraph of the docstring of a table, without its name in front."""
    text = " ".join((cls.__doc__ or "").split("\n\n")[0].split())
    text = text.split(": ", 1)[-1] if text.startswith("[") else text
    return text[:1].upper() + text[1:]
