"""The verdict depends only on the evidence, and its text contains everything that determined it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ei_toolkit.config import GateSettings
from ei_toolkit.evaluation.gate import Cost, Difference, Evidence, Trial, judge

COST = Cost(ram_bytes=12_300, flash_bytes=20_100, latency_ms=31, how="cost model", features_ms=120)
GOOD = Trial(
    thresholded_accuracy=0.94,
    top_1_accuracy=0.95,
    track_accuracy=0.96,
    confusion=((90, 8, 2), (2, 98, 0)),
    cost=COST,
)
FIRST = Evidence(
    GOOD, None, None, majority=0.5, threshold=0.6, clips=28, artists=12, worst=("mic", 0.9), interval=(0.85, 0.97)
)
LIMITS = GateSettings()


def against_champion(low: float, high: float) -> Evidence:
    middle = (low + high) / 2
    difference = Difference(0.94 - middle, 0.94, low, high, tracks=28, artists=9)
    return replace(FIRST, champion=GOOD, difference=difference)


def test_the_first_challenger_passes_within_the_limits() -> None:
    verdict = judge(FIRST, LIMITS)
    assert verdict.passed
    assert "There is no champion yet." in verdict.text
    assert (
        "On 28 held-out clips of 12 groups: accuracy at threshold 0.6 94.0 % (95 % interval by group 85.0 % to 97.0 %),"
        " top-1 accuracy 95.0 %,"
        " clip accuracy 96.0 %; majority baseline 50.0 %."
    ) in verdict.text


def test_the_champion_itself_is_called_identical_and_not_compared() -> None:
    text = judge(replace(against_champion(0, 0), is_champion=True), LIMITS).text
    assert "It is identical to the champion, so there is nothing to promote." in text
    assert "The champion:" not in text


def test_clips_with_unknown_labels_are_counted_apart() -> None:
    text = judge(replace(FIRST, unknown_labels={"jazz": 3, "blues": 1}), LIMITS).text
    assert "4 clips with labels the model does not know: blues, jazz; not scored." in text


def test_without_an_estimate_of_the_features_only_the_network_counts() -> None:
    network_only = replace(FIRST, challenger=replace(GOOD, cost=replace(COST, features_ms=None)))
    assert judge(network_only, GateSettings(max_latency_ms=40)).passed
    assert "31 ms (network only) of 40 ms" in judge(network_only, GateSettings(max_latency_ms=40)).text


@pytest.mark.parametrize(("low", "high", "passed"), [
    (0.01, 0.05, True),  # better
    (-0.05, 0.01, True),  # worse, but not certainly
    (-0.05, 0.0, True),
    (-0.09, -0.01, False),  # certainly worse
])  # fmt: skip
def test_a_challenger_fails_only_if_it_is_certainly_worse(low: float, high: float, passed: bool) -> None:
    assert judge(against_champion(low, high), LIMITS).passed is passed


def test_max_drop_allows_some_more() -> None:
    worse = against_champion(-0.09, -0.01)
    assert judge(worse, GateSettings(max_drop=2)).passed
    assert not judge(worse, GateSettings(max_drop=0.5)).passed


@pytest.mark.parametrize(("limits", "word"), [
    (GateSettings(max_ram_kb=11), "12.0 KiB of RAM, 11.0 KiB are allowed"),
    (GateSettings(max_flash_kb=19), "19.6 KiB of flash, 19.0 KiB are allowed"),
    (GateSettings(max_latency_ms=150), "a classification takes 151 ms (features 120 + network 31), 150 ms"),
    (GateSettings(min_robust_accuracy=91), "under mic the top-1 accuracy is only 90.0 %"),
])  # fmt: skip
def test_each_limit_has_a_reason_of_its_own(limits: GateSettings, word: str) -> None:
    verdict = judge(FIRST, limits)
    assert not verdict.passed
    assert len(verdict.reasons) == 1
    assert word in verdict.reasons[0]
    assert verdict.reasons[0] in verdict.text


def test_the_worst_condition_counts() -> None:
    noisy = replace(FIRST, worst=("white 10 dB", 0.7))
    assert not judge(noisy, GateSettings(min_robust_accuracy=75)).passed
    assert judge(noisy, GateSettings(min_robust_accuracy=70)).passed
    assert "white 10 dB: top-1 accuracy 70.0 %" in judge(noisy, LIMITS).text


def test_a_model_that_always_predicts_one_label_does_not_pass() -> None:
    stuck = replace(FIRST, challenger=replace(GOOD, thresholded_accuracy=0.5))
    assert "most frequent label" in judge(stuck, LIMITS).reasons[0]


def test_several_reasons_are_all_given() -> None:
    verdict = judge(against_champion(-0.2, -0.1), GateSettings(max_ram_kb=1, max_flash_kb=1))
    assert len(verdict.reasons) == 3
    assert verdict.text.startswith(
        "The challenger does not pass: even the upper end of the interval, -10.0 points, is worse"
    )
