"""The estimate of a classification: what it is made of, and the hop that it does not fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tiny_model import TinyModel

from ei_toolkit.board.budget import Budget, check_budget, decision_budget, features_ms, known_features_ms
from ei_toolkit.config import DspBlock, Settings
from ei_toolkit.errors import BoardError, ConfigurationError

MFE = DspBlock("mfe", params={"frame_length": 0.02, "frame_stride": 0.01})


def settings_with(*blocks: DspBlock, hop_ms: int = 500) -> Settings:
    base = Settings()
    return replace(base, impulse=replace(base.impulse, dsp=blocks), board=replace(base.board, hop_ms=hop_ms))


def model(kind: str = "SOFTMAX", **options: Any) -> bytes:
    tiny = TinyModel()
    source, output = tiny.tensor((1, 4), scale=0.1), tiny.tensor((1, 4), scale=1 / 256, zero_point=-128)
    tiny.operator(kind, [source], output, "SoftmaxOptions" if kind == "SOFTMAX" else None, **options)
    return tiny.finish(source, output)


def test_the_features_of_all_blocks_add_up() -> None:
    level = features_ms(settings_with())
    one, two = features_ms(settings_with(MFE)), features_ms(settings_with(MFE, MFE))
    assert two - one == pytest.approx(one - level, abs=0.02)


def test_half_the_clock_takes_twice_the_time() -> None:
    fast, slow = (decision_budget(settings_with(MFE), model(beta=1.0), clock) for clock in (64_000_000, 32_000_000))
    assert fast is not None and slow is not None
    assert slow.dsp_ms == pytest.approx(2 * fast.dsp_ms) and slow.nn_ms == pytest.approx(2 * fast.nn_ms)
    assert fast.total_ms == fast.dsp_ms + fast.nn_ms


def test_a_model_that_the_compiler_does_not_support_has_no_estimate() -> None:
    assert decision_budget(settings_with(MFE), model("SIN")) is None
    assert check_budget(settings_with(MFE, hop_ms=1), model("SIN"), 64_000_000) is None


def test_a_hop_that_is_too_short_is_explained_with_both_parts_and_a_hop_that_fits() -> None:
    budget = check_budget(settings_with(MFE, hop_ms=1000), model(beta=1.0), 64_000_000)
    assert isinstance(budget, Budget)
    with pytest.raises(BoardError) as caught:
        check_budget(settings_with(MFE, hop_ms=20), model(beta=1.0), 64_000_000)
    assert caught.value.what == f"a classification takes {budget.total_ms:.0f} ms, longer than board.hop_ms = 20"
    assert caught.value.why.startswith("estimate at 64 MHz: ")
    suggested = int(caught.value.hint.split("hop_ms = ")[1].split()[0])
    assert suggested % 100 == 0 and suggested - 100 < budget.total_ms <= suggested
    check_budget(settings_with(MFE, hop_ms=suggested), model(beta=1.0), 64_000_000)


def test_the_features_of_a_block_with_a_wrong_parameter_are_not_known() -> None:
    wrong = DspBlock("mfe", params={"fft_length": 100})
    with pytest.raises(ConfigurationError, match="must be a power of two"):
        features_ms(settings_with(wrong))
    assert known_features_ms(settings_with(wrong)) is None
    assert known_features_ms(settings_with()) is None
    assert known_features_ms(settings_with(MFE)) == features_ms(settings_with(MFE))
