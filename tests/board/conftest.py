"""Fixtures: a project with a tiny library, and boards that are stopped again."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ei_toolkit.board.stand_in import stop
from ei_toolkit.board.state import STAND_INS
from ei_toolkit.commands.app import run
from ei_toolkit.commands.environment import Environment
from ei_toolkit.console import Console

TINY = Path(__file__).parent / "tiny_library" / "Tiny_inferencing"


@dataclass
class Project:
    """A project folder and what a command printed there."""

    root: Path
    stdout: str = ""
    stderr: str = ""

    def eitk(self, *arguments: str) -> int:
        out, err = io.StringIO(), io.StringIO()
        code = run(arguments, Environment(Console(out, err), self.root, {"NO_COLOR": "1"}))
        self.stdout, self.stderr = out.getvalue(), err.getvalue()
        return code

    @property
    def boards(self) -> Path:
        return self.root / ".eitk" / "boards"


@pytest.fixture
def tiny() -> Path:
    """A library of a few lines with Edge Impulse's public face."""
    return TINY


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project with the recipe `robust` whose boards end with the test."""
    made = Project(tmp_path)
    assert made.eitk("init", "--recipe", "robust") == 0
    yield made
    for name in STAND_INS:
        stop(made.boards, name)


@pytest.fixture(params=["host", pytest.param("emulated", marks=pytest.mark.arm)])
def board(request: pytest.FixtureRequest) -> str:
    """Each stand-in board in turn; the emulated one where its tools are."""
    import shutil

    if request.param == "emulated" and not (shutil.which("qemu-system-arm") and shutil.which("arm-none-eabi-g++")):
        pytest.skip("the ARM compiler and QEMU are not installed")
    return str(request.param)


Flash = Callable[..., int]
