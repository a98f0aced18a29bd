"""The job of the README, run once for all tests of the Python API that need a trained model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import ei_toolkit as eitk

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.fixture(scope="session")
def program() -> str:
    """The Python program of the README."""
    [found] = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


@pytest.fixture(scope="session")
def job(program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The variables of the program of the README, after it ran in a folder of its own."""
    folder = tmp_path_factory.mktemp("readme")
    variables: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        try:
            exec(compile(program, str(README), "exec"), variables)
            yield variables
        finally:
            if project := variables.get("project"):
                eitk.stop_board(project)
                eitk.stop_studio(project)
