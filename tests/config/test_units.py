"""Sizes are in KiB, and the time of a classification is that of the features and of the network."""

from __future__ import annotations

import pytest

from ei_toolkit.config.units import classification_time, counted, kib, percent


@pytest.mark.parametrize(("size", "text"), [
    (0, "0.0 KiB"), (1024, "1.0 KiB"), (5325, "5.2 KiB"), (1024**2, "1,024.0 KiB"),
])  # fmt: skip
def test_sizes_are_in_units_of_1024_bytes(size: int, text: str) -> None:
    assert kib(size) == text


@pytest.mark.parametrize(("features", "network", "text"), [
    (131.2, 14.8, "146 ms (features 131 + network 15)"),
    (20.0, 2.25, "22 ms (features 20 + network 2.2)"),
    (None, 14.8, "15 ms (network only)"),
])  # fmt: skip
def test_the_time_names_its_parts(features: float | None, network: float, text: str) -> None:
    assert classification_time(features, network) == text


def test_one_thing_is_singular() -> None:
    assert [counted(number, "clip") for number in (0, 1, 2)] == ["0 clips", "1 clip", "2 clips"]


def test_fractions_have_one_decimal() -> None:
    assert [percent(value) for value in (0.0, 0.9007, 1.0)] == ["0.0 %", "90.1 %", "100.0 %"]
