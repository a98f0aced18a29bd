"""A scripted studio for command lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import support
from scripted_studio import ScriptedStudio
from scripted_studio import scripted_studio as scripted_studio_running

Command = Callable[..., support.Outcome]


@pytest.fixture
def scripted_studio() -> Iterator[ScriptedStudio]:
    """A studio that answers as the test states."""
    with scripted_studio_running() as script:
        yield script


@pytest.fixture
def eitk_there(scripted_studio: ScriptedStudio, tmp_path: Path) -> Command:
    """Runs a command line in a new folder, with the scripted studio as its studio."""
    return partial(support.eitk, tmp_path, environ=scripted_studio.environ)
