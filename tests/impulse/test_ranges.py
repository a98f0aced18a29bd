"""Client, studio and training accept the same values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ei_toolkit.config import TrainingSettings
from ei_toolkit.config.ranges import Range
from ei_toolkit.errors import ConfigurationError
from ei_toolkit.impulse.ranges import SEED, TRAINING_PARAMETERS, check_training
from ei_toolkit.studio.http.errors import ApiError
from ei_toolkit.studio.http.learn import KerasRequest
from ei_toolkit.studio.http.schema import parse

VALID: dict[str, Any] = {"epochs": 30, "learning_rate": 0.005, "batch_size": 32, "validation": 0.2, "seed": 7}
LIMITS = [
    ("epochs", [1, 10_000], [0, 10_001]),
    ("learning_rate", [1e-9, 1], [0, 1.001]),
    ("batch_size", [1, 4096], [0, 4097]),
    ("validation", [0, 0.999], [-0.01, 1]),
    ("seed", [0, 2**32 - 1], [-1, 2**32]),
]


def settings_in_the_studio(name: str, value: float) -> dict[str, Any]:
    api_name = next(parameter.api_name for parameter in TRAINING_PARAMETERS if parameter.name == name)
    body = {"customParameters": {"seed": str(value)}} if api_name == SEED.api_name else {api_name: value}
    return parse(KerasRequest, body).sent()


@pytest.mark.parametrize(("name", "accepted", "_rejected"), LIMITS)
def test_client_and_studio_accept_the_limits(name: str, accepted: list[float], _rejected: list[float]) -> None:
    for value in accepted:
        check_training(**{**VALID, name: value})
        assert settings_in_the_studio(name, value)


@pytest.mark.parametrize(("name", "_accepted", "rejected"), LIMITS)
def test_client_and_studio_reject_what_is_beyond(name: str, _accepted: list[float], rejected: list[float]) -> None:
    for value in rejected:
        with pytest.raises(ConfigurationError, match=f"training.{name} = "):
            check_training(**{**VALID, name: value})
        with pytest.raises(ApiError):
            settings_in_the_studio(name, value)


def test_the_defaults_of_the_settings_are_valid() -> None:
    settings = TrainingSettings()
    check_training(**{name: getattr(settings, name) for name in VALID})
    check_training(**{**VALID, "seed": None})


@pytest.mark.parametrize("value", [True, "3", None, float("nan"), float("inf"), 2.5, 10**400])
def test_a_whole_number_is_nothing_else(value: object) -> None:
    assert value not in Range(1, 10, whole=True)


def test_a_whole_number_may_be_written_as_a_float() -> None:
    assert 8.0 in Range(1, 10, whole=True)  # JSON of some clients


NUMBERS = st.integers(-20, 20) | st.floats(-20, 20) | st.sampled_from([float("nan"), float("inf"), 0.5])


@given(st.integers(-10, 0), st.integers(0, 10), st.booleans(), st.booleans(), st.booleans(), NUMBERS)
def test_a_number_is_in_a_range_by_the_limits_and_the_fraction(
    low: int, high: int, above: bool, below: bool, whole: bool, value: float
) -> None:
    inside = low <= value <= high and not (above and value == low) and not (below and value == high)
    assert (value in Range(low, high, above, below, whole)) == (inside and (not whole or value % 1 == 0))


@pytest.mark.parametrize(
    ("range_", "text"),
    [
        (Range(0, 1), "at least 0 and at most 1"),
        (Range(0, 1, above=True, below=True), "above 0 and below 1"),
        (Range(0.001, 2.5), "at least 0.001 and at most 2.5"),
        (Range(2, 100, whole=True), "a whole number from 2 to 100"),
        (Range(1, whole=True), "a whole number of at least 1"),
        (Range(0), "at least 0"),
    ],
)
def test_a_range_is_written_as_a_sentence_needs_it(range_: Range, text: str) -> None:
    assert str(range_) == text


@pytest.mark.parametrize("value", [object(), "1", b"1", [1], (1,), {1}, 1j, False])
def test_what_is_no_number_is_in_no_range(value: object) -> None:
    assert value not in Range(0, 10)


def test_the_first_parameter_out_of_its_range_is_named_with_the_range_as_hint() -> None:
    with pytest.raises(ConfigurationError, match=r"^training\.learning_rate = 0: must be above 0") as caught:
        check_training(**{**VALID, "learning_rate": 0, "batch_size": 0})
    assert caught.value.hint == "Set training.learning_rate to above 0 and at most 1."
