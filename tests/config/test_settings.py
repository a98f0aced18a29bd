"""Every setting explains itself: the configuration reference is made from these sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, fields, is_dataclass, replace
from typing import Any

import pytest

from ei_toolkit.config import AugmentSettings, Settings
from ei_toolkit.config.ranges import Range
from ei_toolkit.config.setting import check_settings, refused_values
from ei_toolkit.config.settings import CLOUD_ENGINES, ENGINES, TARGETS
from ei_toolkit.errors import SettingsError
from ei_toolkit.studio.http import deployments


def leaves(node: Any, prefix: str = "") -> Iterator[tuple[str, Field[Any]]]:
    for f in fields(node):
        value = getattr(node, f.name)
        yield from leaves(value, f"{prefix}{f.name}.") if is_dataclass(value) else [(prefix + f.name, f)]


@pytest.mark.parametrize(("key", "field"), list(leaves(Settings())), ids=lambda x: x if isinstance(x, str) else "")
def test_a_setting_has_a_sentence(key: str, field: Field[Any]) -> None:
    assert field.metadata["description"].endswith("."), key


def with_value(node: Any, key: str, value: Any) -> Any:
    """The same settings with another value of one of them."""
    name, _, rest = key.partition(".")
    return replace(node, **{name: with_value(getattr(node, name), rest, value) if rest else value})


def faults_of(key: str, value: Any) -> list[str]:
    return [fault.problem for fault in refused_values(with_value(Settings(), key, value))]


RANGES = {key: f.metadata["allowed"] for key, f in leaves(Settings()) if isinstance(f.metadata.get("allowed"), Range)}
NUMBERS = {key: allowed for key, allowed in RANGES.items() if key != "slice.augment.noise_snr_db"}


def test_every_number_but_the_seed_of_a_split_has_a_range() -> None:
    numbers = {key for key, f in leaves(Settings()) if f.type in ("int", "float")}
    assert numbers - NUMBERS.keys() == {"dataset.seed"}


@pytest.mark.parametrize(("key", "allowed"), NUMBERS.items())
def test_a_number_is_accepted_up_to_its_limits_and_refused_beyond(key: str, allowed: Range) -> None:
    step = 1 if allowed.whole else 0.001
    inside = [allowed.low + step * allowed.above, min(allowed.high, 10**6) - step * allowed.below]
    assert [faults_of(key, value) for value in inside] == [[], []]
    low = allowed.low if allowed.above else allowed.low - step
    assert faults_of(key, low) == [f"{key} = {low}: must be {'above' if allowed.above else 'at least'} {allowed.low}"]
    if allowed.high != float("inf"):
        high = allowed.high if allowed.below else allowed.high + step
        assert faults_of(key, high) == [
            f"{key} = {high}: must be {'below' if allowed.below else 'at most'} {allowed.high}"
        ]


@pytest.mark.parametrize("ends", [(), (5.0, 5.0), (-100.0, 100.0)])
def test_a_range_of_noise_may_be_empty_one_value_or_the_whole(ends: tuple[float, ...]) -> None:
    check_settings(AugmentSettings(noise_snr_db=ends), "slice.augment")


@pytest.mark.parametrize(
    "ends", [(5.0,), (1.0, 2.0, 3.0), (6.0, 5.0), (-101.0, 0.0), (0.0, 101.0), (float("nan"), 1.0)]
)
def test_a_range_of_noise_that_cannot_be_is_shown(ends: tuple[float, ...]) -> None:
    with pytest.raises(SettingsError) as caught:
        check_settings(AugmentSettings(noise_snr_db=ends), "slice.augment")
    rule = "must be two numbers, at least -100 and at most 100, the smaller one first"
    assert caught.value.what == f"slice.augment.noise_snr_db = {list(ends)}: {rule}"
    assert caught.value.hint == "For example [5.0, 30.0]; [] stands for none."


def test_a_word_that_is_not_allowed_is_shown_with_a_similar_one() -> None:
    (fault,) = refused_values(with_value(Settings(), "build.engine", "tflite-eom"))
    assert fault.problem.startswith("build.engine = 'tflite-eom': must be one of tflite-eon, ")
    assert fault.hint == "Did you mean tflite-eon?"


def test_the_engines_are_those_of_the_official_client() -> None:
    from edgeimpulse_api import DeploymentTargetEngine  # whose import takes seconds

    assert set(CLOUD_ENGINES) == {engine.value for engine in DeploymentTargetEngine}
    assert set(ENGINES) < set(CLOUD_ENGINES)


def test_the_targets_are_those_of_the_local_studio() -> None:
    assert set(TARGETS) == set(deployments.TARGETS)
