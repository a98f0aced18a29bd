"""What the tests of the report share: the text of a view on a terminal."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console, RenderableType

Shown = Callable[[RenderableType], str]


@pytest.fixture
def on_terminal() -> Shown:
    """Prints a view as on a wide terminal without colours, and returns the text without spaces at the ends of lines."""

    def show(view: RenderableType) -> str:
        out = io.StringIO()
        Console(file=out, width=160, markup=False).print(view)
        return "\n".join(line.rstrip() for line in out.getvalue().splitlines())

    return show
