"""Threshold, smoothing and hold time from scores, compared with a count by hand and with simulated draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ei_toolkit.impulse.calibration import (
    BACKGROUND,
    Aim,
    Decisions,
    Recording,
    choose,
    hourly_interval,
    operating_points,
    settings_to_try,
    share_interval,
    trade_off,
)

CLASSICAL, ROCK = 0, 1
HOP_MS = 500


def recording(label: int, *rock: float, group: str = "a") -> Recording:
    return Recording("one.wav", group, label, np.array([[1 - one, one] for one in rock], np.float32))


def reached(recordings: list[Recording], **settings: Any) -> Any:
    own = Decisions(**{"threshold": 0.6, "smoothing": 1, "hold": 0} | settings)
    (point,) = operating_points(recordings, HOP_MS, 0.05, [own])
    return point


def noisy_recordings(seed: int, groups: int = 12, windows: int = 60) -> list[Recording]:
    """Recordings of groups of different difficulty, in which some windows have the scores of the other label."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(groups):
        label = number % 2
        own = np.clip(random.normal(random.uniform(0.6, 0.9), 0.2, windows), 0, 1)
        found.append(recording(label, *(own if label == ROCK else 1 - own), group=f"g{number}"))
    noise = np.clip(random.normal(0.5, 0.15, windows * 4), 0, 1)
    return [*found, recording(BACKGROUND, *noise, group="noise")]


def test_a_detection_of_another_label_is_a_false_accept_once_while_it_lasts() -> None:
    one = recording(CLASSICAL, 0.9, 0.9, 0.9, 0.5, 0.9, 0.1)
    point = reached([one])
    assert (point.false_accepts, point.recognised, point.labelled) == (2, 1, 1)
    assert point.false_per_hour == pytest.approx(2 / (6 * 0.5 / 3600))
    assert reached([one], hold=8).recall == 0


def test_every_detection_in_background_is_a_false_accept_and_it_has_no_recall() -> None:
    point = reached([recording(BACKGROUND, 0.9, 0.5, 0.1), recording(ROCK, 0.5, 0.5)])
    assert (point.false_accepts, point.recognised, point.labelled) == (2, 0, 1)
    assert reached([recording(BACKGROUND, 0.5)]).recall == 1


def test_smoothing_removes_a_single_wrong_window() -> None:
    one = recording(CLASSICAL, 0.1, 0.1, 0.9, 0.1, 0.1)
    assert reached([one]).false_accepts == 1
    assert reached([one], smoothing=3).false_accepts == 0


def test_each_recording_begins_without_a_recognised_label() -> None:
    both = [recording(ROCK, 0.9, 0.9), recording(CLASSICAL, 0.9, 0.5)]
    assert reached(both, hold=4).false_accepts == 1


@pytest.mark.parametrize("seed", range(2))
def test_the_chosen_settings_meet_both_aims_and_no_others_are_better(seed: int) -> None:
    points = operating_points(noisy_recordings(seed), HOP_MS, 0.05, settings_to_try(2))
    aim = Aim(false_per_hour=60, recall=0.5)
    best = choose(points, aim)
    assert best and best.false_per_hour <= 60 and best.recall >= 0.5
    better = [one for one in points if one.meets(aim) and one.recall > best.recall]
    assert not better
    lowest = choose(points, Aim(recall=0.5))
    assert lowest and lowest.false_per_hour == min(one.false_per_hour for one in points if one.recall >= 0.5)


def test_an_aim_that_no_settings_meet_gives_none() -> None:
    points = operating_points([recording(ROCK, 0.1, 0.1, 0.1)], HOP_MS, 0.05, settings_to_try(2))
    assert choose(points, Aim(recall=0.5)) is None


def test_the_trade_off_has_no_point_that_another_exceeds() -> None:
    points = operating_points(noisy_recordings(1), HOP_MS, 0.05, settings_to_try(2))
    curve = trade_off(points)
    recall, false = [one.recall for one in curve], [one.false_per_hour for one in curve]
    assert recall == sorted(set(recall), reverse=True) and false == sorted(set(false), reverse=True)
    for one in curve:
        assert not any(p.recall > one.recall and p.false_per_hour <= one.false_per_hour for p in points)


def test_intervals_of_shares_are_those_of_clopper_and_pearson() -> None:
    assert share_interval(10, 10).low == pytest.approx(0.6915, abs=1e-4)  # 0.025 ** (1 / 10)
    assert share_interval(0, 10).high == pytest.approx(0.3085, abs=1e-4)
    found = share_interval(5, 10)
    assert (found.low, found.high) == (pytest.approx(0.1871, abs=1e-4), pytest.approx(0.8129, abs=1e-4))
    assert np.isnan(share_interval(0, 0).value)


def test_intervals_of_rates_are_exact_and_wider_where_events_come_together() -> None:
    assert hourly_interval([0, 0], [1.0, 1.0]).high == pytest.approx(3.689 / 2, abs=1e-3)  # -ln(0.025)
    spread, together = hourly_interval([1] * 10, [0.1] * 10), hourly_interval([10] + [0] * 9, [0.1] * 10)
    assert spread.value == together.value == 10
    assert (spread.low, spread.high) == (pytest.approx(4.795, abs=1e-3), pytest.approx(18.390, abs=1e-3))
    assert together.low < 2 and together.high > 40


def test_the_interval_of_a_rate_holds_in_simulated_recordings() -> None:
    random = np.random.default_rng(3)
    inside = 0
    for _ in range(400):
        rates = random.gamma(2.0, 10.0, size=20)  # per hour; differs between recordings
        found = hourly_interval(random.poisson(rates * 0.25).tolist(), [0.25] * 20)
        inside += found.low <= 20.0 <= found.high
    assert inside / 400 > 0.9
