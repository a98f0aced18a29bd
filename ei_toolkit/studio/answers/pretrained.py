"""Models that were trained elsewhere, as Edge Impulse describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ei_toolkit.studio.refusal import Refusal
from ei_toolkit.studio.wire import Fields

MOST_LABELS = 1000


def pretrained_answer(document: Mapping[str, Any] | None, device_chosen: bool) -> dict[str, Any]:
    """Fields of a `GetPretrainedModelResponse`."""
    if document is None:
        return {"specificDeviceSelected": device_chosen, "availableModelTypes": []}
    model: dict[str, Any] = {
        "fileName": document["fileName"],
        "inputs": document["inputs"],
        "outputs": document["outputs"],
        "supportsTFLite": True,
    }
    if "profile" in document:
        model["profileInfo"] = document["profile"]
    fields: dict[str, Any] = {
        "specificDeviceSelected": bool(document.get("device")) or device_chosen,
        "availableModelTypes": list(document["models"]),
        "model": model,
    }
    return {**fields, **({"modelInfo": document["parameters"]} if "parameters" in document else {})}


def read_parameters(body: Fields, outputs: int) -> dict[str, Any]:
    """`input` and `model` of a `SavePretrainedModelRequest`: classification of raw values."""
    given, wanted = Fields(body.mapping("input")), Fields(body.mapping("model"))
    if wanted.text("modelType", "classification") != "classification":
        raise Refusal("Only classification models can be built by the local studio")
    labels = [str(label) for label in wanted.items("labels")[:MOST_LABELS]] or [str(n) for n in range(outputs)]
    if len(labels) != outputs:
        raise Refusal(f"The model has {outputs} outputs, and {len(labels)} labels were given")
    kind = given.text("inputType", "other")
    source: dict[str, Any] = {"inputType": kind}
    if kind in ("audio", "time-series"):
        source["frequencyHz"] = float(given.number("frequencyHz"))
    if kind == "time-series":
        source["windowLengthMs"] = given.integer("windowLengthMs")
    return {"input": source, "model": {"modelType": "classification", "labels": labels}}
