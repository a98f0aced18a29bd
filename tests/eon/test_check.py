"""The check of a model: operators, blockers, memory over time, boards, exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from layer_cases import STEPS, loop
from operator_cases import CASES, FIRST, SECOND, streaming
from support import eitk
from tiny_model import TinyModel

from ei_toolkit.eon.check import check_model
from ei_toolkit.eon.compile import compile_model
from ei_toolkit.eon.memory_use import peak_text
from ei_toolkit.eon.profile import estimate
from ei_toolkit.eon.toolchain import failed_tool
from ei_toolkit.report import result_tables
from ei_toolkit.report.result_tables import PICTURE, memory_picture, shown_steps


def large(elements: int) -> bytes:
    """A sum of two tensors that live at the same time."""
    model = TinyModel()
    source, output = (model.tensor((1, elements), **FIRST) for _ in range(2))
    other = model.operator("RELU", [source], model.tensor((1, elements), **SECOND))
    model.operator("ADD", [source, other], output, "AddOptions")
    return model.finish(source, output)


def unsupported() -> bytes:
    """Two operators without a kernel, and one with."""
    model = TinyModel()
    source, output = (model.tensor((1, 8), **FIRST) for _ in range(2))
    first, second = (model.tensor((1, 8), **FIRST) for _ in range(2))
    model.operator("TOPK_V2", [source], first)
    model.operator("RELU", [first], second)
    model.operator("WHERE", [second], output)
    return model.finish(source, output)


def test_operators_are_counted_with_those_that_block() -> None:
    check = check_model(unsupported())
    assert [(use.kind, use.count, use.blocked) for use in check.operators] == [
        ("RELU", 1, 0), ("TOPK_V2", 1, 1), ("WHERE", 1, 1),
    ]  # fmt: skip
    assert [(b.operator, b.kind, b.layer) for b in check.blockers] == [(0, "TOPK_V2", "t2"), (2, "WHERE", "t1")]
    assert all(b.problem and b.remedy for b in check.blockers)
    assert not check.supported and check.cost is None and not check.fits_everywhere


def test_the_memory_of_each_step_is_that_of_the_plan() -> None:
    content = large(1000)
    cost = check_model(content).cost
    assert cost is not None and cost.peak is not None
    assert [step.used_bytes for step in cost.memory] == [2000, 2000]
    assert max(end for step in cost.memory for _, end in step.ranges) == cost.arena_bytes == 2000
    assert "step 0 (RELU, layer 't2')" in peak_text(compile_model(content))
    assert memory_picture(cost.memory[0], cost.arena_bytes) == "█" * PICTURE
    assert memory_picture(cost.memory[0], 4 * cost.arena_bytes) == "█" * (PICTURE // 4) + "·" * (PICTURE - PICTURE // 4)


def test_of_many_steps_the_first_the_last_and_the_peak_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    cost = check_model(loop("int8")).cost
    assert cost is not None and cost.peak is not None
    assert shown_steps(cost) == cost.memory
    monkeypatch.setattr(result_tables, "MOST_STEPS", 6)
    shown = shown_steps(cost)
    assert shown[:2] == cost.memory[:2] and shown[-2:] == cost.memory[-2:] and cost.peak in shown
    assert len(shown) < len(cost.memory)


def test_a_further_step_of_a_loop_adds_the_bytes_of_calls_to_the_estimated_flash() -> None:
    model = compile_model(loop("int8"))
    repeated = [layer.title for layer in model.layers if layer.repeats]
    assert sorted(repeated) == ["ADD"] * (STEPS - 2) + ["GATHER"] * (STEPS - 1)
    separate = replace(model, layers=tuple(replace(layer, repeats=False) for layer in model.layers))
    saved = estimate(separate).sections.flash - estimate(model).sections.flash
    assert saved > 150 * len(repeated)


def test_state_is_part_of_the_arena_at_each_step() -> None:
    cost = check_model(streaming()).cost
    assert cost is not None and cost.state_bytes == 16
    assert all(step.used_bytes >= 16 for step in cost.memory)


@pytest.mark.parametrize(
    ("content", "code", "boards"),
    [
        (CASES["split"](), 0, {"nano33ble": True, "emulated": True, "host": True}),
        (large(110_000), 6, {"nano33ble": False, "emulated": True, "host": True}),  # the sketch needs RAM, too
        (large(140_000), 6, {"nano33ble": False, "emulated": False, "host": True}),
    ],
)
def test_the_exit_code_states_whether_it_fits_each_board(
    tmp_path: Path, content: bytes, code: int, boards: dict[str, bool]
) -> None:
    (tmp_path / "m.tflite").write_bytes(content)
    done = eitk(tmp_path, "eon", "check", "m.tflite", "--json")
    assert done.code == code
    found = json.loads(done.out)
    assert {fit["board"]: fit["fits"] for fit in found["cost"]["fits"]} == boards
    assert found["supported"] and found["fits_everywhere"] == (code == 0)


def test_blockers_are_shown_with_what_to_change(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(unsupported())
    done = eitk(tmp_path, "eon", "check", "m.tflite")
    assert done.code == 1
    words = " ".join(done.out.split())
    assert (
        "operator 0 (TOPK_V2) is not supported, layer 't2': the compiler has no kernel for it change: Return" in words
    )
    assert "operator 2 (WHERE) is not supported, layer 't1'" in words
    found = json.loads(eitk(tmp_path, "eon", "check", "m.tflite", "--json").out)
    assert [blocker["operator"] for blocker in found["blockers"]] == [0, 2]


def test_a_picture_of_the_arena_and_the_boards_are_shown(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(streaming())
    done = eitk(tmp_path, "eon", "check", "m.tflite")
    assert done.code == 0
    assert "█" in done.out and "peak" in done.out and "nano33ble" in done.out and "of it state" in done.out


def test_a_linker_that_lacks_memory_names_the_bytes_and_the_region() -> None:
    messages = (
        "ld: m.elf section `.bss' will not fit in region `RAM'\n"
        "ld: region `RAM' overflowed by 37940 bytes\nld: region `FLASH' overflowed by 12 bytes"
    )
    error = failed_tool("ld", messages)
    assert "37,940 bytes too many for the RAM, 12 bytes too many for the flash" in error.why
