"""Imports go downward only: the floors of the house, as docs/architecture.md draws them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "ei_toolkit"

FLOOR = {
    "__main__": 8,
    "commands": 7,
    "report": 6,
    "api": 5, "board": 5, "studio": 5,
    "learn": 4, "eon": 4,
    "dsp": 3, "dataset": 3,
    "audio": 2,
    "recipes": 1,
    "config": 0, "console": 0, "errors": 0,
}  # fmt: skip
APART = {"api", "board", "studio"}  # neighbours that meet on the wire only


def imports_of(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ei_toolkit."):
            yield (node.module or "").split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("ei_toolkit."))


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda f: str(f.relative_to(PACKAGE)))
def test_a_file_imports_only_from_floors_below_its_own(file: Path) -> None:
    own = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if own == "__init__":
        return
    for other in set(imports_of(file)) - {own}:
        assert FLOOR[other] <= FLOOR[own], f"{own} must not import {other}"
        assert not {own, other} <= APART, f"{own} and {other} meet on the wire only"
