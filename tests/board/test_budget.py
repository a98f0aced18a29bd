"""A model that is too slow for the hop is rejected before a board is changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ei_toolkit.board.budget import Budget, decision_budget, features_ms, known_features_ms
from ei_toolkit.config import Settings
from ei_toolkit.config.settings import DspBlock
from ei_toolkit.eon.library import LibraryDspBlock
from ei_toolkit.eon.library.blocks import block_code
from ei_toolkit.eon.library.cost import level_instructions, window_instructions
from ei_toolkit.eon.profile import latency_ms
from ei_toolkit.impulse import dsp


def set_hop(project: Any, hop_ms: int) -> None:
    config = project.root / "eitk.toml"
    config.write_text(config.read_text().replace("[board]", f"[board]\nhop_ms = {hop_ms}"))


def test_a_hop_shorter_than_a_classification_is_rejected_with_a_hint(pinned_project: Any) -> None:
    set_hop(pinned_project, 100)
    assert pinned_project.eitk("flash", "--board", "emulated") == 6
    assert "longer than board.hop_ms = 100" in pinned_project.stderr
    assert "hop_ms = " in pinned_project.stderr
    assert "network" in pinned_project.stderr


def test_the_host_board_has_no_limit_for_the_hop(pinned_project: Any) -> None:
    set_hop(pinned_project, 100)
    assert pinned_project.eitk("flash", "--board", "host", "--build") == 0, pinned_project.stderr
    assert pinned_project.eitk("board", "stop", "host", "--json") == 0
    assert '"stopped": false' in pinned_project.stdout  # --build does not start the board


def test_a_dry_run_checks_and_changes_nothing(pinned_project: Any) -> None:
    before = sorted(pinned_project.root.rglob("*"))
    assert pinned_project.eitk("flash", "--board", "host", "--dry-run", "--json") == 0, pinned_project.stderr
    assert json.loads(pinned_project.stdout)["replaces_running"] is False
    assert sorted(pinned_project.root.rglob("*")) == before
    set_hop(pinned_project, 100)
    assert pinned_project.eitk("flash", "--board", "emulated", "--dry-run") == 6


def test_an_unknown_board_is_rejected(project: Any) -> None:
    for command in ("tail", "flash"):
        assert project.eitk(command, "--board", "uno") == 2
        assert "nano33ble, emulated, host" in project.stderr


def budget_of(goldens: Path, block: DspBlock) -> Budget:
    settings = Settings()
    settings = replace(settings, impulse=replace(settings.impulse, dsp=(block,)))
    budget = decision_budget(settings, (goldens / "int8" / "sample_int8.tflite").read_bytes())
    assert budget is not None
    return budget


@pytest.mark.parametrize("kind", dsp.block_types(for_boards=True))
def test_omitted_parameters_cost_what_the_defaults_written_out_cost(goldens: Path, kind: Any) -> None:
    defaults = {parameter.name: parameter.default for parameter in dsp.describe(kind).parameters}
    assert budget_of(goldens, DspBlock(kind)) == budget_of(goldens, DspBlock(kind, params=defaults))


def test_half_the_stride_costs_twice_the_frames(goldens: Path) -> None:
    long, short = (budget_of(goldens, DspBlock("mfe", params={"frame_stride": s})).dsp_ms for s in (0.02, 0.01))
    level = latency_ms(level_instructions(48000), "float32")
    assert (short - level) / (long - level) == pytest.approx(2, rel=0.02)


def test_the_estimate_is_that_of_the_library(goldens: Path) -> None:
    code = block_code(LibraryDspBlock(1, "mfcc", 4), 48000, 16000)
    instructions = window_instructions(code) + level_instructions(48000)
    assert budget_of(goldens, DspBlock("mfcc")).dsp_ms == latency_ms(instructions, "float32")


def test_half_the_clock_takes_twice_the_time() -> None:
    settings = Settings()
    settings = replace(settings, impulse=replace(settings.impulse, dsp=(DspBlock("mfe"),)))
    assert features_ms(settings, 32_000_000) == pytest.approx(2 * features_ms(settings, 64_000_000))
    assert known_features_ms(settings) == features_ms(settings)


@pytest.mark.parametrize("blocks", [(), (DspBlock("mfe", params={"frame_stride": 0.0001}),)])
def test_features_that_cannot_be_estimated_have_no_time(blocks: tuple[DspBlock, ...]) -> None:
    settings = Settings()
    assert known_features_ms(replace(settings, impulse=replace(settings.impulse, dsp=blocks))) is None
