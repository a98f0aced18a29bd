"""Target devices and model variants."""

from __future__ import annotations

from typing import Any

import pytest
from studio_in_process import Api

from ei_toolkit.studio.http.targets import default_constraints, model_variants


def constraints(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = api.fields("GET", "/1/target-constraints")["targetConstraints"]
    return found


def test_the_default_device_is_the_nano_33_with_its_memory(api: Api) -> None:
    found = constraints(api)
    assert found["selectedTargetBasedOn"] == "default"
    [device] = found["targetDevices"]
    assert device["latencyDevice"] == "arduino-nano-33-ble"
    [processor] = device["processors"]
    assert processor["clockRateMhz"] == {"minimum": 64, "maximum": 64} and processor["fpu"] is True
    memory = processor["memory"]
    assert memory["ram"]["fastBytes"]["maximum"] == 256 * 1024 and memory["rom"]["fastBytes"]["maximum"] == 1024 * 1024


def test_the_device_of_the_project_is_the_default_device_of_the_constraints(api: Api) -> None:
    api.fields("POST", "/1", json={"latencyDevice": "raspberry-pi-rp2040"})
    [device] = constraints(api)["targetDevices"]
    assert device["latencyDevice"] == "raspberry-pi-rp2040" and device["processors"][0]["fpu"] is False


def test_constraints_are_returned_as_they_were_sent_with_their_unknown_fields(api: Api) -> None:
    device = {"latencyDevice": "cortex-m7-216mhz", "board": "own", "processors": [{"ram": 1}]}
    budgets = [{"latencyPerInferenceMs": {"maximum": 12.5}}]
    api.fields("POST", "/1/target-constraints", json={"targetDevices": [device], "applicationBudgets": budgets})
    found = constraints(api)
    assert found["targetDevices"] == [device] and found["applicationBudgets"] == budgets
    assert found["selectedTargetBasedOn"] == "user-configured"


def test_the_first_device_with_a_name_becomes_the_device_of_the_project(api: Api) -> None:
    devices = [{"name": "custom"}, {"latencyDevice": "cortex-m7-216mhz"}, {"latencyDevice": "raspberry-pi-rp2040"}]
    api.fields("POST", "/1/target-constraints", json={"targetDevices": devices})
    assert api.studio.store.projects.get(1).settings["latencyDevice"] == "cortex-m7-216mhz"


def test_constraints_without_a_named_device_keep_the_device_of_the_project(api: Api) -> None:
    api.fields("POST", "/1", json={"latencyDevice": "cortex-m7-216mhz"})
    api.fields("POST", "/1/target-constraints", json={"targetDevices": []})
    assert api.studio.store.projects.get(1).settings["latencyDevice"] == "cortex-m7-216mhz"
    assert constraints(api)["targetDevices"] == []


@pytest.mark.parametrize(
    ("sent", "stored"), [("recent-project", "recent-project"), ("by chance", "user-configured"), (7, "user-configured")]
)
def test_an_unknown_basis_counts_as_configured_by_the_user(api: Api, sent: Any, stored: str) -> None:
    api.fields("POST", "/1/target-constraints", json={"selectedTargetBasedOn": sent})
    assert constraints(api)["selectedTargetBasedOn"] == stored


def test_a_device_that_is_no_object_is_named(api: Api) -> None:
    response = api.call("POST", "/1/target-constraints", json={"targetDevices": [{}, "nano"]})
    assert response.status_code == 400
    assert response.json()["error"] == "targetDevices[1] must be an object, but is 'nano'"


def test_an_unknown_device_has_the_data_of_the_default_device() -> None:
    assert default_constraints("unknown") == default_constraints(None) == default_constraints("arduino-nano-33-ble")


@pytest.mark.parametrize(
    ("files", "variants"),
    [
        ([], []),
        (["keras"], []),
        (["tflite-float32"], [("float32", True, True)]),
        (["tflite-int8"], [("int8", False, True)]),
        (["keras", "tflite-float32", "tflite-int8"], [("int8", False, True), ("float32", True, False)]),
    ],
)
def test_int8_is_selected_if_there_is_one_and_float32_is_the_reference(
    files: list[str], variants: list[tuple[str, bool, bool]]
) -> None:
    found = [(one["variant"], one["isReferenceVariant"], one["isSelected"]) for one in model_variants(files)]
    assert found == variants


def test_the_variants_of_a_project_are_those_of_its_trained_blocks(api: Api) -> None:
    assert api.fields("GET", "/1/model-variants") == {"modelVariants": []}
    api.studio.store.blocks.put(1, 1, "i", {"learnBlocks": [{"id": 3}, {"id": 4}]})
    api.studio.store.artifacts.put_model(1, 4, {"keras": "a", "tflite-float32": "b"}, {})
    [variant] = api.fields("GET", "/1/model-variants", "ingestion_deployment")["modelVariants"]
    assert (variant["variant"], variant["isEnabled"]) == ("float32", True)
    assert api.fields("GET", "/1/model-variants?impulseId=2") == {"modelVariants": []}
