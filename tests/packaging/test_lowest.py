"""The lowest versions that scripts/lowest installs are those that pyproject.toml declares."""

from __future__ import annotations

import runpy
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SCRIPT = runpy.run_path(str(ROOT / "scripts/lowest_pins.py"))
lowest_pins: Callable[[dict[str, Any]], list[str]] = SCRIPT["lowest_pins"]
direct_dependencies: Callable[[dict[str, Any]], list[Requirement]] = SCRIPT["direct_dependencies"]


def project(*core: str, extra: tuple[str, ...] = (), dev: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "project": {"dependencies": list(core), "optional-dependencies": {"local": list(extra)}},
        "dependency-groups": {"dev": list(dev)},
    }


def test_a_pin_is_the_lower_bound_with_its_marker() -> None:
    declared = project(
        "typer>=0.28",
        "sdk==1.0",
        "audio>=2; python_version >= '3.13'",
        extra=("engine[cpu]>=2.21,<2.22",),
        dev=("a~=3.1",),
    )
    pins = ["a==3.1", 'audio==2; python_version >= "3.13"', "engine==2.21", "sdk==1.0", "typer==0.28"]
    assert lowest_pins(declared) == pins


def test_the_same_bound_in_two_extras_gives_one_pin() -> None:
    assert lowest_pins(project("numpy>=2.0", dev=("numpy>=2.0",))) == ["numpy==2.0"]


@pytest.mark.parametrize("text", ["numpy", "numpy<3", "numpy>2", "numpy>=2,>=2.1"])
def test_a_dependency_without_one_lower_bound_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="exactly one lower bound"):
        lowest_pins(project(text))


def test_two_different_bounds_are_refused() -> None:
    with pytest.raises(ValueError, match=r"numpy has two lower bounds: 2\.0 and 2\.1"):
        lowest_pins(project("numpy>=2.0", dev=("numpy>=2.1",)))


def test_every_dependency_has_a_pin_that_it_allows() -> None:
    pins = [Requirement(text) for text in lowest_pins(PYPROJECT)]
    version = {(pin.name, str(pin.marker or "")): str(pin.specifier).removeprefix("==") for pin in pins}
    for declared in direct_dependencies(PYPROJECT):
        assert declared.specifier.contains(version[declared.name, str(declared.marker or "")], prereleases=True)
