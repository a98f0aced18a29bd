"""Print the lowest version of every direct dependency that pyproject.toml allows, as pip's constraints.

The table of dependencies is pyproject.toml itself; there is no second list. Dependencies of dependencies get no pin, so
pip takes the newest of them, as it would for someone who holds our own dependencies back.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

PYPROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
LOWER_BOUNDS = (">=", "==", "~=")


def main() -> None:
    """Print one pin a line."""
    print("\n".join(lowest_pins(tomllib.loads(PYPROJECT.read_text(encoding="utf-8")))))


def lowest_pins(pyproject: dict[str, Any]) -> list[str]:
    """Return `name==version; marker` for every direct dependency, sorted and without doubles.

    Raises ValueError for a dependency without a lower bound and for one with two different ones.
    """
    pins: dict[tuple[str, str], str] = {}
    for requirement in direct_dependencies(pyproject):
        key = (requirement.name, str(requirement.marker or ""))
        version = lower_bound(requirement)
        if pins.setdefault(key, version) != version:
            raise ValueError(f"{requirement.name} has two lower bounds: {pins[key]} and {version}")
    return sorted(f"{name}=={version}{f'; {marker}' if marker else ''}" for (name, marker), version in pins.items())


def direct_dependencies(pyproject: dict[str, Any]) -> list[Requirement]:
    """Return the requirements of the package, of each extra, and of each dependency group, on other packages."""
    project = pyproject["project"]
    sets = [
        project["dependencies"],
        *project["optional-dependencies"].values(),
        *pyproject["dependency-groups"].values(),
    ]
    found = [Requirement(text) for texts in sets for text in texts]
    return [one for one in found if one.name != project.get("name")]  # an extra may include another one


def lower_bound(requirement: Requirement) -> str:
    """Return the lowest version that a requirement allows. Raises ValueError where it has no lower bound."""
    bounds = [part.version for part in requirement.specifier if part.operator in LOWER_BOUNDS]
    if len(bounds) != 1:
        raise ValueError(f"{requirement} needs exactly one lower bound, such as {requirement.name}>=1.2")
    return bounds[0]


if __name__ == "__main__":
    main()
