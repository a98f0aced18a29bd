"""Impulses and their blocks as Edge Impulse describes them, and what a request for one must hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ei_toolkit.studio.refusal import Refusal
from ei_toolkit.studio.store.blocks import Impulse
from ei_toolkit.studio.store.projects import LARGEST_BLOCK
from ei_toolkit.studio.wire import Fields

KINDS = ("inputBlocks", "dspBlocks", "learnBlocks", "postProcessingBlocks")
LEARN_TYPES = ("keras",)  # what the local studio can train
LARGEST_WINDOW_MS = 10 * 60_000
LARGEST_FREQUENCY = 384_000


def impulse_answer(impulse: Impulse) -> dict[str, Any]:
    """An `Impulse`."""
    blocks = {kind: impulse.blocks(kind) for kind in KINDS}
    return {"id": impulse.id, "name": impulse.name, "type": impulse.document.get("type", "default"), **blocks}


def read_impulse(body: Fields, versions: Mapping[str, int]) -> dict[str, Any]:
    """The document of a `CreateImpulseRequest`; `versions` holds the latest version of each processing block."""
    document = {
        "type": body.text("type", "default"),
        "inputBlocks": [_input(block) for block in body.objects("inputBlocks")],
        "dspBlocks": [_dsp(block, versions) for block in body.objects("dspBlocks")],
        "learnBlocks": [_learn(block) for block in body.objects("learnBlocks")],
        "postProcessingBlocks": [],
    }
    if body.items("postProcessingBlocks"):
        raise Refusal("Post-processing blocks are not implemented by the local studio")
    _check_references(document)
    return document


def block_ids(document: Mapping[str, Any]) -> list[int]:
    """Ids of all blocks."""
    return [block["id"] for kind in KINDS for block in document.get(kind, [])]


def _input(block: Fields) -> dict[str, Any]:
    if block.text("type", "time-series") != "time-series":
        raise Refusal("The local studio has time-series input blocks only")
    window, frequency = block.integer("windowSizeMs", 1000), block.number("frequencyHz", 16000.0)
    increase = block.integer("windowIncreaseMs", window)
    if not 0 < window <= LARGEST_WINDOW_MS or increase <= 0 or not 0 < frequency <= LARGEST_FREQUENCY:
        raise Refusal("windowSizeMs, windowIncreaseMs and frequencyHz must be above 0 and of a sensible size")
    return {
        **_named(block, "Time series", "Time series data"),
        "type": "time-series",
        "windowSizeMs": window,
        "windowIncreaseMs": increase,
        "frequencyHz": float(frequency),
        "padZeros": block.flag("padZeros", False),
        **({"axes": [str(axis) for axis in block.items("axes")]} if block.has("axes") else {}),
    }


def _dsp(block: Fields, versions: Mapping[str, int]) -> dict[str, Any]:
    kind = block.text("type")
    if kind not in versions:
        raise Refusal(f"There is no processing block {kind!r}; there are {', '.join(versions)}")
    version = block.integer("implementationVersion", 1)
    return {
        **_named(block, kind, kind),
        "type": kind,
        "axes": [str(axis) for axis in block.items("axes")] or ["audio"],
        **({"input": block.integer("input")} if block.has("input") else {}),
        "implementationVersion": version,
    }


def _learn(block: Fields) -> dict[str, Any]:
    kind = block.text("type")
    if kind not in LEARN_TYPES:
        raise Refusal(f"Learn blocks of type {kind!r} are not implemented by the local studio")
    dsp = [Fields({"dsp": id_}).integer("dsp") for id_ in block.items("dsp")]
    return {**_named(block, "Classifier", "Classification"), "type": kind, "dsp": dsp}


def _named(block: Fields, name: str, title: str) -> dict[str, Any]:
    id_ = block.integer("id")
    if not 1 <= id_ <= LARGEST_BLOCK:
        raise Refusal(f"Block ids must be from 1 to {LARGEST_BLOCK}")
    return {"id": id_, "name": block.text("name", name), "title": block.text("title", title)}


def _check_references(document: Mapping[str, Any]) -> None:
    ids = block_ids(document)
    if len(set(ids)) < len(ids):
        raise Refusal("Two blocks have the same id")
    inputs = {block["id"] for block in document["inputBlocks"]}
    blocks = {block["id"] for block in document["dspBlocks"]}
    if any(block.get("input", next(iter(inputs), None)) not in inputs for block in document["dspBlocks"]):
        raise Refusal("A processing block names an input block that is not there")
    if any(not set(block["dsp"]) <= blocks for block in document["learnBlocks"]):
        raise Refusal("A learn block names a processing block that is not there")
