"""Whether the board runs the models of a suite: flash, RAM, time and operators, each with its figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tiny_model import TinyModel, classifier

from ei_toolkit.config.boards import window_ram_bytes
from ei_toolkit.eon.check import check_model
from ei_toolkit.evaluation.suite_board import Obstacles, compiled_obstacles, network_obstacles
from ei_toolkit.evaluation.suite_models import TEN_GENRES_NETWORKS
from ei_toolkit.evaluation.suite_networks import NetworkSettings
from ei_toolkit.report.suite_tables import suite_notes, suite_table

THREE_SECONDS = window_ram_bytes(48_000, 780)


def network(name: str) -> Any:
    return next(model.classifier for model in TEN_GENRES_NETWORKS if model.name.startswith(name))


def test_a_small_network_has_no_obstacle() -> None:
    assert compiled_obstacles(check_model(classifier(780, 10)), THREE_SECONDS, 130.0, 500) == ()


def test_flash_ram_and_time_are_stated_with_what_there_is() -> None:
    checked = check_model(classifier(780, 10))
    assert checked.cost is not None
    large = tuple(replace(fit, flash_bytes=2**20) for fit in checked.cost.fits)
    slow = replace(checked, cost=replace(checked.cost, fits=large, latency_ms=1234.4))
    found = dict(compiled_obstacles(slow, 2**18, 130.2, 1000))
    assert found["flash"] == "1,024.0 KiB of 960.0 KiB (network)"
    assert found["RAM"].startswith("25") and " of 256.0 KiB (of which the network takes " in found["RAM"]
    assert found["time"] == "1365 ms (features 130 + network 1234), and a window comes every 1000 ms"


def test_operators_without_a_kernel_are_named() -> None:
    model = TinyModel()
    source, output = (model.tensor((1, 8), scale=0.1) for _ in range(2))
    model.operator("TOPK_V2", [source], output)
    checked = check_model(model.finish(source, output))
    assert compiled_obstacles(checked, 0, 0.0, 500) == (("operators", "the compiler does not support TOPK_V2"),)


@pytest.mark.parametrize(
    ("name", "parameters", "obstacles"),
    [
        ("A4", 1_659_786, (("flash", "1,620.9 KiB of 960.0 KiB (weights)"),)),  # int8: one byte for each parameter
        ("A2", 73_994, (("RAM", "1,028.9 KiB of 256.0 KiB (sketch, window and features)"),)),  # a window of 29.9 s
    ],
)
def test_weights_or_a_window_without_room_need_no_compiler(name: str, parameters: int, obstacles: Obstacles) -> None:
    assert network_obstacles(network(name), 387 * 13, 10, parameters) == obstacles


def test_a_float32_network_takes_four_bytes_for_each_parameter() -> None:
    lstm: NetworkSettings = network("A2")
    assert "flash" not in dict(network_obstacles(lstm, 387 * 13, 10, 983_040 // 4))
    assert dict(network_obstacles(lstm, 387 * 13, 10, 983_044 // 4))["flash"] == "960.0 KiB of 960.0 KiB (weights)"


def test_the_table_states_what_prevents_that_a_model_fits() -> None:
    measured = {"accuracy": 0.7, "row_accuracy": 0.7, "by_seed": [0.7], "interval": [0.6, 0.8], "clips": 9, "groups": 9}
    plain = {
        "published": "", "own_protocol": "clip", "parameters": 1, "size_bytes": 1024, "remark": "",
        "measured": dict.fromkeys(("clip", "artist", "fault-filtered"), measured),
    }  # fmt: skip
    models = [
        {"model": "large", "fits_board": False, "obstacles": {"flash": "2 KiB of 1 KiB", "RAM": "4 KiB of 3 KiB"}},
        {"model": "long", "fits_board": False, "obstacles": {"RAM": "4 KiB of 3 KiB"}},
        {"model": "small", "fits_board": True, "obstacles": {}},
        {"model": "measured before", "fits_board": False},
    ]
    data = {"suite": "ten-genres", "seeds": 1, "models": [plain | model for model in models]}
    assert [row[-1] for row in suite_table(data).rows] == ["no: flash, RAM", "no: RAM", "yes", "no"]
    notes = suite_notes(data)
    assert "Does not fit the board, flash: 2 KiB of 1 KiB: large." in notes
    assert "Does not fit the board, RAM: 4 KiB of 3 KiB: large, long." in notes
