"""A small project to report on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ei_toolkit.config import Config, load_config
from ei_toolkit.recipes import write_recipe


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Config]:
    """Configuration of a project in a new folder; flags as in `Environment.config`, with dots."""

    def make(**flags: object) -> Config:
        if not (tmp_path / "eitk.toml").exists():
            write_recipe("robust", tmp_path, clips=None, name=None, force=False)
        return load_config(tmp_path, {}, {key.replace("__", "."): value for key, value in flags.items()})

    return make
