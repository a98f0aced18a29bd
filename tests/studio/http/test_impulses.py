"""Incomplete impulses are stored; requests that need the missing blocks are rejected."""

from __future__ import annotations

from typing import Any


def test_an_impulse_without_an_input_block_is_stored_but_has_no_windows(own_server: Any, make_noise: Any) -> None:
    [file] = own_server.upload({"a.wav": make_noise(1)}, x_label="rock").json()["files"]
    assert own_server.json("POST", "/1/impulse", json={})["success"]
    assert own_server.json("GET", "/1/impulse")["impulse"]["inputBlocks"] == []
    rejected = own_server.json("GET", f"/1/classify/v2/{file['sampleId']}/raw-data/0")
    assert rejected == {"success": False, "error": "The impulse has no input block"}
