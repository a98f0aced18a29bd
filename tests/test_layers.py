"""Imports go downward only: the dependency direction that docs/architecture.md describes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "ei_toolkit"

LAYER = {
    "__main__": 10,
    "cli": 9,
    "api": 8,
    "report": 7,
    "evaluation": 6, "compression": 6,
    "client": 5, "board": 5, "studio": 5,
    "training": 4, "eon": 4,
    "tuning": 4,
    "features": 4,
    "impulse": 3, "dataset": 3,
    "audio": 2, "compute": 2,
    "config": 1,
    "errors": 0, "system": 0,
}  # fmt: skip
SEPARATE = {"client", "board", "studio"}
"""Packages of one layer that never import each other: they communicate over HTTP or a serial line."""


def imported_packages(source: str) -> Iterator[str]:
    """The top-level packages of ei_toolkit that the source text imports, by any form of import."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "ei_toolkit":
            yield from (alias.name for alias in node.names if alias.name != "__version__")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ei_toolkit."):
            yield (node.module or "").split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("ei_toolkit."))


@pytest.mark.parametrize(
    "source",
    ["from ei_toolkit import board", "import ei_toolkit.board.parser", "from ei_toolkit.board.parser import Parser"],
)
def test_every_form_of_import_is_seen(source: str) -> None:
    assert list(imported_packages(source)) == ["board"]


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda f: str(f.relative_to(PACKAGE)))
def test_a_module_imports_only_from_its_own_package_and_lower_layers(file: Path) -> None:
    own = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if own == "__init__":
        return
    for other in set(imported_packages(file.read_text(encoding="utf-8"))) - {own}:
        assert LAYER[other] <= LAYER[own], f"{own} must not import {other}"
        assert not {own, other} <= SEPARATE, f"{own} and {other} communicate over HTTP or a serial line only"
